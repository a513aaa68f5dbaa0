package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// SumRequest prints the digests of files, streams and objects, in the forms that S3 uses.
type SumRequest struct {
	From     []SumSource
	Digests  []checksum.Algorithm
	PartSize int64
	Plain    bool
	Attrs    store.Attrs
}

// SumSource is one file, stream or object, or a Tree of them.
type SumSource struct {
	Location
	Tree bool
	Err  error // why it cannot be read; nil otherwise
}

func (s *Session) sumOne(ctx context.Context, c *haul.Client, w SumSource, r SumRequest) (ui.Sums, error) {
	l := w.Location
	switch {
	case w.Err != nil:
		return ui.Sums{}, w.Err
	case ctx.Err() != nil:
		return ui.Sums{}, context.Cause(ctx)
	case l.Kind == Remote:
		return sumObject(ctx, c, l.Ref, r)
	}
	sums := ui.Sums{Name: l.Text}
	f := proof.NewDigester(r.Digests, r.Digests, r.PartSize)
	var err error
	if l.Kind == Stream {
		err = s.sumStream(ctx, f, l)
	} else {
		err = sumFile(ctx, f, l.Text)
	}
	if err == nil {
		sums.Digests, err = f.Digests()
	}
	return sums, err
}

func sumFile(ctx context.Context, f *proof.Digester, path string) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	if err := f.Read(ctx, src, src.Size()); err != nil {
		return err
	}
	if err := src.Changed(); err != nil {
		return fmt.Errorf("%w: %w", haul.ErrSourceChanged, err)
	}
	return nil
}

func (s *Session) sumStream(ctx context.Context, f *proof.Digester, l Location) error {
	if l.Text != "-" && l.Text != "/dev/stdin" {
		l.Kind = Local // it has a name to be opened by
	}
	in, err := s.System.openSource(ctx, l)
	if err != nil {
		return err
	}
	defer in.Close() // only read from
	summed := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(f, &source{in, ctx.Err}, make([]byte, 1<<20))
		summed <- err
	}()
	select {
	case err := <-summed:
		return err
	case <-ctx.Done(): // a Read may go on for as long as it likes
		return context.Cause(ctx)
	}
}

// sumObject reads an object, and compares it with what the store recorded.
func sumObject(ctx context.Context, c *haul.Client, ref store.Ref, r SumRequest) (ui.Sums, error) {
	sums := ui.Sums{Name: ref.String()}
	obj, err := c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &r.Attrs})
	if err != nil {
		return sums, err
	}
	recorded := recordedSums(obj)
	full, composite, partSize := slices.Clone(r.Digests), slices.Clone(r.Digests), r.PartSize
	parts := 0
	for _, t := range recorded {
		if t.Sum.Parts > 0 {
			parts = t.Sum.Parts
		}
	}
	if partSize == 0 && parts > 0 {
		partSize, composite = partSizeOf(ctx, c, obj, &r.Attrs), nil
	}
	for _, t := range recorded {
		list := &full
		if t.Sum.Parts > 0 {
			list = &composite
		}
		if !slices.Contains(*list, t.Sum.Algorithm) {
			*list = append(*list, t.Sum.Algorithm)
		}
	}
	f := proof.NewDigester(nil, composite, partSize)
	result, err := c.DownloadStream(ctx, ref, f, haul.DownloadOptions{Digests: full, Attrs: r.Attrs, IfMatch: obj.ETag})
	if err == nil {
		sums.Digests, err = f.Digests()
	}
	if err != nil {
		return sums, err
	}
	all := slices.Concat(result.Digests, sums.Composite)
	for _, t := range recorded {
		sums.Store = append(sums.Store, compareStored(t, all, partSize, r.PartSize > 0))
	}
	sums.Full = result.Digests[:len(r.Digests)]
	return sums, nil
}

// recordedSums returns what a store recorded of the bytes of an object.
func recordedSums(obj store.Object) (recorded []ui.StoreSum) {
	for _, s := range obj.Sums {
		recorded = append(recorded, ui.StoreSum{What: string(s.Algorithm), Sum: s})
	}
	if tag, ok := checksum.FromETag(obj.ETag); ok {
		recorded = append(recorded, ui.StoreSum{What: "etag", Sum: tag})
	}
	return recorded
}

// partSizeOf returns the size of all parts of an object but the last, or 0 if it is not known.
func partSizeOf(ctx context.Context, c *haul.Client, obj store.Object, attrs *store.Attrs) int64 {
	parts, err := c.Store().Layout(ctx, obj, attrs)
	if err != nil || len(parts) == 0 {
		return 0
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size != parts[0].Size {
			return 0
		}
	}
	return parts[0].Size
}

// notMD5 is why an ETag that differs from the MD5 of the bytes is not a mismatch.
const notMD5 = "it does not match the data; not every ETag is an MD5"

// compareStored compares one recorded sum with those of the bytes. A guessed part size may give as many parts of another size.
func compareStored(t ui.StoreSum, ours []checksum.Sum, partSize int64, guessed bool) ui.StoreSum {
	for _, s := range ours {
		if s.Algorithm != t.Sum.Algorithm || s.Parts != t.Sum.Parts {
			continue
		}
		switch t.Agrees = s == t.Sum; {
		case t.Agrees:
		case guessed && t.Sum.Parts > 0:
			t.Why = "it does not match parts of this size"
		case t.What == "etag":
			t.Why = notMD5
		}
		return t
	}
	t.Why = fmt.Sprintf("of %d parts, whose sizes are not known", t.Sum.Parts)
	if partSize > 0 {
		t.Why = fmt.Sprintf("of %d parts of another size", cmp.Or(t.Sum.Parts, 1))
	}
	return t
}
