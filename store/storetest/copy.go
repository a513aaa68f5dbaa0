package storetest

import (
	"context"
	"io"
	"maps"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// section returns a run of bytes of content.
func section(c Content, off, size int64) Content {
	if _, ok := c.(discarded); ok {
		return discarded(size)
	}
	return io.NewSectionReader(c, off, size)
}

// wholeOf returns a reader of all bytes of content.
func wholeOf(c Content) *io.SectionReader { return io.NewSectionReader(c, 0, c.Size()) }

// source finds what a copy reads.
func (m *Memory) source(op Op, from store.Ref, ifMatch string, a *store.Attrs) (*object, error) {
	get := store.GetRequest{Ref: from, IfMatch: ifMatch}
	if a != nil {
		get.Attrs = &store.Attrs{RequestPayer: a.RequestPayer, Encryption: store.Encryption{Customer: a.Encryption.CopySource}}
	}
	return m.open(op, get)
}

// Copy copies an object in one request. Headers and metadata, and tags, are those of Attrs if it has any, else the
// source's.
func (m *Memory) Copy(ctx context.Context, r store.CopyRequest) (_ store.Object, err error) {
	c, err := m.begin(ctx, Copy, Target{Ref: r.To})
	defer c.end(&err)
	if err != nil {
		return store.Object{}, err
	}
	from, err := m.source(Copy, r.From, r.IfMatch, r.Attrs)
	if err != nil {
		return store.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(Copy, r.To)
	if err != nil {
		return store.Object{}, err
	}
	if max := m.limits.MaxCopy; max > 0 && from.info.Size > max {
		return store.Object{}, invalid(Copy, r.From, "InvalidRequest", "The specified copy source is larger than the maximum allowable size")
	}
	if err := b.free(Copy, r.To, r.NoClobber); err != nil {
		return store.Object{}, err
	}
	o := newObject(r.To, from.content, r.Attrs)
	if o.info.Attrs.Headers == (store.Headers{}) && (r.Attrs == nil || r.Attrs.Metadata == nil) {
		o.info.Attrs = from.reported().Attrs
	}
	if o.tags == nil {
		o.tags = maps.Clone(from.tags)
	}
	if r.Annotations != store.ExcludeAnnotations {
		o.annotations = maps.Clone(from.annotations)
	}
	var a checksum.Algorithm
	if len(from.info.Sums) > 0 {
		a = from.info.Sums[0].Algorithm
	}
	if r.Sum != checksum.None {
		a = r.Sum
	}
	s, err := m.sumsOfCopy(from, a)
	if err != nil {
		return store.Object{}, err
	}
	o.info.ETag = m.etag(s, o.info.Encryption, 0)
	o.info.Sums = m.checks.report(s, a)
	m.set(b, o)
	return o.answer(), nil
}

// sumsOfCopy sums the bytes of a copy's source; for discarded ones it returns the known sums of the source; m.mu is held.
func (m *Memory) sumsOfCopy(from *object, a checksum.Algorithm) (sums, error) {
	if !m.discard {
		return m.sumAll(from.content, a), nil
	}
	s := sums{}
	for _, x := range from.info.Sums {
		if x.Parts == 0 {
			s[x.Algorithm] = x
		}
	}
	return s, nil
}

// CopyPart fills a part from a range of an object.
func (m *Memory) CopyPart(ctx context.Context, r store.CopyPartRequest) (_ store.Part, err error) {
	c, err := m.begin(ctx, CopyPart, Target{Ref: r.Upload.Ref, Part: r.Number, Range: r.Range})
	defer c.end(&err)
	if err != nil {
		return store.Part{}, err
	}
	from, err := m.source(CopyPart, r.From, r.IfMatch, r.Attrs)
	if err != nil {
		return store.Part{}, err
	}
	rng := r.Range
	if rng.Whole() {
		rng.Length = from.info.Size
	}
	if rng.Offset < 0 || rng.Length < 0 || rng.End() > from.info.Size {
		return store.Part{}, invalid(CopyPart, r.From, "InvalidArgument", "Range specified is not valid for source object of that size")
	}
	if _, gone := from.content.(discarded); gone {
		return store.Part{}, Refuse(CopyPart, r.From, store.Unsupported, errDiscarded.Error())
	}
	m.mu.Lock()
	_, u, err := m.upload(CopyPart, r.Upload, r.Attrs)
	if err == nil {
		err = m.mayNumber(CopyPart, r.Upload.Ref, r.Number, rng.Length)
	}
	var s sums
	bytes := section(from.content, rng.Offset, rng.Length)
	if err == nil {
		s = m.sumAll(bytes, u.info.Scheme.Algorithm)
	}
	m.mu.Unlock()
	if err != nil {
		return store.Part{}, err
	}
	return m.keep(CopyPart, r.Upload, r.Number, &part{content: bytes, sums: s})
}
