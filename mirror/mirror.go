// Package mirror moves whole trees: a folder up to a prefix, a prefix down into a folder, a prefix to another; all of it, or
// what differs.
//
//	walk the folder, or list the prefix, in order of the keys, some thousand objects ahead of the transfers
//	leave out what Select does not mean
//	Sync: merge that with the walk or listing of the target (Compare), and leave out what is equal
//	for each: where does it go? (a key that can be no file here fails, and nothing leaves the target folder)
//	as soon as fewer than twice the client's lanes are under way, begin the transfer of the largest that is known
//	count what came of it; go on with the others
//	Sync with Delete: when both listings came to a good end and no transfer failed, delete what has no source
//
// The transfers are those of package haul; its lanes and its memory bound the work, so that a million small files and one
// huge file are the same. Nothing here grows with the number of objects, but for four things: of a folder the names of all
// entries are held while it is walked, about 30 bytes each; on a file system that does not tell upper from lower case 16 bytes
// of each path; what is to be deleted is kept, above a mebibyte in a temporary file; and a run that resumes holds 32 bytes for each object that is
// finished already.
//
// A prefix stands for a folder, as in the AWS CLI: s3://b/run is what lies below s3://b/run/, and s3://b/runs is no part of it.
//
// It makes no object for an empty folder, and removes no folder that became empty. And it takes no snapshot: what changes while
// it runs may be seen before or after.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/store"
)

// End is one end of a run: a folder on this machine where Path is not empty, else what is stored below the prefix Ref.
type End struct {
	Path string
	Ref  store.Ref
}

// Local gives the End that is a folder, and Remote that which is a prefix.
func Local(dir string) End { return End{Path: dir} }

// Remote gives the End that is a prefix.
func Remote(prefix store.Ref) End { return End{Ref: prefix} }

// String gives the path or address.
func (e End) String() string {
	if e.Path != "" {
		return e.Path
	}
	return e.Ref.String()
}

// Tree copies, or with Options.Move moves, all that is in from into to: up, down, or within the store. See Up, Down and Copy.
func Tree(ctx context.Context, c *haul.Client, from, to End, o Options) (Summary, error) {
	r := newRun(c, o)
	w, err := r.way(from, to)
	if err != nil {
		return Summary{}, err
	}
	defer w.close()
	w.warnBeneath()
	if o.DryRun {
		return r.tree(ctx, w)
	}
	w.journal = newJournal(c, w.verb, w.from, w.to, o.Transfer)
	s, err := r.tree(ctx, w)
	if o.Move && s.Found == 0 && store.KindOf(err) == store.NotFound && w.journal.resumes() {
		r.emit(Event{Kind: Warned, Verb: w.verb, Source: w.from.String(), Target: w.to.String(), Err: errMovedBefore})
		err = nil
	}
	if w.journal.warning != nil {
		r.emit(Event{Kind: Warned, Verb: w.verb, Source: w.from.String(), Target: w.to.String(), Err: w.journal.warning})
	}
	return s, errors.Join(err, w.journal.end(err == nil))
}

// errMovedBefore warns that a move found nothing to do.
var errMovedBefore = errors.New("nothing is left to move: an earlier run moved and verified it")

// tree moves all that is chosen.
func (r *run) tree(ctx context.Context, w *jobBuilder) (Summary, error) {
	act := func(a Action, yield func(job) bool) bool {
		j, ok := w.job(a.Source)
		return !ok || yield(j)
	}
	r.after = func(ctx context.Context, end context.CancelCauseFunc) error { return w.goLast(ctx, end, act) }
	return r.all(ctx, func(ctx context.Context, yield func(job) bool) error {
		for e, err := range r.chosen(ctx, w.from) {
			a, put := Action{Do: Move, Source: e}, false
			if err == nil {
				put, err = w.putOff(a)
			}
			if err != nil {
				return err
			}
			if !put && !act(a, yield) {
				return nil
			}
		}
		return nil
	})
}

// Up uploads the files in dir and its folders: the file dir/a/b becomes the object a/b below to, whose Key is a prefix.
// Symbolic links are followed, but for one that leads back into a folder that it lies in. What is no file (a pipe, a
// device), what cannot be read, and links to nothing are skipped.
//
// The error is an *IncompleteError where some objects failed or were skipped. Any other error ended the run early: the end
// of ctx, or what would have let every object fail, such as a bucket that is not there. The Summary is good with every error.
func Up(ctx context.Context, c *haul.Client, dir string, to store.Ref, o Options) (Summary, error) {
	return Tree(ctx, c, Local(dir), Remote(to), o)
}

// Down downloads the objects below from, whose Key is a prefix, into dir, which is made where it is missing: the object a/b
// becomes the file dir/a/b. An empty object whose key ends in a slash stands for a folder, which is made. A key that can be
// no file here fails: one with "..", "//", a NUL or a name of over 255 bytes, one whose folder is a file or a symbolic link,
// and one whose file is another key's folder, or, on a file system that does not tell upper from lower case, another key's file.
//
// Errors are as those of Up; and of kind store.NotFound where there is nothing below a prefix.
func Down(ctx context.Context, c *haul.Client, from store.Ref, dir string, o Options) (Summary, error) {
	return Tree(ctx, c, Remote(from), Local(dir), o)
}

// Copy copies the objects below from within the store: the object a/b below from becomes a/b below to. Of a target that lies in the
// source nothing is copied further. A prefix is copied onto itself only where Options.Transfer changes something, such as the storage
// class; it is refused otherwise, as is a key that would be written over another of what is meant.
//
// Errors are as those of Down.
func Copy(ctx context.Context, c *haul.Client, from, to store.Ref, o Options) (Summary, error) {
	return Tree(ctx, c, Remote(from), Remote(to), o)
}

// errOverlap says that a copy would change its own source.
var errOverlap = fmt.Errorf("%w: the target is part of the source", store.Invalid)

// ErrBeneath is in the chain of a warning that a target lies in the source.
var ErrBeneath = errors.New("what is below the target is not copied")

// warnBeneath gives that warning.
func (w *jobBuilder) warnBeneath() {
	if w.beneath != "" {
		err := fmt.Errorf("the target %s lies in it: %w", w.to, ErrBeneath)
		w.emit(Event{Kind: Warned, Verb: w.verb, Source: w.from.String(), Target: w.to.String(), Err: err})
	}
}

// folder makes a prefix that stands for a folder.
func folder(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// rooted gives the End with a prefix that stands for a folder.
func (e End) rooted() End {
	if e.Path == "" {
		e.Ref.Key = folder(e.Ref.Key)
	}
	return e
}

// absolute is the path that patterns with a slash at their beginning look at; empty for what is stored.
func (e End) absolute() string {
	if e.Path == "" {
		return ""
	}
	abs, err := filepath.Abs(e.Path)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(abs)
}
