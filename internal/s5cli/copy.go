package s5cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// copying is one command of cp, mv or sync.
type copying struct {
	*job
	from, to s5line.URL
	fromDir  bool // from is a folder here
	client   *haul.Client
	transfer mirror.TransferOptions
	guess    bool // content types
}

// copy runs cp and mv.
func (j *job) copy(ctx context.Context) error {
	c, err := j.newCopying(ctx)
	switch {
	case err != nil:
		return err
	case c.from.IsPattern() || c.fromDir:
		return c.many(ctx)
	}
	return c.single(ctx, c.decide())
}

// newCopying checks the arguments, and connects.
func (j *job) newCopying(ctx context.Context) (*copying, error) {
	c := &copying{job: j}
	if err := c.places(); err != nil {
		return nil, err
	}
	var err error
	if c.transfer, err = j.transferOptions(); err != nil {
		return nil, err
	}
	conn, err := j.face.connect(ctx, j.regions(c.from, c.to))
	if err != nil {
		return nil, err
	}
	c.client = conn.client
	c.guess = c.transfer.Attrs.Headers.ContentType == ""
	return c, nil
}

// places parses source and target, and refuses what s5cmd refuses.
func (c *copying) places() (err error) {
	if len(c.line.Args) != 2 {
		return errors.New("expected source and destination arguments")
	}
	if c.from, err = c.url(0); err != nil {
		return err
	}
	if c.to, err = s5line.ParseURL(c.line.Args[1], c.from.Raw); err != nil {
		return err
	}
	folder := c.to.IsFolder()
	switch {
	case c.to.IsPattern():
		return fmt.Errorf("target %q can not contain glob characters", c.line.Args[1])
	case c.from.IsFolder():
		return errors.New("source argument must contain wildcard character")
	case c.from.IsPattern() && c.to.Remote && !folder:
		return fmt.Errorf("target %q must be a bucket or a prefix", c.to)
	case c.from.Version != "" && c.line.Verb == "mv":
		return errors.New("haul does not move a single version; use cp --version-id, then rm --version-id")
	case !c.from.Remote && !c.to.Remote:
		return errors.New("local->local copy operations are not permitted")
	}
	if directive := c.line.Flags.Text("metadata-directive"); directive != "" && !c.from.Remote {
		return errors.New("metadata directive is not supported for upload")
	} else if directive != "" && !c.to.Remote {
		return errors.New("metadata directive is not supported for download")
	}
	if c.from.Remote || c.from.IsPattern() {
		return nil
	}
	fi, err := statLocal(c.from.Path)
	if err != nil {
		return err
	}
	if c.fromDir = fi.IsDir(); c.fromDir && !folder {
		return fmt.Errorf("target %q must be a bucket or a prefix", c.to)
	}
	return nil
}

// decideFunc reports whether to make a transfer, and why not.
type decideFunc func(ctx context.Context, e mirror.Entry, target mirror.End) (bool, string, error)

// decide returns what -n, -s and -u ask for, of which the last in this order counts; nil is every transfer.
func (c *copying) decide() decideFunc {
	f := c.line.Flags
	switch {
	case f.On("if-source-newer"):
		return c.unless(timeFits, func(from, to mirror.Entry) bool { return !newer(from, to) })
	case f.On("if-size-differ"):
		return c.unless(sizeFits, func(from, to mirror.Entry) bool { return from.Size == to.Size })
	case f.On("no-clobber"): // stores that have no conditions on writing replace the target all the same, so that it is looked up first
		c.transfer.NoClobber = true
		return c.unless("object already exists", func(mirror.Entry, mirror.Entry) bool { return true })
	}
	return nil
}

// newer reports whether a source is newer than its target. A downloaded file has the time of its object in whole seconds.
func newer(from, to mirror.Entry) bool {
	if from.Path == "" && to.Path != "" {
		return from.Modified.Truncate(time.Second).After(to.Modified)
	}
	return from.Modified.After(to.Modified)
}

// unless leaves out a transfer whose target exists and fits.
func (c *copying) unless(why string, fits func(from, to mirror.Entry) bool) decideFunc {
	return func(ctx context.Context, from mirror.Entry, target mirror.End) (bool, string, error) {
		to, err := c.look(ctx, target)
		if err == nil && from.Path == "" && from.Object.ETag == "" {
			from, err = c.look(ctx, mirror.Remote(from.Object.Ref))
			if errors.Is(err, store.NotFound) {
				return false, "", err
			}
		}
		switch {
		case errors.Is(err, os.ErrNotExist), errors.Is(err, store.NotFound):
			return true, "", nil
		case err != nil:
			return false, "", err
		}
		return !fits(from, to), why, nil
	}
}

// look looks up one end of a transfer.
func (c *copying) look(ctx context.Context, end mirror.End) (mirror.Entry, error) {
	if end.Path != "" {
		fi, err := os.Stat(end.Path)
		if err != nil {
			return mirror.Entry{}, err
		}
		return mirror.Entry{Path: end.Path, Size: fi.Size(), Modified: fi.ModTime()}, nil
	}
	o, err := c.client.Store().Head(ctx, store.GetRequest{Ref: end.Ref, Attrs: &c.transfer.Attrs})
	return mirror.Entry{Object: o, Size: o.Size, Modified: o.Modified}, err
}

// single transfers one file or object.
func (c *copying) single(ctx context.Context, decide decideFunc) error {
	name := c.from.Base()
	if !c.from.Remote && c.line.Flags.On("no-follow-symlinks") && isLink(c.from.Path) || !c.line.Patterns().Wants(filtered(c.from, c.from.Path)) {
		return nil
	}
	target := c.to
	switch {
	case c.to.IsFolder():
		target.Path += name
	case !c.to.Remote:
		target.Path = localTarget(c.to.Path, name)
	}
	from, to := endOf(c.from), endOf(target)
	entry := mirror.Entry{Rel: name, Path: from.Path, Object: store.Object{Ref: from.Ref}}
	if fi, err := os.Stat(from.Path); from.Path != "" && err == nil {
		if !fi.Mode().IsRegular() {
			return fmt.Errorf("object '%s' is not a regular file", c.from)
		}
		entry.Size, entry.Modified = fi.Size(), fi.ModTime()
	}
	done := ui.S5Result{Operation: c.operation(), Source: c.from.String(), Destination: target.String()}
	about := strings.Join([]string{done.Operation, done.Source, done.Destination}, " ")
	err := c.make(ctx, one{from: from, to: to, entry: entry, decide: decide}, &done)
	why := new(leftError)
	switch {
	case err == nil:
		if !c.quiet(done) {
			c.face.out.Done(done)
		}
	case errors.As(err, &why):
		c.face.out.Debug(about, c.line.Verb, why.text)
	case ctx.Err() == nil:
		c.failAt(about, err)
	}
	return nil
}

func endOf(u s5line.URL) mirror.End {
	if u.Remote {
		return mirror.Remote(ref(u))
	}
	return mirror.Local(u.Path)
}

// quiet reports that the progress bar takes the place of a line.
func (c *copying) quiet(done ui.S5Result) bool {
	return c.line.Flags.On("show-progress") && c.from.Remote != c.to.Remote
}

// localTarget is where a single object goes: into a folder, or to a name of its own.
func localTarget(to, name string) string {
	fi, err := os.Stat(to)
	if err == nil && fi.IsDir() || err != nil && strings.HasSuffix(to, "/") {
		return path.Join(to, name)
	}
	return to
}

// one is a single transfer.
type one struct {
	from, to mirror.End
	entry    mirror.Entry
	decide   decideFunc
}

// leftError is why something was left as it is.
type leftError struct{ text string }

// Error returns the reason.
func (e *leftError) Error() string { return e.text }

// make makes a single transfer, and completes what is reported of it.
func (c *copying) make(ctx context.Context, o one, done *ui.S5Result) error {
	done.Object = c.object(done.Destination, o.entry.Size)
	if o.decide != nil {
		if move, why, err := o.decide(ctx, o.entry, o.to); err != nil {
			return err
		} else if !move {
			return &leftError{why}
		}
	}
	if c.dry() {
		return c.dryRun(ctx, o)
	}
	t := c.transfer
	if c.guess && o.from.Path != "" {
		t.Attrs.Headers.ContentType = seqfile.ContentType(o.from.Path)
	}
	var result haul.Result
	err := c.during(func() (err error) {
		if c.line.Verb == "mv" {
			result, err = mirror.MoveOne(ctx, c.client, o.from, o.to, t)
		} else {
			result, err = mirror.One{Client: c.client, From: o.from, To: o.to}.Transfer(ctx, t)
		}
		return err
	})
	if exists(err) && c.transfer.NoClobber {
		return &leftError{"object already exists"}
	}
	done.Object = c.object(done.Destination, result.Size)
	return err
}

// exists reports that the target of a transfer that must not overwrite exists.
func exists(err error) bool { return errors.Is(err, store.Exists) || errors.Is(err, os.ErrExist) }

// dryRun finds out whether a single transfer could be made.
func (c *copying) dryRun(ctx context.Context, o one) error {
	if o.from.Path != "" {
		return nil
	}
	_, err := c.look(ctx, o.from)
	return err
}

func (c *copying) dry() bool { return c.face.globals.On("dry-run") }

// object is what JSON has of a transferred object, by direction.
func (c *copying) object(destination string, size int64) *ui.S5Object {
	o := &ui.S5Object{Type: ui.S5File}
	switch {
	case c.from.Remote && c.to.Remote:
		o.Key, o.StorageClass = destination, c.line.Flags.Text("storage-class")
	case c.to.Remote:
		o.Size, o.StorageClass = size, c.line.Flags.Text("storage-class")
	case !c.dry():
		o.Size = size
	}
	return o
}

// during shows the progress of work, if the command asks for that.
func (c *copying) during(work func() error) error {
	if !c.line.Flags.On("show-progress") || c.from.Remote == c.to.Remote {
		return work()
	}
	screen := ui.New(ui.Config{Stdout: c.face.stdout, Stderr: c.face.sys.Stderr, Terminal: ui.TerminalOf(c.face.sys.Stderr)})
	return screen.During(ui.Task{Verb: c.line.Verb, Name: filepath.Base(c.from.Path)}, c.client, work)
}
