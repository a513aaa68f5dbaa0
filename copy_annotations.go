package haul

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"haul.example/haul/store"
)

// annotating is the copying of an object's annotations, if that was requested. They are listed before the object is copied, so that a
// store that has none refuses before anything is done, and those that the copy does not have are put beside it afterwards.
type annotating struct {
	*transfer
	store store.Annotator
	names []string // of the source
}

func (t *transfer) annotate(ctx context.Context, src, to store.Ref) (*annotating, error) {
	a := &annotating{transfer: t}
	if t.o.annotations != store.CopyAnnotations {
		return a, nil
	}
	var known bool
	if a.store, known = t.c.store.(store.Annotator); !known || src.Express() || to.Express() {
		return nil, &store.Error{Kind: store.Unsupported, Op: "ListObjectAnnotations", Ref: src, Hint: "copy without them: leave out --copy-props all",
			Err: errors.New("directory buckets and stores other than Amazon S3 have no annotations")}
	}
	var err error
	a.names, err = ask(ctx, t, func(ctx context.Context) ([]string, error) { return a.store.Annotations(ctx, src, t.opener()) })
	if err != nil {
		return nil, fmt.Errorf("list the annotations of the source (--copy-props all): %w", err)
	}
	return a, nil
}

// finish puts the annotations beside the copy that it does not have yet: a store copies them itself if it copies in one request.
func (a *annotating) finish(ctx context.Context, src store.Ref, copied store.Object) error {
	if len(a.names) == 0 {
		return nil
	}
	to := store.Ref{Bucket: copied.Bucket, Key: copied.Key, Version: copied.Version}
	there, err := ask(ctx, a.transfer, func(ctx context.Context) ([]string, error) { return a.store.Annotations(ctx, to, &a.o.attrs) })
	if err != nil {
		return fmt.Errorf("list the annotations of the copy, which is stored: %w", err)
	}
	for _, name := range a.names {
		if slices.Contains(there, name) {
			continue
		}
		err := a.do(ctx, func(ctx context.Context) error {
			payload, err := a.store.Annotation(ctx, src, name, a.opener())
			if err != nil {
				return err
			}
			return a.store.Annotate(ctx, to, copied.ETag, store.Annotation{Name: name, Payload: payload}, &a.o.attrs)
		})
		if err != nil {
			return fmt.Errorf("the object is copied, but not all of its annotations: %q: %w", name, err)
		}
	}
	return nil
}
