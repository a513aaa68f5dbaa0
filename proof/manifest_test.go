package proof_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

const (
	hexA = "0cc175b9c0f1b6a831c399e269772661" // of "a"
	hexB = "92eb5ffee6ae2fec3ad71c777531578f" // of "b"
	shaA = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
	sha2 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
)

// read gives the lines as texts: digest in hex, name, size.
func read(text string) ([]string, error) {
	lines, err := proof.ReadManifest(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var all []string
	for l, err := range lines {
		if err != nil {
			return all, err
		}
		line := l.Name
		for _, c := range l.Claims {
			line += " " + string(c.Sum.Algorithm) + " " + c.Sum.Hex()
		}
		if l.Size >= 0 {
			line += fmt.Sprintf(" %d", l.Size)
		}
		all = append(all, line)
	}
	return all, nil
}

var manifests = []struct {
	name, text, want string
}{
	{"GNU", hexA + "  x.bam\n" + hexB + " *d/y z.bam\n", "x.bam MD5 A|d/y z.bam MD5 B"},
	{"GNU, escaped", `\` + hexA + `  a\\b\nc` + "\n", "a\\b\nc MD5 A"},
	{"GNU, a name that begins with a space", hexA + "   x\n", " x MD5 A"},
	{"one space", hexA + " x.bam\n", "x.bam MD5 A"},
	{"a tab", hexA + "\tx.bam\n", "x.bam MD5 A"},
	{"capitals, line ends of Windows, a byte order mark, comments", "\xef\xbb\xbf# made by hand\r\n" + strings.ToUpper(hexA) + "  x.bam\r\n\r\n", "x.bam MD5 A"},
	{"BSD", "MD5 (x (1).bam) = " + hexA + "\nSHA256 (y) = " + sha2 + "\n", "x (1).bam MD5 A|y SHA256 " + sha2},
	{"OpenSSL", "MD5(x.bam)= " + hexA + "\nSHA2-256(y)= " + sha2 + "\n", "x.bam MD5 A|y SHA256 " + sha2},
	{"kin, by length", shaA + "  x\n" + sha2 + "  y\n", "x SHA1 " + shaA + "|y SHA256 " + sha2},
	{"DRAGEN", hexA, " MD5 A"},
	{"ENA", "run_accession\tfastq_bytes\tfastq_md5\tfastq_ftp\nERR1\t5;6\t" + hexA + ";" + hexB + "\tftp.sra.ebi.ac.uk/vol1/ERR1_1.fastq.gz;ftp.sra.ebi.ac.uk/vol1/ERR1_2.fastq.gz\nERR2\t\t\t\n",
		"ftp.sra.ebi.ac.uk/vol1/ERR1_1.fastq.gz MD5 A 5|ftp.sra.ebi.ac.uk/vol1/ERR1_2.fastq.gz MD5 B 6"},
	{"ENA, with what was submitted", "run_accession\tsubmitted_md5\tsubmitted_ftp\tfastq_md5\tfastq_ftp\nERR1\t" + hexB + "\th/x.bam\t" + hexA + "\th/x_1.fastq.gz\n",
		"h/x.bam MD5 B|h/x_1.fastq.gz MD5 A"},
	{"GDC", "id\tfilename\tmd5\tsize\tstate\n000-1\tx.bam\t" + hexA + "\t17\tvalidated\n", "000-1/x.bam MD5 A 17"},
	{"CSV", "sample,File Name,MD5,size\ns1,\"x, y.bam\"," + hexA + ",4\ns2,no.bam,,\n", "x, y.bam MD5 A 4|no.bam"},
	{"ENCODE", "File accession\tFile download URL\tmd5sum\nE\thttps://www.encodeproject.org/files/E/E.bam\t" + hexA + "\n", "https://www.encodeproject.org/files/E/E.bam MD5 A"},
}

func TestManifests(t *testing.T) {
	for _, c := range manifests {
		got, err := read(c.text)
		text := strings.NewReplacer(hexA, "A", hexB, "B").Replace(strings.Join(got, "|"))
		if err != nil || text != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, text, err, c.want)
		}
		if !proof.IsManifest([]byte(c.text)) {
			t.Errorf("%s: it is not known for a manifest", c.name)
		}
	}
}

func TestNoManifests(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a BAM":           "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00",
		"a FASTQ":         "@read1\nACGT\n+\nIIII\n",
		"a text":          "Dear customer,\nthe delivery is whole.\n",
		"JSON":            `{"a": 1}`,
		"a VCF":           "##fileformat=VCFv4.2\n#CHROM\tPOS\n1\t2\n",
		"a bad line":      hexA + "  x\nnonsense\n",
		"another digest":  strings.Repeat("ab", 48) + "  x\n",
		"uneven lists":    "fastq_md5\tfastq_ftp\n" + hexA + ";" + hexB + "\tx\n",
		"a bad digest":    "name,md5\nx,zz\n",
		"a digest alone":  "name,md5\n," + hexA + "\n",
		"another receipt": `{"haul_receipt":99}`,
	} {
		if got, err := read(text); !errors.Is(err, proof.ErrManifest) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// names gives the paths that the lines of a manifest become in a target that has some.
func names(t *testing.T, manifest string, has ...string) string {
	t.Helper()
	there := map[string]bool{}
	for _, name := range has {
		there[name] = true
	}
	truth, err := proof.Manifest(strings.NewReader(manifest), proof.Names{Exists: func(rel string) (bool, error) { return there[rel], nil }})
	if err != nil {
		return err.Error()
	}
	defer truth.Close()
	var all []string
	for i, err := range truth.Items {
		if err != nil {
			t.Fatal(err)
		}
		name := i.Rel
		if i.Why != nil {
			name += "!"
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

// Names come to lie below the target, whatever they began with, and never leave it.
func TestNames(t *testing.T) {
	for _, c := range []struct{ manifest, has, want string }{
		{hexA + "  b\n" + hexB + "  ./a\n", "a b", "a b"},
		{hexA + "  run/x\n" + hexB + "  run/d/y\n", "x", "d/y x"},
		{hexA + "  run/x\n" + hexB + "  run/d/y\n", "run/x", "run/d/y run/x"},
		{hexA + "  /data/run/x\n" + hexB + "  /data/run/y\n", "y", "x y"},
		{hexA + "  ../../etc/passwd\n" + hexB + "  x\n", "x", "../../etc/passwd! x"},
		{hexA + "  ../run/x\n", "x", "x"},
		{hexA + "  /etc/passwd\n" + hexB + "  x\n", "x", "etc/passwd x"},
		{hexA + "  a/../../b\n", "", "../b!"},
		{"fastq_md5\tfastq_ftp\n" + hexA + "\tftp.sra.ebi.ac.uk/vol1/x_1.fastq.gz\n", "x_1.fastq.gz", "x_1.fastq.gz"},
		{"submitted_md5\tsubmitted_ftp\tfastq_md5\tfastq_ftp\n" + hexA + "\th/x.bam\t" + hexB + "\th/x_1.fq\n", "x_1.fq", "x_1.fq"},
		{"submitted_md5\tsubmitted_ftp\tfastq_md5\tfastq_ftp\n" + hexA + "\th/x.bam\t" + hexB + "\th/x_1.fq\n", "x.bam x_1.fq", "x.bam x_1.fq"},
		{"id\tfilename\tmd5\tsize\tstate\ni\tx.bam\t" + hexA + "\t1\tlive\n", "i/x.bam", "i/x.bam"},
		{"id\tfilename\tmd5\tsize\tstate\ni\tx.bam\t" + hexA + "\t1\tlive\n", "x.bam", "x.bam"},
		{"path,md5\ns3://bucket/runs/42/x.bam," + hexA + "\n", "42/x.bam", "42/x.bam"},
		{hexA + "  x\n" + hexA + "  x\n" + hexA + "  y\n" + hexB + "  y\n", "x", "x y!"},
		{hexA + "\n", "", "not a manifest of digests: a digest without a name is for one file, and the target is a folder; name the file"},
	} {
		if got := names(t, c.manifest, strings.Fields(c.has)...); got != c.want {
			t.Errorf("%q in a target that has %q: %q, want %q", c.manifest, c.has, got, c.want)
		}
	}
}

// A name of a million folders costs few looks into the target.
func TestDeepName(t *testing.T) {
	looks := 0
	n := proof.Names{Exists: func(string) (bool, error) {
		if looks++; looks > 100_000 {
			return false, errors.New("enough")
		}
		return false, nil
	}}
	truth, err := proof.Manifest(strings.NewReader(hexA+"  "+strings.Repeat("d/", 1_000_000)+"x\n"), n)
	if err != nil {
		t.Fatal(err)
	}
	if err := truth.Close(); err != nil {
		t.Error(err)
	}
}

// A manifest that is too long for memory is sorted all the same, and a name that comes twice is one.
func TestLongManifest(t *testing.T) {
	const n = 45_000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%032x  f%05d\n", i, (i*7919)%n)
	}
	b.WriteString(fmt.Sprintf("%032x  f00000\n%032x  f00001\n", 0, 0))
	truth, err := proof.Manifest(strings.NewReader(b.String()), proof.Names{Exists: func(string) (bool, error) { return true, nil }})
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for item, err := range truth.Items {
		if want := fmt.Sprintf("f%05d", i); err != nil || item.Rel != want || (item.Why != nil) != (i == 1) || len(item.Claims) != 1 {
			t.Fatalf("%+v, %v; want %s", item, err, want)
		}
		i++
	}
	if i != n || truth.Close() != nil {
		t.Errorf("%d names", i)
	}
}

// Receipts are manifests too: of several records of an object, the last counts.
func TestReceiptAsManifest(t *testing.T) {
	var b strings.Builder
	for _, text := range []string{"a", "b"} {
		r := proof.Record{
			Verb: "upload", Object: store.Ref{Bucket: "lab", Key: "run/x"}, Size: 1, ETag: "e" + text, Proved: true,
			Sum: checksum.Bytes(checksum.CRC64NVME, []byte(text)), Digests: map[string]string{"md5": md5Hex([]byte(text))},
		}
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	truth, err := proof.Manifest(strings.NewReader(b.String()), proof.Names{Exists: func(rel string) (bool, error) { return rel == "x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, err := range truth.Items {
		n++
		if err != nil || i.Rel != "x" || i.ETag != "eb" || len(i.Claims) != 2 || i.Why != nil {
			t.Errorf("%+v, %v", i, err)
		}
	}
	if n != 1 || truth.What != "receipt" {
		t.Errorf("%d items of a %s", n, truth.What)
	}
}

// A receipt knows the file under its own name, and vouches by an ETag only for what was proved.
func TestReceiptOfFile(t *testing.T) {
	const here, there = "/data/run/x.bam", "s3://lab/run/y.bam"
	for _, c := range []struct {
		verb, source, target string
		files, proved        bool
		want                 string
	}{
		{"upload", here, there, true, true, "x.bam e"}, {"upload", here, there, false, true, "y.bam e"}, {"upload", here, there, true, false, "x.bam "},
		{"download", there, here, true, true, "x.bam e"}, {"move", there, here, true, true, "x.bam e"}, {"move", here, there, true, true, "x.bam e"},
		{"upload", "-", there, true, true, "y.bam e"}, {"copy", there, there, true, true, "y.bam e"},
	} {
		var b strings.Builder
		r := proof.Record{Verb: c.verb, Source: c.source, Target: c.target, Object: store.Ref{Bucket: "lab", Key: "run/y.bam"}, ETag: "e", Proved: c.proved}
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		truth, err := proof.Manifest(strings.NewReader(b.String()), proof.Names{Files: c.files, Exists: func(rel string) (bool, error) { return len(rel) == 5, nil }})
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range truth.Items {
			if got := i.Rel + " " + i.ETag; err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		}
	}
}

// FuzzManifest: whatever comes, what is read is a digest of a known kind, and reading ends.
func FuzzManifest(f *testing.F) {
	for _, c := range manifests {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, err := proof.ReadManifest(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		for l, err := range lines {
			if err != nil {
				break
			}
			for _, c := range l.Claims {
				if len(c.Sum.Value) != c.Sum.Algorithm.Size() {
					t.Errorf("%q: a sum of %d bytes by %s", l.Name, len(c.Sum.Value), c.Sum.Algorithm)
				}
			}
		}
		// Nothing that a manifest names leads out of a target.
		truth, err := proof.Manifest(strings.NewReader(string(text)), proof.Names{Exists: func(rel string) (bool, error) {
			if outside(rel) {
				t.Errorf("%q was looked for", rel)
			}
			return len(rel)%3 == 0, nil
		}})
		if err != nil {
			return
		}
		defer truth.Close()
		last, any := "", false
		for i, err := range truth.Items {
			if err != nil {
				t.Fatal(err)
			}
			if outside(i.Rel) && i.Why == nil || any && i.Rel <= last {
				t.Errorf("%q after %q, %v", i.Rel, last, i.Why)
			}
			last, any = i.Rel, true
		}
	})
}

func outside(rel string) bool {
	return rel == ".." || strings.HasPrefix(rel, "../") || strings.HasPrefix(rel, "/")
}
