package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

const (
	smallSize = 64 << 10 // bytes, about
	line      = "haul doctor: a test object, which may be deleted\n"
	// uploadTime is how long the part whose rate is measured should take.
	uploadTime = 4 * time.Second
	// leastPart is the least size of that part, in bytes: less would only measure how long a request takes.
	leastPart = 512 << 10
)

// algorithms are the checksums of S3, the one that haul prefers first.
var algorithms = []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32, checksum.SHA256, checksum.SHA1, checksum.MD5}

// scratch is what the checks have written and must remove.
type scratch struct {
	small, parts store.Ref
	body         []byte
	written      []store.Ref    // objects, by version if the store has versions
	uploads      []store.Upload // that may be open
	fastest      time.Duration  // put of the small object
}

// wrote notes an object, or one that may be there although the answer did not say so.
func (s *scratch) wrote(o store.Object, ref store.Ref, err error) {
	if err != nil && !store.Unanswered(err) {
		return
	}
	ref.Version = o.Version
	if !slices.Contains(s.written, ref) {
		s.written = append(s.written, ref)
	}
}

// writing writes test objects, reads them, and removes them.
func (d *run) writing(ctx context.Context) {
	names := []string{"put", "checksums", "if-none-match", "if-match", "multipart", "upload rate", "abort", "delete"}
	switch why := d.blocked(); {
	case d.Where.Bucket == "":
		return
	case why != "":
		d.skip(why, names...)
		return
	case !d.Write:
		d.skip("to write a small test object and remove it, add --write", names...)
		return
	case d.locked:
		d.skip("the bucket locks new objects, so a test object could not be removed", names...)
		return
	}
	folder := d.Where.Key
	if folder != "" && !strings.HasSuffix(folder, "/") {
		folder += "/"
	}
	key := folder + "haul-doctor-" + rand.Text()
	s := &scratch{
		small: store.Ref{Bucket: d.Where.Bucket, Key: key}, parts: store.Ref{Bucket: d.Where.Bucket, Key: key + "-multipart"},
		body: bytes.Repeat([]byte(line), smallSize/len(line)),
	}
	defer d.remove(ctx, s)
	o, err := d.put(ctx, s, store.PutRequest{})
	if err != nil {
		d.denied("put", err)
		d.skip("no test object could be written", names[1:7]...)
		return
	}
	d.wrote = true
	d.ok("put", "allowed: you may upload here")
	for _, check := range []func(context.Context){
		func(ctx context.Context) { d.head(ctx, s.small) },
		func(ctx context.Context) { d.checksums(ctx, s) },
		func(ctx context.Context) { d.conditions(ctx, s, o) },
		func(ctx context.Context) { d.multipart(ctx, s) },
		func(ctx context.Context) { d.abort(ctx, s) },
	} {
		if ctx.Err() == nil && d.blocked() == "" {
			check(ctx)
		}
	}
}

// denied reports a failure without which no transfer works, so that a refusal is bad.
func (d *run) denied(name string, err error) {
	if errors.Is(err, store.Denied) {
		d.bad(name, text(err), advice(err))
		return
	}
	d.failed(name, err)
}

// put writes the small object; of r, only the conditions and the Sum count.
func (d *run) put(ctx context.Context, s *scratch, r store.PutRequest) (store.Object, error) {
	return d.putWith(ctx, s, r, d.store.Put)
}

func (d *run) putWith(ctx context.Context, s *scratch, r store.PutRequest, put func(context.Context, store.PutRequest) (store.Object, error)) (store.Object, error) {
	ctx, cancel := limited(ctx)
	defer cancel()
	r.Ref, r.Body, r.Attrs = s.small, section(s.body), &d.Attrs
	began := time.Now()
	o, err := put(ctx, r)
	if took := time.Since(began); s.fastest == 0 || took < s.fastest {
		s.fastest = took
	}
	s.wrote(o, s.small, err)
	return o, err
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// checksums finds out which checksums the server checks, and which it records: it must refuse a wrong one and accept the right one.
func (d *run) checksums(ctx context.Context, s *scratch) {
	const name = "checksums"
	var recorded, checked, ignored, refused []string
	for _, a := range algorithms {
		_, wrong := d.put(ctx, s, store.PutRequest{Sum: checksum.Bytes(a, []byte("other bytes"))})
		o, right := d.put(ctx, s, store.PutRequest{Sum: checksum.Bytes(a, s.body)})
		if lost(right) || lost(wrong) {
			d.failed(name, cmp.Or(right, wrong))
			return
		}
		switch {
		case wrong == nil, errors.Is(wrong, store.BadAnswer): // it returned that of the bytes
			ignored = append(ignored, string(a))
		case right != nil:
			refused = append(refused, string(a))
		case d.records(ctx, s.small, a, o):
			recorded = append(recorded, string(a))
		default:
			checked = append(checked, string(a))
		}
	}
	var what []string
	for _, group := range []struct {
		title string
		names []string
	}{{"checked and recorded", recorded}, {"only checked", checked}, {"ignored", ignored}, {"refused", refused}} {
		if len(group.names) > 0 {
			what = append(what, group.title+": "+strings.Join(group.names, ", "))
		}
	}
	all := strings.Join(what, "; ")
	switch {
	case slices.Contains(recorded, string(checksum.CRC64NVME)):
		d.ok(name, "%s", all)
	case len(recorded)+len(checked) == 0:
		d.warn(name, all, "the server does not notice data that is damaged on upload: after an upload, run haul verify --download")
	default:
		d.warn(name, all, "haul uses the best of these; if haul verify cannot check an object, run haul verify --download, which reads it")
	}
}

// records reports whether the store keeps a checksum of an object; an ETag that is the MD5 counts.
func (d *run) records(ctx context.Context, ref store.Ref, a checksum.Algorithm, o store.Object) bool {
	if a == checksum.MD5 {
		return !o.Sum(a).IsZero()
	}
	ctx, cancel := limited(ctx)
	defer cancel()
	o, err := d.store.Head(ctx, store.GetRequest{Ref: ref, Attrs: &d.Attrs})
	return err == nil && !o.Sum(a).IsZero()
}

// conditions finds out whether the server keeps conditions of writes.
func (d *run) conditions(ctx context.Context, s *scratch, o store.Object) {
	_, err := d.put(ctx, s, store.PutRequest{NoClobber: true})
	const clobbers = "--no-clobber then checks before it writes, and cannot prevent that another program writes in between"
	switch {
	case errors.Is(err, store.Exists):
		d.ok("if-none-match", "supported: --no-clobber never overwrites an existing object")
	case err == nil:
		d.warn("if-none-match", "ignored: an existing object was overwritten", clobbers)
	case unsupported(err):
		d.warn("if-none-match", "the server does not support it", clobbers)
	default:
		d.failed("if-none-match", err)
	}
	m, ok := d.store.(store.MatchingWriter)
	if !ok {
		d.open("this store does not have it", "if-match")
		return
	}
	other := strings.Repeat("0", max(1, len(o.ETag)))
	_, err = d.putWith(ctx, s, store.PutRequest{}, func(ctx context.Context, r store.PutRequest) (store.Object, error) {
		return m.PutIfMatch(ctx, r, other)
	})
	switch {
	case errors.Is(err, store.Changed), errors.Is(err, store.Exists):
		d.ok("if-match", "supported: an object that has changed is not overwritten")
	case err == nil:
		d.open("the server ignores it; haul does not need it", "if-match")
	case unsupported(err):
		d.open("the server does not support it; haul does not need it", "if-match")
	default:
		d.failed("if-match", err)
	}
}

func unsupported(err error) bool {
	k := store.KindOf(err)
	return k == store.Unsupported || k == store.Invalid || k == store.ChecksumRefused
}

// multipart makes an object of one part, of the size that suits the link, and measures both ways.
func (d *run) multipart(ctx context.Context, s *scratch) {
	const name = "multipart"
	size := min(rateSize, max(leastPart, int64(uploadTime/max(s.fastest, 1))*smallSize))
	uctx, cancel := context.WithTimeoutCause(ctx, 3*requestTime, fmt.Errorf("not done within %v", 3*requestTime))
	defer cancel()
	u, err := d.store.Create(uctx, s.parts, checksum.Scheme{}, &d.Attrs)
	if err != nil {
		d.denied(name, err)
		d.skip("no upload could be opened", "upload rate")
		d.get(ctx, s.small, int64(len(s.body)))
		return
	}
	s.uploads = append(s.uploads, u)
	body := make([]byte, size)
	_, _ = rand.Read(body) // it cannot fail; proxies may compress what is not random
	began := time.Now()
	p, err := d.store.PutPart(uctx, store.PutPartRequest{Upload: u, Number: 1, Body: section(body), Sum: checksum.Bytes(u.Scheme.Algorithm, body), Attrs: &d.Attrs})
	took := time.Since(began)
	if err == nil {
		var o store.Object
		o, err = d.store.Complete(uctx, store.CompleteRequest{Upload: u, Parts: []store.Part{p}, Size: size, Attrs: &d.Attrs})
		s.wrote(o, s.parts, err)
	}
	if err != nil {
		d.denied(name, err)
		d.skip("the upload failed", "upload rate")
		d.get(ctx, s.small, int64(len(s.body)))
		return
	}
	s.uploads = nil
	d.ok(name, "allowed: you may upload large objects in parts; checksum: %v", u.Scheme)
	d.rate("upload rate", size, took)
	d.get(ctx, s.parts, size)
}

// abort opens an upload and aborts it, as haul must after a failure.
func (d *run) abort(ctx context.Context, s *scratch) {
	const name = "abort"
	ctx, cancel := limited(ctx)
	defer cancel()
	u, err := d.store.Create(ctx, s.parts, checksum.Scheme{}, &d.Attrs)
	if err != nil {
		d.skip("no upload could be opened", name)
		return
	}
	s.uploads = append(s.uploads, u)
	if err := d.store.Abort(ctx, u, &d.Attrs); err != nil {
		d.failed(name, err)
		return
	}
	s.uploads = nil
	d.ok(name, "allowed: you may abort an unfinished upload")
}

// remove removes what was written, whatever happened before.
func (d *run) remove(ctx context.Context, s *scratch) {
	const name = "delete"
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	var left []string
	var first error
	for _, u := range s.uploads {
		if err := d.store.Abort(ctx, u, &d.Attrs); err != nil {
			left, first = append(left, "an unfinished upload of "+u.Ref.String()), err
		}
	}
	for _, ref := range s.written {
		if err := d.store.Delete(ctx, ref, &d.Attrs); err != nil {
			left, first = append(left, ref.String()), err
		}
	}
	switch {
	case len(left) > 0:
		d.warn(name, fmt.Sprintf("%s; left behind: %s", text(first), strings.Join(left, ", ")), advice(first)+"; then delete what was left behind, or have it deleted")
	case len(s.written) == 0:
		d.skip("no test object could be written", name)
	default:
		d.ok(name, "allowed; the test objects are removed")
	}
}
