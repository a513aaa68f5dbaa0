package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// Only a bare io.EOF ends a stream: a body that was cut, or a broken archive, is no end.
func TestBrokenReaderIsNoEndOfStream(t *testing.T) {
	for _, broken := range []error{io.ErrUnexpectedEOF, fmt.Errorf("read tcp: %w", io.EOF)} {
		b := newBench(t)
		for _, size := range []int{5, 100, 105} {
			_, err := b.intake(io.MultiReader(bytes.NewReader(random(size, 1)), iotest.ErrReader(broken)), haul.UploadOptions{PartSize: 10})
			if !errors.Is(err, broken) {
				t.Errorf("after %d bytes: got %v, want %v", size, err, broken)
			}
		}
		if b.Exists(object) {
			t.Error("half a stream was stored")
		}
		b.tidy()
	}
}

func TestAnswersOfAnotherStateAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, storetest.Takes(storetest.NoChecksums))
		b.PutBytes(object, random(200, 3))
		s := &forgetful{Store: b.Memory}
		b.Fault(storetest.Get).Offset(100).Hook(func() { b.PutBytes(object, random(200, 4)) })
		c := haul.New(s, haul.Options{StateDir: b.state})
		_, err := c.Download(context.Background(), object, filepath.Join(b.dir, "out.bam"), haul.DownloadOptions{PartSize: 10})
		if !errors.Is(err, store.Changed) {
			t.Errorf("got %v, want kind Changed", err)
		}
	})
}

// forgetful is a store that ignores If-Match.
type forgetful struct{ store.Store }

func (f *forgetful) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	r.IfMatch = ""
	return f.Store.Get(ctx, r)
}

func TestAdoptLeavesForeignUploadsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		foreign, err := b.Create(context.Background(), object, checksum.Scheme{Algorithm: checksum.SHA256}, nil)
		if err != nil {
			t.Fatal(err)
		}
		other := random(50, 77)
		if _, err := b.PutPart(context.Background(), store.PutPartRequest{Upload: foreign, Number: 1, Body: section(other), Sum: sumBy(foreign.Scheme, other)}); err != nil {
			t.Fatal(err)
		}
		for _, o := range []haul.UploadOptions{{Resume: haul.ResumeAdopt}, {Resume: haul.ResumeAdopt, Checksum: checksum.CRC32C}} {
			want := random(205, 3)
			if _, err := b.upload(want, o); err != nil {
				t.Fatal(err)
			}
			b.stored(want)
		}
		if open := b.OpenUploads(); len(open) != 1 || open[0].ID != foreign.ID {
			t.Errorf("open uploads: %v", open)
		}
	})
}

func TestOldEqualObjectIsNotTakenForOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.PutBytes(object, want)
		b.Fault(storetest.Complete).Error(errors.New("odd"))
		_, err := b.upload(want, haul.UploadOptions{PartSize: 10, Attrs: store.Attrs{StorageClass: "GLACIER_IR"}})
		var left *haul.IncompleteUploadError
		if !errors.As(err, &left) {
			t.Errorf("got %v, want a LeftError", err)
		}
		b.Fault(storetest.Put).Error(&store.Error{Kind: store.Unavailable, Status: 503})
		small := store.Ref{Bucket: storetest.Bucket, Key: "small"}
		b.PutBytes(small, []byte("same"))
		time.Sleep(time.Hour) // of the bubble's clock: nobody takes it for what this run wrote
		if _, err := b.client().Upload(context.Background(), b.file("small", []byte("same")), small, haul.UploadOptions{NoClobber: true}); !errors.Is(err, store.Exists) {
			t.Errorf("got %v, want kind Exists", err)
		}
	})
}

func TestDamageUnderNoClobberIsHealed(t *testing.T) {
	b := newBench(t, storetest.Takes(storetest.IgnoredChecksums))
	b.Fault(storetest.Put).CorruptByte()
	want := random(20, 1)
	if _, err := b.upload(want, haul.UploadOptions{NoClobber: true}); err != nil {
		t.Fatal(err)
	}
	b.stored(want)
}

func TestStateFolderFullMidwayDoesNotMatter(t *testing.T) {
	b := newBench(t)
	want := random(200, 1)
	b.PutBytes(object, want)
	if err := os.WriteFile(b.state, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	if _, err := b.download(haul.DownloadOptions{PartSize: 10}); err != nil {
		t.Fatal(err)
	}
	b.fetched(want)
	if !strings.Contains(b.said(), "no record can be kept") {
		t.Errorf("said %q", b.said())
	}
}

func TestNamesThatAreNoUTF8Resume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.PutBytes(object, want)
		target := filepath.Join(b.dir, "r\xffads.bam")
		b.Fault(storetest.Get).Offset(170).Error(store.Denied)
		if _, err := b.client().Download(context.Background(), object, target, haul.DownloadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		r, err := b.client().Download(context.Background(), object, target, haul.DownloadOptions{PartSize: 10})
		if err != nil || r.Kept == 0 {
			t.Errorf("%+v, %v", r, err)
		}
		b.tidy()
	})
}

func TestUnprovedByTheETagIsSaid(t *testing.T) {
	b := newBench(t, storetest.Takes(storetest.MD5Checksums))
	b.Fault(storetest.Complete).Hook(func() {})
	s := &forger{Store: b.Memory}
	c := haul.New(s, haul.Options{StateDir: b.state})
	r, err := c.Upload(context.Background(), b.file("x.bam", random(200, 1)), object, haul.UploadOptions{PartSize: 10})
	if err != nil || r.Proof.Verified {
		t.Errorf("%+v, %v; want no proof", r.Proof, err)
	}
}

// forger answers to Complete with another ETag.
type forger struct{ store.Store }

func (f *forger) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	o, err := f.Store.Complete(ctx, r)
	o.ETag = strings.Repeat("0", 32) + "-20"
	o.Size = r.Size
	return o, err
}

func TestRecordSurvivesALookThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, storetest.Takes(storetest.AllChecksums))
		want := random(200, 3)
		ctx, kill := context.WithCancel(context.Background())
		b.Fault(storetest.Complete).Hook(kill).LoseAnswer()
		if _, err := b.client().Upload(ctx, b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		b.Fault(storetest.Head).Error(store.Unavailable).Times(2)
		before := b.Counts().In()
		r, err := b.client().Upload(context.Background(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{PartSize: 10})
		if err != nil || r.Kept != 200 || b.Counts().In() != before {
			t.Errorf("%+v, %v", r, err)
		}
		b.tidy()
	})
}

// A stream out that feeds a stream in must not take all the memory.
func TestStreamsThroughAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, storetest.Limits(store.Limits{}))
		want := random(30<<20, 1)
		b.PutBytes(object, want)
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, SpoolDir: b.dir, Memory: 8 << 20})
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := c.DownloadStream(context.Background(), object, w, haul.DownloadOptions{PartSize: 1 << 20})
			w.CloseWithError(err)
			done <- err
		}()
		to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
		if _, err := c.UploadStream(context.Background(), r, to, haul.UploadOptions{PartSize: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(to), want) {
			t.Error("other bytes")
		}
	})
}

// mute is a store whose answer to Complete has no checksums.
type mute struct{ *storetest.Memory }

func (m mute) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	o, err := m.Memory.Complete(ctx, r)
	o.Sums = nil
	return o, err
}

// TestProofThatMayNotBeRead: credentials that may write and not read are reported as that, and not as a store without checksums.
func TestProofThatMayNotBeRead(t *testing.T) {
	b := newBench(t)
	b.Fault(storetest.Head).Always().Error(store.Denied)
	c := haul.New(mute{b.Memory}, haul.Options{StateDir: b.state})
	r, err := c.Upload(t.Context(), b.file("x.bam", random(100, 1)), object, haul.UploadOptions{PartSize: 20})
	if err != nil || r.Proof.Verified || !strings.Contains(r.Proof.Text, "do not allow reading") {
		t.Errorf("%+v, %v", r.Proof, err)
	}
}
