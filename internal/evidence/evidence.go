// Package evidence answers one question for every verb: do two ends hold the same bytes, and how is that known?
//
//	what a store records of an object, or a manifest of a file, becomes a list of Claims, the strongest first (Of)
//	a claim about parts needs their sizes: those that the store reports, else those that tools use (Record.Split)
//	bytes that can be read are summed in the way of each claim, and compared (Summer.Compare, Decide)
//	two objects, neither of which is read, are compared by the claims about both (Same, Agree)
//	the answer is Match, Mismatch, or Unknown, and the claim that decided
//
// Three things make a difference between two sums say nothing. A claim whose part sizes are a guess can match, and never
// mismatch. An ETag that looks like an MD5 is weak unless something shows that it is one: the store is known for it, or the
// object's metadata have the same MD5. (A process that compares many objects may find that others of the store's ETags are;
// see Learned.) And composites differ if parts do.
//
// Nothing here makes requests, and nothing here protects against anyone who can write to the store.
package evidence

import (
	"fmt"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

// Verdict is the answer.
type Verdict string

// The verdicts.
const (
	Match    Verdict = "match"
	Mismatch Verdict = "mismatch"
	Unknown  Verdict = "unknown" // nothing that is recorded compares
)

// Kind is where a claim comes from.
type Kind string

// The kinds of claim.
const (
	FullSum   Kind = "full"     // the store's checksum of all bytes as one
	PartSums  Kind = "parts"    // the store's checksum of the checksums of parts
	ETag      Kind = "etag"     // an ETag that is an MD5
	PartsETag Kind = "etags"    // an ETag that is the MD5 of the MD5s of parts
	PartETag  Kind = "part"     // the ETag of a part of an upload
	Metadata  Kind = "metadata" // an MD5 that the uploader wrote into the object's metadata
	Listed    Kind = "manifest" // a digest in a manifest
	Recorded  Kind = "receipt"  // a sum in a receipt
)

// Claim is a sum that is recorded of all bytes of a file or an object.
type Claim struct {
	Kind Kind
	Sum  checksum.Sum
	// Sizes are those of the parts that a composite Sum is made of, in bytes; nil for a sum of all bytes as one, and if
	// they are not known.
	Sizes []int64
	// Guess: Sizes are one of several possibilities, so that a difference says nothing.
	Guess bool
	// Weak: it is an ETag that looks like an MD5, and nothing shows that it is one, so that a difference says nothing.
	Weak bool
	// From is the name under which metadata have it.
	From string
}

// Text returns the claim as a clause for people, such as "MD5 of 5 parts of 8.0 MiB (ETag)".
func (c Claim) Text() string {
	of := ""
	switch {
	case c.Sum.Parts > 0 && len(c.Sizes) > 0:
		of = fmt.Sprintf(" of %s of %s", amount.Count(c.Sum.Parts, "part"), amount.Bytes(c.Sizes[0]))
	case c.Sum.Parts > 0:
		of = fmt.Sprintf(" of %s", amount.Count(c.Sum.Parts, "part"))
	case c.Kind == FullSum:
		return "full-object " + string(c.Sum.Algorithm) + c.where()
	}
	return string(c.Sum.Algorithm) + of + c.where()
}

// Group is Text without what differs from object to object, to count by.
func (c Claim) Group() string {
	of := ""
	switch {
	case c.Sum.Parts > 0:
		of = ", part by part"
	case c.Kind == FullSum:
		return "full-object " + string(c.Sum.Algorithm) + c.where()
	}
	return string(c.Sum.Algorithm) + of + c.where()
}

// Short is Text without where the claim comes from.
func (c Claim) Short() string { return strings.TrimSuffix(c.Text(), c.where()) }

func (c Claim) where() string {
	switch c.Kind {
	case ETag, PartsETag:
		return " (ETag)"
	case Metadata:
		return " in metadata (" + c.From + ", as its uploader wrote it)"
	case Listed, Recorded:
		return " of the " + string(c.Kind)
	}
	return ""
}

// IsETag reports whether the claim is an ETag.
func (c Claim) IsETag() bool { return c.Kind == ETag || c.Kind == PartsETag || c.Kind == PartETag }

// Sure reports whether a mismatch is final. That of an ETag or of metadata is not: reading the bytes may still show that
// all is well.
func (c Claim) Sure() bool { return !c.IsETag() && c.Kind != Metadata }

// Free reports whether the sum follows from those of any ranges, without reading the bytes again.
func (c Claim) Free() bool { return c.Sum.Parts == 0 && c.Sum.Algorithm.CanCombine() }

// decides reports whether a difference is a Mismatch.
func (c Claim) decides() bool { return !c.Guess && !c.Weak }

// Record is all that a store records of an object's bytes.
type Record struct {
	Object *store.Object
	// Claims are in the order in which they count: what the store computed, then its ETag, then what the uploader wrote.
	Claims []Claim
	// Layout is how the object is split, if Split asked for it and the store reported it.
	Layout []store.Part
	asked  bool
	unfit  bool // no part size makes the parts that it names
}

// Deciding returns what decides whether bytes are the object's. If the store has a checksum of all of them as one, that is its only claim;
// else it is what Of returns. The record keeps o, which must not change.
func Deciding(o *store.Object) *Record {
	if s := o.FullSum(); !s.IsZero() {
		return &Record{Object: o, Claims: []Claim{{Kind: FullSum, Sum: s}}}
	}
	return Of(*o)
}

// Of returns what the store records of an object, as a HEAD request returned it.
func Of(o store.Object) *Record {
	r := &Record{Object: &o}
	if s := o.FullSum(); !s.IsZero() {
		r.Claims = append(r.Claims, Claim{Kind: FullSum, Sum: s})
	}
	for _, s := range o.Sums {
		if s.Parts > 0 {
			r.Claims = append(r.Claims, Claim{Kind: PartSums, Sum: s})
		}
	}
	md5, name := FileMD5(o)
	if tag, ok := o.MD5(); ok {
		kind := ETag
		if tag.Parts > 0 {
			kind = PartsETag
		}
		r.Claims = append(r.Claims, Claim{Kind: kind, Sum: tag, Weak: !o.MD5ETag && tag != md5})
	}
	if name != "" {
		r.Claims = append(r.Claims, Claim{Kind: Metadata, Sum: md5, From: name})
	}
	return r
}

// OfListed returns what a listing already reports: an ETag that is an MD5. Whether the object is encrypted in a way that
// makes its ETag something else is not known then, so that it can match, and no more.
func OfListed(o store.Object) (Claim, bool) {
	sum, ok := o.MD5()
	return Claim{Kind: ETag, Sum: sum, Guess: true}, ok && sum.Parts == 0
}

// Answer is the result of a comparison: the claim that decided, and the sum of the bytes by it. If the Verdict is Unknown,
// the claim is a weak one that differs, if there is one.
type Answer struct {
	Verdict Verdict
	Claim   Claim
	Ours    checksum.Sum
}

// Decide compares claims with the sums of bytes that are here: the first claim that matches, or that differs and is neither a
// guess nor weak, decides. Ours has the sum for each claim.
func Decide(claims []Claim, ours []checksum.Sum) Answer {
	a := Answer{Verdict: Unknown}
	for i, c := range claims {
		switch {
		case ours[i] == c.Sum:
			return Answer{Match, c, ours[i]}
		case c.decides():
			return Answer{Mismatch, c, ours[i]}
		case c.Weak && !c.Guess:
			a = Answer{Unknown, c, ours[i]}
		}
	}
	return a
}

// Worth returns those of the claims that are worth computing: up to the first that decides in any case.
func Worth(claims []Claim) []Claim {
	for i, c := range claims {
		if c.decides() {
			return claims[:i+1]
		}
	}
	return claims
}

// Agree compares two lists of claims about the same bytes, neither end of which is read: what should be, and what is
// stored. The two claims that decided come with the verdict, or, if it is Unknown, two of which one is weak and that
// differ, if there are any.
func Agree(expected, stored []Claim) (Verdict, Claim, Claim) {
	var x0, y0 Claim
	for _, y := range stored {
		for _, x := range expected {
			switch {
			case x.Sum.Algorithm != y.Sum.Algorithm || x.Sum.Parts != y.Sum.Parts || x.Kind == Metadata && y.Kind == Metadata:
			case x.Sum == y.Sum:
				return Match, x, y
			case x.Sum.Parts > 0 || x.Guess || y.Guess: // other parts make another sum of the same bytes
			case x.Weak || y.Weak:
				x0, y0 = x, y
			default:
				return Mismatch, x, y
			}
		}
	}
	return Unknown, x0, y0
}

// Same compares two objects by what their store records of both; text says in one clause by what. Metadata that both have
// verify nothing, since a copy takes them over, and are never a reason for a Mismatch.
func Same(a, b store.Object) (answer Answer, text string) {
	if a.Size != b.Size {
		return Answer{Verdict: Mismatch}, fmt.Sprintf("one has %d bytes, the other %d", a.Size, b.Size)
	}
	x, y := Of(a).compared(), Of(b).compared()
	v, c, d := Agree(x, y)
	if v != Unknown && c.Kind == Metadata { // the ETag that it was compared with says more
		c, d = d, c
	}
	switch {
	case a.Size == 0 && v != Match:
		return Answer{Verdict: Match}, "both are empty"
	case v == Match:
		text = "both have the same " + c.name()
	case v == Mismatch:
		text = "each has a different " + c.name()
	case len(composites(x)) > 0 && len(composites(y)) > 0:
		text = "the store has only composite checksums, whose part sizes may differ"
	default:
		text = "the store has no comparable checksums of the two"
	}
	return Answer{v, d, c.Sum}, text
}

// compared returns the claims as Same compares them.
func (r *Record) compared() []Claim {
	all := append([]Claim(nil), r.Claims...)
	for i := range all {
		all[i].Weak = all[i].Weak || all[i].Kind == Metadata
	}
	return all
}

// name is the claim in short, such as "CRC32C" or "MD5 (ETag)".
func (c Claim) name() string { return string(c.Sum.Algorithm) + c.where() }

// composites returns those of the claims that are made of sums of parts.
func composites(claims []Claim) (some []Claim) {
	for _, c := range claims {
		if c.Sum.Parts > 0 {
			some = append(some, c)
		}
	}
	return some
}

// Why returns why nothing in a record decided: nothing is recorded, or what is cannot be compared with bytes.
func (r *Record) Why() string {
	tag, tagged := checksum.FromETag(r.Object.ETag)
	enc := r.Object.Encryption
	guessed := len(r.Claims) > 0 && r.Claims[0].Guess
	switch {
	case enc != "" && enc != "AES256" && len(r.Claims) == 0:
		return "the store has no checksum of it, and under " + enc + " its ETag is not an MD5"
	case guessed && r.Claims[0].Kind == PartSums:
		return fmt.Sprintf("its %s of %s matches at none of the part sizes tried, and the store reports none", r.Claims[0].Sum.Algorithm, amount.Count(r.Claims[0].Sum.Parts, "part"))
	case guessed:
		return "its ETag, of " + amount.Count(tag.Parts, "part") + ", matches at none of the part sizes tried, and the store reports none"
	case tagged && tag.Parts > 0 && r.unfit:
		return "its ETag is of " + amount.Count(tag.Parts, "part") + ", and no part size that common tools use gives that number"
	case len(r.Claims) > 0 && r.Claims[0].IsETag():
		return "the store has no checksum of it, and its ETag is not the MD5 of the bytes"
	case len(r.Claims) == 0:
		return "the store has no checksum of it, and its ETag is not an MD5"
	}
	return "nothing that the store recorded can be compared"
}
