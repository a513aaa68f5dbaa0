package s5cli

import (
	"context"
	"errors"
	"iter"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/store"
)

// versions yields the versions and delete markers that an address stands for: those of keys that match a pattern, or of one level of what
// begins with the key; and only that version, if it names one. Common prefixes come once, as versions without an ID.
func (j *job) versions(ctx context.Context, c *haul.Client, u s5line.URL) iter.Seq2[store.Version, error] {
	return func(yield func(store.Version, error) bool) {
		last := ""
		for v, err := range c.Versions(ctx, u.Bucket, u.Start()) {
			prefix := ""
			if err == nil && !u.IsPattern() {
				prefix = below(u, v.Key)
			}
			switch {
			case err != nil:
			case !u.Matches(v.Key), u.Version != "" && u.Version != v.Version, prefix != "" && prefix == last:
				continue
			case prefix != "":
				last = prefix
				v = store.Version{Object: store.Object{Ref: store.Ref{Bucket: u.Bucket, Key: prefix}}}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// below returns the common prefix of one level that a key lies in, or "".
func below(u s5line.URL, key string) string {
	if i := strings.IndexByte(key[len(u.Path):], '/'); i >= 0 {
		return key[:len(u.Path)+i+1]
	}
	return ""
}

// foundVersions yields versions as ls and du have them.
func (j *job) foundVersions(ctx context.Context, c *connection, u s5line.URL) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		for v, err := range j.versions(ctx, c.client, u) {
			o := found{path: v.Key}
			if err == nil {
				e := store.Entry{Object: v.Object}
				if v.Version == "" {
					e = store.Entry{Prefix: v.Key}
				}
				o.S5Object = object(u, e)
			}
			if v.Deleted {
				o.StorageClass = ""
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// removeVersions deletes one version of an object, or all versions of what the sources stand for.
func (j *job) removeVersions(ctx context.Context, c *connection, sources []s5line.URL) error {
	attrs, err := j.attrs()
	if err != nil {
		return err
	}
	if u := sources[0]; u.Version != "" && !u.IsPattern() {
		if !j.face.globals.On("dry-run") {
			err = c.client.Store().Delete(ctx, ref(u), &attrs)
		}
		if err == nil {
			j.removed(ref(u))
		}
		return err
	}
	var batch []store.Ref
	none, wanted := true, j.line.Patterns()
	for _, u := range sources {
		for v, err := range j.versions(ctx, c.client, u) {
			if err != nil {
				return err
			}
			if !u.IsPattern() && v.Key != u.Path { // only begins with it
				continue
			}
			none = false
			if strings.HasSuffix(v.Key, "/") || !wanted.Wants(filtered(sources[0], v.Key)) {
				continue
			}
			if batch = append(batch, v.Ref); len(batch) == store.MaxDelete {
				j.removeBatch(ctx, c.client, batch, &attrs)
				batch = nil
			}
		}
	}
	if none {
		return errNoObject
	}
	j.removeBatch(ctx, c.client, batch, &attrs)
	return nil
}

// removeBatch deletes up to store.MaxDelete versions, and prints what became of each.
func (j *job) removeBatch(ctx context.Context, c *haul.Client, batch []store.Ref, attrs *store.Attrs) {
	var errs []error
	var err error
	if j.face.globals.On("dry-run") || len(batch) == 0 {
		errs = make([]error, len(batch))
	} else {
		errs, err = c.Store().DeleteMany(ctx, batch, attrs)
	}
	for i, ref := range batch {
		why := err
		if err == nil {
			why = errs[i]
		}
		if errors.Is(why, store.Unsupported) {
			why = c.Store().Delete(ctx, ref, attrs)
		}
		if why != nil {
			j.fail(why)
			continue
		}
		j.removed(ref)
	}
}

// versioning runs bucket-version.
func (j *job) versioning(ctx context.Context) error {
	u, err := j.bucketOf("expected only one argument")
	if err != nil {
		return err
	}
	c, err := j.face.connect(ctx, nil)
	if err != nil {
		return err
	}
	if status := j.line.Flags.Text("set"); status != "" {
		status = strings.ToUpper(status[:1]) + strings.ToLower(status[1:])
		if !j.face.globals.On("dry-run") {
			err = c.client.SetVersioning(ctx, u.Bucket, status)
		}
		if err == nil {
			j.face.out.Versioning(u.Bucket, status, true)
		}
		return err
	}
	status, err := c.client.Versioning(ctx, u.Bucket)
	if err == nil {
		j.face.out.Versioning(u.Bucket, status, false)
	}
	return err
}
