package s5cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// remove runs rm.
func (j *job) remove(ctx context.Context) error {
	sources, err := j.sources()
	if err != nil {
		return err
	}
	if !sources[0].Remote {
		return j.removeFiles(ctx, sources)
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	attrs, err := j.attrs()
	if err != nil {
		return err
	}
	if sources[0].Version != "" || sources[0].AllVersions {
		return j.removeVersions(ctx, c, sources)
	}
	found := false
	keys := j.keys(ctx, c, sources, &found)
	if j.face.globals.On("dry-run") {
		for key, err := range keys {
			if err != nil {
				return err
			}
			j.removed(store.Ref{Bucket: sources[0].Bucket, Key: key})
		}
	} else {
		for ref, err := range c.client.DeleteAll(ctx, sources[0].Bucket, keys, &attrs) {
			switch {
			case err == nil:
				j.removed(ref)
			case ref.Key == "" || len(sources) == 1 && !sources[0].IsPattern():
				return err
			default:
				j.fail(fmt.Errorf("%s: %w", ref, err))
			}
		}
	}
	if !found {
		return errNoObject
	}
	return nil
}

func (j *job) removed(ref store.Ref) {
	j.face.out.Done(ui.S5Result{Operation: "rm", Source: s5line.Scheme + ref.Bucket + "/" + ref.Key, Version: ref.Version})
}

// sources parses the arguments of rm, and refuses what s5cmd refuses.
func (j *job) sources() ([]s5line.URL, error) {
	if len(j.line.Args) == 0 {
		return nil, errors.New("expected at least 1 object to remove")
	}
	if len(j.line.Args) > 1 && j.line.Flags.Text("version-id") != "" {
		return nil, errors.New("version-id flag can only be used with single source object")
	}
	var all []s5line.URL
	for i := range j.line.Args {
		u, err := j.url(i)
		switch {
		case err != nil:
			return nil, err
		case u.IsFolder():
			return nil, errors.New("s3 bucket/prefix cannot be used for delete operations (forgot wildcard character?)")
		case len(all) > 0 && u.Remote != all[0].Remote:
			return nil, errors.New("arguments cannot have both local and remote sources")
		case len(all) > 0 && u.Bucket != all[0].Bucket:
			return nil, errors.New("removal of objects with different buckets in a single command is not allowed")
		}
		all = append(all, u)
	}
	return all, nil
}

// keys yields the keys to delete; found is set if there is anything, excluded or not.
func (j *job) keys(ctx context.Context, c *connection, sources []s5line.URL, found *bool) iter.Seq2[string, error] {
	wanted := j.line.Patterns()
	return func(yield func(string, error) bool) {
		for _, u := range sources {
			if !u.IsPattern() {
				*found = true
				if wanted.Wants(filtered(sources[0], u.Path)) && !yield(u.Path, nil) {
					return
				}
				continue
			}
			for e, err := range j.entries(ctx, c.client, u) {
				*found = *found || err == nil
				if err == nil && (isFolder(e) || !wanted.Wants(filtered(sources[0], e.Object.Key))) {
					continue
				}
				if !yield(e.Object.Key, err) || err != nil {
					return
				}
			}
		}
	}
}

// removeFiles deletes local files.
func (j *job) removeFiles(ctx context.Context, sources []s5line.URL) error {
	wanted, found := j.line.Patterns(), false
	for _, u := range sources {
		for f, err := range j.files(ctx, u, false) {
			if missing := new(missingError); errors.As(err, &missing) {
				continue
			}
			found = true
			if err == nil && !wanted.Wants(filtered(sources[0], f.path)) {
				continue
			}
			if err == nil && !j.face.globals.On("dry-run") {
				err = os.Remove(f.path)
			}
			if err != nil {
				j.fail(err)
				continue
			}
			j.face.out.Done(ui.S5Result{Operation: "rm", Source: f.path})
		}
	}
	if !found {
		return errNoObject
	}
	return nil
}

// pipe runs pipe.
func (j *job) pipe(ctx context.Context) error {
	u, err := j.one("expected destination argument")
	switch {
	case err != nil:
		return err
	case !u.Remote:
		return errors.New("destination must be a bucket")
	case u.IsFolder():
		return fmt.Errorf("target %q must be an object", u)
	case u.IsPattern():
		return fmt.Errorf("target %q can not contain glob characters", u)
	case !j.stdin:
		return errors.New("the commands come from standard input, so it has no data for pipe; put the commands into a file")
	}
	t, err := j.transferOptions()
	if err != nil {
		return err
	}
	if t.Attrs.Headers.ContentType == "" {
		t.Attrs.Headers.ContentType = seqfile.ContentType(u.Path)
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	if j.line.Flags.On("no-clobber") { // before the stream is read
		_, err := c.client.Store().Head(ctx, store.GetRequest{Ref: ref(u), Attrs: &t.Attrs})
		switch {
		case err == nil:
			j.face.out.Debug("pipe "+u.String(), "pipe", "object already exists")
			return nil
		case store.KindOf(err) != store.NotFound:
			return err
		}
		t.NoClobber = true
	}
	if !j.face.globals.On("dry-run") {
		if _, err := j.face.sys.UploadStream(ctx, c.client, command.Location{Kind: command.Stream}, ref(u), t.Upload()); err != nil {
			return err
		}
	}
	j.face.out.Done(ui.S5Result{Operation: "pipe", Destination: u.String(), Object: &ui.S5Object{Type: ui.S5File, StorageClass: t.Attrs.StorageClass}})
	return nil
}

// bucketOf parses the only argument, which must be a bucket.
func (j *job) bucketOf(wrong string) (s5line.URL, error) {
	u, err := j.one(wrong)
	if err == nil && !u.IsBucket() {
		err = errors.New("invalid s3 bucket")
	}
	return u, err
}

// bucket runs mb and rb.
func (j *job) bucket(ctx context.Context) error {
	u, err := j.bucketOf("expected only 1 argument")
	if err != nil {
		return err
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	switch {
	case j.face.globals.On("dry-run"):
	case j.line.Verb == "mb":
		err = c.client.Store().MakeBucket(ctx, store.NewBucket{Name: u.Bucket})
	default:
		err = c.client.Store().DeleteBucket(ctx, u.Bucket)
	}
	if err == nil {
		j.face.out.Done(ui.S5Result{Operation: j.line.Verb, Source: u.String()})
	}
	return err
}

// presign runs presign.
func (j *job) presign(ctx context.Context) error {
	u, err := j.one("expected remote object url")
	switch {
	case err != nil:
		return err
	case !u.Remote:
		return errors.New("source must be a remote object")
	case u.IsFolder():
		return errors.New("remote source must be an object")
	case u.IsPattern():
		return fmt.Errorf("remote source %q can not contain glob characters", u)
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	valid := 3 * time.Hour
	if text := j.line.Flags.Text("expire"); text != "" {
		if valid, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	url, err := c.store.Presign(ctx, ref(u), valid)
	if err == nil {
		j.face.out.Line(strings.TrimSpace(url))
	}
	return err
}
