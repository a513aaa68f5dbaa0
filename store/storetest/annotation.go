package storetest

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"haul.example/haul/store"
)

var _ store.Annotator = (*Memory)(nil)

// Annotations returns the names of an object's annotations.
func (m *Memory) Annotations(ctx context.Context, ref store.Ref, a *store.Attrs) (names []string, err error) {
	err = m.annotated(ctx, ListAnnotations, ref, a, func(o *object) error {
		names = slices.Sorted(maps.Keys(o.annotations))
		return nil
	})
	return names, err
}

// Annotation returns one annotation.
func (m *Memory) Annotation(ctx context.Context, ref store.Ref, name string, a *store.Attrs) (payload []byte, err error) {
	err = m.annotated(ctx, GetAnnotation, ref, a, func(o *object) error {
		found, ok := o.annotations[name]
		if !ok {
			e := Refuse(GetAnnotation, ref, store.NotFound, "The specified annotation does not exist.")
			e.Code = "NoSuchAnnotation"
			return e
		}
		payload = bytes.Clone(found)
		return nil
	})
	return payload, err
}

// Annotate puts an annotation beside an object.
func (m *Memory) Annotate(ctx context.Context, ref store.Ref, ifMatch string, n store.Annotation, a *store.Attrs) error {
	return m.annotated(ctx, PutAnnotation, ref, a, func(o *object) error {
		if ifMatch != "" && ifMatch != o.info.ETag {
			return Refuse(PutAnnotation, ref, store.Changed, "At least one of the pre-conditions you specified did not hold")
		}
		if o.annotations == nil {
			o.annotations = map[string][]byte{}
		}
		o.annotations[n.Name] = bytes.Clone(n.Payload)
		return nil
	})
}

// annotated calls do on an object, unless the store has no annotations.
func (m *Memory) annotated(ctx context.Context, op Op, ref store.Ref, a *store.Attrs, do func(*object) error) (err error) {
	c, err := m.begin(ctx, op, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(op, ref, "", a)
	switch {
	case err != nil:
		return err
	case m.checks != AllChecksums: // it is not Amazon S3
		return Refuse(op, ref, store.Unsupported, "A header or query you provided implies functionality that is not implemented")
	}
	return do(o)
}
