package storetest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// upload is an open multipart upload.
type upload struct {
	info    store.Upload
	attrs   *store.Attrs
	parts   map[int]*part
	sending map[int]int // parts being sent, by number
	spoiled bool        // a part was sent twice at once, to a store that forbids it
}

// part is one part that the store holds.
type part struct {
	info    store.Part
	content Content
	sums    sums
}

func (u *upload) list() []store.Part {
	var all []store.Part
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		all = append(all, u.parts[n].info)
	}
	return all
}

// open returns the open uploads of keys that begin with prefix; m.mu is held.
func (b *bucket) open(prefix string) []*upload {
	var us []*upload
	for _, u := range b.uploads {
		if strings.HasPrefix(u.info.Key, prefix) {
			us = append(us, u)
		}
	}
	slices.SortFunc(us, func(x, y *upload) int {
		return cmp.Or(cmp.Compare(x.info.Key, y.info.Key), x.info.Started.Compare(y.info.Started), cmp.Compare(x.info.ID, y.info.ID))
	})
	return us
}

// Create opens an upload.
func (m *Memory) Create(ctx context.Context, ref store.Ref, want checksum.Scheme, a *store.Attrs) (_ store.Upload, err error) {
	c, err := m.begin(ctx, Create, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return store.Upload{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(Create, ref)
	if err != nil {
		return store.Upload{}, err
	}
	if err := m.pays(Create, ref, a); err != nil {
		return store.Upload{}, err
	}
	u := &upload{parts: map[int]*part{}, sending: map[int]int{}}
	u.info = store.Upload{
		Ref: store.Ref{Bucket: ref.Bucket, Key: ref.Key}, ID: m.id("upload"), Scheme: m.checks.Agree(want), Started: modified(),
	}
	if a != nil {
		kept := *a
		kept.Metadata, kept.Tags = maps.Clone(a.Metadata), maps.Clone(a.Tags)
		u.attrs = &kept
		u.info.StorageClass = a.StorageClass
	}
	b.uploads[u.info.ID] = u
	out := u.info
	out.Started, out.StorageClass = time.Time{}, "" // only listings report these
	return out, nil
}

// upload finds an open upload; m.mu is held.
func (m *Memory) upload(op Op, of store.Upload, a *store.Attrs) (*bucket, *upload, error) {
	b, err := m.bucket(op, of.Ref)
	if err != nil {
		return nil, nil, err
	}
	if err := m.pays(op, of.Ref, a); err != nil {
		return nil, nil, err
	}
	u := b.uploads[of.ID]
	if u == nil || u.info.Key != of.Key {
		return nil, nil, Refuse(op, of.Ref, store.NoUpload, "The specified multipart upload does not exist.")
	}
	return b, u, nil
}

// PutPart fills a part. Once all its bytes have come, it replaces an earlier one of that number.
func (m *Memory) PutPart(ctx context.Context, r store.PutPartRequest) (_ store.Part, err error) {
	c, err := m.begin(ctx, PutPart, Target{Ref: r.Upload.Ref, Part: r.Number})
	defer c.end(&err)
	if err != nil {
		return store.Part{}, err
	}
	m.mu.Lock()
	u, err := m.mayPutPart(r)
	checks, as := m.checks, m.algorithms()
	if err == nil {
		as = m.algorithms(u.info.Scheme.Algorithm, r.Sum.Algorithm)
		u.sending[r.Number]++
		defer m.sent(u, r.Number)
	}
	m.mu.Unlock()
	if err != nil {
		return store.Part{}, err
	}
	content, s, err := take(c.receive(r.Body), r.Body.Size(), as, m.discard)
	if err != nil {
		return store.Part{}, c.Failed(err)
	}
	if r.LateSum != nil && r.Sum.IsZero() {
		r.Sum = r.LateSum()
	}
	if checks.checks(r.Sum.Algorithm) {
		if err := s.verify(PutPart, r.Upload.Ref, r.Sum); err != nil {
			return store.Part{}, err
		}
	}
	return m.keep(PutPart, r.Upload, r.Number, &part{content: content, sums: s})
}

// TakesLateSums returns true for checksums that the Memory checks.
func (m *Memory) TakesLateSums(u store.Upload) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return u.Scheme.Algorithm != checksum.MD5 && m.checks.checks(u.Scheme.Algorithm)
}

// sent records the end of a PutPart.
func (m *Memory) sent(u *upload, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limits.NoDuplicateParts && u.sending[number] > 1 {
		u.spoiled = true
	}
	u.sending[number]--
}

// mayPutPart refuses an impossible part; m.mu is held.
func (m *Memory) mayPutPart(r store.PutPartRequest) (*upload, error) {
	ref := r.Upload.Ref
	_, u, err := m.upload(PutPart, r.Upload, r.Attrs)
	if err != nil {
		return nil, err
	}
	if err := m.mayNumber(PutPart, ref, r.Number, r.Body.Size()); err != nil {
		return nil, err
	}
	if customer(r.Attrs) != customer(u.attrs) {
		return nil, Refuse(PutPart, ref, store.Invalid, "The SSE-C key is not that of the upload")
	}
	a := r.Sum.Algorithm
	if a != checksum.None && a != checksum.MD5 && a != u.info.Scheme.Algorithm && m.checks.checks(a) {
		return nil, Refuse(PutPart, ref, store.Invalid,
			fmt.Sprintf("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", u.info.Scheme.Algorithm, a))
	}
	return u, m.mayCheck(PutPart, ref, r.Sum)
}

// mayNumber checks number and size of a part; m.mu is held.
func (m *Memory) mayNumber(op Op, ref store.Ref, number int, size int64) error {
	l := m.limits
	switch {
	case number < 1 || l.MaxParts > 0 && number > l.MaxParts:
		return invalid(op, ref, "InvalidArgument", fmt.Sprintf("Part number must be an integer between 1 and %d, inclusive", l.MaxParts))
	case l.MaxPart > 0 && size > l.MaxPart:
		return Refuse(op, ref, store.TooLarge, "Your proposed upload exceeds the maximum allowed size")
	}
	return nil
}

// keep makes p a part of an upload, if that is still open.
func (m *Memory) keep(op Op, of store.Upload, number int, p *part) (store.Part, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, u, err := m.upload(op, of, &store.Attrs{RequestPayer: "requester"})
	if err != nil {
		return store.Part{}, err
	}
	p.info = store.Part{Number: number, Size: p.content.Size(), ETag: m.etag(p.sums, encryption(u.attrs), 0)}
	p.info.Sum = m.partSum(u.info.Scheme, p.sums)
	u.parts[number] = p
	return p.info, nil
}

// partSum returns the checksum that the store reports for a part's bytes.
func (m *Memory) partSum(s checksum.Scheme, of sums) checksum.Sum {
	if s.Algorithm == checksum.MD5 && m.checks.checks(s.Algorithm) || m.checks.Reports(s.Algorithm) {
		return of[s.Algorithm]
	}
	return checksum.Sum{}
}

// Parts lists what the store holds of an upload.
func (m *Memory) Parts(ctx context.Context, of store.Upload, a *store.Attrs) (_ store.Upload, _ []store.Part, err error) {
	c, err := m.begin(ctx, Parts, Target{Ref: of.Ref})
	defer c.end(&err)
	if err != nil {
		return store.Upload{}, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, u, err := m.upload(Parts, of, a)
	if err != nil {
		return store.Upload{}, nil, err
	}
	return u.info, u.list(), nil
}

// Abort aborts an upload.
func (m *Memory) Abort(ctx context.Context, of store.Upload, a *store.Attrs) (err error) {
	c, err := m.begin(ctx, Abort, Target{Ref: of.Ref})
	defer c.end(&err)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, _, err := m.upload(Abort, of, a)
	if store.KindOf(err) == store.NoUpload {
		return nil
	}
	if err != nil {
		return err
	}
	delete(b.uploads, of.ID)
	return nil
}

// Uploads lists open uploads, those of one key by age.
func (m *Memory) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return func(yield func(store.Upload, error) bool) {
		us, err := m.listUploads(ctx, store.Ref{Bucket: bucket, Key: prefix})
		if err != nil {
			yield(store.Upload{}, err)
			return
		}
		for _, u := range us {
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (m *Memory) listUploads(ctx context.Context, ref store.Ref) (us []store.Upload, err error) {
	c, err := m.begin(ctx, Uploads, Target{Ref: ref})
	defer c.end(&err)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(Uploads, ref)
	if err != nil {
		return nil, err
	}
	for _, u := range b.open(ref.Key) {
		us = append(us, u.info)
	}
	return us, nil
}
