package haul

import (
	"context"
	"fmt"

	"haul.example/haul/internal/evidence"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Verdict is the result of a comparison.
type Verdict string

// The verdicts.
const (
	Equal     Verdict = "equal"
	Different Verdict = "different"
	Undecided Verdict = "undecided" // no checksum is recorded that could decide
)

var verdicts = map[evidence.Verdict]Verdict{evidence.Match: Equal, evidence.Mismatch: Different, evidence.Unknown: Undecided}

// Comparison is the result of comparing two ends without transferring either.
type Comparison struct {
	Verdict Verdict
	// Text states in one clause how the verdict was reached, or why it is undecided.
	Text string
	// Source and Target are the objects as the store reports them; Source is zero for a file.
	Source, Target store.Object
}

// looking returns a transfer that moves nothing.
func (c *Client) looking(source, target string, a *store.Attrs) *transfer {
	var o transferOptions
	if a != nil {
		o.attrs = *a
	}
	return c.begin(source, target, o)
}

// SameFile reports whether a local file has the content of an object. It reads the file and compares it with the checksums
// that the store recorded, or with an ETag that is an MD5 or made of the MD5s of parts; it downloads nothing. An ETag that
// matches decides. One that does not match may not be an MD5: the verdict is then Undecided, unless the sizes differ.
func (c *Client) SameFile(ctx context.Context, path string, ref store.Ref, a *store.Attrs) (Comparison, error) {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return Comparison{}, err
	}
	defer src.Close() // only read from
	t := c.looking(path, ref.String(), a)
	obj, err := t.head(ctx, ref)
	if err != nil {
		return Comparison{}, err
	}
	same := Comparison{Target: obj}
	if src.Size() != obj.Size {
		same.Verdict, same.Text = Different, fmt.Sprintf("the file has %d bytes, the object has %d", src.Size(), obj.Size)
		return same, nil
	}
	r := t.evidence(ctx, &obj, &t.o.attrs)
	answer, err := t.compare(ctx, r, src)
	if err != nil {
		return Comparison{}, readError(src, err)
	}
	same.Verdict = verdicts[answer.Verdict]
	switch same.Verdict {
	case Equal:
		same.Text = answer.Claim.Text()
	case Different:
		same.Text = "the object has another " + answer.Claim.Text()
	default:
		same.Text = r.Why()
	}
	if changed := src.Changed(); changed != nil {
		return Comparison{}, fmt.Errorf("%w: %w", ErrSourceChanged, changed)
	}
	return same, nil
}

// SameObject reports whether two objects have the same content, according to the checksums that the store recorded for both.
func (c *Client) SameObject(ctx context.Context, from, to store.Ref, a *store.Attrs) (Comparison, error) {
	return c.SameObjectFrom(ctx, c, from, to, a)
}

// SameObjectFrom is SameObject for an object from in the store of another Client.
func (c *Client) SameObjectFrom(ctx context.Context, source *Client, from, to store.Ref, a *store.Attrs) (Comparison, error) {
	t := c.looking(from.String(), to.String(), a)
	src, err := source.looking(from.String(), to.String(), a).headSource(ctx, from)
	if err != nil {
		return Comparison{}, err
	}
	dst, err := t.head(ctx, to)
	if err != nil {
		return Comparison{}, err
	}
	answer, text := evidence.Same(src, dst)
	return Comparison{Verdict: verdicts[answer.Verdict], Text: text, Source: src, Target: dst}, nil
}
