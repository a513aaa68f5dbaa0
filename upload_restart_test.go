package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// poisoned is a store with one upload, the first that it opens, that answers an operation with an error for ever, the
// caller.
type poisoned struct {
	*storetest.Memory
	op  storetest.Op
	err error

	mu sync.Mutex
	id string
}

func (p *poisoned) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (store.Upload, error) {
	u, err := p.Memory.Create(ctx, ref, want, a)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.id == "" {
		p.id = u.ID
	}
	return u, err
}

func (p *poisoned) refuses(op storetest.Op, u store.Upload) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if op == p.op && u.ID == p.id {
		return p.err
	}
	return nil
}

func (p *poisoned) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	if err := p.refuses(storetest.PutPart, r.Upload); err != nil {
		return store.Part{}, err
	}
	return p.Memory.PutPart(ctx, r)
}

func (p *poisoned) Parts(ctx context.Context, u store.Upload, a *store.Attrs) (store.Upload, []store.Part, error) {
	if err := p.refuses(storetest.Parts, u); err != nil {
		return store.Upload{}, nil, err
	}
	return p.Memory.Parts(ctx, u, a)
}

func (p *poisoned) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	if err := p.refuses(storetest.Complete, r.Upload); err != nil {
		return store.Object{}, err
	}
	return p.Memory.Complete(ctx, r)
}

// TestNoRecordLeadsIntoTheSameRefusalTwice: whatever an upload is refused with, and at which operation, the same command
// comes to a good end at the latest when it is run for the third time, and what it aborts is gone. Only where something
// other than the upload is at fault is the upload kept.
func TestNoRecordLeadsIntoTheSameRefusalTwice(t *testing.T) {
	for _, op := range []storetest.Op{storetest.PutPart, storetest.Parts, storetest.Complete} {
		for _, e := range []store.Error{
			{Kind: store.Corrupt, Status: 400, Code: "BadDigest"},
			{Kind: store.Corrupt, Status: 400, Code: "XAmzContentChecksumMismatch"},
			{Kind: store.Invalid, Status: 400, Code: "InvalidPart"},
			{Kind: store.Invalid, Status: 400, Code: "InvalidPartOrder"},
			{Kind: store.Invalid, Status: 400, Code: "EntityTooSmall"},
			{Kind: store.Invalid, Status: 400, Code: "InvalidRequest"},
			{Kind: store.Invalid, Status: 418},
			{Kind: store.TooLarge, Status: 400, Code: "EntityTooLarge"},
			{Kind: store.ChecksumRefused, Status: 400, Code: "InvalidRequest"},
			{Kind: store.Unsupported, Status: 501, Code: "NotImplemented"},
			{Kind: store.NotFound, Status: 404, Code: "NoSuchKey"},
			{Kind: store.NoUpload, Status: 404, Code: "NoSuchUpload"},
			{Kind: store.Denied, Status: 403, Code: "AccessDenied"},
			{Kind: store.NoRoom, Status: 507, Code: "InsufficientStorage"},
		} {
			if op == storetest.Parts && (e.Kind == store.Corrupt || e.Kind == store.NoRoom) {
				continue // no refusal of a listing
			}
			t.Run(fmt.Sprintf("%s, %s %s", op, e.Kind, e.Code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					want := random(200, 3)
					path := b.file("x.bam", want)
					e.Op = string(op)
					p := &poisoned{Memory: b.Memory, op: op, err: &e}
					run := func() error {
						c := haul.New(p, haul.Options{StateDir: b.state, Patience: time.Minute, Observe: b.observe})
						_, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 10})
						return err
					}
					if op == storetest.Parts { // it is asked for by the second run
						b.Fault(storetest.Complete).Error(store.Denied)
					}
					foreign := e.Kind == store.Denied || e.Kind == store.NoRoom
					first, second := run(), run()
					if foreign && op != storetest.Parts {
						if second == nil || len(b.OpenUploads()) != 1 {
							t.Fatalf("an upload that is not at fault was not kept: %v", second)
						}
						p.op = "" // the rights were granted, and room was made
						second = run()
					}
					if second != nil {
						t.Fatalf("after %v, the second run ended with %v", first, second)
					}
					b.stored(want)
					switch {
					case e.Kind == store.NoUpload, op == storetest.Parts && e.Kind == store.Unsupported, op == storetest.Parts && foreign:
						// the store says that it is gone; or the notes say which upload stays
					default:
						b.tidy()
					}
				})
			})
		}
	}
}

// An upload of an earlier run that cannot be completed is started over within the run, and that is reported.
func TestRefusedUploadOfAnEarlierRunStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.Fault(storetest.Complete).Error(store.Denied)
		if _, err := b.upload(want, haul.UploadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		b.Fault(storetest.Complete).Error(&store.Error{Kind: store.Invalid, Status: 400, Code: "InvalidPart", Op: "CompleteMultipartUpload"})
		c := b.client()
		r, err := c.Upload(t.Context(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{PartSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		b.stored(want)
		if s := c.Progress(); r.Kept != 0 || s.Done != 200 || s.Total != 200 || s.PartsDone != 20 || s.PartsTotal != 20 || s.Kept != 0 {
			t.Errorf("kept %d; counted %+v", r.Kept, s)
		}
		if !strings.Contains(b.said(), "starting over") || !strings.Contains(b.said(), "InvalidPart") {
			t.Errorf("said %q", b.said())
		}
		b.tidy()
	})
}

// An upload that is gone before a part of it was sent starts over; one that is aborted midway was meant.
func TestUploadThatIsGone(t *testing.T) {
	for _, midway := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			abort := func() {
				for _, u := range b.OpenUploads() {
					if err := b.Abort(t.Context(), u.Upload, nil); err != nil {
						t.Error(err)
					}
				}
			}
			f := b.Fault(storetest.PutPart).Hook(abort)
			if midway {
				f.Part(7)
			}
			want := random(200, 3)
			c := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1, Observe: b.observe})
			_, err := c.Upload(t.Context(), b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10})
			if midway != errors.Is(err, store.NoUpload) || !midway && err != nil {
				t.Fatalf("midway %v: %v", midway, err)
			}
			if !midway {
				b.stored(want)
			}
			b.tidy()
		})
	}
}

// narrow is a store whose limits show only when it refuses.
type narrow struct {
	*storetest.Memory
	mu    sync.Mutex
	known store.Limits
}

func (n *narrow) Limits(string) store.Limits {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known
}

func (n *narrow) learn(err error) {
	if kind := store.KindOf(err); kind == store.Invalid || kind == store.TooLarge {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.known = n.Memory.Limits("")
	}
}

func (n *narrow) Put(ctx context.Context, r store.PutRequest) (store.Object, error) {
	if r.Body.Size() > n.Memory.Limits("").MaxPut {
		err := &store.Error{Kind: store.TooLarge, Op: "PutObject", Ref: r.Ref, Status: 400, Code: "EntityTooLarge"}
		n.learn(err)
		return store.Object{}, err
	}
	return n.Memory.Put(ctx, r)
}

func (n *narrow) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	p, err := n.Memory.PutPart(ctx, r)
	n.learn(err)
	return p, err
}

func (n *narrow) Complete(ctx context.Context, r store.CompleteRequest) (store.Object, error) {
	o, err := n.Memory.Complete(ctx, r)
	n.learn(err)
	return o, err
}

// TestLimitsThatShowAreObeyed: a store with narrower limits than S3's gets parts that it takes, in the run that meets the
// refusal, in the next file without another refusal, and in a run that resumes an upload with other parts.
func TestLimitsThatShowAreObeyed(t *testing.T) {
	const mib = 1 << 20
	wide := store.Limits{MaxParts: 10_000, MinPart: mib, MaxPart: 64 * mib, MaxPut: 64 * mib, MaxObject: 1 << 40}
	for name, tt := range map[string]struct {
		size  int
		real  func(*store.Limits)
		parts int // in the end
	}{
		"few parts":   {40 * mib, func(l *store.Limits) { l.MaxParts = 3 }, 3},
		"large parts": {40 * mib, func(l *store.Limits) { l.MinPart = 16 * mib }, 3},
		"small parts": {40 * mib, func(l *store.Limits) { l.MaxPart = 4 * mib }, 10},
		"small puts":  {12 * mib, func(l *store.Limits) { l.MaxPut = mib }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				real := wide
				tt.real(&real)
				b := newBench(t, storetest.Limits(real))
				n := &narrow{Memory: b.Memory, known: wide}
				c := haul.New(n, haul.Options{StateDir: b.state, Observe: b.observe})
				want := random(tt.size, 1)
				path := b.file("x.bam", want)
				r, err := c.Upload(t.Context(), path, object, haul.UploadOptions{})
				if err != nil || r.Parts != tt.parts {
					t.Fatalf("%d parts, want %d: %v", r.Parts, tt.parts, err)
				}
				b.stored(want)
				if s := c.Progress(); s.Done != int64(tt.size) || s.Total != int64(tt.size) || s.PartsDone != tt.parts || s.PartsTotal != tt.parts {
					t.Errorf("counted %+v", s)
				}
				moved := b.Counts().In()
				if _, err := c.Upload(t.Context(), path, object, haul.UploadOptions{}); err != nil || b.Counts().In() != moved+int64(tt.size) {
					t.Errorf("the next file moved %d bytes, has %d: %v", b.Counts().In()-moved, tt.size, err)
				}
				if n := strings.Count(b.said(), "starting over") + strings.Count(b.said(), "in parts"); n != 1 {
					t.Errorf("said %d times: %q", n, b.said())
				}
				b.tidy()
			})
		})
	}
}

// The limits that a store turns out to have may leave nothing that a wish for a part size can be.
func TestPartSizeThatTheStoreTurnsOutNotToTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, storetest.Limits(store.Limits{MinPart: 4, MaxPart: 1000, MaxParts: 5, MaxPut: 64}))
		n := &narrow{Memory: b.Memory, known: small}
		c := haul.New(n, haul.Options{StateDir: b.state})
		path := b.file("x.bam", random(200, 1))
		_, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 10})
		if !errors.Is(err, store.Invalid) || !strings.Contains(err.Error(), "use at least") {
			t.Fatalf("got %v", err)
		}
		if _, err := c.Upload(t.Context(), path, object, haul.UploadOptions{PartSize: 50}); err != nil {
			t.Fatal(err)
		}
		b.tidy()
	})
}

// tightLipped is a store whose listings do not say with which checksums an upload was opened.
type tightLipped struct{ *storetest.Memory }

func (s *tightLipped) Parts(ctx context.Context, u store.Upload, a *store.Attrs) (store.Upload, []store.Part, error) {
	_, parts, err := s.Memory.Parts(ctx, u, a)
	for i := range parts {
		parts[i].Sum = checksum.Sum{}
	}
	return u, parts, err
}

func (s *tightLipped) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return func(yield func(store.Upload, error) bool) {
		for u, err := range s.Memory.Uploads(ctx, bucket, prefix) {
			u.Scheme = checksum.Scheme{}
			if !yield(u, err) {
				return
			}
		}
	}
}

// What is sent into an upload that somebody else opened is checked by the server, and verified in the end.
func TestAdoptedUploadThatNamesNoChecksum(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.MD5Checksums, storetest.IgnoredChecksums} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.Takes(sums))
			want := random(205, 3)
			foreign, err := b.Create(t.Context(), object, checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= 7; n++ {
				part := want[(n-1)*10 : n*10]
				if _, err := b.PutPart(t.Context(), store.PutPartRequest{Upload: foreign, Number: n, Body: section(part)}); err != nil {
					t.Fatal(err)
				}
			}
			b.Fault(storetest.PutPart).Part(12).CorruptByte()
			c := haul.New(&tightLipped{b.Memory}, haul.Options{StateDir: b.state, Observe: b.observe})
			r, err := c.Upload(t.Context(), b.file("x.bam", want), object, haul.UploadOptions{Resume: haul.ResumeAdopt})
			if err != nil || r.Kept != 70 || !r.Proof.Verified {
				t.Fatalf("%+v, %v; said %q", r, err, b.said())
			}
			b.stored(want)
			b.tidy()
		})
	}
}

// Some servers lose a part of which a request was cut, and refuse to complete the upload: it is started over once, and nothing is cut.
func TestRestartAfterACutPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New()
		dir := t.TempDir()
		path := filepath.Join(dir, "x.bam")
		content := long(96<<20, 1)
		write(t, path, content)
		m.Fault(storetest.PutPart).Part(8).Slow(5 * time.Minute)
		m.Fault(storetest.Complete).Error(&store.Error{Kind: store.Invalid, Code: "InvalidPart"})
		var said []string
		c := haul.New(m, haul.Options{Bandwidth: 20 << 20, StateDir: filepath.Join(dir, "state"), Observe: func(e haul.Event) {
			if e.Kind == haul.EventNote || e.Kind == haul.EventRetry {
				said = append(said, fmt.Sprint(e.Text, e.Err))
			}
		}})
		r, err := c.Upload(t.Context(), path, object, haul.UploadOptions{})
		if err != nil || !bytes.Equal(m.Bytes(object), content) || len(m.OpenUploads()) > 0 {
			t.Fatalf("%+v, %v; %q", r, err, said)
		}
		if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "sent twice") }) {
			t.Errorf("said %q", said)
		}
	})
}
