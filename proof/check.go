package proof

import (
	"context"
	"errors"
	"fmt"
	"io"

	"haul/checksum"
	"haul/internal/localfile"
	"haul/internal/plan"
	"haul/mirror"
	"haul/store"
)

// maxListed is the size, in bytes, up to which a file is summed by MD5 at once to see whether it fits the ETag that the listing
// told: most of the time it does, and no request is made for the object at all.
const maxListed = 8 << 20

// ok, bad and open are what can come of a finding.
func (f *Finding) ok(c Claim, text string) {
	f.Verdict, f.Text, f.Proof, f.Sum, f.Parts, f.Settles = OK, text, c.Group(), c.Sum, nil, false
}

func (f *Finding) bad(text string, sure bool) {
	f.Verdict, f.Text, f.Settles = Bad, text, !sure
}

func (f *Finding) open(why string, settles bool) {
	f.Verdict, f.Text, f.Settles = Unprovable, why, settles
}

// check finds out about one name. Its error ends the run.
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
		return nil
	case target.Why != nil && (j.InSource || target.Partial || errors.Is(target.Why, mirror.ErrNoAccess)):
		f.open(target.Why.Error(), false)
		return nil
	case !j.InSource:
		f.Verdict, f.Text = Extra, v.truth.extra()
		if target.Why != nil { // a pipe, a link that leads nowhere
			f.Text += "; " + target.Why.Error()
		}
		return nil
	case item.Why != nil:
		f.open(item.Why.Error(), false)
		return nil
	case item.Size >= 0 && item.Size != target.Size:
		f.bad(fmt.Sprintf("it has %d bytes, and %d are expected", target.Size, item.Size), true)
		return nil
	}
	return v.judge(ctx, f, v.compare(ctx, f, item, target))
}

// compare finds out by bytes and claims.
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

// judge makes an error that is about one object a finding.
func (v *verifier) judge(ctx context.Context, f *Finding, err error) error {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case mirror.Hopeless(err):
		return err
	case errors.Is(err, store.NotFound):
		f.Verdict, f.Text = Missing, "it is there no more"
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
	if c, ok := listedClaim(listed); ok && !v.o.All && src.Size() <= maxListed && src.Size() == listed.Size {
		ours, err := v.sums(ctx, src, src.Size(), []Claim{c})
		if err != nil {
			return err
		}
		if ours[0] == c.Sum {
			f.ok(c, c.Text())
			return nil
		}
	}
	obj, err := v.c.Stat(ctx, listed.Ref, &v.o.Attrs)
	if err != nil {
		return err
	}
	if obj.Size != src.Size() {
		f.bad(fmt.Sprintf("the file has %d bytes, and the object %d", src.Size(), obj.Size), true)
		return nil
	}
	if v.o.All {
		return v.fetchCompare(ctx, f, src, obj)
	}
	kind, err := v.vouched(ctx, f, src, obj)
	if err != nil {
		return err
	}
	if v.o.Download && (f.Settles || kind == Metadata || f.Verdict == Bad && len(f.Parts) == 0) { // and find where they differ
		return v.fetchCompare(ctx, f, src, obj)
	}
	return nil
}

// vouched compares a file with what the store says of an object, and tells by which kind of claim.
func (v *verifier) vouched(ctx context.Context, f *Finding, src *localfile.Source, obj store.Object) (Kind, error) {
	w := vouch(obj)
	if err := w.cut(ctx, v.c, &v.o.Attrs); err != nil {
		return "", err
	}
	claims := choose(w.claims)
	var ours []checksum.Sum
	if len(claims) > 0 {
		var err error
		if ours, err = v.sums(ctx, src, src.Size(), claims); err != nil {
			return "", err
		}
	}
	verdict, c := matched(claims, ours)
	switch verdict {
	case OK:
		f.ok(c, c.Text())
	case Bad:
		f.bad("another "+c.Text()+" than the file's", c.sure())
		return c.Kind, v.name(ctx, f, &w, src)
	default:
		f.open(w.nothing(), true)
	}
	return c.Kind, nil
}

// name finds which parts differ, where the store keeps the sums of parts.
func (v *verifier) name(ctx context.Context, f *Finding, w *vouched, src io.ReaderAt) error {
	if err := w.lay(ctx, v.c, &v.o.Attrs); err != nil {
		return err
	}
	return v.nameParts(ctx, f, w.layout, src)
}

func (v *verifier) nameParts(ctx context.Context, f *Finding, layout []store.Part, src io.ReaderAt) error {
	sizes := plan.Sizes(layout, len(layout), f.Size)
	if len(sizes) < 2 || layout[0].Sum.IsZero() {
		return nil
	}
	ours, err := v.c.SumParts(ctx, layout[0].Sum.Algorithm, src, sizes)
	if err != nil {
		return err
	}
	f.blame(differing(layout, ours))
	return nil
}

// blame names parts that differ.
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
		f.open("the "+v.truth.What+" has no sum of it that can be computed", false)
		return nil
	}
	ours, err := v.sums(ctx, src, src.Size(), claims)
	if err != nil {
		return err
	}
	switch verdict, c := matched(claims, ours); verdict {
	case OK:
		f.ok(c, c.Text())
	default:
		f.bad(c.differs(), true)
		if err := v.nameParts(ctx, f, item.Parts, src); err != nil {
			return err
		}
	}
	if changed := src.Changed(); changed != nil {
		f.open("the file changed while it was read: "+changed.Error(), false)
	}
	return nil
}

// computable gives the claim to compute, the first one whose cut is known.
func computable(claims []Claim, size int64) []Claim {
	for _, c := range claims {
		var total int64
		for _, n := range c.Sizes {
			total += n
		}
		if c.Sum.Parts == 0 || len(c.Sizes) == c.Sum.Parts && total == size {
			return []Claim{c}
		}
	}
	return nil
}

// itemObject compares a line of a manifest or receipt with an object, by what the store says of it.
func (v *verifier) itemObject(ctx context.Context, f *Finding, item Item, listed store.Object) error {
	if c, ok := listedClaim(listed); ok && !v.o.All {
		if verdict, x, y := agree(item.Claims, []Claim{c}); verdict == OK {
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
	obj, err := v.c.Stat(ctx, listed.Ref, &v.o.Attrs)
	if err != nil {
		return err
	}
	if tagged {
		return v.fetchSum(ctx, f, item, obj)
	}
	w := vouch(obj)
	verdict, x, y := agree(item.Claims, w.claims)
	switch verdict {
	case OK:
		f.ok(y, y.Text()+", as the "+string(x.Kind)+" has it")
	case Bad:
		f.bad("another "+y.Text()+" than the "+string(x.Kind)+"'s", y.sure())
		if err := w.lay(ctx, v.c, &v.o.Attrs); err != nil {
			return err
		}
		f.blame(differingParts(item.Parts, w.layout))
	default:
		f.open(w.unlike(item.Claims, v.truth.What), computable(item.Claims, obj.Size) != nil)
	}
	if v.o.All || v.o.Download && (f.Settles || y.Kind == Metadata) {
		return v.fetchSum(ctx, f, item, obj)
	}
	return nil
}

// differingParts compares the parts of a receipt with those that the store tells.
func differingParts(recorded, told []store.Part) []BadPart {
	ours := make([]checksum.Sum, len(recorded))
	for i, p := range recorded {
		if len(told) != len(recorded) || told[i].Size != p.Size || told[i].Sum.Algorithm != p.Sum.Algorithm {
			return nil
		}
		ours[i] = p.Sum
	}
	return differing(told, ours)
}

// unlike says why nothing compares.
func (v vouched) unlike(truth []Claim, what string) string {
	have := "no sum"
	if len(truth) > 0 {
		have = "its " + string(truth[0].Sum.Algorithm)
	}
	keeps := "nothing"
	if len(v.claims) > 0 {
		keeps = "only " + named(v.claims)
	}
	return fmt.Sprintf("the %s has %s, and the store keeps %s", what, have, keeps)
}
