package s5cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// list runs ls.
func (j *job) list(ctx context.Context) error {
	if len(j.line.Args) > 1 {
		return errors.New("expected only 1 argument")
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	if len(j.line.Args) == 0 {
		for b, err := range c.client.Store().Buckets(ctx, store.BucketQuery{}) {
			if err != nil {
				return err
			}
			j.face.out.Bucket(b)
		}
		return nil
	}
	u, err := j.url(0)
	if err != nil {
		return err
	}
	f, wanted := j.line.Flags, j.line.Patterns()
	style := ui.S5Style{ETag: f.On("etag"), Human: f.On("humanize"), StorageClass: f.On("storage-class"), FullPath: f.On("show-fullpath")}
	for o, err := range j.found(ctx, c, u) {
		if err != nil {
			return err
		}
		if wanted.Wants(filtered(u, o.path)) {
			j.face.out.Object(o.S5Object, style)
		}
	}
	return nil
}

// found is an entry of a listing; path is its key or path.
type found struct {
	ui.S5Object
	path string
}

// found yields what a path or address stands for. If that is nothing it is an error, but not of a bucket.
func (j *job) found(ctx context.Context, c *connection, u s5line.URL) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		if !u.Remote {
			j.foundFiles(ctx, u, yield)
			return
		}
		none := true
		each := j.foundObjects(ctx, c.client, u)
		if u.AllVersions || u.Version != "" {
			each = j.foundVersions(ctx, c, u)
		}
		for o, err := range each {
			none = false
			if !yield(o, err) || err != nil {
				return
			}
		}
		if none && !u.IsBucket() {
			yield(found{}, errNoObject)
		}
	}
}

func (j *job) foundFiles(ctx context.Context, u s5line.URL, yield func(found, error) bool) {
	for f, err := range j.files(ctx, u, false) {
		o := found{path: f.path}
		if err == nil {
			at := f.info.ModTime()
			o.S5Object = ui.S5Object{Key: f.path, Name: f.rel, Modified: &at, Size: f.info.Size(), Type: ui.S5File}
		}
		if !yield(o, err) || err != nil {
			return
		}
	}
}

func (j *job) foundObjects(ctx context.Context, c *haul.Client, u s5line.URL) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		for e, err := range j.entries(ctx, c, u) {
			o := found{path: e.Name()}
			if err == nil {
				o.S5Object = object(u, e)
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// object is an entry as ls has it.
func object(u s5line.URL, e store.Entry) ui.S5Object {
	key := e.Name()
	o := ui.S5Object{Key: s5line.Scheme + u.Bucket + "/" + key, Name: u.Name(key), Type: ui.S5Directory}
	if e.Prefix != "" {
		return o
	}
	if !strings.HasSuffix(key, "/") {
		o.Type = ui.S5File
	}
	at := e.Object.Modified.UTC()
	o.Modified, o.ETag, o.Size, o.Version = &at, e.Object.ETag, e.Object.Size, e.Object.Version
	if o.StorageClass = e.Object.StorageClass; o.StorageClass == "" {
		o.StorageClass = "STANDARD"
	}
	return o
}

// usage runs du.
func (j *job) usage(ctx context.Context) error {
	u, err := j.one("expected only 1 argument")
	if err != nil {
		return err
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	wanted := j.line.Patterns()
	source := u.String()
	total, classes := ui.S5Usage{Source: source}, map[string]*ui.S5Usage{}
	for o, err := range j.found(ctx, c, u) {
		switch {
		case errors.Is(err, errNoObject):
			j.fail(err)
			continue
		case err != nil:
			return err
		case o.Type == ui.S5Directory || !wanted.Wants(filtered(u, o.path)):
			continue
		}
		if classes[o.StorageClass] == nil {
			classes[o.StorageClass] = &ui.S5Usage{Source: source, StorageClass: o.StorageClass}
		}
		for _, sum := range []*ui.S5Usage{&total, classes[o.StorageClass]} {
			sum.Count++
			sum.Size += o.Size
		}
	}
	human := j.line.Flags.On("humanize")
	if !j.line.Flags.On("group") {
		j.face.out.Usage(total, human)
		return nil
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		j.face.out.Usage(*classes[class], human)
	}
	return nil
}

// head runs head.
func (j *job) head(ctx context.Context) error {
	if len(j.line.Args) > 1 {
		return errors.New("object or bucket name is required")
	}
	u, err := j.url(0)
	switch {
	case err != nil:
		return err
	case u.IsPrefix():
		return errors.New("target have to be a object or a bucket")
	case !u.Remote:
		return errors.New("target should be remote object or bucket")
	case u.IsPattern():
		return fmt.Errorf("remote source %q can not contain glob characters", u)
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	if u.IsBucket() {
		if _, err := c.client.Store().Bucket(ctx, u.Bucket); err != nil {
			return err
		}
		j.face.out.HeadBucket(u.String())
		return nil
	}
	attrs, err := j.attrs()
	if err != nil {
		return err
	}
	o, err := c.client.Store().Head(ctx, store.GetRequest{Ref: ref(u), Attrs: &attrs})
	if err != nil {
		return notFound(u, err)
	}
	at := o.Modified.UTC()
	h := ui.S5Head{
		Key: u.String(), ContentType: o.Attrs.Headers.ContentType, Encryption: o.Encryption, Modified: &at, Size: o.Size,
		StorageClass: o.StorageClass, ETag: o.ETag, Metadata: o.Attrs.Metadata,
	}
	if h.StorageClass == "" {
		h.StorageClass = "STANDARD"
	}
	if h.Metadata == nil {
		h.Metadata = map[string]string{}
	}
	j.face.out.Head(h)
	return nil
}

// notFound is err, in the words for an object that was looked up and is not there.
func notFound(u s5line.URL, err error) error {
	if store.KindOf(err) == store.NotFound {
		return &missingError{u.String()}
	}
	return err
}

// cat runs cat.
func (j *job) cat(ctx context.Context) error {
	u, err := j.one("expected only one argument")
	many := u.IsPattern() || u.IsFolder()
	switch {
	case err != nil:
		return err
	case !u.Remote:
		return errors.New("source must be a remote object")
	case many && u.Version != "":
		return errors.New("wildcard/prefix operations are disabled with --version-id flag")
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	if !many {
		return notFound(u, j.catOne(ctx, c.client, ref(u)))
	}
	none := true
	for e, err := range j.entries(ctx, c.client, u) {
		if err != nil {
			return err
		}
		none = false
		if isFolder(e) {
			continue
		}
		if err := j.catOne(ctx, c.client, e.Object.Ref); err != nil {
			return err
		}
	}
	if none && !u.IsBucket() {
		return errNoObject
	}
	return nil
}

// catOne writes an object to standard output, which all commands of the process share.
func (j *job) catOne(ctx context.Context, c *haul.Client, from store.Ref) error {
	f := j.face
	if f.globals.On("dry-run") {
		_, err := c.Store().Head(ctx, store.GetRequest{Ref: from})
		return err
	}
	f.catting.Lock()
	defer f.catting.Unlock()
	if f.data == nil {
		out, err := f.sys.OpenOutput(ctx)
		if err != nil {
			return err
		}
		f.data = out
	}
	t, err := j.transferOptions()
	if err != nil {
		return err
	}
	f.out.Close() // what is gathered comes first
	_, err = c.DownloadStream(ctx, from, f.data, t.Download())
	return err
}
