package s5cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"haul.example/haul/internal/s5line"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// sync runs sync.
func (j *job) sync(ctx context.Context) error {
	c, err := j.newCopying(ctx)
	switch {
	case err != nil:
		return err
	case c.from.IsPattern() || c.fromDir:
		return c.syncMany(ctx)
	case j.line.Flags.On("delete"):
		return errors.New("haul does not delete everything beside a single file; name a folder or a pattern as the source of sync --delete")
	}
	return c.single(ctx, c.unless(allFits, func(from, to mirror.Entry) bool {
		return from.Size == to.Size && (j.line.Flags.On("size-only") || !newer(from, to))
	}))
}

// syncMany makes the target have what a folder or a pattern stands for.
func (c *copying) syncMany(ctx context.Context) error {
	wanted := c.line.Patterns()
	o := mirror.SyncOptions{
		Options: c.options(), Rules: mirror.Rules{SizeOnly: c.line.Flags.On("size-only"), SourceNewer: true}, Delete: c.line.Flags.On("delete"),
		Keep: func(e mirror.Entry) bool { return !wanted.Wants(nameOf(e)) },
	}
	// What is excluded counts as there, so that its copy in the target is not deleted.
	o.Decide = func(_ context.Context, e mirror.Entry, _ mirror.End) (bool, string, error) {
		return wanted.Wants(nameOf(e)), excluded, nil
	}
	from := c.syncSource(&o.Select)
	none := c.from.IsPattern()
	if only := o.Select.Only; only != nil {
		o.Select.Only = func(e mirror.Entry) bool {
			ok := only(e)
			none = none && !ok
			return ok
		}
	}
	to := c.target()
	if c.fromDir { // whose own name is part of the keys, unless it ends in a slash
		if rel := relative(filepath.Dir(c.from.Path), root(c.from.Path)); rel != "." {
			to.Ref.Key += rel + "/"
		}
	}
	err := c.report(c.during(func() error {
		_, err := mirror.Sync(ctx, c.client, from, to, o)
		return err
	}))
	if err == nil && none {
		return errNoObject
	}
	return err
}

// syncSource returns the folder of the source, and chooses what matches its pattern.
func (c *copying) syncSource(s *mirror.Select) mirror.End {
	if c.from.Remote {
		s.Only = func(e mirror.Entry) bool {
			return c.from.Matches(e.Object.Key) && !strings.HasSuffix(e.Object.Key, "/")
		}
		s.Start = c.from.Start()[len(c.from.Root()):]
		return mirror.Remote(store.Ref{Bucket: c.from.Bucket, Key: c.from.Root()})
	}
	if !c.from.IsPattern() {
		return mirror.Local(root(c.from.Path))
	}
	pattern := filepath.ToSlash(filepath.Clean(c.from.Path))
	s.Only = func(e mirror.Entry) bool { return matchesFolder(pattern, filepath.ToSlash(e.Path)) }
	return mirror.Local(root(c.from.Root()))
}

// matchesFolder reports whether a local pattern matches a path, or a folder above it.
func matchesFolder(pattern, path string) bool {
	names := strings.Split(path, "/")
	n := strings.Count(pattern, "/") + 1
	if n > len(names) {
		return false
	}
	ok, err := filepath.Match(filepath.FromSlash(pattern), filepath.FromSlash(strings.Join(names[:n], "/")))
	return err == nil && ok
}

// nameOf is what --exclude and --include of sync match: the whole key or path, as in s5cmd.
func nameOf(e mirror.Entry) string {
	if e.Path != "" {
		return filtered(s5line.URL{Raw: true}, e.Path)
	}
	return e.Object.Key
}
