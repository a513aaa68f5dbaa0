package haul

import (
	"context"
	"fmt"
	"io"
	"time"

	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/meter"
	"haul.example/haul/store"
)

// evidence finds what the store records of an object's bytes, with the sizes of its parts if a sum needs them.
func (t *transfer) evidence(ctx context.Context, obj *store.Object, a *store.Attrs) *evidence.Record {
	r := evidence.Deciding(obj)
	t.c.etags.Apply(r)
	// It is not an error if the store does not report the parts: then the sizes that tools use are tried. A request that
	// would fail for another reason lets the next one fail too.
	_ = r.Split(func() ([]store.Part, error) {
		parts, _ := t.parts(ctx, *obj, a)
		return parts, nil
	})
	r.Claims = evidence.Worth(r.Claims)
	return r
}

// parts asks for the parts of an object.
func (t *transfer) parts(ctx context.Context, obj store.Object, a *store.Attrs) ([]store.Part, error) {
	return ask(ctx, t, func(ctx context.Context) ([]store.Part, error) { return t.c.store.Layout(ctx, obj, a) })
}

// layout returns the sizes of the object's parts, which must be so many and fill it.
func (t *transfer) layout(ctx context.Context, obj store.Object, count int, a *store.Attrs) ([]int64, error) {
	parts, err := t.parts(ctx, obj, a)
	if err != nil {
		return nil, err
	}
	sizes := layout.Sizes(parts, count, obj.Size)
	if sizes == nil {
		return nil, fmt.Errorf("%w: parts of %s do not add up", store.Unsupported, obj.Ref)
	}
	return sizes, nil
}

// compare compares bytes that are here with what the store records.
func (t *transfer) compare(ctx context.Context, r *evidence.Record, from io.ReaderAt) (evidence.Answer, error) {
	defer t.c.meter.Since(meter.Proving, time.Now())
	a, err := t.c.summer.Compare(ctx, from, r.Object.Size, r.Claims)
	if err != nil {
		return a, fmt.Errorf("read again to verify: %w", err)
	}
	if a.Verdict == evidence.Match {
		t.c.etags.Fit(a.Claim)
	}
	return a, nil
}

// verifyContent compares bytes that are here with what the store records. Bytes that surely differ are an ErrMismatch.
func (t *transfer) verifyContent(ctx context.Context, obj store.Object, from io.ReaderAt) (Proof, error) {
	r := t.evidence(ctx, &obj, &t.o.attrs)
	a, err := t.compare(ctx, r, from)
	if err != nil {
		return Proof{}, err
	}
	p, _, err := proofOf(r, a)
	return p, err
}

// proofOf makes a Proof of the answer to a comparison. The doubt is a claim that differs, but does not by itself show that
// the bytes are wrong.
func proofOf(r *evidence.Record, a evidence.Answer) (p Proof, doubt evidence.Claim, err error) {
	switch {
	case a.Verdict == evidence.Match:
		p = Proof{Verified: true, Sum: a.Claim.Sum, Text: a.Claim.Text()}
		if a.Claim.Sure() {
			p.Text += ", as the store has it"
		}
		return p, doubt, nil
	case a.Verdict == evidence.Unknown:
		return Proof{Text: r.Why()}, a.Claim, nil
	case a.Claim.Kind == evidence.Metadata: // anyone may have written it, at any time
		return Proof{Text: "the MD5 in its metadata (" + a.Claim.From + ") is not that of its bytes, and the store keeps no checksum of it"}, a.Claim, nil
	}
	return Proof{}, doubt, mismatch(*r.Object, a.Claim.Sum, a.Ours)
}
