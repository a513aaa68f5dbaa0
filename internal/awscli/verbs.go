package awscli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// deletions prints deletions.
type deletions struct{ f *face }

// Deleted prints that an object is deleted, or would be.
func (d deletions) Deleted(ref store.Ref) {
	task := ui.Task{Verb: "delete", Source: ref.String()}
	if d.f.line.Options.Has("dryrun") {
		d.f.out.WouldTransfer(task)
		return
	}
	d.f.out.Transferred(task)
}

// NotDeleted prints why an object is not deleted.
func (d deletions) NotDeleted(ref store.Ref, err error) {
	d.f.failed = true
	d.f.out.Failed(ui.Task{Verb: "delete", Source: ref.String()}, d.f.text(err))
}

// rm deletes.
func (f *face) rm(ctx context.Context) error {
	attrs, err := f.attrs()
	if err != nil {
		return err
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	r := command.RemoveRequest{Where: command.SplitAddress(f.line.Paths[0]), Recursive: f.line.Options.Has("recursive"), DryRun: f.line.Options.Has("dryrun"), Attrs: attrs}
	switch {
	case !r.Recursive && r.Where.Key == "":
		return f.checkBucket(ctx, r.Where)
	case !r.Recursive && !f.wants("", command.BaseKey(r.Where.Key)):
		return nil
	case r.Recursive:
		r.Where.Key = command.FolderKey(r.Where.Key)
		filter := filterOf(f.line.Filters)
		r.Only = func(key string) bool { return filter.Wants("", strings.TrimPrefix(key, r.Where.Key)) }
	}
	err = r.Run(ctx, f.client, deletions{f})
	var partly *command.PartialError
	var broke *command.ListingError
	switch {
	case errors.As(err, &partly):
		return nil
	case errors.As(err, &broke):
		return &fatalError{broke.Err}
	case err != nil:
		return &fatalError{err}
	}
	return nil
}

// ls lists.
func (f *face) ls(ctx context.Context) error {
	attrs, err := f.attrs()
	if err != nil {
		return err
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	o := f.line.Options
	r := command.ListRequest{Recursive: o.Has("recursive"), Attrs: attrs}
	r.Buckets = store.BucketQuery{Prefix: o.Text("bucket-name-prefix"), Region: o.Text("bucket-region"), PageSize: attrs.PageSize}
	if len(f.line.Paths) > 0 {
		r.Where = command.SplitAddress(f.line.Paths[0])
	}
	screen := ui.New(ui.Config{Stdout: f.stdout, Stderr: f.sys.Stderr})
	out := screen.Listing(ui.ListingStyle{Full: r.Recursive, Human: o.Has("human-readable")})
	t, err := r.Run(ctx, f.client, out)
	if err == nil && o.Has("summarize") {
		out.Total(t)
	}
	out.Close()
	if err == nil && r.Empty(t) {
		return printedError(codeFailed)
	}
	return err
}

// mb makes a bucket.
func (f *face) mb(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	path := f.line.Paths[0]
	bucket := command.SplitAddress(path).Bucket
	if err := f.client.Store().MakeBucket(ctx, store.NewBucket{Name: bucket, Tags: pairs(f.line.Options["tags"])}); err != nil {
		f.out.Complain(fmt.Sprintf("make_bucket failed: %s %s", path, f.text(err)))
		return printedError(codeFailed)
	}
	f.out.Line("make_bucket: " + bucket)
	return nil
}

// rb deletes a bucket.
func (f *face) rb(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	path := f.line.Paths[0]
	r := command.RemoveBucketRequest{Bucket: command.SplitAddress(path).Bucket, Force: f.line.Options.Has("force")}
	err := r.Run(ctx, f.client, deletions{f})
	var full *command.NotEmptiedError
	switch {
	case err == nil:
		f.out.Line("remove_bucket: " + r.Bucket)
		return nil
	case errors.As(err, &full):
		if partly := new(command.PartialError); !errors.As(full.Err, &partly) {
			f.out.Fatal(f.text(full.Err))
		}
		return &codedError{codeGeneral, "remove_bucket failed: Unable to delete all objects in the bucket, bucket will not be deleted."}
	}
	f.out.Complain(fmt.Sprintf("remove_bucket failed: %s %s", path, f.text(err)))
	return printedError(codeFailed)
}

// website lets a bucket answer as a web site.
func (f *face) website(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	bucket := strings.TrimSuffix(strings.TrimPrefix(f.line.Paths[0], command.Scheme), "/")
	o := f.line.Options
	return f.client.Store().SetWebsite(ctx, bucket, store.Website{Index: o.Text("index-document"), Error: o.Text("error-document")})
}

// presign writes a signed address.
func (f *face) presign(ctx context.Context) error {
	if err := f.open(ctx); err != nil {
		return err
	}
	good := command.DefaultPresign
	if f.line.Options.Has("expires-in") {
		good = time.Duration(f.line.Options.Number("expires-in")) * time.Second
	}
	ref := command.SplitAddress(f.line.Paths[0])
	if ref.Key == "" {
		return &awsline.Error{Text: "Parameter validation failed:\nInvalid length for parameter Key, value: 0, valid min length: 1", Code: codeUsage}
	}
	url, err := f.store.Presign(ctx, ref, good)
	if err != nil {
		return err
	}
	f.out.Line(url)
	return nil
}
