package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// awsDeletions tells of deletions.
type awsDeletions struct{ f *awsFace }

// Deleted reports that an object is gone, or would be.
func (d awsDeletions) Deleted(ref store.Ref) {
	task := ui.Task{Verb: "delete", Source: ref.String()}
	if d.f.line.Options.Has("dryrun") {
		d.f.out.WouldTransfer(task)
		return
	}
	d.f.out.Transferred(task)
}

// NotDeleted tells why an object is not gone.
func (d awsDeletions) NotDeleted(ref store.Ref, err error) {
	d.f.failed = true
	d.f.out.Failed(ui.Task{Verb: "delete", Source: ref.String()}, d.f.text(err))
}

// rm deletes.
func (f *awsFace) rm(ctx context.Context) error {
	attrs, err := f.attrs()
	if err != nil {
		return err
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	r := rmRequest{where: awsRef(f.line.Paths[0]), recursive: f.line.Options.Has("recursive"), dry: f.line.Options.Has("dryrun"), attrs: attrs}
	switch {
	case !r.recursive && r.where.Key == "":
		return f.lookInto(ctx, r.where)
	case !r.recursive && !f.wants("", baseKey(r.where.Key)):
		return nil
	case r.recursive:
		r.where.Key = targetAt(r.where.Key, "")
		if r.where.Key != "" && !isFolder(r.where.Key) {
			r.where.Key += "/"
		}
		filter := awsFilter(f.line.Filters)
		r.only = func(key string) bool { return filter.Wants("", strings.TrimPrefix(key, r.where.Key)) }
	}
	_, err = r.run(ctx, f.client, awsDeletions{f})
	var partly *partlyError
	var broke *brokenListing
	switch {
	case errors.As(err, &partly):
		return nil
	case errors.As(err, &broke):
		return &fatalError{broke.err}
	case err != nil:
		return &fatalError{err}
	}
	return nil
}

// ls lists.
func (f *awsFace) ls(ctx context.Context) error {
	attrs, err := f.attrs()
	if err != nil {
		return err
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	o := f.line.Options
	r := lsRequest{recursive: o.Has("recursive"), attrs: attrs}
	r.buckets = store.BucketQuery{Prefix: o.Text("bucket-name-prefix"), Region: o.Text("bucket-region"), PageSize: attrs.PageSize}
	if len(f.line.Paths) > 0 {
		r.where = awsRef(f.line.Paths[0])
	}
	screen := ui.New(ui.Config{Stdout: f.stdout, Stderr: f.sys.Stderr})
	out := screen.Listing(ui.ListingStyle{Full: r.recursive, Human: o.Has("human-readable")})
	t, err := r.run(ctx, f.client, out)
	if err == nil && o.Has("summarize") {
		out.Total(t)
	}
	out.Close()
	if err == nil && r.empty(t) {
		return saidError(awsFailed)
	}
	return err
}

// mb makes a bucket.
func (f *awsFace) mb(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	path := f.line.Paths[0]
	bucket := awsRef(path).Bucket
	if err := f.client.Store().MakeBucket(ctx, store.NewBucket{Name: bucket, Tags: pairs(f.line.Options["tags"])}); err != nil {
		f.out.Complain(fmt.Sprintf("make_bucket failed: %s %s", path, f.text(err)))
		return saidError(awsFailed)
	}
	f.out.Line("make_bucket: " + bucket)
	return nil
}

// rb deletes a bucket.
func (f *awsFace) rb(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	path := f.line.Paths[0]
	r := rbRequest{bucket: awsRef(path).Bucket, force: f.line.Options.Has("force")}
	err := r.run(ctx, f.client, awsDeletions{f})
	var full *notEmptied
	switch {
	case err == nil:
		f.out.Line("remove_bucket: " + r.bucket)
		return nil
	case errors.As(err, &full):
		if partly := new(partlyError); !errors.As(full.err, &partly) {
			f.out.Fatal(f.text(full.err))
		}
		return &awsError{awsGeneral, "remove_bucket failed: Unable to delete all objects in the bucket, bucket will not be deleted."}
	}
	f.out.Complain(fmt.Sprintf("remove_bucket failed: %s %s", path, f.text(err)))
	return saidError(awsFailed)
}

// website lets a bucket answer as a web site.
func (f *awsFace) website(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	bucket := strings.TrimSuffix(strings.TrimPrefix(f.line.Paths[0], scheme), "/")
	o := f.line.Options
	return f.client.Store().SetWebsite(ctx, bucket, store.Website{Index: o.Text("index-document"), Error: o.Text("error-document")})
}

// presign writes a signed address.
func (f *awsFace) presign(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	good := defaultPresign
	if f.line.Options.Has("expires-in") {
		good = time.Duration(f.line.Options.Number("expires-in")) * time.Second
	}
	ref := awsRef(f.line.Paths[0])
	if ref.Key == "" {
		return &awsline.Error{Text: "Parameter validation failed:\nInvalid length for parameter Key, value: 0, valid min length: 1", Code: 252}
	}
	url, err := f.store.Presign(ctx, ref, good)
	if err != nil {
		return err
	}
	f.out.Line(url)
	return nil
}
