package haul_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func (b *bench) download(o haul.DownloadOptions) (haul.Result, error) {
	b.Helper()
	return b.client().Download(context.Background(), object, filepath.Join(b.dir, "out.bam"), o)
}

func (b *bench) fetched(want []byte) {
	b.Helper()
	if got := b.read(filepath.Join(b.dir, "out.bam")); !bytes.Equal(got, want) {
		b.Errorf("fetched %d bytes, want %d; equal: false", len(got), len(want))
	}
}

func TestDownloadGoesOnWhereItBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.PutBytes(object, want)
		b.Fault(storetest.Get).Offset(170).Error(store.Denied)
		_, err := b.download(haul.DownloadOptions{PartSize: 10})
		var kept *haul.PartialFileError
		if !errors.As(err, &kept) || !errors.Is(err, store.Denied) || kept.Bytes == 0 {
			t.Fatalf("got %v (%+v), want a KeptError to go on from", err, kept)
		}
		if _, err := os.Stat(filepath.Join(b.dir, "out.bam")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a file stands under the real name: %v", err)
		}
		before := b.Counts().Out()
		r, err := b.download(haul.DownloadOptions{PartSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		b.fetched(want)
		if moved := b.Counts().Out() - before; r.Kept != kept.Bytes || moved != 200-kept.Bytes {
			t.Errorf("kept %d of %d, moved %d", r.Kept, kept.Bytes, moved)
		}
		b.tidy()
	})
}

func TestKeptRangesAreProvedNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.PutBytes(object, want)
		b.Fault(storetest.Get).Offset(170).Error(store.Denied)
		_, err := b.download(haul.DownloadOptions{PartSize: 10})
		var kept *haul.PartialFileError
		if !errors.As(err, &kept) {
			t.Fatalf("got %v", err)
		}
		damaged := b.read(kept.Path)
		for i := 5; i < len(damaged); i += 10 {
			damaged[i] ^= 1
		}
		if err := os.WriteFile(kept.Path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := b.download(haul.DownloadOptions{PartSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		b.fetched(want)
		if kept.Bytes == 0 || r.Kept != 0 {
			t.Errorf("kept %d of %d damaged bytes", r.Kept, kept.Bytes)
		}
	})
}

func TestChangedObjectStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.PutBytes(object, random(200, 3))
		b.Fault(storetest.Get).Offset(170).Error(store.Denied)
		if _, err := b.download(haul.DownloadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		want := random(200, 4)
		b.PutBytes(object, want)
		if _, err := b.download(haul.DownloadOptions{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		b.fetched(want)
		if !strings.Contains(b.said(), "the object has changed since") {
			t.Errorf("said %q", b.said())
		}
		b.tidy()
	})
}

func TestObjectThatChangesMidwayIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.PutBytes(object, random(200, 3))
		b.Fault(storetest.Get).Offset(100).Hook(func() { b.PutBytes(object, random(200, 4)) })
		_, err := b.download(haul.DownloadOptions{PartSize: 10})
		if !errors.Is(err, store.Changed) {
			t.Errorf("got %v, want kind Changed", err)
		}
		b.tidy()
	})
}

func TestDamageOnTheWayDownIsHealed(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.Takes(sums))
			want := random(200, 3)
			b.PutBytes(object, want, 50)
			b.Fault(storetest.Get).Offset(100).After(3).CorruptByte()
			r, err := b.download(haul.DownloadOptions{PartSize: 10})
			if err != nil {
				t.Fatal(err)
			}
			b.fetched(want)
			if !r.Proof.Verified || !strings.Contains(b.said(), "1 of 20 ranges were corrupted") {
				t.Errorf("proof %+v; said %q", r.Proof, b.said())
			}
			b.tidy()
		})
	}
}

func TestDamageAtTheStoreIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.PutBytes(object, random(200, 3))
		b.Edit(object, func(o *store.Object) { o.Sums = []checksum.Sum{checksum.Bytes(checksum.CRC64NVME, []byte("other"))} })
		_, err := b.download(haul.DownloadOptions{PartSize: 10})
		if !errors.Is(err, haul.ErrMismatch) {
			t.Errorf("got %v, want ErrMismatch", err)
		}
		var out bytes.Buffer
		if _, err := b.client().DownloadStream(context.Background(), object, &out, haul.DownloadOptions{}); !errors.Is(err, haul.ErrMismatch) {
			t.Errorf("stream: got %v, want ErrMismatch", err)
		}
		b.tidy()
	})
}

func TestTroubleOnTheWayDownIsTriedAgain(t *testing.T) {
	for name, trouble := range map[string]func(f *storetest.Fault) *storetest.Fault{
		"reset at once":  func(f *storetest.Fault) *storetest.Fault { return f.Error(store.Network) },
		"reset midway":   func(f *storetest.Fault) *storetest.Fault { return f.After(4).Error(store.Network) },
		"truncated":      func(f *storetest.Fault) *storetest.Fault { return f.Truncate(4) },
		"slow down":      func(f *storetest.Fault) *storetest.Fault { return f.Throttle(time.Second).Times(3) },
		"unavailable":    func(f *storetest.Fault) *storetest.Fault { return f.Error(store.Unavailable).Times(5) },
		"expired token":  func(f *storetest.Fault) *storetest.Fault { return f.Error(store.Expired).Times(2) },
		"stalled midway": func(f *storetest.Fault) *storetest.Fault { return f.After(4).Error(store.Stalled) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				want := random(200, 3)
				b.PutBytes(object, want)
				trouble(b.Fault(storetest.Get).Offset(100))
				r, err := b.download(haul.DownloadOptions{PartSize: 10})
				if err != nil {
					t.Fatal(err)
				}
				b.fetched(want)
				if r.Retries == 0 || !r.Proof.Verified {
					t.Errorf("result %+v", r)
				}
				b.tidy()

				var out bytes.Buffer
				trouble(b.Fault(storetest.Get).Offset(100))
				if _, err := b.client().DownloadStream(context.Background(), object, &out, haul.DownloadOptions{PartSize: 10}); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), want) {
					t.Error("other bytes streamed")
				}
			})
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.PutBytes(object, random(200, 3))
		b.Fault(storetest.Get).Offset(100).Error(store.Network).Always()
		began := time.Now()
		_, err := b.download(haul.DownloadOptions{PartSize: 10})
		var kept *haul.PartialFileError
		if !errors.As(err, &kept) || !errors.Is(err, store.Network) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(began); took < time.Minute || took > 2*time.Minute {
			t.Errorf("gave up after %v, want about a minute", took)
		}
		b.Memory.Fault(storetest.Head).Error(store.Network).Always()
		began = time.Now()
		if _, err := b.download(haul.DownloadOptions{PartSize: 10}); err == nil {
			t.Error("no error")
		}
		if took := time.Since(began); took > 45*time.Second {
			t.Errorf("a store that never answered was given %v", took)
		}
	})
}

func TestFileInTheWay(t *testing.T) {
	b := newBench(t)
	b.PutBytes(object, []byte("new"))
	path := b.file("out.bam", []byte("old"))
	if _, err := b.download(haul.DownloadOptions{NoClobber: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want fs.ErrExist", err)
	}
	if string(b.read(path)) != "old" {
		t.Error("the file was overwritten")
	}
	if _, err := b.download(haul.DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	b.fetched([]byte("new"))
	if _, err := b.client().Download(context.Background(), object, b.dir, haul.DownloadOptions{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("got %v", err)
	}
	b.tidy()
}

func TestModificationTimeIsTheObjects(t *testing.T) {
	b := newBench(t)
	o := b.PutBytes(object, []byte("new"))
	if _, err := b.download(haul.DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(b.dir, "out.bam"))
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(o.Modified) {
		t.Errorf("mtime %v, want %v", info.ModTime(), o.Modified)
	}
}

func TestArchivedObject(t *testing.T) {
	b := newBench(t)
	b.PutBytes(object, []byte("cold"))
	b.Edit(object, func(o *store.Object) { o.StorageClass = "DEEP_ARCHIVE" })
	if _, err := b.download(haul.DownloadOptions{}); !errors.Is(err, store.Archived) {
		t.Errorf("got %v, want kind Archived", err)
	}
	b.tidy()
}

func TestDownloadThatHadFinishedMovesNothing(t *testing.T) {
	b := newBench(t)
	want := random(200, 3)
	b.PutBytes(object, want)
	b.Fault(storetest.Get).Offset(170).Error(store.Denied)
	_, err := b.download(haul.DownloadOptions{PartSize: 10})
	var kept *haul.PartialFileError
	if !errors.As(err, &kept) {
		t.Fatal(err)
	}
	// as if the earlier run had been killed after the rename, before it forgot its record
	if err := os.Rename(kept.Path, b.file("out.bam", want)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "out.bam"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	before := b.Counts().Out()
	r, err := b.download(haul.DownloadOptions{PartSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	if b.Counts().Out() != before || r.Kept != 200 || !r.Proof.Verified {
		t.Errorf("moved %d bytes; %+v", b.Counts().Out()-before, r)
	}
	b.tidy()
}
