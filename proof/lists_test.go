package proof_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store/storetest"
)

// listed gives lists of the same four files in forms with several digests in a row.
func listed(files map[string][]byte) map[string]string {
	sum := func(a checksum.Algorithm, name string) string { return checksum.Bytes(a, files[name]).Hex() }
	m := func(name string) string { return sum(checksum.MD5, name) }
	s := func(name string) string { return sum(checksum.SHA256, name) }
	const a, b, c, d = "run/a_1.fq.gz", "run/a_2.fq.gz", "run/b.bam", "run/b.bam.bai"
	return map[string]string{
		"a read sheet": "sample\tforward_file_name\tforward_file_md5\treverse_file_name\treverse_file_md5\n" +
			"A\t" + a + "\t" + m(a) + "\t" + b + "\t" + m(b) + "\nB\t" + c + "\t" + m(c) + "\t" + d + "\t" + m(d) + "\n",
		"X and X_MD5":   "#BAM\tBAM_MD5\tBAI\tBAI_MD5\n" + c + "\t" + m(c) + "\t" + d + "\t" + m(d) + "\n" + a + "\t" + m(a) + "\t" + b + "\t" + m(b) + "\n",
		"numbered":      "filename,filename2,MD5_checksum,MD5_checksum2\n" + a + "," + b + "," + m(a) + "," + m(b) + "\n" + c + "," + d + "," + m(c) + "," + m(d) + "\n",
		"ENA":           "fastq_ftp\tfastq_md5\n" + a + ";" + b + "\t" + m(a) + ";" + m(b) + "\n" + c + ";" + d + "\t" + m(c) + ";" + m(d) + "\n",
		"two digests":   fmt.Sprintf("file,md5,sha256\n%s,%s,%s\n%s,%s,%s\n%s,%s,%s\n%s,%s,%s\n", a, m(a), s(a), b, m(b), s(b), c, m(c), s(c), d, m(d), s(d)),
		"no header":     a + " " + m(a) + " " + s(a) + "\n" + b + " " + m(b) + " " + s(b) + "\n" + c + " " + m(c) + " " + s(c) + "\n" + d + " " + m(d) + " " + s(d) + "\n",
		"by other tool": "MD5 (" + a + ") = " + m(a) + "\n" + m(b) + " *" + b + "\n" + s(c) + "  " + c + "\n" + d + ": " + m(d) + "\n",
		"JSON":          fmt.Sprintf(`[{"file_name":%q,"md5":%q},{"name":%q,"hashes":{"md5":%q,"sha256":%q}},{%q:%q,%q:%q}]`, a, m(a), b, m(b), s(b), c, m(c), d, m(d)),
	}
}

// Whichever digest of a list is another, in whatever column, the delivery is not whole; nor is it where any of its files is not there.
func TestEveryDigestCounts(t *testing.T) {
	files := map[string][]byte{"run/a_1.fq.gz": []byte("a"), "run/a_2.fq.gz": []byte("b"), "run/b.bam": []byte("c"), "run/b.bam.bai": []byte("d")}
	dir := t.TempDir()
	for name, text := range files {
		write(t, dir, name, text)
	}
	cl := client(t, storetest.New())
	exists := func(rel string) (bool, error) {
		_, err := os.Stat(filepath.Join(dir, rel))
		return err == nil, nil
	}
	whole := func(list string) string {
		truth, err := proof.Manifest(strings.NewReader(list), proof.Names{Exists: exists, List: "list"})
		if err != nil {
			return "refused"
		}
		_, s := verify(t, cl, truth, entries(cl, mirror.Local(dir)), proof.Options{})
		if s.OK == len(files) {
			return s.Whole()
		}
		return "not all: " + s.Whole()
	}
	digest := regexp.MustCompile(`[0-9a-f]{32,}`)
	for name, list := range listed(files) {
		if got := whole(list); got != "yes" {
			t.Errorf("%s: %s", name, got)
		}
		for _, at := range digest.FindAllStringIndex(list, -1) {
			for _, other := range []string{strings.Repeat("0", at[1]-at[0]), "spoiled"} {
				if got := whole(list[:at[0]] + other + list[at[1]:]); got == "yes" {
					t.Errorf("%s: whole, with %q in place of %s", name, other, list[at[0]:at[1]])
				}
			}
		}
	}
	if err := os.Remove(filepath.Join(dir, "run", "b.bam.bai")); err != nil {
		t.Fatal(err)
	}
	for name, list := range listed(files) {
		if got := whole(list); got != "not all: no" {
			t.Errorf("%s, without a file: %s", name, got)
		}
	}
}
