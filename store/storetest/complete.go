package storetest

import (
	"context"
	"fmt"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Complete turns an upload into an object.
func (m *Memory) Complete(ctx context.Context, r store.CompleteRequest) (_ store.Object, err error) {
	c, err := m.begin(ctx, Complete, Target{Ref: r.Upload.Ref})
	defer c.end(&err)
	if err != nil {
		return store.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.buckets[r.Upload.Bucket]; b != nil && m.completeTwice {
		if o, ok := b.done[r.Upload.ID]; ok {
			return o, nil
		}
	}
	b, u, err := m.upload(Complete, r.Upload, r.Attrs)
	if err != nil {
		return store.Object{}, err
	}
	parts, err := m.mayComplete(u, r)
	if err != nil {
		return store.Object{}, err
	}
	contents := make([]Content, len(parts))
	for i, p := range parts {
		contents[i] = p.content
	}
	o := newObject(r.Upload.Ref, join(contents), u.attrs)
	m.describe(o, u.info.Scheme, parts)
	if err := m.mayBe(o, r); err != nil {
		return store.Object{}, err
	}
	if err := b.free(Complete, r.Upload.Ref, r.NoClobber); err != nil {
		return store.Object{}, err
	}
	m.set(b, o)
	delete(b.uploads, u.info.ID)
	b.done[u.info.ID] = o.answer()
	return o.answer(), nil
}

// mayComplete checks the list of parts and returns those that the store holds; m.mu is held.
func (m *Memory) mayComplete(u *upload, r store.CompleteRequest) ([]*part, error) {
	ref := r.Upload.Ref
	if len(r.Parts) == 0 {
		return nil, invalid(Complete, ref, "MalformedXML", "You must specify at least one part")
	}
	if u.spoiled {
		return nil, invalid(Complete, ref, "InvalidPart", "a part was sent twice at once")
	}
	parts := make([]*part, len(r.Parts))
	for i, named := range r.Parts {
		if i > 0 && named.Number <= r.Parts[i-1].Number {
			return nil, invalid(Complete, ref, "InvalidPartOrder", "The list of parts was not in ascending order.")
		}
		p := u.parts[named.Number]
		if p == nil || named.ETag != p.info.ETag ||
			!named.Sum.IsZero() && !p.info.Sum.IsZero() && named.Sum != p.info.Sum {
			return nil, invalid(Complete, ref, "InvalidPart", fmt.Sprintf("Part %d could not be found, or is another.", named.Number))
		}
		parts[i] = p
		last := i == len(r.Parts)-1
		switch {
		case !last && p.info.Size < m.limits.MinPart:
			return nil, invalid(Complete, ref, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		case m.limits.EqualParts && i > 0 && (p.info.Size > parts[0].info.Size || !last && p.info.Size != parts[0].info.Size):
			return nil, invalid(Complete, ref, "InvalidPart", "All non-trailing parts must have the same length.")
		}
	}
	return parts, nil
}

// mayBe compares the object that the parts make with what the request says of it; m.mu is held.
func (m *Memory) mayBe(o *object, r store.CompleteRequest) error {
	ref := r.Upload.Ref
	if max := m.limits.MaxObject; max > 0 && o.info.Size > max {
		return Refuse(Complete, ref, store.TooLarge, "Your proposed upload exceeds the maximum allowed object size")
	}
	if m.checks == NoChecksums || m.checks == IgnoredChecksums {
		return nil
	}
	if r.Size != o.info.Size {
		return Refuse(Complete, ref, store.Invalid, fmt.Sprintf("x-amz-mp-object-size is %d, the parts have %d bytes", r.Size, o.info.Size))
	}
	sent := r.Sum
	switch {
	case sent.IsZero() || sent.Algorithm == checksum.MD5:
		return nil
	case len(o.info.Sums) == 0 || o.info.Sums[0].Algorithm != sent.Algorithm:
		return Refuse(Complete, ref, store.Invalid, "the checksum is not of the kind that the upload was opened with")
	case o.info.Sums[0] != sent:
		return Refuse(Complete, ref, store.Corrupt, "The checksum you specified did not match the calculated checksum.")
	}
	return nil
}

// describe sets ETag, sums and layout of an object made of parts; m.mu is held.
func (m *Memory) describe(o *object, s checksum.Scheme, parts []*part) {
	md5s := make([]checksum.Sum, len(parts))
	for i, p := range parts {
		md5s[i] = p.sums[checksum.MD5]
		o.layout = append(o.layout, store.Part{Number: i + 1, Size: p.content.Size()})
	}
	of := sums{}
	if !md5s[0].IsZero() {
		md5, err := checksum.Compose(md5s)
		if err != nil {
			panic("storetest: internal error: " + err.Error())
		}
		md5.Parts = 0
		of[checksum.MD5] = md5
	}
	o.info.ETag = m.etag(of, o.info.Encryption, len(parts))
	if !m.checks.Reports(s.Algorithm) {
		s = checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject} // the store's own
	}
	if !m.checks.Reports(s.Algorithm) {
		return
	}
	sum, err := whole(s, parts)
	if err != nil {
		panic("storetest: internal error: " + err.Error())
	}
	o.info.Sums = []checksum.Sum{sum}
	for i, p := range parts {
		o.layout[i].Sum = p.sums[s.Algorithm]
	}
}
