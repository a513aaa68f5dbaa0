package haul_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A source that is rewritten in place, its time set back, is another one; one whose mode or names change is not.
func TestSourceRewrittenInPlace(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("no time of change is asked for here")
	}
	rewrite := func(t *testing.T, path string) {
		fi, err := os.Stat(path)
		if err == nil {
			err = os.WriteFile(path, random(int(fi.Size()), 9), 0o644)
		}
		if err == nil {
			err = os.Chtimes(path, time.Now(), fi.ModTime())
		}
		if err != nil {
			t.Error(err)
		}
	}
	for name, tt := range map[string]struct {
		change  func(*testing.T, string)
		changed bool
	}{
		"rewritten":   {rewrite, true},
		"mode":        {func(t *testing.T, path string) { try(t, os.Chmod(path, 0o600)) }, false},
		"second name": {func(t *testing.T, path string) { try(t, os.Link(path, path+".link")) }, false},
	} {
		for _, size := range []int{20, 200} {
			for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums} {
				t.Run(name, func(t *testing.T) {
					b := newBench(t, storetest.Takes(sums))
					want := random(size, 3)
					path := b.file("x.bam", want)
					pass(t, b, path)
					op, part := storetest.Put, int64(0)
					if size > 64 {
						op, part = storetest.PutPart, 10
					}
					b.Fault(op).Nth(max(1, size/15)).Hook(func() { tt.change(t, path) })
					c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1})
					_, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: part})
					if tt.changed != errors.Is(err, haul.ErrSourceChanged) || !tt.changed && err != nil {
						t.Fatalf("got %v", err)
					}
					if !tt.changed {
						b.stored(want)
					}
				})
			}
		}
	}
}

// pass waits until the clock of the file system, which is coarse, has moved on since path was written.
func pass(t *testing.T, b *bench, path string) {
	written, err := os.Stat(path)
	for err == nil {
		var fi os.FileInfo
		if fi, err = os.Stat(b.file("clock", nil)); err == nil && fi.ModTime().After(written.ModTime()) {
			return
		}
	}
	t.Fatal(err)
}

func try(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

// A partial file that another program cuts during its download is noticed, whether or not what comes later makes it as long
// again.
func TestPartialFileThatIsCut(t *testing.T) {
	for _, part := range []int64{0, 90} { // the first range, and the last
		b := newBench(t)
		size := 200 << 10
		want := random(size, 3)
		b.PutBytes(object, want)
		target := filepath.Join(b.dir, "out.bam")
		b.Fault(storetest.Get).Offset(part << 11).Hook(func() {
			hidden, err := filepath.Glob(filepath.Join(b.dir, ".*haul-*"))
			if err != nil || part > 0 && len(hidden) != 1 {
				t.Error(hidden, err)
			}
			for _, h := range hidden {
				try(t, os.Truncate(h, 0))
			}
		})
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1})
		_, err := c.Download(t.Context(), object, target, haul.DownloadOptions{PartSize: 2 << 10})
		if part > 0 {
			if !errors.Is(err, localfile.ErrCut) {
				t.Fatalf("got %v", err)
			}
			_, err = c.Download(t.Context(), object, target, haul.DownloadOptions{PartSize: 2 << 10})
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.read(target), want) {
			t.Error("other bytes came")
		}
		b.tidy()
	}
}

// TestPartialFileThatIsChanged: bytes that another program changed between two runs, and not the length, are fetched again, whatever the
// store has to verify them by; all others are kept.
func TestPartialFileThatIsChanged(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums, storetest.CompositeChecksums, storetest.OddETags} {
		for _, at := range []int64{3, 45} { // in a range that is complete, and in the piece that is here of another
			b := newBench(t, storetest.Takes(sums))
			want := random(100, 3)
			b.PutBytes(object, want)
			b.Fault(storetest.Get).Offset(40).After(10).Error(store.Denied)
			out := filepath.Join(b.dir, "out.bam")
			c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1})
			_, err := c.Download(t.Context(), object, out, haul.DownloadOptions{PartSize: 20})
			kept := new(haul.PartialFileError)
			if !errors.As(err, &kept) || kept.Bytes < 50 { // ranges that began before the run stopped are kept, too
				t.Fatalf("%v: kept %d bytes: %v", sums, kept.Bytes, err)
			}
			f, err := os.OpenFile(kept.Path, os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{want[at] ^ 1}, at)
			}
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			r, err := b.client().Download(t.Context(), object, out, haul.DownloadOptions{PartSize: 20})
			if err != nil || !bytes.Equal(b.read(out), want) {
				t.Errorf("%v, byte %d: %+v, %v", sums, at, r, err)
			}
			if again := map[int64]int64{3: 20, 45: 10}[at]; r.Kept != kept.Bytes-again {
				t.Errorf("%v, byte %d: kept %d bytes", sums, at, r.Kept)
			}
			b.tidy()
		}
	}
}

// Files of procfs say that they have no bytes.
func TestFileThatSaysItIsEmpty(t *testing.T) {
	const path = "/proc/self/status"
	if fi, err := os.Stat(path); err != nil || fi.Size() != 0 {
		t.Skip("no procfs here")
	}
	b := newBench(t, storetest.Limits(small))
	r, err := b.client().Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 50})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Bytes(object); !strings.Contains(string(got), "Pid:") || r.Size != int64(len(got)) || !r.Proof.Verified {
		t.Errorf("stored %q, %+v", got, r)
	}
	b.tidy()
}

// Times that nanoseconds in an int64 cannot hold are kept like others.
func TestTimesFarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, at := range []time.Time{
			time.Date(2300, 1, 1, 0, 0, 0, 123456789, time.UTC), time.Date(2440, 6, 1, 0, 0, 0, 0, time.UTC),
			time.Unix(-1, 500_000_000), time.Unix(-3, 0), time.Unix(0, 1), time.Date(1905, 1, 1, 0, 0, 0, 5, time.UTC),
		} {
			b := newBench(t)
			path := b.file("x.bam", random(200, 1))
			try(t, os.Chtimes(path, at, at))
			fi, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			at = fi.ModTime() // as far as the file system has it
			r, err := b.client().Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 10, Times: true})
			if err != nil || !r.Modified.Equal(at) {
				t.Fatalf("%v: %v, %v", at, r.Modified, err)
			}
			if got, ok := haul.FileTime(b.Object(object)); !ok || !got.Equal(at) {
				t.Errorf("kept %v, want %v", got, at)
			}
			out := filepath.Join(b.dir, "out")
			if _, err := b.client().Download(t.Context(), object, out, haul.DownloadOptions{Times: true}); err != nil {
				t.Fatal(err)
			}
			if fi, err := os.Stat(out); err != nil || !fi.ModTime().Equal(at) {
				t.Errorf("got %v, %v; want %v", fi.ModTime(), err, at)
			}
		}
	})
}

// Records of earlier versions do not have what was added since; they are resumed all the same.
func TestRecordOfAnEarlierVersion(t *testing.T) {
	b := newBench(t)
	want := random(200, 3)
	b.Fault(storetest.Complete).Error(store.Denied)
	if _, err := b.upload(want, haul.UploadOptions{PartSize: 10}); err == nil {
		t.Fatal("no error")
	}
	records, err := filepath.Glob(filepath.Join(b.state, "*.jsonl"))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	holder, header, _ := strings.Cut(string(b.read(records[0])), "\n")
	_, header, _ = strings.Cut(strings.TrimSpace(header), " ")
	old := regexp.MustCompile(`,"ctime":[0-9]+`).ReplaceAllString(header, "")
	if strings.Contains(header, "lost_since") || old == header && runtime.GOOS == "linux" {
		t.Errorf("the record is %s", header)
	}
	sum := crc32.Checksum([]byte(old), crc32.MakeTable(crc32.Castagnoli))
	if err := os.WriteFile(records[0], fmt.Appendf(nil, "%s\n%08x %s\n", holder, sum, old), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := b.client().Upload(t.Context(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{PartSize: 10})
	if err != nil || r.Kept != 200 {
		t.Errorf("kept %d: %v", r.Kept, err)
	}
	b.tidy()
}
