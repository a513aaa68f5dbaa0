package proof

import (
	"context"
	"errors"
	"strings"

	"haul"
	"haul/checksum"
	"haul/internal/plan"
	"haul/store"
)

// listedClaim is what the listing of an object says already: an ETag that is an MD5 proves when it fits. Whether the object is
// encrypted in a way that makes its ETag something else is not known then, so that one which does not fit says nothing.
func listedClaim(o store.Object) (Claim, bool) {
	sum, ok := checksum.FromETag(o.ETag)
	return Claim{Kind: ETag, Sum: sum, Guess: true}, ok && sum.Parts == 0
}

// vouched is all that a store says of an object.
type vouched struct {
	obj    store.Object
	claims []Claim
	// layout is how it is cut, where that was asked for and is told.
	layout []store.Part
}

// vouch finds what the store says of an object, the strongest and cheapest first. What whoever uploaded wrote into the metadata
// comes last: the store did not check it.
func vouch(o store.Object) vouched {
	v := vouched{obj: o}
	if s := o.FullSum(); !s.IsZero() {
		v.claims = append(v.claims, Claim{Kind: FullSum, Sum: s})
	}
	for _, s := range o.Sums {
		if s.Parts > 0 {
			v.claims = append(v.claims, Claim{Kind: PartSums, Sum: s})
		}
	}
	switch tag, ok := o.MD5(); {
	case !ok || strings.HasSuffix(o.Bucket, "--x-s3"): // the ETags of S3 Express are no MD5s
	case tag.Parts == 0:
		v.claims = append(v.claims, Claim{Kind: ETag, Sum: tag})
	default:
		v.claims = append(v.claims, Claim{Kind: PartsETag, Sum: tag})
	}
	if md5, name := haul.FileMD5(o); name != "" {
		v.claims = append(v.claims, Claim{Kind: Metadata, Sum: md5, From: name})
	}
	return v
}

// cut finds how the object is cut, where a claim needs it to be computed, and replaces one whose cut nobody tells by one for
// each cut that is possible.
func (v *vouched) cut(ctx context.Context, c *haul.Client, a *store.Attrs) error {
	if len(v.claims) > 0 && v.claims[0].Kind == FullSum {
		return nil
	}
	var out []Claim
	for _, claim := range v.claims {
		if claim.Sum.Parts == 0 {
			out = append(out, claim)
			continue
		}
		if err := v.lay(ctx, c, a); err != nil {
			return err
		}
		if claim.Sizes = plan.Sizes(v.layout, claim.Sum.Parts, v.obj.Size); claim.Sizes != nil {
			out = append(out, claim)
			continue
		}
		claim.Guess = true
		sizes := cuts(v.obj.Size, claim.Sum.Parts)
		if told := haul.FilePartSize(v.obj); equalParts(v.obj.Size, told, claim.Sum.Parts) != nil {
			sizes = []int64{told}
		}
		for _, part := range sizes {
			claim.Sizes = equalParts(v.obj.Size, part, claim.Sum.Parts)
			out = append(out, claim)
		}
	}
	v.claims = out
	return nil
}

// lay asks for the layout, once. That it cannot be had is no error.
func (v *vouched) lay(ctx context.Context, c *haul.Client, a *store.Attrs) error {
	if v.layout != nil {
		return nil
	}
	v.layout = []store.Part{}
	parts, err := c.Layout(ctx, v.obj, a)
	switch {
	case err == nil:
		v.layout = parts
	case errors.Is(err, store.Unsupported), errors.Is(err, store.Denied), errors.Is(err, store.NotFound):
	default:
		return err
	}
	return nil
}

// nothing says why the claims do not prove.
func (v vouched) nothing() string {
	tag, tagged := checksum.FromETag(v.obj.ETag)
	enc := v.obj.Encryption
	switch {
	case enc != "" && enc != "AES256" && len(v.claims) == 0:
		return "the store keeps no checksum of it, and under " + enc + " its ETag is no MD5"
	case tagged && tag.Parts > 0 && len(v.claims) == 0:
		return "its ETag is of " + parts(tag.Parts) + ", which no part size that tools use makes of it"
	case tagged && tag.Parts > 0:
		return "its ETag, of " + parts(tag.Parts) + ", fits at no part size that tools use, and the store tells none"
	case len(v.claims) == 0:
		return "the store keeps no checksum of it, and its ETag is no MD5"
	}
	return "nothing that the store keeps of it compares"
}
