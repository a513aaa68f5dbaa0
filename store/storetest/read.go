package storetest

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"haul.example/haul/store"
)

func customer(a *store.Attrs) store.Secret {
	if a == nil {
		return ""
	}
	return a.Encryption.Customer.Key
}

// Get opens an object or a range of it. Sums come with the whole only.
func (m *Memory) Get(ctx context.Context, r store.GetRequest) (_ *store.Body, err error) {
	c, err := m.begin(ctx, Get, Target{Ref: r.Ref, Range: r.Range})
	var b *body
	defer func() {
		if b == nil || err != nil {
			c.end(&err)
		}
	}()
	if err != nil {
		return nil, err
	}
	o, err := m.open(Get, r)
	if err != nil {
		return nil, err
	}
	if c.rule.late != nil {
		return nil, nil // end returns why
	}
	rng := r.Range
	info := o.reported()
	switch {
	case rng.Whole():
		rng.Length = info.Size
	case rng.Offset < 0 || rng.Length <= 0:
		return nil, Refuse(Get, r.Ref, store.Invalid, "the range is none")
	case rng.Offset >= info.Size:
		return nil, Refuse(Get, r.Ref, store.BadRange, "The requested range is not satisfiable")
	default:
		rng.Length = min(rng.Length, info.Size-rng.Offset)
		info.Sums = nil
	}
	b = &body{call: c, payload: c.Payload(io.NewSectionReader(o.content, rng.Offset, rng.Length), rng.Length, false)}
	return &store.Body{Object: info, Range: rng, ReadCloser: b}, nil
}

// open finds an object whose bytes may be read, and returns a copy of its state.
func (m *Memory) open(op Op, r store.GetRequest) (*object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(op, r.Ref, r.IfMatch, r.Attrs)
	if err != nil {
		return nil, err
	}
	if err := o.opens(op, customer(r.Attrs)); err != nil {
		return nil, err
	}
	if err := o.readable(op); err != nil && op != Head {
		return nil, err
	}
	state := *o
	return &state, nil
}

// body is the payload of a Get.
type body struct {
	call    *Call
	payload io.Reader
	closed  bool
}

var errClosed = errors.New("storetest: read of a closed body")

// Read reads the payload.
func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, errClosed
	}
	return b.payload.Read(p)
}

// Close ends the call.
func (b *body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	var none error
	b.call.end(&none)
	return nil
}

// Head returns what the store records of an object, archived ones too.
func (m *Memory) Head(ctx context.Context, r store.GetRequest) (_ store.Object, err error) {
	c, err := m.begin(ctx, Head, Target{Ref: r.Ref})
	defer c.end(&err)
	if err != nil {
		return store.Object{}, err
	}
	o, err := m.open(Head, r)
	if err != nil {
		return store.Object{}, err
	}
	return o.reported(), nil
}

// Layout returns the parts in which an object was uploaded.
func (m *Memory) Layout(ctx context.Context, of store.Object, a *store.Attrs) (_ []store.Part, err error) {
	c, err := m.begin(ctx, Layout, Target{Ref: of.Ref})
	defer c.end(&err)
	if err != nil {
		return nil, err
	}
	if m.noLayout {
		return nil, Refuse(Layout, of.Ref, store.Unsupported, "A header you provided implies functionality that is not implemented")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(Layout, of.Ref, of.ETag, a)
	if err != nil {
		return nil, err
	}
	if err := o.opens(Layout, customer(a)); err != nil {
		return nil, err
	}
	if o.layout != nil {
		return slices.Clone(o.layout), nil
	}
	one := store.Part{Number: 1, Size: o.info.Size}
	if len(o.info.Sums) > 0 {
		one.Sum = o.info.Sums[0]
	}
	return []store.Part{one}, nil
}

// Tags returns an object's tags.
func (m *Memory) Tags(ctx context.Context, ref store.Ref, a *store.Attrs) (_ map[string]string, err error) {
	c, err := m.begin(ctx, Tags, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(Tags, ref, "", a)
	if err != nil {
		return nil, err
	}
	return maps.Clone(o.tags), nil
}
