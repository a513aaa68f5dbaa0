package haul_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func (b *bench) intake(r io.Reader, o haul.UploadOptions) (haul.Result, error) {
	b.Helper()
	return b.client().UploadStream(context.Background(), r, object, o)
}

func TestStreamOfEverySize(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums} {
		for _, size := range []int{0, 1, 9, 10, 11, 20, 64, 65, 99, 100, 101, 5000} {
			b := newBench(t, storetest.Takes(sums))
			want := random(size, 5)
			r, err := b.intake(iotest.HalfReader(bytes.NewReader(want)), haul.UploadOptions{PartSize: 10})
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			b.stored(want)
			if !r.Proof.Verified || r.Size != int64(size) {
				t.Errorf("size %d: %+v", size, r)
			}
			if size == 100 && r.Parts != 10 {
				t.Errorf("%d parts, want 10", r.Parts)
			}
			b.tidy()
		}
	}
}

func TestStreamOutgrowsItsParts(t *testing.T) {
	limits := small
	limits.MaxParts = 10
	b := newBench(t, storetest.Limits(limits))
	_, err := b.intake(bytes.NewReader(random(101, 1)), haul.UploadOptions{PartSize: 10})
	if !errors.Is(err, store.TooLarge) {
		t.Errorf("got %v, want kind TooLarge", err)
	}
	b.tidy()
	if _, err := b.intake(bytes.NewReader(random(100, 1)), haul.UploadOptions{PartSize: 10}); err != nil {
		t.Errorf("a stream that just fits: %v", err)
	}
	if _, err := b.intake(bytes.NewReader(random(1000, 1)), haul.UploadOptions{ExpectedSize: 1000}); err != nil {
		t.Errorf("a stream of the expected size: %v", err)
	}
	b.tidy()
}

func TestPartsTooLargeForMemoryAreSpooled(t *testing.T) {
	b := newBench(t, storetest.Limits(store.Limits{}))
	want := random(7<<20, 1)
	c := haul.New(b.Memory, haul.Options{StateDir: b.state, SpoolDir: b.dir, Memory: 4 << 20})
	r, err := c.UploadStream(context.Background(), bytes.NewReader(want), object, haul.UploadOptions{PartSize: 3 << 20})
	if err != nil || r.Parts != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	b.stored(want)
	var out bytes.Buffer
	if _, err := c.DownloadStream(context.Background(), object, &out, haul.DownloadOptions{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Error("other bytes streamed")
	}
	b.tidy()
}

func TestBrokenStreamLeavesNothing(t *testing.T) {
	b := newBench(t)
	broken := errors.New("pipe burst")
	_, err := b.intake(io.MultiReader(bytes.NewReader(random(100, 1)), iotest.ErrReader(broken)), haul.UploadOptions{PartSize: 10})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "after 100 bytes") {
		t.Errorf("got %v", err)
	}
	if b.Exists(object) {
		t.Error("half a stream was stored")
	}
	b.tidy()
}

func TestStreamIsStoppedWhileItWaitsForBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ctx, stop := context.WithCancel(context.Background())
		in, pipe := io.Pipe()
		result := make(chan error, 1)
		go func() {
			_, err := b.client().UploadStream(ctx, in, object, haul.UploadOptions{PartSize: 10})
			result <- err
		}()
		if _, err := pipe.Write(random(105, 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		pipe.Close()
		synctest.Wait()
		if b.Exists(object) {
			t.Error("half a stream was stored")
		}
		b.tidy()
	})
}

func TestReaderOfAStreamGoesAway(t *testing.T) {
	b := newBench(t)
	b.PutBytes(object, random(5000, 1))
	gone := errors.New("broken pipe")
	_, err := b.client().DownloadStream(context.Background(), object, &shortWriter{left: 100, err: gone}, haul.DownloadOptions{PartSize: 10})
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

type shortWriter struct {
	left int
	err  error
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

func TestStreamDownIsOfTheObjectThatIsMeant(t *testing.T) {
	for _, size := range []int{0, 10, 5000} {
		b := newBench(t)
		r, err := b.upload(random(size, 1), haul.UploadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for _, tag := range []string{r.Object.ETag, "another"} {
			got.Reset()
			_, err = b.client().DownloadStream(context.Background(), object, &got, haul.DownloadOptions{IfMatch: tag, PartSize: 100})
			if other := tag == "another"; errors.Is(err, store.Changed) != other || other && got.Len() > 0 {
				t.Errorf("size %d, %s: %v, and %d bytes", size, tag, err, got.Len())
			}
		}
	}
}

func TestEmptyObjectOfOnePartComesDown(t *testing.T) {
	for _, scheme := range []checksum.Scheme{{Algorithm: checksum.SHA256, Kind: checksum.Composite}, {Algorithm: checksum.CRC32C, Kind: checksum.Composite}, {}} {
		b := newBench(t)
		b.Make(object, bytes.NewReader(nil), storetest.Made{Parts: []int64{10}, Scheme: scheme})
		for name, down := range map[string]func() (haul.Result, error){
			"stream": func() (haul.Result, error) {
				return b.client().DownloadStream(context.Background(), object, io.Discard, haul.DownloadOptions{})
			},
			"file": func() (haul.Result, error) {
				return b.client().Download(context.Background(), object, filepath.Join(t.TempDir(), "x"), haul.DownloadOptions{})
			},
		} {
			if r, err := down(); err != nil || !r.Proof.Verified {
				t.Errorf("%s, %v: %+v, %v", name, scheme, r.Proof, err)
			}
		}
	}
}
