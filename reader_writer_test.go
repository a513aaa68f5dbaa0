package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// bareWriter is an io.WriterAt and nothing else.
type bareWriter struct{ io.WriterAt }

// targets are what DownloadWriterAt may write to: what can be read back, and what cannot.
func (b *bench) targets() map[string]func(*os.File) io.WriterAt {
	return map[string]func(*os.File) io.WriterAt{
		"file": func(f *os.File) io.WriterAt { return f },
		"bare": func(f *os.File) io.WriterAt { return bareWriter{f} },
	}
}

// writeAt downloads the object into a new file by DownloadWriterAt, and returns what that has.
func (b *bench) writeAt(c *haul.Client, as func(*os.File) io.WriterAt, o haul.DownloadOptions) ([]byte, haul.Result, error) {
	b.Helper()
	f, err := os.CreateTemp(b.dir, "at")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := c.DownloadWriterAt(context.Background(), object, as(f), o)
	return b.read(f.Name()), r, err
}

// What a store records decides what can be verified; of what cannot be read back, only what combines from ranges.
func TestReaderAtAndWriterAt(t *testing.T) {
	for _, kind := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums, storetest.NoChecksums} {
		for _, size := range []int{0, 1, 10, 64, 65, 1000} {
			b := newBench(t, storetest.Takes(kind))
			want, what := random(size, uint64(size)), fmt.Sprintf("checksums %d, %d bytes", kind, size)
			digests := []checksum.Algorithm{checksum.MD5}
			up, err := b.client().UploadReaderAt(context.Background(), bytes.NewReader(want), int64(size), object, haul.UploadOptions{PartSize: 10, Digests: digests})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			wantDigests(t, what, up, want, digests)
			up, err = b.client().UploadReaderAt(context.Background(), bytes.NewReader(want), int64(size), object, haul.UploadOptions{PartSize: 10})
			if err != nil || up.Size != int64(size) || up.Moved < int64(size) || up.Proof.Verified != (kind != storetest.NoChecksums) {
				t.Fatalf("%s: %+v, %v", what, up, err)
			}
			b.stored(want)
			sums := b.Object(object).Sums
			for name, as := range b.targets() {
				o := haul.DownloadOptions{PartSize: 7}
				got, down, err := b.writeAt(b.client(), as, o)
				if err != nil || !bytes.Equal(got, want) || down.Size != int64(size) {
					t.Fatalf("%s, %s: %d bytes, %+v, %v", what, name, len(got), down, err)
				}
				combines := size == 0 || len(sums) > 0 && sums[0].Parts == 0 && sums[0].Algorithm.CanCombine()
				if verified := up.Proof.Verified && (name == "file" || combines); down.Proof.Verified != verified || down.Proof.Text == "" {
					t.Errorf("%s, %s: %+v", what, name, down.Proof)
				}
				o.ReadTwice = true
				if got, down, err = b.writeAt(b.client(), as, o); err != nil || !down.Proof.Verified || !bytes.Equal(got, want) {
					t.Errorf("%s, %s, read twice: %+v, %v", what, name, down.Proof, err)
				}
				o.Digests = digests
				if _, down, err = b.writeAt(b.client(), as, o); name == "bare" && !errors.Is(err, store.Invalid) {
					t.Errorf("%s: digests of what cannot be read: %v", what, err)
				} else if name == "file" {
					wantDigests(t, what, down, want, digests)
				}
			}
			b.tidy()
		}
	}
}

// A file that was opened for writing only is like any other io.WriterAt.
func TestWriterAtOfFileThatCannotBeRead(t *testing.T) {
	b := newBench(t, storetest.Takes(storetest.MD5Checksums))
	b.PutBytes(object, random(50, 1))
	f, err := os.OpenFile(b.file("out", nil), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := b.client().DownloadWriterAt(t.Context(), object, f, haul.DownloadOptions{})
	if err != nil || r.Proof.Verified || !strings.Contains(r.Proof.Text, "cannot be read back") {
		t.Errorf("%+v, %v", r, err)
	}
}

// An upload from an io.ReaderAt that fails leaves nothing in the store, nor a record.
func TestReaderAtLeavesNothing(t *testing.T) {
	for what, break1 := range map[string]func(*bench) io.ReaderAt{
		"refused": func(b *bench) io.ReaderAt {
			b.Fault(storetest.PutPart).Part(3).Error(store.Denied)
			return bytes.NewReader(random(200, 1))
		},
		"too short": func(*bench) io.ReaderAt { return bytes.NewReader(random(150, 1)) },
		"not complete": func(b *bench) io.ReaderAt {
			b.Fault(storetest.Complete).Error(store.Denied)
			return bytes.NewReader(random(200, 1))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			r := break1(b)
			if _, err := b.client().UploadReaderAt(t.Context(), r, 200, object, haul.UploadOptions{PartSize: 10}); err == nil || b.Exists(object) {
				t.Errorf("%s: %v, there: %t", what, err, b.Exists(object))
			}
			b.tidy()
		})
	}
	b := newBench(t)
	for _, size := range []int64{-1, 10} { // of 5
		if _, err := b.client().UploadReaderAt(t.Context(), strings.NewReader("reads"), size, object, haul.UploadOptions{}); err == nil || b.Exists(object) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	b.tidy()
}

// A killed upload from an io.ReaderAt is aborted by a later one to the same object.
func TestReaderAtKilled(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.Fault(storetest.PutPart).Part(5).Hook(cancel)
	b.Fault(storetest.Abort).Error(store.Denied)
	_, err := b.client().UploadReaderAt(ctx, bytes.NewReader(random(200, 1)), 200, object, haul.UploadOptions{PartSize: 10})
	if left := new(haul.IncompleteUploadError); !errors.As(err, &left) || left.Resumable || len(b.OpenUploads()) != 1 {
		t.Fatalf("%v, %v", err, b.OpenUploads())
	}
	if _, err := b.client().UploadReaderAt(t.Context(), bytes.NewReader(random(200, 1)), 200, object, haul.UploadOptions{PartSize: 10}); err != nil {
		t.Fatal(err)
	}
	b.tidy()
}

// Trouble on the way is overcome, and what the store itself returns wrong is found out.
func TestWriterAtInTrouble(t *testing.T) {
	for _, kind := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
		synctest.Test(t, func(t *testing.T) {
			for name := range newBench(t).targets() {
				b := newBench(t, storetest.Takes(kind))
				as := b.targets()[name]
				want := random(200, 1)
				b.PutBytes(object, want, 10)
				b.Fault(storetest.Get).Offset(20).After(5).Error(store.Network)
				b.Fault(storetest.Get).Offset(50).CorruptByte()
				got, r, err := b.writeAt(b.client(), as, haul.DownloadOptions{PartSize: 10, ReadTwice: name == "bare"})
				switch {
				case kind == storetest.MD5Checksums && name == "bare": // two downloads differ, and nothing decides
					if !errors.Is(err, haul.ErrMismatch) {
						t.Errorf("%s: %+v, %v", name, r, err)
					}
				case err != nil || !r.Proof.Verified || !bytes.Equal(got, want):
					t.Errorf("%s: %+v, %v", name, r, err)
				}
				b.Fault(storetest.Get).Offset(50).Always().CorruptByte()
				if _, r, err := b.writeAt(b.client(), as, haul.DownloadOptions{PartSize: 10}); !errors.Is(err, haul.ErrMismatch) && (err != nil || r.Proof.Verified) {
					t.Errorf("%s, for good: %+v, %v", name, r, err)
				} else if kind == storetest.AllChecksums && err == nil {
					t.Errorf("%s, for good: %+v", name, r)
				}
				b.tidy()
			}
		})
	}
}

// An object that changes during a download is an error, as is one that is not the one that was asked for.
func TestWriterAtOfChangedObject(t *testing.T) {
	b := newBench(t)
	b.PutBytes(object, random(200, 1))
	b.Fault(storetest.Get).Offset(100).Hook(func() { b.PutBytes(object, random(200, 2)) })
	c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1})
	as := b.targets()["file"]
	if _, _, err := b.writeAt(c, as, haul.DownloadOptions{PartSize: 10}); !errors.Is(err, store.Changed) {
		t.Errorf("it changed: %v", err)
	}
	if _, _, err := b.writeAt(c, as, haul.DownloadOptions{IfMatch: "another"}); !errors.Is(err, store.Changed) {
		t.Errorf("another: %v", err)
	}
}

// A large object that a listing reported must be the one that was listed, as a small one must.
func TestListedLargeObjectChanged(t *testing.T) {
	b := newBench(t)
	listed := b.PutBytes(object, random(200, 1))
	b.PutBytes(object, random(200, 2))
	if _, err := b.download(haul.DownloadOptions{Listed: &listed, PartSize: 10}); !errors.Is(err, store.Changed) {
		t.Errorf("%v", err)
	}
	b.tidy()
}
