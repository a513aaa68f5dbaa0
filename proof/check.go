package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// maxListed is the size, in bytes, up to which the MD5 of a file is compared with the ETag in the listing first: mostly it matches, and
// no request is made for the object at all.
const maxListed = 8 << 20

// ok, bad and open set the result of a finding.
func (f *Finding) ok(c Claim, text string) {
	f.Verdict, f.Text, f.Proof, f.Sum, f.Parts, f.Settles, f.doubt = OK, text, c.Group(), c.Sum, nil, false, doubt{}
	if c.IsETag() {
		f.etagKind = c.Kind
	}
}

func (f *Finding) bad(text string, sure bool) {
	f.Verdict, f.Text, f.Settles, f.doubt = Bad, text, !sure, doubt{}
}

func (f *Finding) open(why string, settles bool) {
	f.Verdict, f.Text, f.Settles, f.doubt = Unprovable, why, settles, doubt{}
}

// check makes the finding of one name. Its error ends the run.
func (v *verifier) check(ctx context.Context, f *Finding, j mirror.Joined[Item, mirror.Entry]) error {
	item, target := j.Source, j.Target
	f.Name, f.Size = item.Rel, item.Size
	if !j.InSource {
		f.Size = -1
	}
	if j.InSource {
		f.Source = item.Entry.Address()
	}
	if j.InTarget {
		f.Name, f.Target = target.Rel, target.Address()
		if target.Why == nil {
			f.Size = target.Size
		}
	}
	switch {
	case !j.InTarget && item.Why != nil:
		f.open(item.Why.Error(), false)
		return nil
	case !j.InTarget:
		f.Verdict, f.Text = Missing, "it is not there"
		return v.asFinding(ctx, f, v.compareEncrypted(ctx, f, item))
	case target.Why != nil && (j.InSource || target.Partial || errors.Is(target.Why, mirror.ErrNoAccess)):
		f.open(target.Why.Error(), false)
		return nil
	case !j.InSource:
		f.Verdict, f.Text = Extra, v.expected.extra()
		if target.Why != nil { // a pipe, a link that leads nowhere
			f.Text += "; " + target.Why.Error()
		}
		return nil
	case item.Why != nil:
		f.open(item.Why.Error(), false)
		return nil
	case item.Size >= 0 && item.Size != target.Size:
		f.bad(fmt.Sprintf("it has %d bytes; expected %d", target.Size, item.Size), true)
		return nil
	}
	return v.asFinding(ctx, f, v.compare(ctx, f, item, target))
}

// compare compares bytes and claims.
func (v *verifier) compare(ctx context.Context, f *Finding, item Item, target mirror.Entry) error {
	switch {
	case item.Entry.Path != "":
		return v.fileObject(ctx, f, item.Entry.Path, target.Object)
	case item.Entry.Object.Key != "":
		return v.fileObject(ctx, f, target.Path, item.Entry.Object)
	case target.Path != "":
		return v.itemFile(ctx, f, item, target.Path)
	}
	return v.itemObject(ctx, f, item, target.Object)
}

// asFinding turns an error that is about one object into a finding.
func (v *verifier) asFinding(ctx context.Context, f *Finding, err error) error {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case mirror.Hopeless(err):
		return err
	case errors.Is(err, store.NotFound):
		f.Verdict, f.Text = Missing, "it no longer exists"
	default:
		f.open(err.Error(), false)
	}
	return nil
}

// fileObject compares a file with an object.
func (v *verifier) fileObject(ctx context.Context, f *Finding, path string, listed store.Object) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	err = v.bytesObject(ctx, f, src, listed)
	if changed := src.Changed(); changed != nil && ctx.Err() == nil {
		f.open("the file changed while it was read: "+changed.Error(), false)
		return nil
	}
	return err
}

func (v *verifier) bytesObject(ctx context.Context, f *Finding, src *localfile.Source, listed store.Object) error {
	if c, ok := evidence.OfListed(listed); ok && !v.o.All && src.Size() <= maxListed && src.Size() == listed.Size {
		a, err := v.summer.Compare(ctx, src, src.Size(), []Claim{c})
		if err != nil {
			return err
		}
		if a.Verdict == evidence.Match {
			f.ok(c, c.Text())
			return nil
		}
	}
	obj, err := v.c.Store().Head(ctx, store.GetRequest{Ref: listed.Ref, Attrs: &v.o.Attrs})
	if err != nil {
		return err
	}
	if obj.Size != src.Size() {
		f.bad(fmt.Sprintf("the file has %d bytes, the object has %d", src.Size(), obj.Size), true)
		return nil
	}
	if v.o.All {
		return v.fetchCompare(ctx, f, src, obj)
	}
	kind, err := v.compareRecorded(ctx, f, src, obj)
	if err != nil {
		return err
	}
	if v.o.Download && (f.Settles || kind == evidence.Metadata || f.Verdict == Bad && len(f.Parts) == 0) { // and find where they differ
		return v.fetchCompare(ctx, f, src, obj)
	}
	return nil
}

// compareRecorded compares a file with what the store recorded of an object, and returns the kind of claim that decided.
func (v *verifier) compareRecorded(ctx context.Context, f *Finding, src *localfile.Source, obj store.Object) (Kind, error) {
	r := evidence.Of(obj)
	if err := r.Split(v.layout(ctx, obj)); err != nil {
		return "", err
	}
	a, err := v.summer.Compare(ctx, src, src.Size(), r.Claims)
	if err != nil {
		return "", err
	}
	c := a.Claim
	another := "its " + c.Text() + " differs from the file's"
	switch a.Verdict {
	case evidence.Match:
		f.ok(c, c.Text())
	case evidence.Mismatch:
		f.bad(another, c.Sure())
		return c.Kind, v.findBadParts(ctx, f, r, src)
	default:
		f.open(r.Why(), true)
		f.doubt = doubt{c.Kind, another}
	}
	return c.Kind, nil
}

// layout asks for the parts of an object. It is not an error if the store does not report them.
func (v *verifier) layout(ctx context.Context, obj store.Object) func() ([]store.Part, error) {
	return func() ([]store.Part, error) {
		parts, err := v.c.Store().Layout(ctx, obj, &v.o.Attrs)
		if errors.Is(err, store.Unsupported) || errors.Is(err, store.Denied) || errors.Is(err, store.NotFound) {
			return nil, nil
		}
		return parts, err
	}
}

// findBadParts finds which parts differ, if the store keeps the checksums of parts.
func (v *verifier) findBadParts(ctx context.Context, f *Finding, r *evidence.Record, src io.ReaderAt) error {
	if err := r.Lay(v.layout(ctx, *r.Object)); err != nil {
		return err
	}
	return v.comparePartSums(ctx, f, r.Layout, src)
}

func (v *verifier) comparePartSums(ctx context.Context, f *Finding, parts []store.Part, src io.ReaderAt) error {
	sizes := layout.Sizes(parts, len(parts), f.Size)
	if len(sizes) < 2 || parts[0].Sum.IsZero() {
		return nil
	}
	ours, err := v.summer.Parts(ctx, parts[0].Sum.Algorithm, src, sizes)
	if err != nil {
		return err
	}
	f.blame(differing(parts, ours))
	return nil
}

// blame records the parts that differ.
func (f *Finding) blame(bad []BadPart) {
	if f.Parts = bad; len(bad) > 0 {
		f.Text += ": " + badText(bad)
	}
}

// itemFile compares a line of a manifest or receipt with a file.
func (v *verifier) itemFile(ctx context.Context, f *Finding, item Item, path string) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	claims := computable(item.Claims, src.Size())
	if len(claims) == 0 {
		f.open("the "+v.expected.What+" has no checksum of it that can be computed", false)
		return nil
	}
	ours, err := v.summer.Sums(ctx, src, src.Size(), claims)
	if err != nil {
		return err
	}
	switch a := matchAll(claims, ours); a.Verdict {
	case evidence.Match:
		f.ok(a.Claim, a.Claim.Text())
	default:
		f.bad(differs(a.Claim), true)
		if err := v.comparePartSums(ctx, f, item.Parts, src); err != nil {
			return err
		}
	}
	if changed := src.Changed(); changed != nil {
		f.open("the file changed while it was read: "+changed.Error(), false)
	}
	return nil
}

// computable returns the claims to compute, whose part sizes are known: all those of a list of digests, and the first one of a
// receipt, whose checksums were computed together.
func computable(claims []Claim, size int64) []Claim {
	var all []Claim
	for _, c := range claims {
		var total int64
		for _, n := range c.Sizes {
			total += n
		}
		if c.Sum.Parts != 0 && (len(c.Sizes) != c.Sum.Parts || total != size) {
			continue
		}
		if all = append(all, c); c.Kind != Listed {
			return all[len(all)-1:]
		}
	}
	return all
}

// matchAll is the result of claims that must all match: the first that differs decides.
func matchAll(claims []Claim, ours []checksum.Sum) evidence.Answer {
	for i, c := range claims {
		if ours[i] != c.Sum {
			return evidence.Answer{Verdict: evidence.Mismatch, Claim: c, Ours: ours[i]}
		}
	}
	if len(claims) == 0 {
		return evidence.Answer{Verdict: evidence.Unknown}
	}
	return evidence.Answer{Verdict: evidence.Match, Claim: claims[0], Ours: ours[0]}
}

// notCompared returns the claims of a list that the store has nothing to compare with.
func notCompared(claims []Claim, stored []Claim) []Claim {
	var all []Claim
	for _, c := range claims {
		if c.Kind == Listed && !slices.ContainsFunc(stored, func(d Claim) bool { return d.Sum.Algorithm == c.Sum.Algorithm && d.Sum.Parts == c.Sum.Parts }) {
			all = append(all, c)
		}
	}
	return all
}

// itemObject compares a line of a manifest or receipt with an object, by what the store recorded.
func (v *verifier) itemObject(ctx context.Context, f *Finding, item Item, listed store.Object) error {
	if c, ok := evidence.OfListed(listed); ok && !v.o.All && len(item.Claims) == 1 {
		if verdict, x, y := evidence.Agree(item.Claims, []Claim{c}); verdict == evidence.Match {
			f.ok(y, y.Text()+", as the "+string(x.Kind)+" has it")
			return nil
		}
	}
	tagged := item.ETag != "" && item.ETag == listed.ETag
	if tagged {
		f.Verdict, f.Proof, f.Text = OK, "ETag of the receipt", "the ETag is that of the receipt"
	}
	if tagged && !v.o.All {
		return nil
	}
	obj, err := v.c.Store().Head(ctx, store.GetRequest{Ref: listed.Ref, Attrs: &v.o.Attrs})
	if err != nil {
		return err
	}
	if tagged {
		return v.fetchSum(ctx, f, item, obj)
	}
	r := evidence.Of(obj)
	verdict, x, y := agreeAll(item.Claims, r.Claims)
	left := notCompared(item.Claims, r.Claims)
	another := "its " + y.Text() + " differs from the " + string(x.Kind) + "'s"
	switch verdict {
	case evidence.Match:
		f.ok(y, y.Text()+", as the "+string(x.Kind)+" has it")
		if len(left) > 0 {
			f.Text += "; the store keeps no " + string(left[0].Sum.Algorithm) + " to compare with the list's"
		}
	case evidence.Mismatch:
		f.bad(another, y.Sure())
		if err := r.Lay(v.layout(ctx, obj)); err != nil {
			return err
		}
		f.blame(differingParts(item.Parts, r.Layout))
	default:
		f.open(whyIncomparable(r, item.Claims, v.expected.What), computable(item.Claims, obj.Size) != nil)
		f.doubt = doubt{y.Kind, another}
	}
	if v.o.All || v.o.Download && (f.Settles || y.Kind == evidence.Metadata || f.Verdict == OK && len(left) > 0) {
		return v.fetchSum(ctx, f, item, obj)
	}
	return nil
}

// agreeAll is evidence.Agree, but each claim of a list must agree by itself: one that differs decides.
func agreeAll(expected, stored []Claim) (evidence.Verdict, Claim, Claim) {
	for _, c := range expected {
		if one, x, y := evidence.Agree([]Claim{c}, stored); c.Kind == Listed && one == evidence.Mismatch {
			return one, x, y
		}
	}
	return evidence.Agree(expected, stored)
}

// differingParts compares the parts of a receipt with those that the store reports.
func differingParts(recorded, stored []store.Part) []BadPart {
	ours := make([]checksum.Sum, len(recorded))
	for i, p := range recorded {
		if len(stored) != len(recorded) || stored[i].Size != p.Size || stored[i].Sum.Algorithm != p.Sum.Algorithm {
			return nil
		}
		ours[i] = p.Sum
	}
	return differing(stored, ours)
}

// whyIncomparable is why nothing compares.
func whyIncomparable(r *evidence.Record, claims []Claim, what string) string {
	have := "no sum"
	if len(claims) > 0 {
		have = "its " + string(claims[0].Sum.Algorithm)
	}
	keeps := "nothing"
	if len(r.Claims) > 0 {
		keeps = "only " + named(r.Claims)
	}
	return fmt.Sprintf("the %s has %s, and the store keeps %s", what, have, keeps)
}
