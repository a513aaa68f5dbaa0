package s5cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// many transfers the files in a folder, or what matches a pattern.
func (c *copying) many(ctx context.Context) error {
	decide := c.decide()
	o := c.options()
	o.Decide, o.NoOverwrite = decide, c.transfer.NoClobber
	from := mirror.Local(root(c.from.Path))
	if c.from.IsPattern() {
		from = mirror.Local(root(c.from.Root()))
	}
	o.Select.Pairs = c.localPairs(ctx, from.Path)
	if c.from.Remote {
		from = mirror.Remote(store.Ref{Bucket: c.from.Bucket, Key: c.from.Root()})
		o.Select.Pairs = c.remotePairs(ctx)
	}
	return c.report(c.during(func() error {
		_, err := mirror.Tree(ctx, c.client, from, c.target(), o)
		return err
	}))
}

// root is a folder as package filepath cleans it.
func root(path string) string { return filepath.Clean(path) }

// target is the end of a run over many objects that is written to.
func (c *copying) target() mirror.End {
	if c.to.Remote {
		return mirror.Remote(ref(c.to))
	}
	return mirror.Local(root(c.to.Path))
}

// options are those of a run over many objects.
func (c *copying) options() mirror.Options {
	o := mirror.Options{
		Transfer: c.transfer, Move: c.line.Verb == "mv", DryRun: c.dry(), NoFamilies: true, CaseConflict: mirror.IgnoreCase,
		Archived: mirror.FailArchived, Observe: c.observe,
		Select: mirror.Select{EmptyOK: true, NoFollow: c.line.Flags.On("no-follow-symlinks")},
	}
	if c.line.Flags.On("ignore-glacier-warnings") {
		o.Archived = mirror.IgnoreArchived
	}
	if c.guess && !c.from.Remote {
		o.ContentType = seqfile.ContentType
	}
	return o
}

// name is the name of a source below the target.
func (c *copying) name(rel string) string {
	if c.line.Flags.On("flatten") {
		return path.Base(rel)
	}
	return rel
}

// localPairs yields the files to transfer, below root.
func (c *copying) localPairs(ctx context.Context, root string) iter.Seq2[mirror.Pair, error] {
	wanted := c.line.Patterns()
	return func(yield func(mirror.Pair, error) bool) {
		for f, err := range c.files(ctx, c.from, !c.line.Flags.On("no-follow-symlinks")) {
			switch {
			case err != nil:
				c.fail(err)
				continue
			case !f.info.Mode().IsRegular():
				c.fail(fmt.Errorf("object '%s' is not a regular file", f.path))
				continue
			case !wanted.Wants(filtered(c.from, f.path)):
				continue
			}
			if !yield(mirror.Pair{Source: relative(root, f.path), Target: c.name(f.rel)}, nil) {
				return
			}
		}
	}
}

// remotePairs yields the objects to transfer, below the folder of the pattern.
func (c *copying) remotePairs(ctx context.Context) iter.Seq2[mirror.Pair, error] {
	wanted := c.line.Patterns()
	return func(yield func(mirror.Pair, error) bool) {
		none := true
		for e, err := range c.entries(ctx, c.client, c.from) {
			if err != nil {
				yield(mirror.Pair{}, err)
				return
			}
			none = false
			if isFolder(e) || c.archived(e.Object) || !wanted.Wants(filtered(c.from, e.Object.Key)) {
				continue
			}
			rel := c.from.Name(e.Object.Key)
			switch c.overlap(e.Object.Key, rel) {
			case inTarget:
				continue
			case inSource:
				c.fail(fmt.Errorf("%s is not copied to %s, which is part of the source", e.Object.Ref, c.to.Path+c.name(rel)))
				continue
			}
			if !yield(mirror.Pair{Source: rel, Target: c.name(rel), Listed: e.Object}, nil) {
				return
			}
		}
		if none {
			c.fail(errNoObject)
		}
	}
}

// overlapping is how an object of a copy within a bucket relates to what the copy writes.
type overlapping int

const (
	apart    overlapping = iota
	inTarget             // it lies below the target, which lies in the source: this very run may have put it there
	inSource             // its copy would be another source
)

// overlap finds that out, so that no run copies what it has just written.
func (c *copying) overlap(key, rel string) overlapping {
	if !c.to.Remote || c.to.Bucket != c.from.Bucket {
		return apart
	}
	root, target := c.from.Root(), c.to.Path+c.name(rel)
	switch {
	case len(c.to.Path) > len(root) && strings.HasPrefix(c.to.Path, root):
		if strings.HasPrefix(key, c.to.Path) {
			return inTarget
		}
	case target != key && c.from.Matches(target):
		return inSource
	}
	return apart
}

// archived leaves out an object in an archive, unless the command forces its transfer.
func (c *copying) archived(o store.Object) bool {
	if o.StorageClass != "GLACIER" || c.line.Flags.On("force-glacier-transfer") {
		return false
	}
	if !c.line.Flags.On("ignore-glacier-warnings") {
		c.fail(fmt.Errorf("object '%s' is on Glacier storage", o.Ref))
	}
	return true
}

// observe prints what became of one object.
func (c *copying) observe(e mirror.Event) {
	done := ui.S5Result{Operation: c.operation(), Source: c.shown(e.Source, e), Destination: e.Target}
	if !c.to.Remote && e.Target != "" {
		done.Destination = path.Join(c.to.Path, relative(root(c.to.Path), e.Target))
	}
	about := strings.TrimSpace(strings.Join([]string{done.Operation, done.Source, done.Destination}, " "))
	switch e.Kind {
	case mirror.Done, mirror.Planned:
		if e.Verb == "delete" {
			c.face.out.Done(ui.S5Result{Operation: "rm", Source: c.shown(e.Source, e)})
		} else if !c.quiet(done) {
			done.Object = c.object(done.Destination, e.Entry.Size)
			c.face.out.Done(done)
		}
	case mirror.Deleted:
		c.face.out.Done(ui.S5Result{Operation: "rm", Source: c.shown(e.Source, e)})
	case mirror.Failed, mirror.Skipped:
		if errors.Is(e.Err, store.Archived) {
			e.Err = fmt.Errorf("object '%s' is on Glacier storage", done.Source)
		}
		c.failAt(about, e.Err)
	case mirror.Unchanged:
		c.unchanged(done, e.Why)
	case mirror.Warned:
		c.face.out.Failed(about, c.line.Verb, reason(e.Err))
	}
}

// unchanged reports, at the level debug, why an object was left as it is.
func (c *copying) unchanged(done ui.S5Result, why string) {
	switch {
	case why == excluded:
		return
	case c.transfer.NoClobber:
		why = "object already exists"
	case c.line.Flags.On("size-only"):
		why = sizeFits
	case c.line.Verb == "sync":
		why = allFits
	}
	c.face.out.Debug(strings.Join([]string{c.line.Verb, done.Source, done.Destination}, " "), c.line.Verb, why)
}

// Why s5cmd leaves something as it is; excluded is printed by nobody.
const (
	sizeFits = "object size matches"
	timeFits = "object is newer or same age"
	allFits  = timeFits + " and " + sizeFits
	excluded = "excluded"
)

// shown is a source as s5cmd prints it.
func (c *copying) shown(name string, e mirror.Event) string {
	if strings.HasPrefix(name, "s3://") && e.Entry.Object.Key != "" {
		return "s3://" + e.Entry.Object.Bucket + "/" + e.Entry.Object.Key
	}
	return name
}

// report returns the error of a run over many objects, but for what was printed already.
func (c *copying) report(err error) error {
	part := new(mirror.IncompleteError)
	if !errors.As(err, &part) {
		return err
	}
	c.failed.Store(true)
	if part.Kept+part.Withheld > 0 {
		part.Failed, part.Skipped = 0, 0
		return part
	}
	return nil
}
