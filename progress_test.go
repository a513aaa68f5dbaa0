package haul_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// watched gathers the reports of one transfer, and what is wrong with them.
type watched struct {
	*testing.T
	began   time.Time
	running atomic.Bool
	all     []haul.TransferProgress
}

func (w *watched) report(p haul.TransferProgress) {
	if w.running.Swap(true) {
		w.Error("two reports at once")
	}
	defer w.running.Store(false)
	if p.Safe < 0 || p.Safe > p.Done || p.Done < 0 || p.Total >= 0 && p.Done > p.Total {
		w.Errorf("%+v", p)
	}
	w.all = append(w.all, p)
}

// over checks the reports of a transfer that has ended.
func (w *watched) over(what string, last haul.TransferProgress) {
	w.Helper()
	if len(w.all) == 0 || w.all[len(w.all)-1] != last {
		w.Errorf("%s: the last report of %d is %+v, want %+v", what, len(w.all), w.all[max(0, len(w.all)-1):], last)
	}
	if most := int(time.Since(w.began)/(100*time.Millisecond)) + 1; len(w.all) > most {
		w.Errorf("%s: %d reports in %v", what, len(w.all), time.Since(w.began))
	}
}

func TestOnProgress(t *testing.T) {
	for _, size := range []int64{0, 20, 300} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.Limits(store.Limits{MinPart: 1, MaxPut: 64, MaxCopy: 64, MaxParts: 100}))
			want := random(int(size), 1)
			path, out := b.file("x", want), filepath.Join(b.dir, "out")
			b.Random(1, storetest.Rates{Slow: 0.5, Error: 0.1, AtMost: 3})
			listed := store.Object{Ref: object, Size: size}
			ctx, c, to := context.Background(), b.client(), store.Ref{Bucket: storetest.Bucket, Key: "copy"}
			for _, v := range []struct {
				what string
				do   func(func(haul.TransferProgress)) error
			}{
				{"upload", func(f func(haul.TransferProgress)) error {
					_, err := c.Upload(ctx, path, object, haul.UploadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"stream up", func(f func(haul.TransferProgress)) error {
					_, err := c.UploadStream(ctx, bytes.NewReader(want), object, haul.UploadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"reader at", func(f func(haul.TransferProgress)) error {
					_, err := c.UploadReaderAt(ctx, bytes.NewReader(want), size, object, haul.UploadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"download", func(f func(haul.TransferProgress)) error {
					_, err := c.Download(ctx, object, out, haul.DownloadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"listed", func(f func(haul.TransferProgress)) error {
					_, err := c.Download(ctx, object, out, haul.DownloadOptions{Listed: &listed, OnProgress: f})
					return err
				}},
				{"stream down", func(f func(haul.TransferProgress)) error {
					_, err := c.DownloadStream(ctx, object, io.Discard, haul.DownloadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"writer at", func(f func(haul.TransferProgress)) error {
					_, err := c.DownloadWriterAt(ctx, object, new(noWhere), haul.DownloadOptions{PartSize: 30, OnProgress: f})
					return err
				}},
				{"copy", func(f func(haul.TransferProgress)) error {
					_, err := c.Copy(ctx, object, to, haul.CopyOptions{PartSize: 30, OnProgress: f})
					return err
				}},
			} {
				w := &watched{T: t, began: time.Now()}
				if err := v.do(w.report); err != nil {
					t.Fatalf("%s: %v", v.what, err)
				}
				w.over(v.what, haul.TransferProgress{Total: size, Done: size, Safe: size})
			}
		})
	}
}

// noWhere is an io.WriterAt that cannot be read back.
type noWhere struct{}

func (noWhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// TestOnProgressOfFailures: there is a last report, whatever came of the transfer, and it has what the next call resumes.
func TestOnProgressOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 1)
		path := b.file("x.bam", want)
		w := &watched{T: t, began: time.Now()}
		if _, err := b.client().Upload(t.Context(), filepath.Join(b.dir, "none"), object, haul.UploadOptions{OnProgress: w.report}); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		w.over("no file", haul.TransferProgress{Total: -1})

		b.Fault(storetest.PutPart).Part(11).Error(store.Denied)
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1})
		w = &watched{T: t, began: time.Now()}
		if _, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 10, OnProgress: w.report}); err == nil {
			t.Fatal("it was not refused")
		}
		w.over("refused", haul.TransferProgress{Total: 200, Done: 100, Safe: 100})
		w = &watched{T: t, began: time.Now()}
		if r, err := b.client().Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 10, OnProgress: w.report}); err != nil || r.Kept != 100 {
			t.Fatalf("%+v, %v", r, err)
		}
		w.over("resumed", haul.TransferProgress{Total: 200, Done: 200, Safe: 200})
		b.tidy()
	})
}

// TestActive: a transfer is among the active ones until its call returns, with what OnProgress reports of it.
func TestActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, storetest.Limits(store.Limits{MinPart: 1, MaxPut: 64, MaxCopy: 64, MaxParts: 100}))
		b.Random(1, storetest.Rates{Slow: 1})
		path, c, seen := b.file("x", random(300, 1)), b.client(), 0
		_, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 30, OnProgress: func(p haul.TransferProgress) {
			all := c.Active()
			if p.Total < 0 || len(all) == 0 && p.Done == 300 { // before the size is known, and the last report
				return
			}
			if seen++; len(all) != 1 || all[0].Source != path || all[0].Target != object.String() || all[0].Total != 300 || time.Since(all[0].Began) > time.Hour {
				t.Errorf("%+v", all)
			}
		}})
		if err != nil || seen == 0 || len(c.Active()) > 0 {
			t.Errorf("%v, seen %d times, %+v", err, seen, c.Active())
		}
	})
}
