package proof

import (
	"bytes"
	"context"
	"errors"
	"io"

	"haul.example/haul"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/store"
)

// fetch writes the bytes of an object to w, in order; ranges are fetched in parallel. Data that does not match the store's own checksum
// is BAD.
func (v *verifier) fetch(ctx context.Context, f *Finding, obj store.Object, w io.Writer) (came bool, err error) {
	_, err = v.c.DownloadStream(ctx, obj.Ref, w, haul.DownloadOptions{Attrs: v.o.Attrs, IfMatch: obj.ETag})
	if errors.Is(err, haul.ErrMismatch) {
		f.bad("the data that the store returned does not match the checksum that it recorded", true)
		return false, nil
	}
	return err == nil, err
}

// fetchCompare decides by the bytes themselves.
func (v *verifier) fetchCompare(ctx context.Context, f *Finding, src io.ReaderAt, obj store.Object) error {
	w := &comparing{src: src}
	came, err := v.fetch(ctx, f, obj, w)
	if err != nil {
		return err
	}
	if len(w.bad) > 0 {
		if came {
			f.bad("the bytes differ", true)
		}
		f.blame(w.bad)
		return nil
	}
	if !came {
		return nil
	}
	f.ok(Claim{}, "downloaded and compared, byte by byte")
	f.Proof = "downloaded and compared"
	if v.o.All {
		f.Proof, f.Text = "comparing all bytes, read again", "byte by byte, read again"
	}
	return nil
}

// fetchSum decides by the checksum of the downloaded bytes.
func (v *verifier) fetchSum(ctx context.Context, f *Finding, item Item, obj store.Object) error {
	claims := computable(item.Claims, obj.Size)
	if len(claims) == 0 && !v.o.All {
		return nil
	}
	w := evidence.NewRunning(claims)
	came, err := v.fetch(ctx, f, obj, w)
	if !came {
		return err
	}
	ours, err := w.Sums()
	if err != nil {
		return err
	}
	how := ", downloaded and summed"
	if v.o.All {
		how = ", read again"
	}
	switch a := matchAll(claims, ours); a.Verdict {
	case evidence.Match:
		f.ok(a.Claim, a.Claim.Text()+how)
		f.Proof = a.Claim.Group() + how
	case evidence.Mismatch:
		f.bad(differs(a.Claim)+how, true)
	}
	return nil
}

// comparing compares what is written to it, in order, with a file.
type comparing struct {
	src io.ReaderAt
	at  int64
	buf [64 << 10]byte
	bad []BadPart
}

// maxRuns bounds how many runs of bytes are reported.
const maxRuns = 100

// Write compares p with the file.
func (c *comparing) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		ours := c.buf[:min(len(c.buf), len(p))]
		if k, err := c.src.ReadAt(ours, c.at); k < len(ours) {
			return n - len(p), err
		}
		if theirs := p[:len(ours)]; !bytes.Equal(ours, theirs) {
			c.differ(ours, theirs)
		}
		p, c.at = p[len(ours):], c.at+int64(len(ours))
	}
	return n, nil
}

// differ records from where to where two slices differ. Neighboring runs become one.
func (c *comparing) differ(a, b []byte) {
	first, last := 0, len(a)-1
	for a[first] == b[first] {
		first++
	}
	for a[last] == b[last] {
		last--
	}
	r := store.Range{Offset: c.at + int64(first), Length: int64(last - first + 1)}
	if n := len(c.bad); n > 0 && (n == maxRuns || r.Offset-c.bad[n-1].End() < int64(len(c.buf))) {
		c.bad[n-1].Length = r.End() - c.bad[n-1].Offset
		return
	}
	c.bad = append(c.bad, BadPart{Range: r})
}
