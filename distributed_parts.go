package haul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// MovePartsOptions are the options of MoveParts. The zero value is a good default.
type MovePartsOptions struct {
	// Fresh reports that none of these parts was transferred before, so the store need not be asked for them.
	Fresh bool
	// Attrs are sent with each request; only RequestPayer and customer's keys are used.
	Attrs store.Attrs
	// Root is as in DownloadOptions, for the file that a download fills.
	Root *os.Root
	// OnProgress is called with the progress of these parts; see [TransferProgress]. It may be nil.
	OnProgress func(TransferProgress)
}

// CompleteOptions are the options of CompleteDistributed. Options that the call that opened the transfer also has must have
// the same values: they are not part of Distributed. The zero value is a good default.
type CompleteOptions struct {
	// Checksum is that of CopyOptions, for a copy.
	Checksum checksum.Algorithm
	// NoClobber makes an existing target an error.
	NoClobber bool
	// Times and ReadTwice are those of DownloadOptions, for a download.
	Times, ReadTwice bool
	// Attrs are sent with each request.
	Attrs store.Attrs
	// Root is as in DownloadOptions, for a download.
	Root *os.Root
}

// MoveParts transfers the parts from first to last and returns each with its checksum. Unless they are Fresh, it first lists
// those that the store already has, and verifies them against the file; for a copy, which is pinned to one state of its
// source, only the size is compared. If it returns no parts and no error, the transfer was already completed, and the target
// is verified.
//
// The error is ErrSourceChanged, or of kind store.Changed, if the source is not the one that was distributed.
func (c *Client) MoveParts(ctx context.Context, s Distributed, first, last int, o MovePartsOptions) ([]store.Part, error) {
	defer c.alive()()
	if first < 1 || last < first || last > s.Parts() {
		return nil, fmt.Errorf("%w: parts %d to %d of %d", store.Invalid, first, last, s.Parts())
	}
	t := c.begin(s.source(), s.target(), transferOptions{attrs: o.Attrs, root: o.Root, onProgress: o.OnProgress})
	defer t.report()()
	if o.Fresh {
		t.o.resume = ResumeNever
	}
	m := &partsMover{Distributed: s, multipart: &multipart{transfer: t, up: s.Upload}, first: first, last: last}
	m.started(s.Bytes(first, last), last-first+1)
	var err error
	switch {
	case s.Temp != "":
		err = m.fetchParts(ctx)
	case s.Path != "":
		err = m.sendParts(ctx)
	default:
		err = m.copyMissing(ctx)
	}
	if errors.Is(err, store.NoUpload) || errors.Is(err, fs.ErrNotExist) {
		if _, done := m.completed(ctx); done {
			m.keep(s.Bytes(first, last), last-first+1)
			return nil, nil
		}
		err = fmt.Errorf("%w: the shared transfer of %s was discarded", err, s.target())
	}
	if err != nil {
		return nil, err
	}
	reported := slices.Clone(m.parts[first-1 : last])
	for i := range reported {
		reported[i].Sum = m.sums[first-1+i]
	}
	return reported, nil
}

// partsMover is a run of parts of a Distributed that move.
type partsMover struct {
	Distributed
	*multipart
	first, last int
}

// each calls f for each part that is not there yet, as many at once as the client's lanes allow.
func (m *partsMover) each(ctx context.Context, f func(ctx context.Context, n int, buf []byte) error) error {
	g, gctx := errgroup.WithContext(ctx)
	var serr error
	for n := m.first; n <= m.last && serr == nil; n++ {
		if !m.has(n) {
			serr = m.c.spawn(gctx, g, m.Part(n).Length, func(buf []byte) error { return f(gctx, n, buf) })
		}
	}
	return cmp.Or(g.Wait(), serr)
}

// kept lists those of these parts that the store has in the right size.
func (m *partsMover) kept(ctx context.Context) ([]store.Part, error) {
	if m.o.resume == ResumeNever {
		return nil, nil
	}
	there, err := m.stored(ctx, m.up)
	return slices.DeleteFunc(there, func(p store.Part) bool {
		return p.Number < m.first || p.Number > m.last || p.Size != m.Part(p.Number).Length
	}), err
}

// openSource opens the file of an upload, which must be the one that was distributed.
func (s Distributed) openSource() (*localfile.Source, error) {
	src, err := localfile.OpenSource(s.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	if print := src.Fingerprint(); print.Size != s.Size || print.MTime != localfile.Nanoseconds(s.Modified) {
		return nil, errors.Join(fmt.Errorf("%w: %s is not what was shared", ErrSourceChanged, s.Path), src.Close())
	}
	return src, nil
}

func (m *partsMover) sendParts(ctx context.Context) error {
	src, err := m.openSource()
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	u := &upload{multipart: m.multipart, from: fileOrigin{src}, src: src, layout: m.layout()}
	kept, err := m.kept(ctx)
	if err == nil {
		err = u.verifyKept(ctx, kept)
	}
	if err == nil {
		err = m.each(ctx, u.sendPart)
	}
	if err != nil {
		return err
	}
	if err := src.Changed(); err != nil {
		return fmt.Errorf("%w: %w", ErrSourceChanged, err)
	}
	return nil
}

// copyMissing copies the parts that the store does not have yet.
func (m *partsMover) copyMissing(ctx context.Context) error {
	kept, err := m.kept(ctx)
	if err != nil {
		return err
	}
	for _, p := range kept {
		m.add(p, checksum.Sum{})
	}
	parts, bytes := m.count()
	m.keep(bytes, parts)
	return m.each(ctx, func(ctx context.Context, n int, _ []byte) error {
		return m.copyOne(ctx, store.CopyPartRequest{
			From: m.From, IfMatch: m.ETag, Range: m.Part(n), Upload: m.up, Number: n, Attrs: &m.o.attrs,
		}, m.multipart)
	})
}

func (m *partsMover) fetchParts(ctx context.Context) error {
	target, err := m.o.below().Reopen(m.Path, m.Temp, m.Size)
	if err != nil {
		return err
	}
	from := &remote{transfer: m.transfer, ref: m.From, obj: store.Object{Ref: m.From, Size: m.Size, ETag: m.ETag}, algorithm: m.Algorithm}
	err = m.each(ctx, func(ctx context.Context, n int, buf []byte) error {
		r := m.Part(n)
		sum, err := from.fetch(ctx, r, nil, &inFile{target, m.c.meter, buf}, nil)
		if err == nil {
			m.add(store.Part{Number: n, Size: r.Length}, sum)
		}
		return err
	})
	if err == nil {
		err = target.Sync() // reported parts are on the disk
	}
	return errors.Join(err, target.Keep())
}

// CompleteDistributed checks that the store has exactly the parts that MoveParts returned, completes the transfer from them,
// and verifies it: the object or file appears under its name, complete. A transfer that was already completed is verified
// again. An error changes nothing, so the call can be repeated. The error is a *PartsError if parts must be transferred
// again.
func (c *Client) CompleteDistributed(ctx context.Context, s Distributed, moved []store.Part, o CompleteOptions) (Result, error) {
	defer c.alive()()
	t := c.begin(s.source(), s.target(), transferOptions{
		checksum: o.Checksum, noClobber: o.NoClobber, times: o.Times, readTwice: o.ReadTwice, attrs: o.Attrs, root: o.Root,
	})
	m := &partsMover{Distributed: s, multipart: &multipart{transfer: t, up: s.Upload, from: s.From}, first: 1, last: s.Parts()}
	r, err := m.completeParts(ctx, moved)
	if errors.Is(err, store.NoUpload) || errors.Is(err, fs.ErrNotExist) {
		if r, done := m.completed(ctx); done {
			return m.done(r), nil
		}
		err = fmt.Errorf("%w: the shared transfer of %s was discarded", err, s.target())
	}
	if err != nil {
		return Result{}, err
	}
	return m.done(r), nil
}

// completeParts completes the transfer from the parts that were reported.
func (m *partsMover) completeParts(ctx context.Context, reported []store.Part) (Result, error) {
	sums := make(map[int]store.Part, len(reported))
	for _, p := range reported {
		sums[p.Number] = p
	}
	if m.Temp != "" {
		return m.completeFile(ctx, sums)
	}
	there, err := m.stored(ctx, m.up)
	if err != nil {
		return Result{}, err
	}
	for _, p := range there {
		if ours, ok := sums[p.Number]; ok && p.Number <= m.last && p.Size == m.Part(p.Number).Length && m.sameParts(p, ours) {
			m.add(p, ours.Sum)
		}
	}
	if err := m.missing(); err != nil {
		return Result{}, err
	}
	if m.Path == "" {
		return m.completeCopy(ctx)
	}
	src, err := m.openSource()
	if err != nil {
		return Result{}, err
	}
	if err := src.Close(); err != nil {
		return Result{}, err
	}
	sum, err := m.whole()
	if err != nil {
		return Result{}, err
	}
	obj, err := m.multipart.complete(ctx, sum)
	if err != nil {
		return Result{}, err
	}
	obj, proof, err := m.verifyObject(ctx, obj, sum)
	return Result{Object: obj, Size: m.Size, Parts: m.last, Proof: proof}, err
}

// sameParts reports whether a part that the store has is the one that was reported: by its sum, or if there is none, its
// ETag.
func (m *partsMover) sameParts(there, reported store.Part) bool {
	if !reported.Sum.IsZero() && there.Sum.Algorithm == reported.Sum.Algorithm {
		return there.Sum.Value == reported.Sum.Value
	}
	return there.ETag == reported.ETag && m.checkPart(there, reported.Sum) == nil
}

// missing returns a *PartsError if not all parts are there.
func (m *partsMover) missing() error {
	e := &PartsError{what: m.target()}
	for n := m.first; n <= m.last; n++ {
		if !m.has(n) {
			e.Missing = append(e.Missing, n)
		}
	}
	if len(e.Missing) > 0 {
		return e
	}
	return nil
}

func (m *partsMover) completeCopy(ctx context.Context) (Result, error) {
	src, err := m.sourceNow(ctx)
	if err != nil {
		return Result{}, err
	}
	obj, err := m.multipart.complete(ctx, checksum.Sum{})
	if err != nil {
		return Result{}, err
	}
	return m.copied(ctx, src, obj, m.up.Ref, m.last)
}

// sourceNow looks at the source of a copy or a download, which must be in the state that was distributed.
func (m *partsMover) sourceNow(ctx context.Context) (store.Object, error) {
	obj, err := m.headSource(ctx, m.From)
	if err == nil && obj.ETag != m.ETag {
		err = &store.Error{Kind: store.Changed, Op: "HeadObject", Ref: m.From}
	}
	return obj, err
}

func (m *partsMover) completeFile(ctx context.Context, reported map[int]store.Part) (Result, error) {
	target, err := m.o.below().Reopen(m.Path, m.Temp, m.Size)
	if err != nil {
		return Result{}, err
	}
	obj, err := m.sourceNow(ctx)
	d := &download{from: m.From, path: m.Path, target: target, out: target, back: target}
	if err == nil {
		d.remote = m.newSource(ctx, m.From, obj)
		d.algorithm = m.Algorithm
		for n := m.first; n <= m.last; n++ {
			if p, ok := reported[n]; ok && p.Size == m.Part(n).Length && p.Sum.Algorithm == m.Algorithm {
				m.add(p, p.Sum)
				d.add(segment{m.Part(n), p.Sum})
			}
		}
		err = m.missing()
	}
	var proof Proof
	if err == nil {
		proof, err = d.settle(ctx)
	}
	if err == nil {
		err = target.Commit(d.modified(), !m.o.noClobber)
	}
	if err != nil {
		return Result{}, errors.Join(err, target.Keep())
	}
	return Result{Object: obj, Size: m.Size, Parts: m.last, Proof: proof}, nil
}

// completed reports whether the target is there already, and equal to the source.
func (m *partsMover) completed(ctx context.Context) (Result, bool) {
	var r Result
	switch {
	case m.Temp != "":
		obj, err := m.sourceNow(ctx)
		if err != nil {
			return r, false
		}
		r.Object = obj
		src, err := localfile.OpenSource(m.Path)
		if err != nil {
			return r, false
		}
		defer src.Close() // only read from
		if src.Size() == m.Size {
			r.Proof, err = m.verifyContent(ctx, obj, src)
		}
		return m.verifiedFile(r, err)
	case m.Path != "":
		src, err := m.openSource()
		if err != nil {
			return r, false
		}
		defer src.Close() // only read from
		if r.Object, err = m.head(ctx, m.up.Ref); err == nil && r.Object.Size == m.Size {
			r.Proof, err = m.verifyContent(ctx, r.Object, src)
		}
		return m.verifiedFile(r, err)
	}
	src, err := m.sourceNow(ctx)
	if err == nil {
		r, err = m.copied(ctx, src, store.Object{}, m.up.Ref, m.last)
	}
	return m.verifiedFile(r, err)
}

func (m *partsMover) verifiedFile(r Result, err error) (Result, bool) {
	r.Size, r.Parts = m.Size, m.last
	return r, err == nil && r.Proof.Verified
}
