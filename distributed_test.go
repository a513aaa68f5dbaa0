package haul_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// sharedWays are the three directions of a shared transfer.
var sharedWays = []string{"upload", "download", "copy"}

// share opens a shared transfer of content.
func share(b *bench, c *haul.Client, way string, content []byte, part int64) (haul.Distributed, error) {
	from := store.Ref{Bucket: storetest.Bucket, Key: "from"}
	switch way {
	case "upload":
		return c.DistributeUpload(context.Background(), b.file("x.bam", content), object, haul.UploadOptions{PartSize: part})
	case "download":
		b.PutBytes(from, content)
		return c.DistributeDownload(context.Background(), from, filepath.Join(b.dir, "down", "x.bam"), haul.DownloadOptions{PartSize: part})
	}
	b.PutBytes(from, content)
	return c.DistributeCopy(context.Background(), from, object, haul.CopyOptions{PartSize: part})
}

// arrived is what a shared transfer made; nil if nothing is there.
func arrived(b *bench, way string) []byte {
	if way == "download" {
		got, _ := os.ReadFile(filepath.Join(b.dir, "down", "x.bam"))
		return got
	}
	if !slices.Contains(b.Keys(storetest.Bucket, object.Key), object.Key) {
		return nil
	}
	return b.Bytes(object)
}

// TestShared: any number of processes, each with some parts, in any order, some twice, make the whole; if parts are
// missing, they are named, and nothing is there.
func TestShared(t *testing.T) {
	for _, way := range sharedWays {
		t.Run(way, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				b := newBench(t)
				content := random(rapid.IntRange(1, 500).Draw(rt, "size"), 1)
				part := int64(rapid.IntRange(4, 100).Draw(rt, "part"))
				s, err := share(b, b.client(), way, content, part)
				if err != nil {
					rt.Fatal(err)
				}
				cuts := rapid.SliceOfNDistinct(rapid.IntRange(1, s.Parts()), 1, -1, rapid.ID[int]).Draw(rt, "cuts")
				slices.Sort(cuts)
				cuts[0] = 1
				var reported []store.Part
				var gone []int
				for _, i := range rand.Perm(len(cuts)) {
					first, last := cuts[i], s.Parts()
					if i+1 < len(cuts) {
						last = cuts[i+1] - 1
					}
					times := rapid.IntRange(0, 2).Draw(rt, "times")
					for range times {
						parts, err := b.client().MoveParts(context.Background(), s, first, last, haul.MovePartsOptions{})
						if err != nil {
							rt.Fatal(err)
						}
						reported = append(reported, parts...)
					}
					for n := first; n <= last && times == 0; n++ {
						gone = append(gone, n)
					}
				}
				slices.Sort(gone)
				r, err := b.client().CompleteDistributed(context.Background(), s, reported, haul.CompleteOptions{})
				if missing := new(haul.PartsError); len(gone) > 0 {
					if !errors.As(err, &missing) || !slices.Equal(missing.Missing, gone) || arrived(b, way) != nil {
						rt.Fatalf("%v, want parts %v missing", err, gone)
					}
					if err := b.client().AbortDistributed(context.Background(), s); err != nil {
						rt.Fatal(err)
					}
				} else if err != nil || !r.Proof.Verified || !bytes.Equal(arrived(b, way), content) {
					rt.Fatalf("%+v, %v", r, err)
				} else if again, err := b.client().CompleteDistributed(context.Background(), s, reported, haul.CompleteOptions{}); err != nil || !again.Proof.Verified {
					rt.Fatalf("completed again: %+v, %v", again, err)
				} else if parts, err := b.client().MoveParts(context.Background(), s, 1, 1, haul.MovePartsOptions{}); err != nil || parts != nil {
					rt.Fatalf("moved again: %v, %v", parts, err)
				}
				b.tidy()
			})
		})
	}
}

// TestSharedGoesOn: a process that is asked again for parts moves only those that the store does not have.
func TestSharedGoesOn(t *testing.T) {
	b := newBench(t)
	s, err := share(b, b.client(), "upload", random(100, 1), 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client().MoveParts(context.Background(), s, 1, 6, haul.MovePartsOptions{}); err != nil {
		t.Fatal(err)
	}
	before := b.Counts()[storetest.PutPart].Calls
	reported, err := b.client().MoveParts(context.Background(), s, 1, 10, haul.MovePartsOptions{})
	if n := b.Counts()[storetest.PutPart].Calls - before; err != nil || len(reported) != 10 || n != 4 {
		t.Fatalf("%d parts sent, %d reported of, %v", n, len(reported), err)
	}
	if r, err := b.client().CompleteDistributed(context.Background(), s, reported, haul.CompleteOptions{}); err != nil || !r.Proof.Verified {
		t.Fatal(r, err)
	}
	b.tidy()
}

// TestSharedByAnyChecksum: whatever the store knows of checksums, a part that another put in its place is found out.
func TestSharedByAnyChecksum(t *testing.T) {
	for _, checks := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums} {
		b := newBench(t, storetest.Takes(checks))
		s, err := share(b, b.client(), "upload", random(100, 1), 10)
		if err != nil {
			t.Fatal(err)
		}
		reported, err := b.client().MoveParts(context.Background(), s, 1, 10, haul.MovePartsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		other := s
		other.Path = b.file("other.bam", random(100, 2))
		fi, err := os.Stat(other.Path)
		if err != nil {
			t.Fatal(err)
		}
		other.Modified = fi.ModTime()
		if _, err := b.client().MoveParts(context.Background(), other, 4, 4, haul.MovePartsOptions{Fresh: true}); err != nil {
			t.Fatal(err)
		}
		var missing *haul.PartsError
		if _, err := b.client().CompleteDistributed(context.Background(), s, reported, haul.CompleteOptions{}); !errors.As(err, &missing) || !slices.Equal(missing.Missing, []int{4}) {
			t.Errorf("%v: %v, want part 4 to be missing", checks, err)
		}
		if reported, err = b.client().MoveParts(context.Background(), s, 1, 10, haul.MovePartsOptions{}); err != nil {
			t.Fatal(err)
		}
		if r, err := b.client().CompleteDistributed(context.Background(), s, reported, haul.CompleteOptions{}); err != nil || !r.Proof.Verified {
			t.Errorf("%v: %+v, %v", checks, r, err)
		}
		b.tidy()
	}
}

// TestSharedSourceChanged: a source that is another by now is named, and nothing of it moves.
func TestSharedSourceChanged(t *testing.T) {
	for _, way := range sharedWays {
		b := newBench(t)
		s, err := share(b, b.client(), way, random(100, 1), 10)
		if err != nil {
			t.Fatal(err)
		}
		if way == "upload" {
			b.file("x.bam", random(101, 2))
		} else {
			b.PutBytes(s.From, random(100, 2))
		}
		_, err = b.client().MoveParts(context.Background(), s, 1, 3, haul.MovePartsOptions{})
		if !errors.Is(err, haul.ErrSourceChanged) && !errors.Is(err, store.Changed) {
			t.Errorf("%s: %v", way, err)
		}
		if err := b.client().AbortDistributed(context.Background(), s); err != nil {
			t.Error(err)
		}
		b.tidy()
	}
}

// TestSharedRefuses: parts that are none, and a transfer that was discarded.
func TestSharedRefuses(t *testing.T) {
	b := newBench(t)
	s, err := share(b, b.client(), "upload", random(100, 1), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int{{0, 1}, {2, 1}, {1, 11}} {
		if _, err := b.client().MoveParts(context.Background(), s, r[0], r[1], haul.MovePartsOptions{}); !errors.Is(err, store.Invalid) {
			t.Errorf("%v: %v", r, err)
		}
	}
	for range 2 {
		if err := b.client().AbortDistributed(context.Background(), s); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.client().MoveParts(context.Background(), s, 1, 1, haul.MovePartsOptions{}); !errors.Is(err, store.NoUpload) {
		t.Errorf("of an upload that was aborted: %v", err)
	}
	if _, err := b.client().CompleteDistributed(context.Background(), s, nil, haul.CompleteOptions{}); !errors.Is(err, store.NoUpload) {
		t.Errorf("of an upload that was aborted: %v", err)
	}
	b.tidy()
}
