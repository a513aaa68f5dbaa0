package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// jobBuilder makes the jobs of a run from one end to the other.
type jobBuilder struct {
	*run
	kind     Way
	from, to End
	verb     string
	places   *places // on the way down
	// source is the folder of a move up, open, so that nothing outside of it is deleted.
	source localfile.Below
	behind string // the link that was warned of last
	taken  *taken // of a list; nil where there is none
	last   last
	// journal holds what is finished; nil keeps none.
	journal *runJournal
}

// close closes what a run has open.
func (w *jobBuilder) close() {
	w.last.close()
	w.places.close()
	if w.source.Root != nil {
		_ = w.source.Root.Close() // only names were looked up in it
	}
}

// way finds the direction, and refuses what would be a run onto itself.
func (r *run) way(from, to End) (*jobBuilder, error) {
	w := &jobBuilder{run: r, from: from.rooted(), to: to.rooted()}
	if r.o.Select.Pairs != nil {
		w.taken = newTaken()
	}
	var err error
	switch {
	case from.Path != "" && to.Path != "":
		return nil, fmt.Errorf("%w: both %s and %s are local", store.Invalid, from, to)
	case from.Path != "":
		w.kind = Upload
		if fi, serr := os.Stat(from.Path); r.o.Move && !r.o.DryRun && serr == nil && fi.IsDir() { // else the walk says what is wrong
			w.source, err = localfile.OpenBelow(from.Path)
		}
	case to.Path != "":
		w.kind = Download
		if w.places, err = placesFor(to.Path, r.o); err == nil {
			w.root = w.places.below.Root
		}
	default:
		w.kind = Copying
		err = w.overlap()
	}
	if err != nil {
		return nil, err
	}
	w.verb = string(w.kind)
	if r.o.Move {
		w.verb = moveVerb
	}
	return w, nil
}

const moveVerb = "move"

// overlap sees to a copy from a prefix into itself. Onto itself is one to one, and makes sense where something changes. Of a target
// that lies in the source nothing is copied further: it may have come there by this very run.
func (w *jobBuilder) overlap() error {
	a, b := w.from.Ref, w.to.Ref
	switch {
	case a.Bucket != b.Bucket || !strings.HasPrefix(b.Key, a.Key) || w.o.Select.Pairs != nil:
	case a.Key == b.Key && w.o.Select.all() && (w.o.Move || !changes(w.o.Transfer)):
		return fmt.Errorf("%w: %s onto itself, and nothing would change", errOverlap, a)
	case a.Key != b.Key && w.o.Select.means("", b.Key[len(a.Key):]+"x"):
		w.beneath = b.Key[len(a.Key):]
	}
	return nil
}

// changes reports whether a copy of an object onto itself would change it.
func changes(t TransferOptions) bool {
	a := t.Attrs
	a.RequestPayer, a.PageSize, a.Encryption.CopySource = "", 0, store.CustomerKey{}
	return t.ReplaceMetadata || t.ReplaceTags || t.Checksum != checksum.None || !reflect.DeepEqual(a, store.Attrs{})
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
func (w *jobBuilder) job(e Entry) (job, bool) {
	j := job{verb: w.verb, entry: e}
	if e.Why != nil {
		j.source, j.skip = e.Address(), e.Why
		return j, true
	}
	switch twice, err := w.taken.add(e); {
	case err != nil:
		j.source, j.err = e.Address(), err
		return j, true
	case twice:
		j.source, j.look = e.Address(), leaveTwice
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
	w.resume(&j)
	if w.o.NoOverwrite {
		j.stands = w.stands(j, w.standingEntry(j), false)
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
func (w *jobBuilder) find(j *job) {
	seen, look := j.entry, j.look
	j.seen = &seen
	attrs := w.o.Transfer.Attrs
	if w.kind == Copying {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	j.look = func(ctx context.Context) (bool, string, error) {
		obj, err := w.c.Store().Head(ctx, store.GetRequest{Ref: seen.Object.Ref, Attrs: &attrs})
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
func (w *jobBuilder) targetRef(e Entry) store.Ref {
	return store.Ref{Bucket: w.to.Ref.Bucket, Key: w.to.Ref.Key + cmp.Or(e.to, e.Rel)}
}

// choices are those of the transfer of one entry.
func (w *jobBuilder) choices(e Entry) TransferOptions {
	t := w.o.Transfer
	t.NoClobber = t.NoClobber || w.o.NoOverwrite
	if w.o.Move {
		t.IfMatch = e.Object.ETag
	}
	return t
}

func (w *jobBuilder) upload(j *job) {
	e, ref := j.entry, w.targetRef(j.entry)
	t := w.choices(e)
	j.source, j.target = e.Path, ref.String()
	t.Root = w.source.Root
	kept := w.o.Move && e.behind != ""
	if kept {
		j.verb = string(Upload)
		w.warnBehind(e)
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.ContentType != nil && t.Attrs.Headers.ContentType == "" {
			t.Attrs.Headers.ContentType = w.o.ContentType(e.Path)
		}
		if w.o.Move && !kept {
			return w.moveOne(ctx, e, Local(e.Path), Remote(ref), t)
		}
		result, err := w.c.Upload(ctx, e.Path, ref, t.Upload())
		if kept && err == nil {
			w.keep()
		}
		return result, err
	}
	plain := j.move
	j.move = func(ctx context.Context) (haul.Result, error) {
		result, err := plain(ctx)
		return result, unreadable(e.Path, err)
	}
}

// warnBehind warns, once for each link, that what lies behind it is no part of the source, and so not deleted by a move.
func (w *jobBuilder) warnBehind(e Entry) {
	if w.behind == e.behind {
		return
	}
	w.behind = e.behind
	w.emit(Event{Kind: Warned, Verb: moveVerb, Source: w.from.name(e.behind), Entry: e,
		Err: fmt.Errorf("%s leads out of the folder that is moved: what lies there is copied, and not deleted", w.from.name(e.behind))})
}

// keep counts a file that a move has copied and not deleted.
func (w *jobBuilder) keep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept++
}

// download is false for an object that stands for a folder, which was made.
func (w *jobBuilder) download(j *job) bool {
	e := j.entry
	t := w.choices(e)
	t.Root = w.root
	j.source = e.Object.Ref.String()
	if w.o.DryRun && e.isMark() {
		return false
	}
	if strings.HasSuffix(e.to, "/") { // the size of what a list names is not known, so that it would pass for a folder
		j.err = errSlash
		return true
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
		w.emit(Event{Kind: Warned, Verb: w.verb, Source: j.source, Target: path, Entry: e, Err: w.places.warned})
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.Move {
			return w.moveOne(ctx, e, Remote(e.Object.Ref), Local(path), t)
		}
		return w.c.Download(ctx, e.Object.Ref, path, listed(t, e.Object))
	}
	w.archived(j)
	return true
}

// conflict makes of a conflict of case what is wanted.
func (w *jobBuilder) conflict(j *job, err error) {
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

func (w *jobBuilder) copy(j *job) {
	e, ref := j.entry, w.targetRef(j.entry)
	t := w.choices(e)
	j.source, j.target = e.Object.Ref.String(), ref.String()
	if w.clashes(e.Object.Ref, ref) {
		j.err = fmt.Errorf("%w: %s lies in %s", errOverlap, ref, w.from.Ref)
		return
	}
	if w.o.ContentType != nil && t.ReplaceMetadata && t.Attrs.Headers.ContentType == "" {
		t.Attrs.Headers.ContentType = w.o.ContentType(ref.Key)
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.Move {
			return w.moveOne(ctx, e, Remote(e.Object.Ref), Remote(ref), t)
		}
		return w.c.Copy(ctx, e.Object.Ref, ref, t.Copy())
	}
	w.archived(j)
}

// clashes reports whether a copy would be written over what is, or may be, another source of the run. Onto itself is well where
// something changes. A list names what moves, and no listing comes upon what was moved.
func (w *jobBuilder) clashes(from, to store.Ref) bool {
	a := w.from.Ref
	switch {
	case Same(from, to):
		return w.o.Move || !changes(w.o.Transfer)
	case a.Bucket != to.Bucket || !strings.HasPrefix(to.Key, a.Key) || w.o.Select.Pairs != nil:
		return false
	}
	rel := to.Key[len(a.Key):]
	return (w.beneath == "" || !strings.HasPrefix(rel, w.beneath)) && w.o.Select.means("", rel)
}

// archived lets a dry run tell of an object that is in an archive, as far as its storage class reports that.
func (w *jobBuilder) archived(j *job) {
	class := j.entry.Object.StorageClass
	if !w.o.DryRun || class != "GLACIER" && class != "DEEP_ARCHIVE" {
		return
	}
	if w.o.Archived != FailArchived { // else it is tried: it may have been restored
		j.err = &store.Error{Kind: store.Archived, Op: "GetObject", Ref: j.entry.Object.Ref}
	}
}

// absent lets a dry run leave out what is there already, where that would be left alone.
func (w *jobBuilder) absent(e Entry, target string) func(context.Context) (bool, string, error) {
	if !w.o.NoOverwrite {
		return nil
	}
	return func(ctx context.Context) (bool, string, error) {
		var err error
		if w.kind == Download {
			_, err = os.Lstat(target)
		} else {
			_, err = w.c.Store().Head(ctx, store.GetRequest{Ref: w.targetRef(e), Attrs: &w.o.Transfer.Attrs})
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
