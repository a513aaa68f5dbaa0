package digestlist_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"haul.example/haul/internal/digestlist"
)

// file is one of a list.
type file struct {
	name        string
	size        int64
	md5, sha256 string // in hex
}

// rendering writes a list in one form; what it has no place for is not in it.
type rendering struct {
	name          string
	sizes, sha256 bool
	wild          bool // names may have spaces, commas, and the like
	pairs         bool // files come two by two
	write         func([]file) string
}

func each(f func(file) string) func([]file) string {
	return func(all []file) string {
		var b strings.Builder
		for _, one := range all {
			b.WriteString(f(one))
		}
		return b.String()
	}
}

func pairwise(header string, f func(a, b file) string) func([]file) string {
	return func(all []file) string {
		text := header
		for i := 0; i+1 < len(all); i += 2 {
			text += f(all[i], all[i+1])
		}
		return text
	}
}

func table(comma rune, header []string, f func(file) []string) func([]file) string {
	return func(all []file) string {
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = comma
		_ = w.Write(header)
		for _, one := range all {
			_ = w.Write(f(one))
		}
		w.Flush()
		return b.String()
	}
}

func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func inBase64(digest string) string {
	raw, _ := hex.DecodeString(digest)
	return base64.StdEncoding.EncodeToString(raw)
}

func inUTF16(order binary.ByteOrder, text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b = binary.AppendUvarint(b, 0)[:len(b)]
		b = append(b, 0, 0)
		order.PutUint16(b[len(b)-2:], u)
	}
	return string(b)
}

var fileHash = table(',', []string{"Algorithm", "Hash", "Path"}, func(f file) []string {
	return []string{"MD5", strings.ToUpper(f.md5), `C:\data\` + strings.ReplaceAll(f.name, "/", `\`)}
})

var renderings = []rendering{
	{name: "gnu", wild: true, write: each(func(f file) string { return f.md5 + "  " + f.name + "\n" })},
	{name: "gnu, binary", wild: true, write: each(func(f file) string { return f.sha256 + " *" + f.name + "\r\n" })},
	{name: "bsd", wild: true, sha256: true, write: each(func(f file) string {
		return fmt.Sprintf("MD5 (%s) = %s\nSHA256 (%s) = %s\n", f.name, f.md5, f.name, f.sha256)
	})},
	{name: "openssl", wild: true, write: each(func(f file) string { return fmt.Sprintf("MD5(%s)= %s\n", f.name, f.md5) })},
	{name: "name first", write: each(func(f file) string { return f.name + "   " + f.md5 + "\n" })},
	{name: "name, tab", write: each(func(f file) string { return f.name + "\t" + f.md5 + "\n" })},
	{name: "name, colon", write: each(func(f file) string { return f.name + ": " + f.md5 + "\n" })},
	{name: "name, comma", write: each(func(f file) string { return f.name + "," + f.md5 + "\n" })},
	{name: "comma, name", write: each(func(f file) string { return f.md5 + "," + f.name + "\n" })},
	{name: "size between", sizes: true, write: each(func(f file) string { return fmt.Sprintf("%s\t%d\t%s\n", f.md5, f.size, f.name) })},
	{name: "two digests", sha256: true, write: each(func(f file) string { return f.name + " " + f.md5 + " " + f.sha256 + "\n" })},
	{name: "pairs", pairs: true, write: pairwise("", func(a, b file) string {
		return a.name + "\t" + a.md5 + "\t" + b.name + "\t" + b.md5 + "\n"
	})},
	{name: "tsv", wild: true, sizes: true, sha256: true, write: table('\t', []string{"File Name", "MD5", "SHA-256", "Size (bytes)"}, func(f file) []string {
		return []string{f.name, f.md5, f.sha256, fmt.Sprint(f.size)}
	})},
	{name: "csv", wild: true, sizes: true, write: table(',', []string{"sample", "md5sum", "file_size", "s3_path"}, func(f file) []string {
		return []string{"S1", f.md5, fmt.Sprint(f.size), "s3://bucket/" + f.name}
	})},
	{name: "semicolons", wild: true, write: table(';', []string{"checksum", "filename"}, func(f file) []string { return []string{f.md5, f.name} })},
	{name: "algorithm column", wild: true, write: table(',', []string{"hash_type", "hash", "path"}, func(f file) []string {
		return []string{"sha256", f.sha256, f.name}
	})},
	{name: "etag", sizes: true, write: table(',', []string{"Key", "ETag", "Size"}, func(f file) []string {
		return []string{f.name, `"` + f.md5 + `"`, fmt.Sprint(f.size)}
	})},
	{name: "ena", pairs: true, sizes: true, write: pairwise("run_accession\tfastq_ftp\tfastq_md5\tfastq_bytes\n", func(a, b file) string {
		return fmt.Sprintf("ERR1\tftp.h/%s;ftp.h/%s\t%s;%s\t%d;%d\n", a.name, b.name, a.md5, b.md5, a.size, b.size)
	})},
	{name: "read sheet", pairs: true, write: pairwise("sample\tforward_file_name\tforward_file_md5\treverse_file_name\treverse_file_md5\n", func(a, b file) string {
		return "S1\t" + a.name + "\t" + a.md5 + "\t" + b.name + "\t" + b.md5 + "\n"
	})},
	{name: "X, X_MD5", pairs: true, write: pairwise("#CRAM\tCRAM_MD5\tCRAI\tCRAI_MD5\n", func(a, b file) string {
		return a.name + "\t" + a.md5 + "\t" + b.name + "\t" + b.md5 + "\n"
	})},
	{name: "md5_1", pairs: true, write: pairwise("sample,fastq_1,fastq_2,md5_1,md5_2\n", func(a, b file) string {
		return "S1," + a.name + "," + b.name + "," + a.md5 + "," + b.md5 + "\n"
	})},
	{name: "numbered", pairs: true, write: pairwise("filename,filename2,MD5_checksum,MD5_checksum2\n", func(a, b file) string {
		return a.name + "," + b.name + "," + a.md5 + "," + b.md5 + "\n"
	})},
	{name: "markdown", sizes: true, write: func(all []file) string {
		return "| file | bytes | md5 |\n|---|---|---|\n" + each(func(f file) string { return fmt.Sprintf("| %s | %d | `%s` |\n", f.name, f.size, f.md5) })(all)
	}},
	{name: "hashdeep", sizes: true, sha256: true, write: func(all []file) string {
		return "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /\n##\n" +
			each(func(f file) string { return fmt.Sprintf("%d,%s,%s,%s\n", f.size, f.md5, f.sha256, f.name) })(all)
	}},
	{name: "gen3", wild: true, sizes: true, write: func(all []file) string {
		var rows []map[string]any
		for _, f := range all {
			rows = append(rows, map[string]any{"object_id": "dg.1/2", "file_name": f.name, "md5sum": f.md5, "file_size": f.size})
		}
		return inJSON(rows)
	}},
	{name: "drs", wild: true, sizes: true, sha256: true, write: each(func(f file) string {
		return inJSON(map[string]any{"name": f.name, "size": f.size, "checksums": []map[string]string{
			{"type": "md5", "checksum": f.md5}, {"checksum": f.sha256, "type": "sha-256"}}}) + "\n"
	})},
	{name: "a map", write: func(all []file) string {
		m := map[string]string{}
		for _, f := range all {
			m[f.name] = f.md5
		}
		return inJSON(m)
	}},
	{name: "Get-FileHash", wild: true, write: fileHash},
	{name: "UTF-16 LE", wild: true, write: func(all []file) string { return inUTF16(binary.LittleEndian, fileHash(all)) }},
	{name: "UTF-16 BE", wild: true, write: func(all []file) string { return inUTF16(binary.BigEndian, fileHash(all)) }},
	{name: "Format-List", write: each(func(f file) string {
		return fmt.Sprintf("\r\nAlgorithm : MD5\r\nHash      : %s\r\nPath      : C:\\%s\r\n\r\n", f.md5, strings.ReplaceAll(f.name, "/", `\`))
	})},
	{name: "certutil", write: each(func(f file) string {
		return fmt.Sprintf("MD5 hash of %s:\r\n%s\r\nCertUtil: -hashfile command completed successfully.\r\n", f.name, f.md5)
	})},
	{name: "gsutil", write: each(func(f file) string {
		return fmt.Sprintf("Hashes [base64] for %s:\n\tHash (md5):\t\t%s\n", f.name, inBase64(f.md5))
	})},
	{name: "gcloud", write: each(func(f file) string { return fmt.Sprintf("---\nmd5_hash: %s\nurl: %s\n", inBase64(f.md5), f.name) })},
}

// Letters of names: some that every form takes, and some that only a few do.
const tame, wild = "abcXYZ019_.-", "abXY01_.,;'+~é -"

// files draws the files of a list.
func files(t *rapid.T, letters string) []file {
	ends := []string{".bam", ".fastq.gz", ".vcf.gz.tbi", ".cram"}
	part := rapid.StringOfN(rapid.SampledFrom([]rune(letters)), 0, 8, -1)
	var all []file
	for i := range rapid.IntRange(1, 4).Draw(t, "pairs") * 2 {
		name := fmt.Sprintf("f%sx/g%s%d%s", part.Draw(t, "folder"), part.Draw(t, "name"), i, ends[i%len(ends)])
		if name = strings.Replace(name, "x/", "/", i%2); i%3 == 0 {
			name = strings.ReplaceAll(name, "/", "-")
		}
		a, b := md5.Sum([]byte(name)), sha256.Sum256([]byte(name))
		all = append(all, file{name, int64(i) + rapid.Int64Range(0, 1<<40).Draw(t, "size"), hex.EncodeToString(a[:]), hex.EncodeToString(b[:])})
	}
	return all
}

// everyForm checks something of lists in every form.
func everyForm(t *testing.T, check func(t *rapid.T, r rendering, all []file)) {
	rapid.Check(t, func(t *rapid.T) {
		plain, odd := files(t, tame), files(t, wild)
		for _, r := range renderings {
			if r.wild {
				check(t, r, odd)
			}
			check(t, r, plain)
		}
	})
}

// digests returns what a list says, by name and algorithm, its sizes, and whether anything was amiss.
func digests(text string) (sums map[string]string, sizes map[string]int64, amiss error) {
	sums, sizes = map[string]string{}, map[string]int64{}
	entries, err := digestlist.Read(strings.NewReader(text))
	if err != nil {
		return sums, sizes, err
	}
	for e, err := range entries {
		if err != nil {
			amiss = err
			continue
		}
		name := strings.TrimPrefix(e.Name, "C:/")
		for _, above := range []string{"data/", "s3://bucket/", "ftp.h/"} {
			name = strings.TrimPrefix(name, above)
		}
		for _, s := range e.Sums {
			sums[name+" "+string(s.Algorithm)] = s.Hex()
		}
		if e.Size >= 0 {
			sizes[name] = e.Size
		}
	}
	return sums, sizes, amiss
}

// What is written in any form is read as it was meant.
func TestRenderings(t *testing.T) {
	everyForm(t, func(t *rapid.T, r rendering, all []file) {
		text := r.write(all)
		want, sizes := map[string]string{}, map[string]int64{}
		for _, f := range all {
			if strings.Contains(strings.ToLower(plain(text)), f.md5) || strings.Contains(text, inBase64(f.md5)) {
				want[f.name+" MD5"] = f.md5
			}
			if strings.Contains(text, f.sha256) {
				want[f.name+" SHA256"] = f.sha256
			}
			if r.sizes {
				sizes[f.name] = f.size
			}
		}
		got, gotSizes, err := digests(text)
		if err != nil || len(want) == 0 || !maps.Equal(got, want) || !maps.Equal(gotSizes, sizes) {
			t.Fatalf("%s: %s\ngot  %v %v %v\nwant %v %v", r.name, text, got, gotSizes, err, want, sizes)
		}
	})
}

// plain takes the zeros of UTF-16 out.
func plain(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// No digest can change, in whatever column it stands, and leave what the list says as it was.
func TestNoDigestIsPassedOver(t *testing.T) {
	everyForm(t, func(t *rapid.T, r rendering, all []file) {
		text := r.write(all)
		before, _, _ := digests(text)
		f := all[rapid.IntRange(0, len(all)-1).Draw(t, "file")]
		other := rapid.SampledFrom([]string{"0", "f", "g", " ", ""}).Draw(t, "other")
		at := rapid.IntRange(0, 20).Draw(t, "at")
		for _, digest := range []string{f.md5, f.sha256, strings.ToUpper(f.md5), inBase64(f.md5)} {
			changed := digest[:at] + other + digest[at+1:]
			spoiled := strings.Replace(text, digest, changed, 1)
			if strings.EqualFold(changed, digest) || spoiled == text {
				continue
			}
			if after, _, err := digests(spoiled); err == nil && maps.Equal(before, after) {
				t.Fatalf("%s: %q became %q, which changes nothing:\n%s", r.name, digest, changed, spoiled)
			}
		}
	})
}

// One line that cannot be read costs that line.
func TestOneBadLine(t *testing.T) {
	const lines = 40
	for _, r := range renderings {
		if slices.Contains([]string{"gen3", "drs", "a map", "UTF-16 LE", "UTF-16 BE", "certutil", "gsutil", "gcloud", "Format-List", "hashdeep"}, r.name) {
			continue // these have no lines, or one of several for each file
		}
		var all []file
		for i := range lines {
			a, b := md5.Sum([]byte{byte(i)}), sha256.Sum256([]byte{byte(i)})
			all = append(all, file{fmt.Sprintf("f%02d.bam", i), int64(i) + 100, hex.EncodeToString(a[:]), hex.EncodeToString(b[:])})
		}
		text := r.write(all)
		before, _, err := digests(text)
		if err != nil {
			t.Fatal(r.name, err)
		}
		rows := strings.SplitAfter(text, "\n")
		at := len(rows) / 2
		rows[at] = "what is this\n"
		after, _, err := digests(strings.Join(rows, ""))
		if bad := new(digestlist.LineError); !errors.As(err, &bad) || bad.Line != at+1 || len(before)-len(after) > 2 || len(after) == len(before) {
			t.Errorf("%s: %d digests, and then %d: %v", r.name, len(before), len(after), err)
		}
	}
}

// FuzzRead: whatever comes, reading ends, and what is read is a digest of a known kind.
func FuzzRead(f *testing.F) {
	all := []file{{"x.bam", 17, strings.Repeat("0a", 16), strings.Repeat("0b", 32)}, {"d/y.bam", 18, strings.Repeat("0c", 16), strings.Repeat("0d", 32)}}
	for _, r := range renderings {
		f.Add(r.write(all))
	}
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := digestlist.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		ended := false
		for e, err := range entries {
			if ended {
				t.Fatal("it goes on after an error")
			}
			if err != nil {
				ended = !errors.As(err, new(*digestlist.LineError))
				continue
			}
			for i, s := range e.Sums {
				if len(s.Value) != s.Algorithm.Size() {
					t.Errorf("%q: a digest of %d bytes by %s", e.Name, len(s.Value), s.Algorithm)
				}
				for _, other := range e.Sums[:i] {
					if other.Algorithm == s.Algorithm && other.Parts == s.Parts {
						t.Errorf("%q: two digests of %s", e.Name, s.Algorithm)
					}
				}
			}
		}
	})
}
