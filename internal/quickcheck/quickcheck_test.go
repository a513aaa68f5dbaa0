package quickcheck_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/quickcheck"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/seqfile/seqtest"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// delivery is a run folder with one of everything that is wrong.
func delivery() map[string][]byte {
	bam, cram := seqtest.BAM("chr1", "chr2"), seqtest.CRAM("chr1")
	vcf, fastq := seqtest.VCF(1000), []byte(seqtest.FASTQ(1000))
	return map[string][]byte{
		"good.bam": bam, "good.bam.bai": seqtest.BAI(2), "good.cram": cram, "good.crai": seqtest.CRAI(60),
		"good.vcf.gz": seqtest.BGZF(vcf), "good.vcf.gz.tbi": seqtest.TBI(), "good_R1.fastq.gz": seqtest.Gzip(string(fastq)), "good_R2.fastq.gz": seqtest.Gzip(string(fastq)),
		"cut.bam": bam[:len(bam)/2], "cut.bam.bai": seqtest.BAI(2),
		"noeof.bam": bam[:len(bam)-28], "noeof.bam.csi": seqtest.CSI(2),
		"cut.cram":       cram[:len(cram)-len(seqtest.EOFContainer)],
		"plain.vcf.gz":   seqtest.Gzip(vcf),
		"other.bam":      bam,
		"other.bam.bai":  seqtest.BAI(7),
		"lone_R1.fastq":  fastq,
		"none.bam.bai":   seqtest.BAI(1),
		"page.fastq.gz":  []byte("<html>404"),
		"sub/x.fasta":    []byte(">x\nA\n"),
		"notes.txt":      []byte("hello"),
		"sub/md5sum.txt": []byte("d41d8cd98f00b204e9800998ecf8427e  x\n"),
	}
}

var wanted = []string{
	"bad cut.bam: its header is truncated",
	"bad cut.cram: it has no EOF container: it is truncated, or its writer was interrupted",
	"bad noeof.bam: it has no EOF block: it is truncated, or its writer was interrupted",
	"bad other.bam.bai: it has 7 reference sequences, and its data has 2: it is the index of another file, or of another version of it",
	"bad page.fastq.gz: it is not gzip: it looks like a page of HTML or XML",
	"warn cut.cram: it has no index, but others in its folder do",
	"warn lone_R1.fastq: it has no R2",
	"warn none.bam.bai: it is an index whose data is missing",
	"warn plain.vcf.gz: it has no index, but others in its folder do",
	"warn plain.vcf.gz: it is plain gzip, not BGZF, so it cannot be indexed (compress it with bgzip)",
}

// found runs, and gives what is not good, sorted, by last names.
func found(t *testing.T, c *haul.Client, at mirror.End, o quickcheck.Options) ([]string, quickcheck.Counts) {
	t.Helper()
	var all []string
	var counts quickcheck.Counts
	err := quickcheck.Run(t.Context(), c, at, o, func(r quickcheck.Report, n quickcheck.Counts) {
		counts = n
		if r.Grade == quickcheck.OK || r.Grade == quickcheck.Other {
			return
		}
		var texts []string
		for _, f := range r.Findings {
			texts = append(texts, f.Text)
		}
		all = append(all, fmt.Sprintf("%s %s: %s", r.Grade, path.Base(filepath.ToSlash(r.Name)), strings.Join(texts, "; ")))
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all, counts
}

func folder(t *testing.T, files map[string][]byte) string {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for name, b := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		for _, err := range []error{os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, b, 0o600), os.Chtimes(file, old, old)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestDelivery(t *testing.T) {
	files := delivery()
	m := storetest.New(storetest.For(t), storetest.ListPage(3))
	for _, name := range []int{0, 1} { // data first
		for key, b := range files {
			if (seqfile.RoleOf(key) == seqfile.Index) == (name == 1) {
				m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "run/" + key}, b)
			}
		}
	}
	c := haul.New(m, haul.Options{StateDir: t.TempDir()})
	for _, at := range []mirror.End{mirror.Local(folder(t, files)), mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"})} {
		got, n := found(t, c, at, quickcheck.Options{})
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %s, want %s", at, strings.Join(got, "\n\t"), strings.Join(wanted, "\n\t"))
		}
		if n.Bad != 5 || n.Gaps != 4 || n.Warn != 1 || n.Other != 2 || n.OK+n.Warn+n.Bad+n.Other != len(files) {
			t.Errorf("%s: %+v", at, n)
		}
	}
}

func TestOlderIndex(t *testing.T) {
	dir := folder(t, map[string][]byte{"a.bam": seqtest.BAM("x"), "a.bam.bai": seqtest.BAI(1), "b.bam": seqtest.BAM("x"), "b.bai": seqtest.BAI(1)})
	now := time.Now()
	if err := os.Chtimes(filepath.Join(dir, "a.bam"), now, now); err != nil {
		t.Fatal(err)
	}
	got, n := found(t, nil, mirror.Local(dir), quickcheck.Options{})
	const want = "warn a.bam.bai: it is older than its data (by 1h00m): it may belong to an earlier version, or was simply copied first"
	if len(got) != 1 || got[0] != want || n.Warn != 1 {
		t.Errorf("%q, want %q; %+v", got, want, n)
	}

	// Less than a second says nothing: many tools write the two at once. The second may change in between.
	second := time.Unix(1_700_000_000, 0)
	for by, want := range map[time.Duration]int{time.Millisecond: 0, 999 * time.Millisecond: 0, time.Second: 1, -time.Second: 0} {
		for name, at := range map[string]time.Time{"a.bam": second, "a.bam.bai": second.Add(-by)} {
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := found(t, nil, mirror.Local(dir), quickcheck.Options{}); len(got) != want {
			t.Errorf("an index that is older by %v: %q", by, got)
		}
	}

	m := storetest.New(storetest.For(t))
	for key, at := range map[string]string{"run/a.bam": "2000", "run/a.bam.bai": "1000", "run/b.bam": "1000", "run/b.bai": "2000"} {
		b := seqtest.BAM("x")
		if strings.HasSuffix(key, "bai") {
			b = seqtest.BAI(1)
		}
		m.Make(store.Ref{Bucket: storetest.Bucket, Key: key}, bytes.NewReader(b), storetest.Made{Attrs: &store.Attrs{Metadata: map[string]string{"mtime": at}}})
	}
	got, _ = found(t, haul.New(m, haul.Options{}), mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), quickcheck.Options{})
	if len(got) != 1 || !strings.HasPrefix(got[0], "warn a.bam.bai: it is older than its data (by 16m40s): ") {
		t.Errorf("%q", got)
	}
}

// TestOne looks at one file, and one object, with what belongs to it.
func TestOne(t *testing.T) {
	files := delivery()
	dir := folder(t, files)
	m := storetest.New(storetest.For(t))
	for key, b := range files {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "run/" + key}, b)
	}
	c := haul.New(m, haul.Options{StateDir: t.TempDir()})
	for _, one := range []struct {
		name string
		want string // the beginning of the first line
		n    int    // files
	}{
		{"good.bam", "", 2},
		{"good.bam.bai", "", 2},
		{"good_R1.fastq.gz", "", 1},
		{"other.bam", "bad other.bam.bai: ", 2},
		{"noeof.bam", "bad noeof.bam: ", 2},
		{"lone_R1.fastq", "warn lone_R1.fastq: it has no R2", 1},
		{"none.bam.bai", "warn none.bam.bai: it is an index whose data is missing", 1},
		{"plain.vcf.gz", "warn plain.vcf.gz: ", 1},
		{"notes.txt", "", 0},
	} {
		for _, at := range []mirror.End{mirror.Local(filepath.Join(dir, one.name)), mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run/" + one.name})} {
			got, n := found(t, c, at, quickcheck.Options{})
			got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "stored before its data") }) // maps have no order
			if len(got) == 0 && one.want != "" || len(got) > 0 && (one.want == "" || !strings.HasPrefix(got[0], one.want)) || n.OK+n.Warn+n.Bad != one.n {
				t.Errorf("%s: %q, %+v", at, got, n)
			}
		}
	}
}

// TestFewBytes: a large object costs two requests and a few kilobytes.
func TestFewBytes(t *testing.T) {
	m := storetest.New(storetest.For(t))
	bam := seqtest.BAM("chr1")
	large := slices.Concat(bam[:len(bam)-28], bytes.Repeat(seqtest.BGZF(seqtest.FASTQ(1000)), 500))
	for i := range 100 {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("run/%03d.bam", i)}, large)
	}
	c := haul.New(m, haul.Options{})
	got, n := found(t, c, mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"}), quickcheck.Options{})
	if len(got) > 0 || n.OK != 100 || n.Size != int64(100*len(large)) {
		t.Errorf("%q, %+v", got, n)
	}
	if gets, moved := m.Counts()[storetest.Get].Calls, c.Progress().Moved; gets != 200 || moved > 100*20<<10 {
		t.Errorf("%d requests, %d bytes of %d", gets, moved, 100*len(large))
	}
}

func TestTrouble(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for _, key := range []string{"a.bam", "b.bam", "c.bam"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "run/" + key}, seqtest.BAM("x"))
	}
	m.Fault(storetest.Get).Key("run/a.bam").Error(store.Denied).Always()
	m.Fault(storetest.Get).Key("run/b.bam").Error(store.Archived).Always()
	m.Fault(storetest.Get).Key("run/c.bam").Error(store.Network).Times(1)
	run := mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "run"})
	got, n := found(t, haul.New(m, haul.Options{}), run, quickcheck.Options{})
	if len(got) != 2 || !strings.HasPrefix(got[0], "unreadable a.bam: it cannot be read: ") || n.Unreadable != 1 || n.Bad != 0 || got[1] != "warn b.bam: it is archived, and cannot be read until it is restored" || n.OK != 1 {
		t.Errorf("%q, %+v", got, n)
	}
	m.Fault(storetest.Get).Key("run/c.bam").Error(store.NoCredentials).Always()
	err := quickcheck.Run(t.Context(), haul.New(m, haul.Options{}), run, quickcheck.Options{}, func(quickcheck.Report, quickcheck.Counts) {})
	if !errors.Is(err, store.NoCredentials) {
		t.Errorf("a run that ended early: %v", err)
	}
	err = quickcheck.Run(t.Context(), haul.New(m, haul.Options{}), mirror.Remote(store.Ref{Bucket: storetest.Bucket, Key: "none"}), quickcheck.Options{}, func(quickcheck.Report, quickcheck.Counts) {})
	if !errors.Is(err, store.NotFound) {
		t.Errorf("nothing there: %v", err)
	}
}

// A folder that cannot be read is named, and plain gzip whose end tells nothing is no bare OK.
func TestUnknown(t *testing.T) {
	random := make([]byte, 1<<17)
	_, _ = storetest.Generated(int64(len(random)), 1).ReadAt(random, 0)
	dir := folder(t, map[string][]byte{"a.bam": seqtest.BAM("x"), "plain.gz": seqtest.Gzip(string(random)), "small.gz": seqtest.Gzip("x"), "closed/x.bam": nil})
	unsure := 0
	err := quickcheck.Run(t.Context(), nil, mirror.Local(dir), quickcheck.Options{}, func(r quickcheck.Report, n quickcheck.Counts) {
		if unsure = n.Unsure; (r.Unsure != "") != strings.HasSuffix(r.Name, "plain.gz") {
			t.Errorf("%s: %q", r.Name, r.Unsure)
		}
	})
	if err != nil || unsure != 1 {
		t.Errorf("%d unsure, %v", unsure, err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(closed, 0o700) // so that it can be cleaned up
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	got, n := found(t, nil, mirror.Local(dir), quickcheck.Options{})
	if len(got) != 1 || !strings.HasPrefix(got[0], "unreadable closed: it cannot be listed: it cannot be read: ") || n.Unreadable != 1 {
		t.Errorf("%q, %+v", got, n)
	}
}
