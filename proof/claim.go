package proof

import (
	"fmt"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/store"
)

// Claim is a full-file checksum from a list or a receipt.
type Claim = evidence.Claim

// Kind is where a Claim comes from.
type Kind = evidence.Kind

// The kinds of claim that lists and receipts make.
const (
	Listed   = evidence.Listed
	Recorded = evidence.Recorded
)

// differs is the text of a checksum that does not match the bytes.
func differs(c Claim) string {
	if c.Kind == Listed || c.Kind == Recorded {
		return "its " + c.Short() + " differs from the " + string(c.Kind) + "'s"
	}
	return "its " + c.Text() + " differs"
}

// named lists claims, for a reason.
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

// differing compares the checksums of parts, and returns those that differ.
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

// badText lists parts.
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
