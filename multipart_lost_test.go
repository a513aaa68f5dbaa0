package haul_test

import (
	"context"
	"errors"
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

// TestNoUploadIsLeftThatNoLaterRunFinds breaks runs off while they open uploads, in all the ways in which the ID is not
// heard.
func TestNoUploadIsLeftThatNoLaterRunFinds(t *testing.T) {
	for name, o := range map[string]haul.UploadOptions{"resumed": {PartSize: 10}, "never resumed": {PartSize: 10, Resume: haul.ResumeNever}} {
		for fate, trouble := range map[string]func(*storetest.Fault, context.CancelFunc){
			"Ctrl-C before the answer": func(f *storetest.Fault, kill context.CancelFunc) { f.Hook(kill) },
			"Ctrl-C and no answer":     func(f *storetest.Fault, kill context.CancelFunc) { f.Hook(kill).LoseAnswer() },
			"answer lost":              func(f *storetest.Fault, _ context.CancelFunc) { f.LoseAnswer().Times(3) },
			"a failure that was none": func(f *storetest.Fault, _ context.CancelFunc) {
				f.LateError(&store.Error{Kind: store.Unavailable, Status: 500, Code: "InternalError"}).Times(2)
			},
		} {
			t.Run(name+"/"+fate, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					want := random(200, 3)
					path := b.file("x.bam", want)
					ctx, kill := context.WithCancel(t.Context())
					defer kill()
					trouble(b.Fault(storetest.Create), kill)
					if _, err := b.client().Upload(ctx, path, object, o); err != nil {
						if !errors.Is(err, context.Canceled) {
							t.Fatal(err)
						}
						if _, err := b.client().Upload(t.Context(), path, object, o); err != nil {
							t.Fatal(err)
						}
					}
					b.stored(want)
					b.tidy()
				})
			})
		}
	}
}

// A process that dies between the answer to Create and the record of it: the record from before is enough to go by. Uploads
// with parts, older ones, and those of other keys are somebody's.
func TestUploadsThatAreSomebodysStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		open := func(key string, parts int) store.Upload {
			u, err := b.Create(t.Context(), store.Ref{Bucket: storetest.Bucket, Key: key}, checksum.Scheme{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n := range parts {
				if _, err := b.PutPart(t.Context(), store.PutPartRequest{Upload: u, Number: n + 1, Body: section(random(10, 1))}); err != nil {
					t.Fatal(err)
				}
			}
			return u
		}
		old := open(object.Key, 0)
		time.Sleep(time.Hour)
		other, full := open(object.Key+"2", 0), open(object.Key, 1)
		ctx, kill := context.WithCancel(t.Context())
		b.Fault(storetest.Create).Hook(kill).LoseAnswer()
		want := random(200, 3)
		if _, err := b.client().Upload(ctx, b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		if _, err := b.client().Upload(t.Context(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		left := map[string]bool{}
		for _, u := range b.OpenUploads() {
			left[u.ID] = true
		}
		if len(left) != 3 || !left[old.ID] || !left[other.ID] || !left[full.ID] {
			t.Errorf("left: %v", left)
		}
	})
}

// What a stream or a copy leaves whose process is killed, the next run aborts, whatever it does.
func TestKilledStreamIsSwept(t *testing.T) {
	for name, begin := range map[string]func(*bench, context.Context) error{
		"stream": func(b *bench, ctx context.Context) error {
			_, err := b.client().UploadStream(ctx, section(random(200, 1)), object, haul.UploadOptions{PartSize: 10})
			return err
		},
		"copy": func(b *bench, ctx context.Context) error {
			from := store.Ref{Bucket: storetest.Bucket, Key: "from"}
			b.PutBytes(from, random(200, 1))
			_, err := b.client().Copy(ctx, from, object, haul.CopyOptions{PartSize: 10})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				// An abort that never comes through is what a kill is to the store.
				b.Fault(storetest.Complete).Error(store.Denied)
				b.Fault(storetest.Abort).Error(store.Denied)
				err := begin(b, t.Context())
				if left := new(haul.IncompleteUploadError); !errors.As(err, &left) || len(b.OpenUploads()) != 1 {
					t.Fatalf("got %v", err)
				}
				if _, err := b.client().Upload(t.Context(), b.file("y", random(100, 1)), store.Ref{Bucket: storetest.Bucket, Key: "y"}, haul.UploadOptions{PartSize: 10}); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(b.said(), "aborted the unfinished upload of a "+name) {
					t.Errorf("said %q", b.said())
				}
				b.tidy()
			})
		})
	}
}

// A write under a condition that took effect is a success, whatever the answer to it was.
func TestOwnWriteUnderNoClobber(t *testing.T) {
	twice := func(b *bench, f *storetest.Fault) { // something on the way sends it twice, and the second answer comes here
		f.Hook(func() {
			b.PutBytes(object, random(20, 3))
		})
	}
	for name, tt := range map[string]struct {
		op      storetest.Op
		size    int
		trouble func(*bench, *storetest.Fault)
	}{
		"put, answered 500": {storetest.Put, 20, func(_ *bench, f *storetest.Fault) {
			f.LateError(&store.Error{Kind: store.Unavailable, Status: 500, Code: "InternalError"})
		}},
		"put, answered 502 by a proxy":   {storetest.Put, 20, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.Unavailable, Status: 502}) }},
		"put, answered 503 by a proxy":   {storetest.Put, 20, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.Throttled, Status: 503}) }},
		"put, answer not understood":     {storetest.Put, 20, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.Corrupt, Status: 200}) }},
		"put, delivered twice":           {storetest.Put, 20, twice},
		"complete, answered 500":         {storetest.Complete, 200, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.Unavailable, Status: 500}) }},
		"complete, delivered twice":      {storetest.Complete, 200, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.NoUpload, Status: 404}) }},
		"complete, delivered twice, 412": {storetest.Complete, 200, func(_ *bench, f *storetest.Fault) { f.LateError(&store.Error{Kind: store.Exists, Status: 412}) }},
	} {
		for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, storetest.Takes(sums))
					tt.trouble(b, b.Fault(tt.op))
					want := random(tt.size, 3)
					r, err := b.upload(want, haul.UploadOptions{PartSize: 50, NoClobber: true})
					if err != nil || !r.Proof.Verified {
						t.Fatalf("%+v, %v", r, err)
					}
					b.stored(want)
					b.tidy()
				})
			})
		}
	}
	// What another writer put there is not ours, if it differs or is older.
	for name, before := range map[string]func(*bench){
		"other bytes": func(b *bench) { b.PutBytes(object, random(20, 4)) },
		"equal, and old": func(b *bench) {
			b.PutBytes(object, random(20, 3))
			time.Sleep(time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				before(b)
				b.Fault(storetest.Put).Error(&store.Error{Kind: store.Unavailable, Status: 500})
				if _, err := b.upload(random(20, 3), haul.UploadOptions{NoClobber: true}); !errors.Is(err, store.Exists) {
					t.Errorf("got %v, want kind Exists", err)
				}
			})
		})
	}
}
