package proof_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

func records(all ...proof.Record) iter.Seq2[proof.Record, error] {
	return func(yield func(proof.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// uploaded is a record of an upload of a file with that content.
func uploaded(path, content string) proof.Record {
	md5 := checksum.Bytes(checksum.MD5, []byte(content))
	return proof.NewRecord("upload", path, "s3://lab/"+path, "s3.example.org", haul.Result{
		Object: store.Object{Ref: store.Ref{Bucket: "lab", Key: path}, ETag: md5.Hex()}, Size: int64(len(content)),
		Modified: time.Unix(1, 5), Digests: []checksum.Sum{md5},
		Proof: haul.Proof{Verified: true, Sum: checksum.Bytes(checksum.CRC64NVME, []byte(content)), Text: "CRC64NVME"},
	})
}

func TestReceiptsComeBack(t *testing.T) {
	name := rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "name")) // also no UTF-8
	})
	rapid.Check(t, func(t *rapid.T) {
		var text bytes.Buffer
		var want []proof.Record
		for range rapid.IntRange(0, 4).Draw(t, "records") {
			r := uploaded(name.Draw(t, "path"), "x")
			r.Object.Key, r.Target, r.Object.Version = name.Draw(t, "key"), name.Draw(t, "target"), name.Draw(t, "version")
			if r.Object.Version = strings.ToValidUTF8(r.Object.Version, "-"); rapid.Bool().Draw(t, "in parts") {
				r.PartSize, r.Parts = 5, []proof.Part{{Size: 5, Sum: r.Sum, ETag: "a"}, {Size: 1}}
			}
			if err := r.Write(&text); err != nil {
				t.Fatal(err)
			}
			want = append(want, r)
		}
		if n := strings.Count(text.String(), "\n"); n != len(want) {
			t.Fatalf("%d lines of %d records", n, len(want))
		}
		var got []proof.Record
		for r, err := range proof.ReadReceipt(&text) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestWhatIsNoReceipt(t *testing.T) {
	var good bytes.Buffer
	if err := uploaded("a", "x").Write(&good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"text": "d41d8cd98f00b204e9800998ecf8427e  a\n", "another format": `{"haul_receipt":2}`, "no format": "{}\n",
		"cut off": good.String() + good.String()[:50], "a number": "5",
	} {
		var last error
		for _, err := range proof.ReadReceipt(strings.NewReader(text)) {
			last = err
		}
		if !errors.Is(last, proof.ErrReceipt) {
			t.Errorf("%s: got %v", name, last)
		}
	}
}

// TestDoc keeps doc/receipt.md and the code together: each field that is written is told there, and no other.
func TestDoc(t *testing.T) {
	r := uploaded("a\xff", "x")
	r.Target, r.Object.Key, r.Object.Version = "b\xff", "c\xff", "v"
	r.PartSize, r.Parts = 5, []proof.Part{{Size: 5, Sum: r.Sum, ETag: "a"}}
	var line bytes.Buffer
	if err := r.Write(&line); err != nil {
		t.Fatal(err)
	}
	r.Name, r.Failed = "d\xff", "why"
	if err := errors.Join(r.Write(&line), ended(2, 1, true).Write(&line)); err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllStringSubmatch(line.String(), -1) {
		written[m[1]] = true
	}
	delete(written, "md5") // a name of an algorithm
	page, err := os.ReadFile("../doc/receipt.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented[m[1][strings.LastIndexByte(m[1], '.')+1:]] = true
	}
	if !reflect.DeepEqual(written, documented) {
		t.Errorf("written %v\ntold %v", written, documented)
	}
}

var oddNames = []string{"plain.bam", "with space", "-dash", "new\nline", `back\slash`, `both\` + "\n\\n", "tab\there", "umlaut-ä", "no-utf8-\xff", "carriage\rreturn", "*star"}

// md5sum itself takes the lines.
func TestMD5SumReadsTheLines(t *testing.T) {
	md5sum, err := exec.LookPath("md5sum")
	if err != nil {
		t.Skip("there is no md5sum here")
	}
	dir := t.TempDir()
	var all []proof.Record
	for _, name := range oddNames {
		if os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600) != nil {
			continue // this file system has no such names
		}
		all = append(all, uploaded(name, "an earlier state"), uploaded(name, name))
	}
	var lines bytes.Buffer
	if err := proof.WriteMD5Sum(&lines, records(all...)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(md5sum, "-c", "--strict")
	cmd.Dir, cmd.Stdin = dir, &lines
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != len(all)/2 {
		t.Errorf("md5sum: %v\n%s", err, out)
	}
}

// ended is the line that ends a run.
func ended(files, covered int, complete bool) proof.Record {
	return proof.RunRecord(proof.Record{Source: "s", Target: "t", Store: "i", Files: files, Covered: covered, Complete: complete})
}

func TestMD5SumNeedsMD5s(t *testing.T) {
	with, without := uploaded("a", "x"), uploaded("b", "x")
	without.Digests = nil
	copied := uploaded("c", "x")
	copied.Source = "s3://lab/from"
	stream := uploaded("d", "x")
	stream.Source = "-"
	stream.Source, stream.Target = "s3://lab/d", "-"
	failed := uploaded("e", "x")
	failed.Failed = "access denied"
	for why, r := range map[string]proof.Record{"without --digest md5": without, "went to a stream": stream, "was not transferred: access denied": failed} {
		var b bytes.Buffer
		if err := proof.WriteMD5Sum(&b, records(r, with, copied)); !errors.Is(err, proof.ErrNoMD5) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v", r.Target, err)
		}
		if b.String() != "9dd4e461268c8034f5c8564e155c67a6  a\n9dd4e461268c8034f5c8564e155c67a6  c\n" {
			t.Errorf("%s: the others are %q", r.Target, b.String())
		}
	}
}

// Lists have the paths below the target: those that the receipt names, or else without the folder that all have in common.
func TestListsAreBelowTheTarget(t *testing.T) {
	one, two := uploaded("x", "1"), uploaded("y", "2")
	one.Source, one.Target, two.Source, two.Target = "/data/run/d/x", "s3://lab/runs/42/d/x", "/data/run/y", "s3://lab/runs/42/y"
	lines := func(write func(io.Writer, iter.Seq2[proof.Record, error]) error, all ...proof.Record) string {
		var b strings.Builder
		if err := write(&b, records(all...)); err != nil {
			return err.Error()
		}
		return b.String()
	}
	const want = "c4ca4238a0b923820dcc509a6f75849b  d/x\nc81e728d9d4c2f636f067f89cc14862c  y\n"
	if got := lines(proof.WriteMD5Sum, one, two); got != want {
		t.Errorf("an older receipt: %s", got)
	}
	one.Name, two.Name = "d/x", "y"
	if got := lines(proof.WriteMD5Sum, one, two, ended(2, 2, true)); got != want {
		t.Errorf("got %s", got)
	}
	if got := lines(proof.WriteMD5Sum, one); got != "c4ca4238a0b923820dcc509a6f75849b  d/x\n" {
		t.Errorf("one file: %s", got)
	}
	other := two
	other.Target, other.Name = "s3://lab/runs/43/y", "y"
	if got := lines(proof.WriteMD5Sum, one, two, other); !strings.Contains(got, `"y" is the name of two files, "s3://lab/runs/42/y" and "s3://lab/runs/43/y"`) {
		t.Errorf("two targets: %s", got)
	}
	two.Digests = nil
	sums := lines(proof.WriteSums, one, two)
	if !strings.Contains(sums, "CRC64NVME (d/x) = "+one.Sum.Hex()+"\n") || !strings.Contains(sums, "MD5 (d/x) = c4ca") || !strings.Contains(sums, "CRC64NVME (y) = ") {
		t.Errorf("sums: %s", sums)
	}
	read, err := proof.ReadManifest(strings.NewReader(sums))
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range read {
		if err != nil || len(l.Claims) != 1 || l.Name != "d/x" && l.Name != "y" {
			t.Errorf("%+v, %v", l, err)
		}
	}
}

// A page says how much of the run the receipt covers, and does not call all proved what it cannot know.
func TestPageSaysWhatIsCovered(t *testing.T) {
	failed := uploaded("b", "x")
	failed.Failed, failed.Proved = "access denied", false
	again := uploaded("b", "x")
	for name, c := range map[string]struct {
		all  []proof.Record
		want []string
	}{
		"broken off": {[]proof.Record{uploaded("a", "x")}, []string{"does not say whether the run that wrote it came to its end"}},
		"whole":      {[]proof.Record{uploaded("a", "x"), ended(1, 1, true)}, []string{`<span class="ok">It covers 1 of 1 file of its last run`}},
		"part": {[]proof.Record{uploaded("a", "x"), failed, ended(3025, 2897, true)},
			[]string{`<span class="no">It covers 2,897 of 3,025 files`, "1 not transferred", "access denied"}},
		"stopped": {[]proof.Record{uploaded("a", "x"), ended(9, 1, false)}, []string{"1 of 9 files, and the run did not finish"}},
		"repeated": {[]proof.Record{uploaded("a", "x"), failed, ended(2, 1, true), again, ended(2, 2, true)},
			[]string{`<span class="ok">It covers 2 of 2 files`, "Receipt: 2 files"}},
	} {
		var b strings.Builder
		if err := proof.WriteHTML(&b, records(c.all...)); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: the page has no %q", name, want)
			}
		}
		if name == "repeated" && strings.Contains(b.String(), "access denied") {
			t.Errorf("%s: the page has an earlier line", name)
		}
	}
}

// Names that a spreadsheet takes for formulas are none in the tables for people.
func TestNoFormulas(t *testing.T) {
	for _, begin := range []string{"=", "+", "-", "@", "\t", "\r"} {
		r := uploaded("x", "x")
		r.Source, r.Target = begin+"cmd|' /C calc'!A0", begin+"x"
		var table, page strings.Builder
		if err := errors.Join(proof.WriteCSV(&table, records(r)), proof.WriteHTML(&page, records(r))); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(table.String())).ReadAll()
		if err != nil || rows[1][2] != "'"+r.Source || rows[1][3] != "'"+r.Target {
			t.Errorf("%q: %q, %v", begin, rows, err)
		}
		if !strings.Contains(page.String(), "<td>&#39;") {
			t.Errorf("%q: the page has it as it is", begin)
		}
	}
}

func TestCSV(t *testing.T) {
	r := uploaded("a,\"b\"\nc", "x")
	r.Time = time.Unix(0, 0)
	var b bytes.Buffer
	if err := proof.WriteCSV(&b, records(r)); err != nil {
		t.Fatal(err)
	}
	want := "time,verb,source,target,version,size,mtime,etag,md5,sha256,sha1,crc64nvme,crc32c,crc32,part_size,parts,sum,proved,proof,sha512,xxhash3,xxhash128,xxhash64\n" +
		"1970-01-01T00:00:00Z,upload,\"a,\"\"b\"\"\nc\",\"s3://lab/a,\"\"b\"\"\nc\",,1,1970-01-01T00:00:01Z,9dd4e461268c8034f5c8564e155c67a6," +
		"9dd4e461268c8034f5c8564e155c67a6,,,,,,,,CRC64NVME Lb1nAmRU5LE=,true,CRC64NVME,,,,\n"
	if b.String() != want {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
}

func TestPageIsHarmless(t *testing.T) {
	bad := uploaded("<script>alert(1)</script>", "x")
	bad.Proved, bad.Proof = false, `<img src="http://evil.example">`
	var b bytes.Buffer
	if err := proof.WriteHTML(&b, records(uploaded("a", "x"), bad)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, not := range []string{"<script", "<img", "<link", "url(", "@import"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %s", not)
		}
	}
	for _, want := range []string{"2 files, 2 B", "1 not verified", "9dd4e461268c8034f5c8564e155c67a6", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
}

func TestFormsAreThoseOfAllBytes(t *testing.T) {
	algorithms := []checksum.Algorithm{checksum.MD5, checksum.SHA256, checksum.CRC32C, checksum.CRC64NVME}
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content")
		size := rapid.Int64Range(0, 100).Draw(t, "part size")
		written, read := proof.NewDigester(algorithms, algorithms, size), proof.NewDigester(algorithms, algorithms, size)
		for piece := range slices.Chunk(content, rapid.IntRange(1, 400).Draw(t, "piece")) {
			if _, err := written.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := read.Read(t.Context(), bytes.NewReader(content), int64(len(content))); err != nil {
			t.Fatal(err)
		}
		want := proof.Digests{Size: int64(len(content)), PartSize: size}
		for _, a := range algorithms {
			want.Full = append(want.Full, checksum.Bytes(a, content))
		}
		for _, a := range algorithms[:3] {
			if size == 0 {
				break
			}
			var parts []checksum.Sum
			for part := range slices.Chunk(content, int(size)) {
				parts = append(parts, checksum.Bytes(a, part))
			}
			if parts == nil {
				parts = []checksum.Sum{checksum.Bytes(a, nil)}
			}
			sum, err := checksum.Compose(parts)
			if err != nil {
				t.Fatal(err)
			}
			want.Composite = append(want.Composite, sum)
		}
		for _, f := range []*proof.Digester{written, read} {
			if got, err := f.Digests(); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
}

func TestFormsOfAFileThatIsShort(t *testing.T) {
	f := proof.NewDigester([]checksum.Algorithm{checksum.MD5}, nil, 0)
	if err := f.Read(t.Context(), strings.NewReader("abc"), 5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// FuzzReadReceipt: what is read can be written, and is then read as the same.
func FuzzReadReceipt(f *testing.F) {
	var seed bytes.Buffer
	if err := errors.Join(uploaded("a\xff", "x").Write(&seed), ended(2, 1, true).Write(&seed)); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		for r, err := range proof.ReadReceipt(bytes.NewReader(text)) {
			if err != nil {
				return
			}
			var one, two bytes.Buffer
			if r.Write(&one) != nil {
				continue // a time that JSON cannot have
			}
			for again, err := range proof.ReadReceipt(bytes.NewReader(one.Bytes())) {
				if err != nil || again.Write(&two) != nil || one.String() != two.String() {
					t.Errorf("%v\n%s\n%s", err, one.String(), two.String())
				}
			}
		}
	})
}
