// Package mirror transfers whole folders and prefixes: it uploads a folder to a prefix, downloads a prefix to a folder, or
// copies one prefix to another; all files, or only those that differ. A tree, in the names below, is a folder or a prefix.
//
//	walk the folder or list the prefix, in order of the keys, up to a thousand objects ahead of the transfers
//	leave out files and objects that Select does not choose
//	Sync: merge that with the walk or listing of the target (Compare), and leave out unchanged ones
//	for each: find its target (a key that cannot be a file name here fails; nothing is written outside the target folder)
//	whenever fewer than twice the client's connections are busy, start the transfer of the largest object that is known
//	count the result, success or failure, and continue
//	Sync with Delete: once both listings are complete and no transfer failed, delete targets without a source
//
// Package haul does the transfers; its connections and its memory limit bound the work, so that a million small files and one
// huge file cost the same. Four things grow with the number of objects: the names in a folder, while it is walked (30 bytes
// each); paths on a case-insensitive file system (16 bytes each); names to be deleted, beyond a mebibyte in a temporary file;
// and, in a run that resumes, objects that are already finished (32 bytes each).
//
// A prefix stands for a folder, as in the AWS CLI: s3://b/run means the objects under s3://b/run/, without s3://b/runs.
//
// It creates no objects for empty folders, and does not remove folders that became empty. It takes no snapshot: a run may see
// a file or object that changes meanwhile before or after the change.
package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/store"
)

// End is the source or target of a run: the local folder Path, or, if Path is empty, the objects under the prefix Ref.
type End struct {
	Path string
	Ref  store.Ref
	// Client is that of the source's store, if the target is in another one: what is copied then passes through this machine. It is
	// nil if the source is in the store of the run's Client, as the target always is.
	Client *haul.Client
}

// Local returns the End that is a folder, and Remote the one that is a prefix.
func Local(dir string) End { return End{Path: dir} }

// Remote returns the End that is a prefix.
func Remote(prefix store.Ref) End { return End{Ref: prefix} }

// in returns the Client of an end in a run by c.
func (e End) in(c *haul.Client) *haul.Client { return cmp.Or(e.Client, c) }

// object is one object below the prefix.
func (e End) object(ref store.Ref) End { return End{Ref: ref, Client: e.Client} }

// String returns the path or address.
func (e End) String() string {
	if e.Path != "" {
		return e.Path
	}
	return e.Ref.String()
}

// Tree copies, or with Options.Move moves, everything in from to to: an upload, a download, a copy on the server, or one between two
// stores. See Up, Down and Copy.
func Tree(ctx context.Context, c *haul.Client, from, to End, o Options) (Summary, error) {
	r := newRun(c, o)
	w, err := r.newJobBuilder(from, to)
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
var errMovedBefore = errors.New("nothing is left to move: an earlier run moved and verified everything")

// tree transfers all that is selected.
func (r *run) tree(ctx context.Context, w *jobBuilder) (Summary, error) {
	w.yieldAction = func(a Action, yield func(job) bool) bool {
		j, ok := w.job(a.Source)
		return !ok || yield(j)
	}
	r.afterJobs = w.sendDeferred
	return r.all(ctx, func(ctx context.Context, yield func(job) bool) error {
		for e, err := range r.selected(ctx, w.from) {
			a, put := Action{Do: Move, Source: e}, false
			if err == nil {
				put, err = w.deferLast(a)
			}
			if err != nil {
				return err
			}
			if !put && !w.yieldAction(a, yield) {
				return nil
			}
		}
		return nil
	})
}

// Up uploads the files in dir and its folders: the file dir/a/b becomes the object a/b under to, whose Key is a prefix.
// Symbolic links are followed, unless they lead back into a folder that contains them. Pipes and devices, unreadable files,
// and broken links are skipped.
//
// The error is an *IncompleteError if some objects failed or were skipped. Any other error ended the run early: the end of
// ctx, or an error that would affect every object, such as a missing bucket. The Summary is always valid.
func Up(ctx context.Context, c *haul.Client, dir string, to store.Ref, o Options) (Summary, error) {
	return Tree(ctx, c, Local(dir), Remote(to), o)
}

// Down downloads the objects below from, whose Key is a prefix, into dir, which is made if it is missing: the object a/b
// becomes the file dir/a/b. An empty object whose key ends in a slash stands for a folder, which is made. A key that cannot
// be a file name on this machine fails: one with "..", "//", a NUL or a name of over 255 bytes, one whose folder is a file or
// a symbolic link, and one whose file is another key's folder or, on a case-insensitive file system, another key's file.
//
// Errors are those of Up, and one of kind store.NotFound if there is nothing under the prefix.
func Down(ctx context.Context, c *haul.Client, from store.Ref, dir string, o Options) (Summary, error) {
	return Tree(ctx, c, Remote(from), Local(dir), o)
}

// Copy copies the objects below from within the store (for two stores, see End.Client): the object a/b below from becomes a/b below to. If the target lies in
// the source, objects under the target are not copied. A prefix is copied onto itself only if Options.Transfer changes
// something, such as the storage class; otherwise that is refused, as is a key that would overwrite another one of the
// source.
//
// Errors are those of Down.
func Copy(ctx context.Context, c *haul.Client, from, to store.Ref, o Options) (Summary, error) {
	return Tree(ctx, c, Remote(from), Remote(to), o)
}

// errOverlap: a copy would change its own source.
var errOverlap = fmt.Errorf("%w: the target is part of the source", store.Invalid)

// ErrBeneath is in the chain of the warning that a target lies in the source.
var ErrBeneath = errors.New("files below the target are not copied")

// warnBeneath warns if the target lies in the source.
func (w *jobBuilder) warnBeneath() {
	if w.targetBelow != "" {
		err := fmt.Errorf("the target %s lies in it: %w", w.to, ErrBeneath)
		w.emit(Event{Kind: Warned, Verb: w.verb, Source: w.from.String(), Target: w.to.String(), Err: err})
	}
}

// folder adds the slash of a prefix that stands for a folder.
func folder(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// rooted returns the End with a prefix that stands for a folder.
func (e End) rooted() End {
	if e.Path == "" {
		e.Ref.Key = folder(e.Ref.Key)
	}
	return e
}

// absolute returns the path that patterns with a leading slash match; empty for a prefix.
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
