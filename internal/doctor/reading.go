package doctor

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

const (
	// rateTime and rateSize bound what is moved to measure a rate, in bytes.
	rateTime = 3 * time.Second
	rateSize = 8 << 20
	// samplePage is how many listed objects are looked at for one to read.
	samplePage = 100
	// maxBuckets is how many buckets are counted.
	maxBuckets = 1000
)

// list makes the first signed request, which shows whether the server accepts the credentials.
func (d *run) list(ctx context.Context) {
	what := "list"
	if d.Where.Bucket == "" {
		what = "buckets"
	}
	if why := d.blocked(); why != "" {
		d.skip(why, "login", what)
		return
	}
	ctx, cancel := limited(ctx)
	defer cancel()
	found, err := d.listed(ctx)
	if !d.accepted(err) {
		d.skip(d.blocked(), what)
		return
	}
	switch {
	case errors.Is(err, store.NoBucket):
		d.bad(what, text(err), advice(err))
		d.refused = "the bucket does not exist"
	case err != nil:
		d.unlisted = errors.Is(err, store.Denied)
		d.failed(what, err)
	case what == "buckets":
		d.ok(what, "%s", found)
	default:
		d.ok(what, "allowed; %s", found)
	}
}

// accepted reports whether the server accepts the login, by the outcome of the first signed request.
func (d *run) accepted(err error) bool {
	const name = "login"
	if e, ok := d.store.(store.Explainer); ok && e.RefusesLogin(err) {
		d.bad(name, text(err), advice(err))
		d.refused = "the server does not accept the credentials"
		return false
	}
	var e *store.Error
	if err != nil && (!errors.As(err, &e) || e.Status == 0 || e.Kind == store.BadAnswer) {
		d.bad(name, text(err), advice(err))
		d.unreachable = "the server does not answer"
		return false
	}
	if d.anonymous {
		d.ok(name, "the server answers requests without a signature")
	} else {
		d.ok(name, "the server accepts the credentials")
	}
	return true
}

// listed lists what is to be checked, and chooses an object to read.
func (d *run) listed(ctx context.Context) (string, error) {
	if d.Where.Bucket == "" {
		n := 0
		for _, err := range d.store.Buckets(ctx, store.BucketQuery{}) {
			if err != nil {
				return "", err
			}
			if n++; n == maxBuckets {
				return amount.Count(n, "bucket") + " or more", nil
			}
		}
		return amount.Count(n, "bucket"), nil
	}
	a := d.Attrs
	a.PageSize = samplePage
	for page, err := range d.store.List(ctx, d.Where.Bucket, d.Where.Key, "", &a) {
		if err != nil {
			return "", err
		}
		for _, o := range page {
			if d.sample.Size == 0 && !slices.Contains([]string{"GLACIER", "DEEP_ARCHIVE"}, o.StorageClass) {
				d.sample = o
			}
		}
		if len(page) == 0 {
			return "there is no object under " + d.Where.String(), nil
		}
		break // one page is enough
	}
	return "objects under " + d.Where.String() + " exist", nil
}

// region reports the region; the server has named another by now, if the configured one is wrong.
func (d *run) region(context.Context) {
	if e, ok := d.store.(store.Explainer); ok {
		r := e.Region(d.Where.Bucket)
		d.ok("region", "%s (%s)", r.Value, r.From)
	}
}

// reading checks head and get on an object that exists, if it could not write one.
func (d *run) reading(ctx context.Context) {
	names := []string{"head", "get", "download rate"}
	switch why := d.blocked(); {
	case d.Where.Bucket == "", d.wrote:
		return
	case why != "":
		d.skip(why, names...)
		return
	case d.sample.Key == "":
		if d.unlisted {
			d.skip("no object is known, since these credentials may not list; to try one: "+d.Line("stat", "s3://"+d.Where.Bucket+"/KEY"), names...)
			return
		}
		d.skip("no object to read was found under "+d.Where.String(), names...)
		return
	}
	d.head(ctx, d.sample.Ref)
	d.get(ctx, d.sample.Ref, d.sample.Size)
}

func (d *run) head(ctx context.Context, ref store.Ref) {
	ctx, cancel := limited(ctx)
	defer cancel()
	if o, err := d.store.Head(ctx, store.GetRequest{Ref: ref, Attrs: &d.Attrs}); err != nil {
		d.failed("head", err)
	} else {
		d.ok("head", "allowed; %s", sums(o))
	}
}

// sums returns which checksums are recorded of an object.
func sums(o store.Object) string {
	var names []string
	for _, s := range o.Sums {
		names = append(names, string(s.Algorithm))
	}
	if len(names) == 0 {
		return "the store has no checksum of this object"
	}
	return "the store has a checksum of this object: " + strings.Join(names, ", ")
}

// get reads the start of an object for a moment, over one connection.
func (d *run) get(ctx context.Context, ref store.Ref, size int64) {
	ctx, cancel := limited(ctx)
	defer cancel()
	q := store.GetRequest{Ref: ref, Attrs: &d.Attrs}
	if size > rateSize {
		q.Range = store.Range{Length: rateSize}
	}
	body, err := d.store.Get(ctx, q)
	if err != nil {
		if d.wrote { // without get, uploads work
			d.failed("get", err)
		} else {
			d.denied("get", err)
		}
		d.skip("nothing could be read", "download rate")
		return
	}
	began := time.Now()
	n, err := readFor(body, rateTime)
	took := time.Since(began)
	_ = body.Close() // it may be cut off
	if err != nil {
		d.failed("get", err)
		d.skip("nothing could be read", "download rate")
		return
	}
	d.ok("get", "allowed: you may download from here")
	d.rate("download rate", n, took)
}

// readFor reads until the end, or until the time is over.
func readFor(r io.Reader, limit time.Duration) (n int64, err error) {
	buf := make([]byte, 256<<10)
	for until := time.Now().Add(limit); time.Now().Before(until); {
		k, err := r.Read(buf)
		n += int64(k)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// rate reports how fast one connection moved n bytes.
func (d *run) rate(name string, n int64, took time.Duration) {
	const tooFew = 256 << 10
	if n < tooFew {
		d.open("an object of "+amount.Bytes(n)+" is too small to measure", name)
		return
	}
	d.ok(name, "%s over one connection (%s in %s)", amount.PerSecond(float64(n)/max(took, time.Microsecond).Seconds()), amount.Bytes(n), amount.Took(took))
}
