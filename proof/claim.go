package proof

import (
	"fmt"
	"strings"

	"haul/checksum"
	"haul/internal/amount"
	"haul/store"
)

// Kind names a kind of proof.
type Kind string

// The kinds of proof.
const (
	FullSum   Kind = "full"     // the store's checksum of all bytes as one
	PartSums  Kind = "parts"    // the store's checksum of the checksums of parts
	ETag      Kind = "etag"     // an ETag that is an MD5
	PartsETag Kind = "etags"    // an ETag that is the MD5 of the MD5s of parts
	Metadata  Kind = "metadata" // an MD5 that who uploaded wrote into the object's metadata
	Listed    Kind = "manifest" // a digest of a manifest
	Recorded  Kind = "receipt"  // a sum of a receipt
	Bytes     Kind = "bytes"    // the bytes themselves, which were downloaded to see
)

// Claim is what somebody says of all bytes of a file or an object.
type Claim struct {
	Kind Kind
	Sum  checksum.Sum
	// Sizes are those of the parts that a composite Sum is made of; nil for a sum of all bytes as one, and where nobody tells.
	Sizes []int64
	// Guess: Sizes are only one of several possible cuts, so that a difference says nothing.
	Guess bool
	// From is the name under which metadata have it.
	From string
}

// Text gives the claim as a clause for people, such as "MD5 of 5 parts of 8.0 MiB (ETag)".
func (c Claim) Text() string {
	of := ""
	switch {
	case c.Sum.Parts > 0 && len(c.Sizes) > 0:
		of = fmt.Sprintf(" of %s of %s", parts(c.Sum.Parts), amount.Bytes(c.Sizes[0]))
	case c.Sum.Parts > 0:
		of = fmt.Sprintf(" of %s", parts(c.Sum.Parts))
	case c.Kind == FullSum:
		of = " of the full object"
	}
	return string(c.Sum.Algorithm) + of + c.where()
}

// Group is Text without what differs from object to object, to count proofs by.
func (c Claim) Group() string {
	of := ""
	switch {
	case c.Sum.Parts > 0:
		of = ", part by part"
	case c.Kind == FullSum:
		of = " of the full object"
	}
	return string(c.Sum.Algorithm) + of + c.where()
}

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

// differs says that the bytes that are here have another sum.
func (c Claim) differs() string {
	if c.Kind == Listed || c.Kind == Recorded {
		return "its " + strings.TrimSuffix(c.Text(), c.where()) + " is another than the " + string(c.Kind) + " has"
	}
	return "another " + c.Text()
}

func parts(n int) string {
	if n == 1 {
		return "1 part"
	}
	return fmt.Sprintf("%d parts", n)
}

// sure tells that other bytes than ours are proved by a difference for good. An ETag only looks like an MD5, and metadata are
// what somebody wrote: there, downloading may still show that all is well.
func (c Claim) sure() bool { return c.Kind != ETag && c.Kind != PartsETag && c.Kind != Metadata }

// matched finds what claims and the sums of bytes that are here come to: the first claim that fits, or that differs and is no
// guess, decides. Ours has the sum for each claim.
func matched(claims []Claim, ours []checksum.Sum) (Verdict, Claim) {
	for i, c := range claims {
		switch {
		case ours[i] == c.Sum:
			return OK, c
		case !c.Guess:
			return Bad, c
		}
	}
	return Unprovable, Claim{}
}

// agree finds what two lists of claims, of which neither has the bytes, come to. The claims that decided come with it.
func agree(truth, told []Claim) (Verdict, Claim, Claim) {
	for _, y := range told {
		for _, x := range truth {
			switch {
			case x.Sum.Algorithm != y.Sum.Algorithm || x.Sum.Parts != y.Sum.Parts:
			case x.Sum == y.Sum:
				return OK, x, y
			case x.Sum.Parts == 0 && !y.Guess: // other parts make another sum of the same bytes
				return Bad, x, y
			}
		}
	}
	return Unprovable, Claim{}, Claim{}
}

// choose gives those of the claims that are worth computing: up to the first that is no guess, which decides.
func choose(claims []Claim) []Claim {
	for i, c := range claims {
		if !c.Guess {
			return claims[:i+1]
		}
	}
	return claims
}

// named lists the algorithms of claims, for a reason.
func named(claims []Claim) string {
	var all []string
	for _, c := range claims {
		if text := c.Text(); len(all) == 0 || all[len(all)-1] != text {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

// BadPart is a part, or a run of bytes, that differs.
type BadPart struct {
	Number int `json:"part,omitempty"`
	store.Range
}

// String gives "part 3 (bytes 16777216 to 25165823)".
func (p BadPart) String() string {
	where := fmt.Sprintf("bytes %d to %d", p.Offset, p.End()-1)
	if p.Number == 0 {
		return where
	}
	return fmt.Sprintf("part %d (%s)", p.Number, where)
}

// maxBadParts are named one by one.
const maxBadParts = 8

// differing compares the sums of parts, and gives those that differ.
func differing(stored []store.Part, ours []checksum.Sum) []BadPart {
	var bad []BadPart
	var offset int64
	for i, p := range stored {
		if i < len(ours) && !p.Sum.IsZero() && p.Sum != ours[i] {
			bad = append(bad, BadPart{Number: p.Number, Range: store.Range{Offset: offset, Length: p.Size}})
		}
		offset += p.Size
	}
	return bad
}

// badText names parts.
func badText(bad []BadPart) string {
	var all []string
	for i, p := range bad {
		if i == maxBadParts {
			all = append(all, fmt.Sprintf("and %d more", len(bad)-i))
			break
		}
		all = append(all, p.String())
	}
	return strings.Join(all, ", ")
}
