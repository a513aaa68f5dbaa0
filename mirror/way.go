package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul"
	"haul/store"
)

// way makes the jobs of a run from one end to the other.
type way struct {
	*run
	kind     Way
	from, to End
	verb     string
	places   *places // on the way down
	last     last
}

// way finds the direction, and refuses what would be a run onto itself.
func (r *run) way(from, to End) (*way, error) {
	w := &way{run: r, from: from.rooted(), to: to.rooted()}
	var err error
	switch {
	case from.Path != "" && to.Path != "":
		return nil, fmt.Errorf("%w: both %s and %s are local", store.Invalid, from, to)
	case from.Path != "":
		w.kind = Upload
	case to.Path != "":
		w.kind = Download
		w.places, err = placesFor(to.Path, r.o)
	default:
		w.kind = Copying
		if a, b := w.from.Ref, w.to.Ref; a.Bucket == b.Bucket && strings.HasPrefix(b.Key, a.Key) && r.o.Select.all() && r.o.Select.Pairs == nil {
			return nil, fmt.Errorf("%w: %s lies in %s", errOverlap, b, a)
		}
	}
	w.verb = string(w.kind)
	if r.o.Move {
		w.verb = "move"
	}
	return w, err
}

// placesFor makes the target folder where it is missing, but for a dry run.
func placesFor(dir string, o Options) (*places, error) {
	if o.DryRun {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return &places{root: filepath.Clean(dir), onCase: o.CaseConflict}, nil
		}
	}
	p, err := newPlaces(dir)
	if err == nil {
		p.onCase = o.CaseConflict
	}
	return p, err
}

// job makes the job that moves an entry; false where there is nothing to move.
func (w *way) job(e Entry) (job, bool) {
	j := job{verb: w.verb, entry: e}
	if e.Why != nil {
		j.source, j.skip = e.Address(), e.Why
		return j, true
	}
	switch w.kind {
	case Upload:
		w.upload(&j)
	case Download:
		if !w.download(&j) {
			return j, false
		}
	default:
		w.copy(&j)
	}
	if w.o.DryRun && j.look == nil {
		j.look = w.absent(e, j.target)
	}
	if w.o.DryRun && e.Path == "" && e.Object.ETag == "" && j.err == nil && j.skip == nil {
		w.find(&j)
	}
	return j, true
}

// find lets a dry run look for an object that a list names.
func (w *way) find(j *job) {
	seen, look := j.entry, j.look
	j.seen = &seen
	attrs := w.o.Transfer.Attrs
	if w.kind == Copying {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	j.look = func(ctx context.Context) (bool, string, error) {
		obj, err := w.c.Stat(ctx, seen.Object.Ref, &attrs)
		if err != nil {
			return false, "", err
		}
		seen.Object, seen.Size, seen.Modified = obj, obj.Size, obj.Modified
		if look == nil {
			return true, "", nil
		}
		return look(ctx)
	}
}

// targetRef is the object that an entry becomes.
func (w *way) targetRef(e Entry) store.Ref {
	return store.Ref{Bucket: w.to.Ref.Bucket, Key: w.to.Ref.Key + cmp.Or(e.to, e.Rel)}
}

// choices are those of the transfer of one entry.
func (w *way) choices(e Entry) haul.Transfer {
	t := w.o.Transfer
	t.NoClobber = t.NoClobber || w.o.NoOverwrite
	if w.o.Move {
		t.IfMatch = e.Object.ETag
	}
	return t
}

func (w *way) upload(j *job) {
	e, ref := j.entry, w.targetRef(j.entry)
	t := w.choices(e)
	j.source, j.target = e.Path, ref.String()
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.ContentType != nil && t.Attrs.Headers.ContentType == "" {
			t.Attrs.Headers.ContentType = w.o.ContentType(e.Path)
		}
		if w.o.Move {
			return moveUp(ctx, w.c, e.Path, ref, t)
		}
		return w.c.Upload(ctx, e.Path, ref, t)
	}
	plain := j.move
	j.move = func(ctx context.Context) (haul.Result, error) {
		result, err := plain(ctx)
		return result, unreadable(e.Path, err)
	}
}

// download is false for an object that stands for a folder, which was made.
func (w *way) download(j *job) bool {
	e := j.entry
	t := w.choices(e)
	j.source = e.Object.Ref.String()
	if w.o.DryRun && e.isMark() {
		return false
	}
	path, err := w.places.find(cmp.Or(e.to, e.Rel), e.Size)
	if err == nil && path == "" {
		return false
	}
	j.target = path
	if err != nil {
		j.err = err
		if errors.Is(err, errCase) {
			w.conflict(j, err)
		}
		return true
	}
	if w.places.warned != nil {
		w.tell(Event{Kind: Warned, Verb: w.verb, Source: j.source, Target: path, Entry: e, Err: w.places.warned})
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		switch {
		case w.o.Move:
			return moveDown(ctx, w.c, e.Object, path, t)
		case e.Object.ETag == "": // nobody listed it
			return w.c.Download(ctx, e.Object.Ref, path, t)
		}
		return w.c.DownloadListed(ctx, e.Object, path, t)
	}
	w.archived(j)
	return true
}

// conflict makes of a conflict of case what is wanted.
func (w *way) conflict(j *job, err error) {
	switch w.o.CaseConflict {
	case SkipCase:
		j.skip = err
	case EndCase:
		j.err = endError{err}
	}
}

// endError ends the run.
type endError struct{ error }

func (e endError) Unwrap() error { return e.error }

func (w *way) copy(j *job) {
	e, ref := j.entry, w.targetRef(j.entry)
	t := w.choices(e)
	j.source, j.target = e.Object.Ref.String(), ref.String()
	if a := w.from.Ref; Same(e.Object.Ref, ref) || a.Bucket == ref.Bucket && strings.HasPrefix(ref.Key, a.Key) && w.o.Select.Pairs == nil &&
		w.o.Select.means("", ref.Key[len(a.Key):]) { // a list names what moves, and no listing comes upon what was moved
		j.err = fmt.Errorf("%w: %s lies in %s", errOverlap, ref, a)
		return
	}
	if w.o.ContentType != nil && t.ReplaceMetadata && t.Attrs.Headers.ContentType == "" {
		t.Attrs.Headers.ContentType = w.o.ContentType(ref.Key)
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.Move {
			return moveObject(ctx, w.c, e.Object, ref, t)
		}
		return w.c.Copy(ctx, e.Object.Ref, ref, t)
	}
	w.archived(j)
}

// archived lets a dry run tell of an object that is in an archive, as far as its storage class tells that.
func (w *way) archived(j *job) {
	class := j.entry.Object.StorageClass
	if !w.o.DryRun || class != "GLACIER" && class != "DEEP_ARCHIVE" {
		return
	}
	if w.o.Archived != FailArchived { // else it is tried: it may have been restored
		j.err = &store.Error{Kind: store.Archived, Op: "GetObject", Ref: j.entry.Object.Ref}
	}
}

// absent lets a dry run leave out what is there already, where that would be left alone.
func (w *way) absent(e Entry, target string) func(context.Context) (bool, string, error) {
	if !w.o.NoOverwrite {
		return nil
	}
	return func(ctx context.Context) (bool, string, error) {
		var err error
		if w.kind == Download {
			_, err = os.Lstat(target)
		} else {
			_, err = w.c.Stat(ctx, w.targetRef(e), &w.o.Transfer.Attrs)
		}
		switch {
		case err == nil:
			return false, there, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, store.NotFound):
			return true, "missing", nil
		}
		return false, "", err
	}
}

// there is why a target is left alone that must not be overwritten.
const there = "is there already"
