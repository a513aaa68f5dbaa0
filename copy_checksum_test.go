package haul_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// bare takes the checksums away that a store has of an object, as of those that were stored before it computed any.
func (b *bench) bare(ref store.Ref) {
	b.Edit(ref, func(o *store.Object) { o.Sums = nil })
}

// A copy of what was uploaded in parts and has no checksum is verified by its ETag, which only the same parts have.
func TestCopyKeepsTheETagOfParts(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	for _, c := range []struct {
		name    string
		sums    storetest.Checksums
		size    int
		parts   []int64
		bare    bool
		inParts bool
	}{
		{"equal parts", storetest.MD5Checksums, 100, []int64{40}, false, true},
		{"parts that grow", storetest.MD5Checksums, 100, []int64{10, 20, 70}, false, true},
		{"one part", storetest.MD5Checksums, 100, []int64{100}, false, true},
		{"one part, smaller than parts may be", storetest.MD5Checksums, 3, []int64{5}, false, true},
		{"Amazon's, before it computed checksums", storetest.AllChecksums, 100, []int64{40}, true, true},
		{"Ceph's", storetest.IgnoredChecksums, 100, []int64{40}, false, true},
		{"a composite", storetest.CompositeChecksums, 100, []int64{40}, false, true},
		{"a checksum of all bytes needs no parts", storetest.AllChecksums, 100, []int64{40}, false, false},
		{"an ETag that is an MD5 needs no parts", storetest.MD5Checksums, 100, nil, false, false},
		{"an empty one", storetest.MD5Checksums, 0, []int64{5}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, storetest.Takes(c.sums))
			want := random(c.size, 1)
			b.PutBytes(object, want, c.parts...)
			if c.bare {
				b.bare(object)
			}
			r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{})
			if err != nil || !r.Proof.Verified || string(b.Bytes(to)) != string(want) {
				t.Errorf("%+v, %v", r.Proof, err)
			}
			if n := b.Counts()[storetest.CopyPart].Calls; n > 0 != c.inParts {
				t.Errorf("%d parts were copied", n)
			}
			b.tidy()
		})
	}
}

// A copy in parts keeps the ETag of a source whose parts the store does not report, if a tool made them, or haul, which keeps their size in
// the metadata: that of one process as one that several share.
func TestCopyTriesThePartSizesOfTools(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	large := store.Limits{MinPart: 5 * mib, MaxPart: 1 << 30, MaxParts: 10_000, MaxPut: 1 << 30, MaxCopy: 6 * mib, MaxObject: 1 << 40}
	want := random(17*mib+5, 1)
	for _, c := range []struct {
		part   int64
		kept   string
		proved bool
	}{{8 * mib, "", true}, {16 * mib, "", true}, {6_123_456, "6123456", true}, {8_500_000, "", false}} {
		for _, shared := range []bool{false, true} {
			b := newBench(t, storetest.Takes(storetest.IgnoredChecksums), storetest.NoLayout(), storetest.Limits(large))
			made := storetest.Made{Parts: []int64{c.part}}
			if c.kept != "" {
				made.Attrs = &store.Attrs{Metadata: map[string]string{"haul-part-size": c.kept}}
			}
			b.Make(object, bytes.NewReader(want), made)
			var r haul.Result
			var err error
			if shared {
				r, err = copyShared(b.client(), object, to)
			} else {
				r, err = b.client().Copy(t.Context(), object, to, haul.CopyOptions{})
			}
			if err != nil || r.Proof.Verified != c.proved || !bytes.Equal(b.Bytes(to), want) {
				t.Errorf("parts of %d, shared %v: %+v, %v", c.part, shared, r.Proof, err)
			}
			b.tidy()
		}
	}
}

// copyShared copies as several processes do.
func copyShared(c *haul.Client, from, to store.Ref) (haul.Result, error) {
	ctx := context.Background()
	s, err := c.DistributeCopy(ctx, from, to, haul.CopyOptions{})
	if err != nil {
		return haul.Result{}, err
	}
	var moved []store.Part
	for n := range s.Parts() {
		parts, err := c.MoveParts(ctx, s, n+1, n+1, haul.MovePartsOptions{})
		if err != nil {
			return haul.Result{}, err
		}
		moved = append(moved, parts...)
	}
	return c.CompleteDistributed(ctx, s, moved, haul.CompleteOptions{})
}

// If the tags of the source may not be read, the store copies them along: no copy in parts loses them.
func TestCopyLosesNoTagsForAProof(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	for _, denied := range []bool{false, true} {
		b := newBench(t, storetest.Takes(storetest.MD5Checksums))
		b.Make(object, bytes.NewReader(random(100, 1)), storetest.Made{Parts: []int64{40}, Attrs: &store.Attrs{Tags: map[string]string{"lab": "7"}}})
		if denied {
			b.Fault(storetest.Tags).Error(store.Denied)
		}
		r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{})
		if err != nil || r.Proof.Verified == denied {
			t.Errorf("denied %v: %+v, %v", denied, r.Proof, err)
		}
		if tags, err := b.Tags(context.Background(), to, nil); err != nil || tags["lab"] != "7" {
			t.Errorf("denied %v: tags %v, %v", denied, tags, err)
		}
	}
}

// A store that cannot fill parts from an object copies in one request, and is asked for parts once.
func TestCopyWithoutUploadPartCopy(t *testing.T) {
	b := newBench(t, storetest.Takes(storetest.MD5Checksums))
	c := b.client()
	b.Fault(storetest.CopyPart).Error(store.Unsupported).Times(1)
	for i, key := range []string{"one", "two"} {
		b.PutBytes(object, random(100, uint64(i)), 100)
		to := store.Ref{Bucket: storetest.Bucket, Key: key}
		r, err := c.Copy(context.Background(), object, to, haul.CopyOptions{})
		if err != nil || string(b.Bytes(to)) != string(b.Bytes(object)) {
			t.Errorf("%s: %+v, %v", key, r, err)
		}
	}
	if n := b.Counts()[storetest.Create].Calls; n != 1 || !strings.Contains(b.said(), "does not copy in parts") {
		t.Errorf("%d uploads were opened; said %q", n, b.said())
	}
	b.tidy()
}

// Of an object under SSE-KMS without a checksum nothing compares: the store sums the copy as it makes it, from the state
// that is pinned.
func TestCopyOfWhatHasNothingToCompare(t *testing.T) {
	to := store.Ref{Bucket: storetest.Bucket, Key: "to"}
	kms := store.Attrs{Encryption: store.Encryption{SSE: "aws:kms"}}
	for _, c := range []struct {
		name  string
		size  int
		parts []int64
		from  string // encryption of the source
		attrs store.Attrs
		want  string
	}{
		{"under KMS", 100, nil, "aws:kms", kms, "CRC64NVME that the store computed as it copied"},
		{"under KMS, in parts", 100, []int64{40}, "aws:kms", kms, "CRC64NVME that the store computed as it copied"},
		{"too large for one request", 2000, []int64{400}, "aws:kms", kms, "CRC64NVME that the store computed as it copied"},
		{"from KMS to plain", 100, nil, "aws:kms", store.Attrs{}, "CRC64NVME that the store computed as it copied"},
		{"from plain to KMS", 100, []int64{40}, "", kms, "CRC64NVME that the store computed as it copied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			want := random(c.size, 1)
			b.PutBytes(object, want, c.parts...)
			b.Edit(object, func(o *store.Object) { o.Sums, o.Encryption = nil, c.from })
			r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{Attrs: c.attrs})
			if err != nil || !r.Proof.Verified || !strings.Contains(r.Proof.Text, c.want) || string(b.Bytes(to)) != string(want) {
				t.Errorf("%+v, %v", r.Proof, err)
			}
			b.tidy()
		})
	}
	synctest.Test(t, func(t *testing.T) { // what is there already is no copy, whatever the store has computed of it
		b := newBench(t)
		b.PutBytes(object, random(100, 1))
		b.Edit(object, func(o *store.Object) { o.Sums, o.Encryption = nil, "aws:kms" })
		b.Fault(storetest.Copy).Error(store.Network).Hook(func() { b.PutBytes(to, random(100, 2)) })
		r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{NoClobber: true, Attrs: kms})
		if !errors.Is(err, store.Exists) {
			t.Errorf("%+v, %v", r.Proof, err)
		}
	})
	b := newBench(t, storetest.Takes(storetest.MD5Checksums)) // one that does not know how
	b.PutBytes(object, random(100, 1))
	b.Edit(object, func(o *store.Object) { o.Encryption = "aws:kms" })
	if r, err := b.client().Copy(context.Background(), object, to, haul.CopyOptions{Attrs: kms}); err != nil || r.Proof.Verified {
		t.Errorf("%+v, %v", r.Proof, err)
	}
}
