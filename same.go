package haul

import (
	"context"
	"errors"
	"fmt"

	"haul/internal/localfile"
	"haul/store"
)

// Verdict says whether two contents are equal.
type Verdict string

// The verdicts.
const (
	Equal     Verdict = "equal"
	Different Verdict = "different"
	Undecided Verdict = "undecided" // nobody keeps what it would take to know
)

// Sameness is what can be known of two contents without moving them.
type Sameness struct {
	Verdict Verdict
	// Text says in one clause by what it is known, or why it is not.
	Text string
	// Source and Target are what the store tells of the objects; Source is zero for a file.
	Source, Target store.Object
}

// looking is a transfer that moves nothing.
func (c *Client) looking(source, target string, a *store.Attrs) *transfer {
	var o Transfer
	if a != nil {
		o.Attrs = *a
	}
	return c.begin(source, target, o)
}

// SameFile tells whether a local file has the content of an object, by what the store vouches for: its checksums, or an ETag
// that is an MD5 or made of MD5s of parts. The file is read, and nothing is downloaded. An ETag that fits proves, and one that
// does not may have been no MD5: then it is undecided, unless the sizes differ.
func (c *Client) SameFile(ctx context.Context, path string, ref store.Ref, a *store.Attrs) (Sameness, error) {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return Sameness{}, err
	}
	defer src.Close() // only read from
	t := c.looking(path, ref.String(), a)
	obj, err := t.head(ctx, ref)
	if err != nil {
		return Sameness{}, err
	}
	same := Sameness{Target: obj}
	if src.Size() != obj.Size {
		same.Verdict, same.Text = Different, fmt.Sprintf("the file has %d bytes, the object %d", src.Size(), obj.Size)
		return same, nil
	}
	proof, err := t.proveContent(ctx, obj, src)
	switch {
	case errors.Is(err, ErrMismatch):
		same.Verdict, same.Text = Different, "the store's checksum is another"
	case err != nil:
		return Sameness{}, readError(src, err)
	case proof.Proved:
		same.Verdict, same.Text = Equal, proof.Text
	default:
		same.Verdict, same.Text = Undecided, proof.Text
	}
	if changed := src.Changed(); changed != nil {
		return Sameness{}, fmt.Errorf("%w: %w", ErrSourceChanged, changed)
	}
	return same, nil
}

// SameObject tells whether two objects have the same content, by what the store says of both.
func (c *Client) SameObject(ctx context.Context, from, to store.Ref, a *store.Attrs) (Sameness, error) {
	t := c.looking(from.String(), to.String(), a)
	src, err := t.headSource(ctx, from)
	if err != nil {
		return Sameness{}, err
	}
	dst, err := t.head(ctx, to)
	if err != nil {
		return Sameness{}, err
	}
	same := Sameness{Source: src, Target: dst}
	same.Verdict, same.Text = sameSums(src, dst)
	return same, nil
}

// sameSums compares by sums that both objects have.
func sameSums(a, b store.Object) (Verdict, string) {
	if a.Size != b.Size {
		return Different, fmt.Sprintf("one has %d bytes, the other %d", a.Size, b.Size)
	}
	for _, s := range a.Sums {
		other := b.Sum(s.Algorithm)
		switch {
		case other.IsZero() || other.Parts != s.Parts:
		case other.Value == s.Value:
			return Equal, fmt.Sprintf("the store gives both the same %s", s.Algorithm)
		case s.Parts == 0:
			return Different, fmt.Sprintf("the store gives each another %s", s.Algorithm)
		}
	}
	x, xok := a.MD5()
	y, yok := b.MD5()
	switch {
	case !xok || !yok || x.Parts != y.Parts:
		return Undecided, "the store keeps nothing of both that compares"
	case x == y:
		return Equal, "the store gives both the same MD5 (ETag)"
	case x.Parts == 0:
		return Different, "the store gives each another MD5 (ETag)"
	}
	return Undecided, "the store has only ETags of parts, which may have been cut in other places"
}
