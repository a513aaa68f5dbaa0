package proof_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// The digests that lie in a tree are its truth, on disk and in the store.
func TestSidecars(t *testing.T) {
	files := map[string]string{
		"dragen.bam": "a", "dragen.bam.md5sum": hexA + "\n",
		"named.bam": "b", "named.bam.md5": hexB + "  /staging/out/named.bam\n",
		"changed.bam": "b", "changed.bam.md5": hexA + "\n",
		"gone.bam.md5": hexA + "\n",
		"odd.bam":      "a", "odd.bam.md5": "no digest at all\n",
		"d/x": "a", "d/y": "b", "d/md5sum.txt": hexA + "  d/x\n" + hexB + "  d/y\n",
		"e/x": "a", "e/SHA256SUMS": sha2 + "  x\n",
		"both.bam": "a", "both.bam.md5": hexB + "\n", "md5sum.txt": hexA + "  both.bam\n",
		"bare.txt": "b", "my_md5.txt": "this is about md5\n",
	}
	want := map[string]proof.Verdict{
		"dragen.bam": proof.OK, "named.bam": proof.OK, "changed.bam": proof.Bad, "gone.bam": proof.Missing, "odd.bam": proof.Unprovable,
		"d/x": proof.OK, "d/y": proof.OK, "e/x": proof.OK, "both.bam": proof.Unprovable, "bare.txt": proof.Extra,
	}
	dir := t.TempDir()
	m := storetest.New()
	for name, text := range files {
		write(t, dir, name, []byte(text))
		m.PutBytes(at("run/"+name), []byte(text))
	}
	cl := client(t, m)
	exists := func(rel string) (bool, error) {
		_, err := os.Stat(filepath.Join(dir, rel))
		return err == nil, nil
	}
	for _, end := range []mirror.End{mirror.Local(dir), mirror.Remote(at("run"))} {
		truth, err := proof.Sidecars(t.Context(), cl, entries(cl, end), proof.Names{Exists: exists}, nil)
		if err != nil {
			t.Fatal(err)
		}
		f, _ := verify(t, cl, truth, entries(cl, end), proof.Options{})
		if end.Path == "" {
			want["e/x"] = proof.Unprovable // the store keeps no SHA-256
		}
		for name, verdict := range want {
			if f[name].Verdict != verdict {
				t.Errorf("%s: %s: %s %s, want %s", end, name, f[name].Verdict, f[name].Text, verdict)
			}
		}
		if len(f) != len(want) {
			t.Errorf("%s: %q", end, slices.Sorted(maps.Keys(f)))
		}
	}
	none := t.TempDir()
	write(t, none, "x", []byte("a"))
	if _, err := proof.Sidecars(t.Context(), cl, entries(cl, mirror.Local(none)), proof.Names{Exists: exists}, nil); !errors.Is(err, store.NotFound) {
		t.Errorf("without any: %v", err)
	}
}

// A line of a manifest or receipt against an object: what compares proves, what does not is left open, and a download settles it.
func TestLines(t *testing.T) {
	b := data(11*mib, 7)
	sum := checksum.Bytes(checksum.MD5, b)
	other := strings.Repeat("0", 32)
	meta := &store.Attrs{Metadata: map[string]string{"md5chksum": sum.Base64()}}
	md5s := storetest.Takes(storetest.MD5Checksums)
	layout := []int64{5 * mib}
	crc := storetest.Made{Parts: layout, Scheme: checksum.Scheme{Algorithm: checksum.CRC32C, Kind: checksum.Composite}}
	record := func(m *storetest.Memory, change bool) string {
		o := m.Object(at("x"))
		r := proof.Record{Object: at("run/x"), Size: int64(len(b)), ETag: "another", PartSize: 5 * mib, Proved: true}
		for i, n := range []int64{5 * mib, 5 * mib, mib} {
			bytes := b[i*5*mib:][:n]
			if change && i == 1 {
				bytes = make([]byte, n)
			}
			r.Parts = append(r.Parts, proof.Part{Size: n, Sum: checksum.Bytes(checksum.CRC32C, bytes)})
		}
		sums := []checksum.Sum{r.Parts[0].Sum, r.Parts[1].Sum, r.Parts[2].Sum}
		r.Sum, _ = checksum.Compose(sums)
		if !change {
			r.ETag = o.ETag
		}
		if change {
			r.Digests = map[string]string{"md5": other}
		}
		var w bytes.Buffer
		_ = r.Write(&w)
		return w.String()
	}
	for _, c := range []struct {
		name     string
		options  []storetest.Option
		how      storetest.Made
		manifest func(*storetest.Memory) string
		verdict  proof.Verdict
		download proof.Verdict
		text     string
	}{
		{"ETag", []storetest.Option{md5s}, storetest.Made{}, nil, proof.OK, proof.OK, "MD5 (ETag), as the manifest has it"},
		{"another ETag", nil, storetest.Made{}, func(*storetest.Memory) string { return other + "  x" }, proof.Bad, proof.Bad, "its MD5 (ETag) differs from the manifest's"},
		{"another ETag, of which nothing shows that it is an MD5", []storetest.Option{md5s}, storetest.Made{}, func(*storetest.Memory) string { return other + "  x" }, proof.Unprovable, proof.Bad, "ETag"},
		{"metadata", nil, storetest.Made{Parts: layout, Attrs: meta}, nil, proof.OK, proof.OK, "MD5 in metadata (md5chksum, as its uploader wrote it), as the manifest has it"},
		{"only a CRC", nil, storetest.Made{Parts: layout}, nil, proof.Unprovable, proof.OK, "the manifest has its MD5, and the store keeps only full-object CRC64NVME"},
		{"only a CRC, and another", nil, storetest.Made{Parts: layout}, func(*storetest.Memory) string { return other + "  x" }, proof.Unprovable, proof.Bad, "and the store keeps only"},
		{"a size", nil, storetest.Made{Parts: layout}, func(*storetest.Memory) string { return "name,size,md5\nx,5," + sum.Hex() + "\n" }, proof.Bad, proof.Bad, "it has 11534336 bytes; expected 5"},
		{"a receipt's sum", nil, crc, func(m *storetest.Memory) string { return record(m, false) }, proof.OK, proof.OK, "the ETag is that of the receipt"},
		{"a receipt's parts", nil, crc, func(m *storetest.Memory) string { return record(m, true) }, proof.Unprovable, proof.Bad, "the receipt has its CRC32C"},
	} {
		m := storetest.New(c.options...)
		m.Make(at("x"), bytes.NewReader(b), c.how)
		cl := client(t, m)
		text := sum.Hex() + "  x\n"
		if c.manifest != nil {
			text = c.manifest(m)
		}
		for _, o := range []proof.Options{{}, {Download: true}} {
			truth, err := proof.Manifest(strings.NewReader(text), proof.Names{Only: "x"})
			if err != nil {
				t.Fatal(c.name, err)
			}
			f, _ := verify(t, cl, truth, entries(cl, mirror.Remote(at(""))), o)
			want := c.verdict
			if o.Download {
				want = c.download
			}
			if got := f["x"]; got.Verdict != want || !o.Download && !strings.Contains(got.Text, c.text) {
				t.Errorf("%s, download %v: %s %s, want %s %s", c.name, o.Download, got.Verdict, got.Text, want, c.text)
			}
		}
	}
}

// A receipt against a file names the parts that differ.
func TestReceiptAgainstFile(t *testing.T) {
	b := data(3000, 8)
	r := proof.Record{Object: at("run/x"), Size: 3000, PartSize: 1000, Proved: true}
	var sums []checksum.Sum
	for i := range 3 {
		s := checksum.Bytes(checksum.CRC32C, b[i*1000:(i+1)*1000])
		sums = append(sums, s)
		r.Parts = append(r.Parts, proof.Part{Size: 1000, Sum: s})
	}
	r.Sum, _ = checksum.Compose(sums)
	var w bytes.Buffer
	if err := r.Write(&w); err != nil {
		t.Fatal(err)
	}
	b[1500] ^= 1
	dir := t.TempDir()
	write(t, dir, "x", b)
	cl := client(t, storetest.New())
	truth, err := proof.Manifest(&w, proof.Names{Exists: func(rel string) (bool, error) { return rel == "x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := verify(t, cl, truth, entries(cl, mirror.Local(dir)), proof.Options{})
	if got := f["x"]; got.Verdict != proof.Bad || !strings.HasSuffix(got.Text, ": part 2 (bytes 1000 to 1999)") {
		t.Errorf("%+v", got)
	}
}
