package proof_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Numbers that cannot be are no parts: they take no memory, and prove and condemn nothing.
func TestNumbersThatCannotBe(t *testing.T) {
	sum := checksum.Bytes(checksum.SHA256, []byte("a"))
	for _, c := range []struct {
		size, part int64
		parts      []int64
		count      int
	}{
		{size: 1 << 60, part: 1, count: 3},
		{size: 1<<62 + 10, part: 1 << 62, count: 3},
		{size: 1 << 30, part: 1, count: 1 << 30},
		{size: 100, part: math.MaxInt64, count: 2},
		{size: 11, part: 0, parts: []int64{-5, 16}, count: 2},
		{size: 11, part: -1, count: 2},
		{size: -1, part: 4, count: 2},
	} {
		composite := sum
		composite.Parts = c.count
		r := proof.Record{Object: at("x"), Size: c.size, PartSize: c.part, Sum: composite, Proved: true}
		for _, n := range c.parts {
			r.Parts = append(r.Parts, proof.Part{Size: n, Sum: sum})
		}
		var w bytes.Buffer
		if err := r.Write(&w); err != nil {
			t.Fatal(err)
		}
		lines, err := proof.ReadManifest(&w)
		if err != nil {
			t.Fatal(err)
		}
		for l, err := range lines {
			if err != nil || len(l.Claims) != 1 || l.Claims[0].Sizes != nil {
				t.Errorf("%+v: %+v, %v", c, l.Claims, err)
			}
		}
	}
}

// An object's metadata are what anybody wrote.
func TestPartSizeInMetadataThatCannotBe(t *testing.T) {
	b := data(11*mib, 3)
	for _, size := range []string{"1", "9223372036854775807", "-1"} {
		m := storetest.New(storetest.Takes(storetest.MD5Checksums), storetest.NoLayout())
		m.Make(at("x"), bytes.NewReader(b), storetest.Made{Parts: []int64{5 * mib}, Attrs: &store.Attrs{Metadata: map[string]string{"haul-part-size": size}}})
		dir := t.TempDir()
		write(t, dir, "x", b)
		cl := client(t, m)
		f, _ := verify(t, cl, proof.Tree(entries(cl, mirror.Local(dir))), entries(cl, mirror.Remote(at(""))), proof.Options{})
		if f["x"].Verdict != proof.OK {
			t.Errorf("%s: %+v", size, f["x"])
		}
	}
}

// An empty object that was uploaded as one part has the sum of one empty part.
func TestEmptyPart(t *testing.T) {
	m := storetest.New(storetest.Takes(storetest.MD5Checksums), storetest.NoLayout())
	m.Make(at("x"), bytes.NewReader(nil), storetest.Made{Parts: []int64{5 * mib}})
	if tag := m.Object(at("x")).ETag; !strings.HasSuffix(tag, "-1") {
		t.Fatal(tag)
	}
	dir := t.TempDir()
	write(t, dir, "x", nil)
	cl := client(t, m)
	f, _ := verify(t, cl, proof.Tree(entries(cl, mirror.Local(dir))), entries(cl, mirror.Remote(at(""))), proof.Options{})
	if f["x"].Verdict != proof.OK {
		t.Errorf("%+v", f["x"])
	}
}

// A list of digests that breaks off, or cannot be read, leaves that open: it is not whole what only its beginning proves.
func TestSidecarsThatBreakOff(t *testing.T) {
	for name, c := range map[string]struct{ list, text string }{
		"a line that is none":    {"md5sum.txt", hexA + "  x\nwhat is this\n" + hexB + "  y\n"},
		"a digest without name":  {"md5sum.txt", hexA + "  x\n" + hexB + "\n"},
		"a receipt that is torn": {"md5sum.txt", `{"haul_receipt":1,"object":{"bucket":"b","key":"x"},"size":1,"digests":{"md5":"` + hexA + `"}}` + "\n{\n"},
	} {
		dir := t.TempDir()
		write(t, dir, "x", []byte("a"))
		write(t, dir, "y", []byte("changed"))
		write(t, dir, c.list, []byte(c.text))
		cl := client(t, storetest.New())
		exists := func(rel string) (bool, error) { return rel == "x" || rel == "y", nil }
		truth, err := proof.Sidecars(t.Context(), cl, entries(cl, mirror.Local(dir)), proof.Names{Exists: exists}, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		f, _ := verify(t, cl, truth, entries(cl, mirror.Local(dir)), proof.Options{})
		if got := f[c.list]; f["x"].Verdict != proof.OK || got.Verdict != proof.Unprovable {
			t.Errorf("%s: %s, %s %s", name, f["x"].Verdict, got.Verdict, got.Text)
		}
	}
}

// Digests of a stream name it "-".
func TestDigestOfAStream(t *testing.T) {
	lines, err := proof.ReadManifest(strings.NewReader(hexA + "  -\n"))
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range lines {
		if err != nil || l.Name != "" {
			t.Errorf("%+v, %v", l, err)
		}
	}
}

// Parts of many records do not lie in memory.
func TestReceiptOfManyParts(t *testing.T) {
	const files, parts = 300, 2000
	var b bytes.Buffer
	for i := range files {
		r := proof.Record{Object: at(fmt.Sprintf("f%03d", i*7%files)), Size: parts, Proved: true}
		for range parts {
			r.Parts = append(r.Parts, proof.Part{Size: 1, Sum: checksum.Bytes(checksum.CRC32, []byte("a"))})
		}
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	held := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := held()
	truth, err := proof.Manifest(bytes.NewReader(b.Bytes()), proof.Names{Exists: func(string) (bool, error) { return true, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer truth.Close()
	if grown := held() - before; grown > 32*mib {
		t.Errorf("%d MiB are held", grown/mib)
	}
	runtime.KeepAlive(&b)
	n := 0
	for i, err := range truth.Items {
		if err != nil || i.Rel != fmt.Sprintf("f%03d", n) || len(i.Parts) != parts {
			t.Fatalf("%d: %s with %d parts, %v", n, i.Rel, len(i.Parts), err)
		}
		n++
	}
}

// So does one that cannot be read at all.
func TestSidecarsThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "x.bam", []byte("a"))
	if err := os.Symlink("nothing", filepath.Join(dir, "x.bam.md5")); err != nil {
		t.Skip(err)
	}
	cl := client(t, storetest.New())
	truth, err := proof.Sidecars(t.Context(), cl, entries(cl, mirror.Local(dir)), proof.Names{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := verify(t, cl, truth, entries(cl, mirror.Local(dir)), proof.Options{})
	if f["x.bam"].Verdict != proof.Unprovable {
		t.Errorf("%+v", f["x.bam"])
	}
}

// A download is only named as what would settle it where something is known to compare with.
func TestNothingToSettle(t *testing.T) {
	m := storetest.New()
	m.PutBytes(at("x"), []byte("a"))
	var b bytes.Buffer
	if err := (proof.Record{Object: at("x"), Size: 1}).Write(&b); err != nil {
		t.Fatal(err)
	}
	cl := client(t, m)
	truth, err := proof.Manifest(&b, proof.Names{Only: "x"})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := verify(t, cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{})
	if got := f["x"]; got.Verdict != proof.Unprovable || got.Settles {
		t.Errorf("%+v", got)
	}
}
