package storetest

import (
	"context"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Put stores an object in one request.
func (m *Memory) Put(ctx context.Context, r store.PutRequest) (_ store.Object, err error) {
	c, err := m.begin(ctx, Put, Target{Ref: r.Ref})
	defer c.end(&err)
	if err != nil {
		return store.Object{}, err
	}
	m.mu.Lock()
	b, err := m.mayPut(r)
	checks, as := m.checks, m.algorithms(r.Sum.Algorithm)
	m.mu.Unlock()
	if err != nil {
		return store.Object{}, err
	}
	content, s, err := take(c.receive(r.Body), r.Body.Size(), as, m.discard)
	if err != nil {
		return store.Object{}, c.Failed(err)
	}
	if checks.checks(r.Sum.Algorithm) {
		if err := s.verify(Put, r.Ref, r.Sum); err != nil {
			return store.Object{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := b.free(Put, r.Ref, r.NoClobber); err != nil {
		return store.Object{}, err
	}
	o := newObject(r.Ref, content, r.Attrs)
	o.info.ETag = m.etag(s, o.info.Encryption, 0)
	o.info.Sums = checks.report(s, r.Sum.Algorithm)
	m.set(b, o)
	return o.answer(), nil
}

// mayPut refuses an invalid Put; m.mu is held.
func (m *Memory) mayPut(r store.PutRequest) (*bucket, error) {
	b, err := m.bucket(Put, r.Ref)
	if err != nil {
		return nil, err
	}
	if err := m.pays(Put, r.Ref, r.Attrs); err != nil {
		return nil, err
	}
	size := r.Body.Size()
	if max := m.limits.MaxPut; max > 0 && size > max {
		return nil, Refuse(Put, r.Ref, store.TooLarge, "Your proposed upload exceeds the maximum allowed size")
	}
	return b, m.mayCheck(Put, r.Ref, r.Sum)
}

// mayCheck refuses a sum by an algorithm that the store does not support; m.mu is held.
func (m *Memory) mayCheck(op Op, ref store.Ref, s checksum.Sum) error {
	if m.checks.takes(s.Algorithm) {
		return nil
	}
	return Refuse(op, ref, store.ChecksumRefused,
		"A header you provided implies functionality that is not implemented: "+"x-amz-checksum-"+strings.ToLower(string(s.Algorithm)))
}

// Failed returns the error of a payload that could not be read to its end.
func (c *Call) Failed(err error) error {
	if store.KindOf(err) != store.Unknown {
		return err
	}
	if alive := c.alive(); alive != nil {
		return alive
	}
	return &store.Error{Kind: store.Unknown, Op: string(c.Op), Ref: c.On.Ref, Err: err}
}

// Made says how an object that a test puts into a Memory was stored. The zero value is one Put.
type Made struct {
	// Parts are the sizes of its parts in bytes, in order. The last one is repeated for the rest; without any it is one
	// Put.
	Parts []int64
	// Scheme by which it was summed; if it is zero, the best that the store supports.
	Scheme checksum.Scheme
	Attrs  *store.Attrs
}

// Make puts an object into the store, past all faults and limits, and creates its bucket if there is none. The store reads
// content only on request. The ETag of a *Pattern is not an MD5.
func (m *Memory) Make(ref store.Ref, content Content, how Made) store.Object {
	m.mu.Lock()
	defer m.mu.Unlock()
	if how.Scheme.Algorithm == checksum.None {
		how.Scheme.Algorithm = checksum.CRC64NVME
	}
	scheme := m.checks.Agree(how.Scheme)
	o := newObject(ref, content, how.Attrs)
	if len(how.Parts) == 0 {
		s := m.sumAll(content, scheme.Algorithm)
		o.info.ETag = m.etag(s, o.info.Encryption, 0)
		o.info.Sums = m.checks.report(s, scheme.Algorithm)
	} else {
		m.describe(o, scheme, m.cut(content, how.Parts, scheme.Algorithm))
	}
	m.set(m.makeBucket(ref.Bucket), o)
	return o.reported()
}

// PutBytes puts an object of those bytes into the store; parts as in Made.
func (m *Memory) PutBytes(ref store.Ref, b []byte, parts ...int64) store.Object {
	return m.Make(ref, bytesContent(append([]byte(nil), b...)), Made{Parts: parts})
}

// cut returns the parts in which content was uploaded; m.mu is held.
func (m *Memory) cut(content Content, sizes []int64, a checksum.Algorithm) []*part {
	var parts []*part
	for off := int64(0); off < content.Size() || off == 0; {
		size := sizes[min(len(parts), len(sizes)-1)]
		if size <= 0 {
			m.fatal("a part of %d bytes", size)
		}
		size = min(size, content.Size()-off)
		p := &part{content: section(content, off, size)}
		p.sums = m.sumAll(p.content, a)
		parts = append(parts, p)
		p.info = store.Part{Number: len(parts), Size: size}
		if off += size; size == 0 {
			break
		}
	}
	return parts
}

// sumAll sums content by all algorithms that the store uses; m.mu is held.
func (m *Memory) sumAll(content Content, a checksum.Algorithm) sums {
	as := m.algorithms(a)
	s := sums{}
	if p, ok := content.(*Pattern); ok {
		for _, a := range as {
			if a.CanCombine() {
				s[a] = p.Sum(a)
			}
		}
		return s
	}
	_, s, err := take(wholeOf(content), content.Size(), as, true)
	if err != nil {
		m.fatal("read the content: %v", err)
	}
	return s
}

// Bytes returns the content of an object. It ends the test if there is no such object.
func (m *Memory) Bytes(ref store.Ref) []byte {
	o := m.must(ref)
	b := make([]byte, o.content.Size())
	if _, err := wholeOf(o.content).ReadAt(b, 0); err != nil && len(b) > 0 {
		m.fatal("read %s: %v", ref, err)
	}
	return b
}

// Object returns what Head reports about an object, past all faults. It ends the test if there is no such object.
func (m *Memory) Object(ref store.Ref) store.Object { return m.must(ref).reported() }

// Exists reports whether there is such an object.
func (m *Memory) Exists(ref store.Ref) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.find(Head, ref, "", &store.Attrs{RequestPayer: "requester"})
	return err == nil
}

func (m *Memory) must(ref store.Ref) *object {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(Head, ref, "", &store.Attrs{RequestPayer: "requester"})
	if err != nil {
		m.fatal("%v", err)
	}
	state := *o
	return &state
}

// Edit changes what the store reports of an object: it can remove or forge sums, set another ETag or storage class (GLACIER
// and DEEP_ARCHIVE are archived). The bytes stay.
func (m *Memory) Edit(ref store.Ref, change func(*store.Object)) {
	m.must(ref)
	m.mu.Lock()
	defer m.mu.Unlock()
	o, _ := m.find(Head, ref, "", &store.Attrs{RequestPayer: "requester"})
	change(&o.info)
}

// Restore makes the bytes of an archived object readable.
func (m *Memory) Restore(ref store.Ref) {
	m.must(ref)
	m.mu.Lock()
	defer m.mu.Unlock()
	o, _ := m.find(Head, ref, "", &store.Attrs{RequestPayer: "requester"})
	o.restored = true
}
