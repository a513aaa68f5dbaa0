package proof_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

const mib = 1 << 20

// Every way in which a store vouches for an object: the file proves, and one that differs by a byte does not.
func TestProofs(t *testing.T) {
	big := data(17*mib+5, 1)
	scheme := func(a checksum.Algorithm, k checksum.Kind) checksum.Scheme {
		return checksum.Scheme{Algorithm: a, Kind: k}
	}
	meta := func(m map[string]string) *store.Attrs { return &store.Attrs{Metadata: m} }
	kms := func(m map[string]string) *store.Attrs {
		return &store.Attrs{Metadata: m, Encryption: store.Encryption{SSE: "aws:kms"}}
	}
	sum := checksum.Bytes(checksum.MD5, big)
	md5s, none := storetest.Takes(storetest.MD5Checksums), storetest.Takes(storetest.NoChecksums)
	for _, c := range []struct {
		name    string
		options []storetest.Option
		how     storetest.Made
		ok, bad string // text, that of a changed file; UNPROVABLE where it begins so
	}{
		{"full CRC64NVME", nil, storetest.Made{}, "full-object CRC64NVME", "its full-object CRC64NVME differs"},
		{"full CRC64NVME in parts", nil, storetest.Made{Parts: []int64{5 * mib}}, "full-object CRC64NVME", "differs from the file's: part 3 (bytes 10485760 to 15728639)"},
		{"full CRC32 in parts", nil, storetest.Made{Parts: []int64{5 * mib}, Scheme: scheme(checksum.CRC32, checksum.FullObject)}, "full-object CRC32", "part 3"},
		{"composite CRC32C", nil, storetest.Made{Parts: []int64{6 * mib, 5 * mib}, Scheme: scheme(checksum.CRC32C, checksum.Composite)},
			"CRC32C of 4 parts of 6.0 MiB", "its CRC32C of 4 parts of 6.0 MiB differs from the file's: part 2 (bytes 6291456 to 11534335)"},
		{"composite SHA256", nil, storetest.Made{Parts: []int64{8 * mib}, Scheme: scheme(checksum.SHA256, checksum.Composite)}, "SHA256 of 3 parts of 8.0 MiB", "part 2"},
		{"composite without a layout", []storetest.Option{storetest.NoLayout()}, storetest.Made{Parts: []int64{8 * mib}, Scheme: scheme(checksum.CRC32C, checksum.Composite)},
			"CRC32C of 3 parts of 8.0 MiB", "UNPROVABLE"},
		{"full SHA1", nil, storetest.Made{Scheme: scheme(checksum.SHA1, checksum.FullObject)}, "full-object SHA1", "its full-object SHA1 differs"},
		{"ETag", []storetest.Option{md5s}, storetest.Made{}, "MD5 (ETag)", "UNPROVABLE the store has no checksum of it, and its ETag is not the MD5"},
		{"ETag of parts, which the store reports", []storetest.Option{md5s}, storetest.Made{Parts: []int64{7*mib + 1, 9 * mib}}, "MD5 of 3 parts of 7.0 MiB (ETag)", "UNPROVABLE the store has no checksum of it, and its ETag is not the MD5"},
		{"ETag of parts, in metadata", []storetest.Option{md5s, storetest.NoLayout()},
			storetest.Made{Parts: []int64{7*mib + 1}, Attrs: meta(map[string]string{"haul-part-size": "7340033"})}, "MD5 of 3 parts of 7.0 MiB (ETag)", "UNPROVABLE"},
		{"ETag of parts, tried: 5 MiB", []storetest.Option{md5s, storetest.NoLayout()}, storetest.Made{Parts: []int64{5 * mib}}, "MD5 of 4 parts of 5.0 MiB (ETag)", "UNPROVABLE"},
		{"ETag of parts, tried: 16 MiB", []storetest.Option{md5s, storetest.NoLayout()}, storetest.Made{Parts: []int64{16 * mib}}, "MD5 of 2 parts of 16.0 MiB (ETag)", "UNPROVABLE"},
		{"ETag of parts, tried: 6 MB", []storetest.Option{md5s, storetest.NoLayout()}, storetest.Made{Parts: []int64{6_000_000}}, "MD5 of 3 parts of 5.7 MiB (ETag)", "UNPROVABLE"},
		{"ETag of parts, at a size that nobody uses", []storetest.Option{md5s, storetest.NoLayout()}, storetest.Made{Parts: []int64{6_123_456}},
			"UNPROVABLE its ETag, of 3 parts, matches at none of the part sizes", "UNPROVABLE"},
		{"ETag of one part", []storetest.Option{md5s, storetest.NoLayout()}, storetest.Made{Parts: []int64{20 * mib}}, "MD5 of 1 part of 17.0 MiB (ETag)", "UNPROVABLE"},
		{"KMS", []storetest.Option{none}, storetest.Made{Attrs: kms(nil)}, "UNPROVABLE the store has no checksum of it, and under aws:kms its ETag is not an MD5", "UNPROVABLE"},
		{"KMS, rclone's metadata", []storetest.Option{none}, storetest.Made{Attrs: kms(map[string]string{"md5chksum": sum.Base64()})},
			"MD5 in metadata (md5chksum, as its uploader wrote it)", "its MD5 in metadata (md5chksum, as its uploader wrote it) differs from the file's"},
		{"KMS, s3cmd's metadata", []storetest.Option{none}, storetest.Made{Attrs: kms(map[string]string{"s3cmd-attrs": "gid:0/md5:" + sum.Hex() + "/uid:0"})},
			"MD5 in metadata (s3cmd-attrs, as its uploader wrote it)", "its MD5 in metadata"},
		{"metadata that lie beside a checksum", nil, storetest.Made{Attrs: meta(map[string]string{"md5chksum": checksum.Bytes(checksum.MD5, nil).Base64()})},
			"full-object CRC64NVME", "its full-object CRC64NVME differs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := storetest.New(c.options...)
			m.Make(at("x.bam"), bytes.NewReader(big), c.how)
			changed := bytes.Clone(big)
			changed[10*mib+mib/2] ^= 1
			cl := client(t, m)
			for _, try := range []struct {
				b              []byte
				text, download string
			}{{big, c.ok, ""}, {changed, c.bad, "bytes 11010048 to 11010048"}} {
				dir := t.TempDir()
				write(t, dir, "x.bam", try.b)
				for _, o := range []proof.Options{{}, {Download: true}, {Download: true, All: true}} {
					before := m.Counts().Out()
					f, _ := verify(t, cl, proof.Tree(entries(cl, mirror.Local(dir))), entries(cl, mirror.Remote(at(""))), o)
					got := f["x.bam"]
					text, open := strings.CutPrefix(try.text, "UNPROVABLE")
					want := proof.OK
					switch {
					case o.Download && try.download != "":
						want = proof.Bad
					case open && !o.Download:
						want = proof.Unprovable
					case try.download != "":
						want = proof.Bad
					}
					if got.Verdict != want || !o.Download && !strings.Contains(got.Text, strings.TrimSpace(text)) {
						t.Errorf("download %v: %s %s, want %s %s", o.Download, got.Verdict, got.Text, want, try.text)
					}
					if moved := m.Counts().Out() - before; !o.Download && moved > 0 {
						t.Errorf("%d bytes were moved", moved)
					}
					moved := m.Counts().Out() - before
					if byWord := strings.Contains(c.ok, "in metadata"); moved < int64(len(big)) && (o.All || o.Download && byWord) {
						t.Errorf("only %d bytes were read", moved)
					}
					if o.All && want == proof.OK && !strings.HasSuffix(got.Text, ", read again") {
						t.Errorf("all was read, and it says %s", got.Text)
					}
					if o.Download && want == proof.Bad && len(got.Parts) == 0 {
						t.Errorf("%s %s, and nothing says where", got.Verdict, got.Text)
					}
				}
			}
		})
	}
}

// What is on one side only, of another size, or no file is told without a request for it.
func TestTrees(t *testing.T) {
	m := storetest.New()
	cl := client(t, m)
	dir := t.TempDir()
	for key, text := range map[string]string{"same": "ACGT", "d/size": "ACG", "extra": "A", "d/same": ""} {
		m.PutBytes(at("run/"+key), []byte(text))
	}
	for name, text := range map[string]string{"same": "ACGT", "d/size": "ACGT", "d/same": "", "missing": "A"} {
		write(t, dir, name, []byte(text))
	}
	files, objects := entries(cl, mirror.Local(dir)), entries(cl, mirror.Remote(at("run")))
	f, s := verify(t, cl, proof.Tree(files), objects, proof.Options{})
	for name, want := range map[string]proof.Verdict{"same": proof.OK, "d/same": proof.OK, "d/size": proof.Bad, "missing": proof.Missing, "extra": proof.Extra} {
		if f[name].Verdict != want {
			t.Errorf("%s: %s, want %s", name, f[name].Verdict, want)
		}
	}
	if want := (proof.Counts{Found: 5, All: true, OK: 2, Missing: 1, Bad: 1, Extra: 1, Size: 4}); s.Counts != want {
		t.Errorf("%+v, want %+v", s.Counts, want)
	}
	if n := m.Counts()[storetest.Head].Calls; n > 0 {
		t.Errorf("%d objects were asked for", n)
	}
	f, _ = verify(t, cl, proof.Tree(objects), files, proof.Options{})
	if f["extra"].Verdict != proof.Missing || f["missing"].Verdict != proof.Extra || f["same"].Verdict != proof.OK || f["d/size"].Verdict != proof.Bad {
		t.Errorf("the other way round: %v", f)
	}
}

// Trouble with one object is a finding; trouble with all ends the run.
func TestTrouble(t *testing.T) {
	m := storetest.New(storetest.For(t))
	cl := client(t, m)
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		b := data(9*mib, 3)
		write(t, dir, name, b)
		m.PutBytes(at(name), b)
	}
	truth := proof.Tree(entries(cl, mirror.Local(dir)))
	m.Fault(storetest.Head).Key("a").Error(store.Denied)
	m.Fault(storetest.Head).Key("b").Error(store.NotFound)
	f, _ := verify(t, cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{})
	if f["a"].Verdict != proof.Unprovable || !strings.Contains(f["a"].Text, "access denied") || f["b"].Verdict != proof.Missing || f["c"].Verdict != proof.OK {
		t.Errorf("%+v", f)
	}
	m.Fault(storetest.Head).Key("b").Error(store.NoCredentials)
	if _, err := proof.Verify(context.Background(), cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{}); !errors.Is(err, store.NoCredentials) {
		t.Errorf("it ended with %v", err)
	}
	m.Fault(storetest.List).Error(store.Denied)
	if s, err := proof.Verify(context.Background(), cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{}); !errors.Is(err, store.Denied) || s.All {
		t.Errorf("it ended with %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	if _, err := proof.Verify(ctx, cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{}); !errors.Is(err, why) {
		t.Errorf("it ended with %v", err)
	}
}

// What a store gives that does not fit its own word is bad, and found out by a download only.
func TestRotten(t *testing.T) {
	m := storetest.New(storetest.For(t))
	cl := client(t, m)
	b := data(3*mib, 4)
	m.Make(at("x"), bytes.NewReader(b), storetest.Made{})
	manifest := strings.Repeat("0", 32) + "  x\n"
	truth, err := proof.Manifest(strings.NewReader(manifest), proof.Names{Only: "x"})
	if err != nil {
		t.Fatal(err)
	}
	m.Fault(storetest.Get).Always().CorruptByte()
	f, _ := verify(t, cl, truth, entries(cl, mirror.Remote(at(""))), proof.Options{Download: true})
	if f["x"].Verdict != proof.Bad {
		t.Errorf("%+v", f["x"])
	}
}

// Many findings come in order, whatever order their checks end in.
func TestOrder(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.ListPage(100))
	cl := haul.New(m, haul.Options{StateDir: t.TempDir()})
	dir := t.TempDir()
	var names []string
	for i := range 2500 {
		name := string([]byte{'a' + byte(i/26/26%26), 'a' + byte(i/26%26), 'a' + byte(i%26)})
		names = append(names, name)
		write(t, dir, name, []byte(name))
		m.PutBytes(at(name), []byte(name))
	}
	m.PutBytes(at("aab"), []byte("baa"))
	f, s := verify(t, cl, proof.Tree(entries(cl, mirror.Local(dir))), entries(cl, mirror.Remote(at(""))), proof.Options{})
	if got := slices.Sorted(maps.Keys(f)); !slices.Equal(got, names) || s.OK != 2499 || f["aab"].Verdict != proof.Bad {
		t.Errorf("%d names, %+v", len(got), s)
	}
}

// What has rotted behind the store's back shows where all is read, and only there.
func TestReadAgain(t *testing.T) {
	for _, truth := range []string{"files", "digests"} {
		m := storetest.New()
		cl := client(t, m)
		dir := t.TempDir()
		b := data(9*mib, 3)
		write(t, dir, "x.bam", b)
		m.PutBytes(at("x.bam"), b)
		from := func() proof.Expected {
			if truth == "files" {
				return proof.Tree(entries(cl, mirror.Local(dir)))
			}
			list, err := proof.Manifest(strings.NewReader(md5Hex(b)+"  x.bam\n"), proof.Names{Exists: func(string) (bool, error) { return true, nil }})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		for _, o := range []proof.Options{{}, {Download: true}, {All: true}} {
			f, s := verify(t, cl, from(), entries(cl, mirror.Remote(at(""))), o)
			if f["x.bam"].Verdict != proof.OK || strings.HasSuffix(f["x.bam"].Text, "read again") != o.All {
				t.Errorf("%s: %+v: %s %s", truth, o, f["x.bam"].Verdict, f["x.bam"].Text)
			}
			if s.Whole() != "yes" {
				t.Errorf("whole: %s", s.Whole())
			}
		}
		m.Fault(storetest.Get).CorruptByte()
		f, _ := verify(t, cl, from(), entries(cl, mirror.Remote(at(""))), proof.Options{All: true})
		if f["x.bam"].Verdict != proof.Bad {
			t.Errorf("%s: rotten: %s %s", truth, f["x.bam"].Verdict, f["x.bam"].Text)
		}
		m.FaultsFired(t)
	}
}

// What no manifest names is EXTRA, also where it is no file; and a bare digest is about the file that its list is named after.
func TestNoFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "S1.bam", []byte("a"))
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Skip(err)
	}
	cl := client(t, storetest.New())
	for line, want := range map[string]string{"": "S1.bam", "  S1.bam": "S1.bam", "  /staging/S1.bam": "S1.bam"} {
		list, err := proof.Manifest(strings.NewReader(md5Hex([]byte("a"))+line+"\n"), proof.Names{Stem: "S1.bam", Exists: func(rel string) (bool, error) { return rel == "S1.bam", nil }})
		if err != nil {
			t.Fatal(err)
		}
		f, s := verify(t, cl, list, entries(cl, mirror.Local(dir)), proof.Options{ExtraFails: line == ""})
		if f[want].Verdict != proof.OK || f["dangling"].Verdict != proof.Extra || f["dangling"].Size != -1 {
			t.Errorf("%q: %+v", line, f)
		}
		if got := s.Whole(); got == "yes" && line == "" || got == "no" && line != "" {
			t.Errorf("%q: whole: %s", line, got)
		}
	}
}
