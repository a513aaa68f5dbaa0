package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// two are two stores, each with a client of its own.
type two struct {
	*bench
	from *storetest.Memory
}

func newTwo(t *testing.T, from, to []storetest.Option) two {
	b := newBench(t, to...)
	from = append([]storetest.Option{storetest.For(t), storetest.Limits(small)}, from...)
	return two{b, storetest.New(from...)}
}

func (w two) source() *haul.Client {
	return haul.New(named{w.from, "source"}, haul.Options{StateDir: w.state, Patience: time.Minute, Observe: w.observe})
}

// named is a store with another identity.
type named struct {
	store.Store
	name string
}

func (n named) Identity() string { return n.name }

func (w two) copyFrom(ctx context.Context, o haul.CopyOptions) (haul.Result, error) {
	return w.client().CopyFrom(ctx, w.source(), object, copied, o)
}

var copied = store.Ref{Bucket: storetest.Bucket, Key: "copies/x.bam"}

// Whatever the two stores record and take, a copy has the bytes, and is verified by both ends wherever both record something that
// can be compared.
func TestCopyFrom(t *testing.T) {
	for _, kept := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums, storetest.NoChecksums} {
		for _, taken := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums, storetest.NoChecksums} {
			for _, parts := range [][]int64{nil, {400}, {40, 70}} {
				for _, size := range []int{0, 1, 64, 65, 999, 2000} {
					t.Run(fmt.Sprintf("%v to %v, %v, %d", kept, taken, parts, size), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							w := newTwo(t, []storetest.Option{storetest.Takes(kept)}, []storetest.Option{storetest.Takes(taken)})
							want := random(size, 1)
							w.from.PutBytes(object, want, parts...)
							o := haul.CopyOptions{Digests: []checksum.Algorithm{checksum.SHA256, checksum.CRC32C}}
							if listed := w.from.Object(object); len(parts) == 0 {
								o.Listed = &listed
							}
							w.from.Random(uint64(size), storetest.Rates{Error: 0.1, Truncate: 0.2, AtMost: 3})
							rates := storetest.Rates{Error: 0.1, LoseAnswer: 0.1, Corrupt: 0.1, Truncate: 0.1, AtMost: 3}
							if taken == storetest.NoChecksums { // nothing shows what such a store has lost
								rates.Corrupt, rates.Truncate = 0, 0
							}
							w.Random(uint64(size), rates)
							r, err := w.copyFrom(t.Context(), o)
							if err != nil {
								t.Fatal(err)
							}
							if last := w.events[len(w.events)-1]; last.Kind != haul.EventDone || last.Result.Proof != r.Proof || last.Result.Retries != r.Retries {
								t.Errorf("reported as %+v", last)
							}
							if !bytes.Equal(w.Bytes(copied), want) || r.Size != int64(size) || r.Moved < int64(size) {
								t.Errorf("%+v", r)
							}
							if r.Digests[0] != checksum.Bytes(checksum.SHA256, want) || r.Digests[1] != checksum.Bytes(checksum.CRC32C, want) {
								t.Errorf("digests: %v", r.Digests)
							}
							t.Logf("%v: %s", r.Proof.Verified, r.Proof.Text)
							if verified := kept != storetest.NoChecksums && taken != storetest.NoChecksums; r.Proof.Verified != verified && size > 0 {
								t.Errorf("verified: %v, want %v: %s", r.Proof.Verified, verified, r.Proof.Text)
							}
							w.tidy()
						})
					})
				}
			}
		}
	}
}

// A run that ends anywhere is resumed by the next, and what is stored need not move again.
func TestCopyFromIsResumed(t *testing.T) {
	for _, kept := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
		for stop := 1; stop <= 25; stop += 3 {
			synctest.Test(t, func(t *testing.T) {
				w := newTwo(t, []storetest.Option{storetest.Takes(kept)}, nil)
				want := random(1000, 1)
				w.from.PutBytes(object, want, 40)
				ctx, cancel := context.WithCancel(t.Context())
				w.Fault(storetest.PutPart).Part(stop).Hook(cancel)
				var left *haul.IncompleteUploadError
				if _, err := w.copyFrom(ctx, haul.CopyOptions{}); !errors.As(err, &left) || !left.Resumable {
					t.Fatalf("%v", err)
				}
				r, err := w.copyFrom(t.Context(), haul.CopyOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(w.Bytes(copied), want) || !r.Proof.Verified {
					t.Errorf("%+v", r)
				}
				if r.Kept < left.Bytes-40 || r.Moved > 1000-r.Kept {
					t.Errorf("stopped at part %d with %d bytes: %d are kept, %d moved", stop, left.Bytes, r.Kept, r.Moved)
				}
				w.tidy()
			})
		}
	}
}

// A source that changes between two runs, or in one, never makes a copy of both.
func TestCopyFromAChangingSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTwo(t, nil, nil)
		old, now := random(1000, 1), random(1000, 2)
		w.from.PutBytes(object, old, 40)
		ctx, cancel := context.WithCancel(t.Context())
		w.Fault(storetest.PutPart).Part(9).Hook(cancel)
		if _, err := w.copyFrom(ctx, haul.CopyOptions{}); err == nil {
			t.Fatal("was not stopped")
		}
		w.from.PutBytes(object, now, 40)
		r, err := w.copyFrom(t.Context(), haul.CopyOptions{})
		if err != nil || r.Kept != 0 || !bytes.Equal(w.Bytes(copied), now) {
			t.Errorf("%+v, %v", r, err)
		}
		w.tidy()
		w.from.Fault(storetest.Get).Offset(480).Hook(func() { w.from.PutBytes(object, old, 40) })
		to := store.Ref{Bucket: storetest.Bucket, Key: "mixed"}
		was := w.from.Object(object)
		w.from.PutBytes(object, random(50, 3))
		if _, err = w.copyFrom(t.Context(), haul.CopyOptions{Listed: &was}); !errors.Is(err, store.Changed) {
			t.Errorf("%v", err)
		}
		was = w.from.Object(object)
		w.from.PutBytes(object, random(50, 4))
		if _, err = w.copyFrom(t.Context(), haul.CopyOptions{Listed: &was}); !errors.Is(err, store.Changed) {
			t.Errorf("%v", err)
		}
		w.from.PutBytes(object, now, 40)
		if _, err = w.client().CopyFrom(t.Context(), w.source(), object, to, haul.CopyOptions{}); !errors.Is(err, store.Changed) || w.Exists(to) {
			t.Errorf("%v", err)
		}
	})
}

// Bytes that are not those which the source's store has a checksum of never become an object.
func TestCopyFromADamagedSource(t *testing.T) {
	for _, size := range []int{50, 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := newTwo(t, nil, nil)
			w.from.PutBytes(object, random(size, 1), 40)
			w.from.Fault(storetest.Get).CorruptByte().Always()
			if _, err := w.copyFrom(t.Context(), haul.CopyOptions{}); !errors.Is(err, haul.ErrMismatch) || w.Exists(copied) {
				t.Errorf("%v", err)
			}
			w.tidy()
		})
	}
}

// Parts that are too large for the memory pass through it, and are verified as others are.
func TestCopyFromInLittleMemory(t *testing.T) {
	const mib = 1 << 20
	for _, taken := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
		limits := store.Limits{MinPart: mib, MaxPart: 64 * mib, MaxParts: 4, MaxPut: 8 * mib, MaxCopy: 1 << 30, MaxObject: 1 << 40}
		b := newBench(t, storetest.Limits(limits), storetest.Takes(taken))
		w := two{b, storetest.New(storetest.For(t), storetest.Limits(limits))}
		want := long(20*mib, 1)
		w.from.PutBytes(object, want, 5*mib)
		w.from.Fault(storetest.Get).Error(store.Network)
		w.Fault(storetest.PutPart).Part(2).Error(store.Network)
		c := haul.New(b.Memory, haul.Options{StateDir: filepath.Join(b.dir, "state"), Memory: 4 * mib, Observe: b.observe})
		r, err := c.CopyFrom(t.Context(), w.source(), object, copied, haul.CopyOptions{})
		if err != nil || !bytes.Equal(w.Bytes(copied), want) || !r.Proof.Verified || r.Parts != 4 {
			t.Errorf("%+v, %v", r, err)
		}
		w.from.SetChecksums(storetest.MD5Checksums)
		w.from.PutBytes(object, want, 5*mib)
		r, err = c.CopyFrom(t.Context(), w.source(), object, copied, haul.CopyOptions{})
		if err != nil || !bytes.Equal(w.Bytes(copied), want) || r.Proof.Verified || !strings.Contains(r.Proof.Text, "--memory") {
			t.Errorf("%+v, %v", r, err)
		}
		w.tidy()
	}
}

// A copy takes over what describes the source, unless it is given something else.
func TestCopyFromDescribes(t *testing.T) {
	for _, size := range []int{50, 1000} {
		w := newTwo(t, nil, nil)
		a := store.Attrs{Metadata: map[string]string{"sample": "NA12878"}, Tags: map[string]string{"run": "7"}}
		a.Headers.ContentType = "application/x-bam"
		if _, err := haul.New(w.from, haul.Options{StateDir: w.state}).Upload(t.Context(), w.file("x.bam", random(size, 1)), object, haul.UploadOptions{Attrs: a}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.copyFrom(t.Context(), haul.CopyOptions{}); err != nil {
			t.Fatal(err)
		}
		got, err := w.client().Store().Head(t.Context(), store.GetRequest{Ref: copied})
		tags, terr := w.client().Store().Tags(t.Context(), copied, nil)
		if err != nil || terr != nil || got.Attrs.Headers.ContentType != "application/x-bam" || got.Attrs.Metadata["sample"] != "NA12878" || tags["run"] != "7" {
			t.Errorf("%+v, %v; %v, %v", got.Attrs, err, tags, terr)
		}
		w.from.Fault(storetest.Tags).Error(store.Denied)
		if _, err := w.copyFrom(t.Context(), haul.CopyOptions{ReplaceMetadata: true}); err != nil {
			t.Fatal(err)
		}
		if got, _ = w.client().Store().Head(t.Context(), store.GetRequest{Ref: copied}); got.Attrs.Metadata["sample"] != "" {
			t.Errorf("%+v", got.Attrs)
		}
		w.tidy()
	}
}
