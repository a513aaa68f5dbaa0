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
	places   *places // of a download
	// source is the open folder of a move from this machine, so that nothing outside of it is deleted.
	source     localfile.Below
	warnedLink string // the link that was warned of last
	taken      *taken // of a list; nil where there is none
	deferred   deferred
	// yieldAction yields the job for an action, if there is one; it reports whether to continue.
	yieldAction func(a Action, yield func(job) bool) bool
	// journal holds what is finished; nil keeps none.
	journal *runJournal
}

// close closes what a run has open.
func (w *jobBuilder) close() {
	w.deferred.close()
	w.places.close()
	if w.source.Root != nil {
		_ = w.source.Root.Close() // only names were looked up in it
	}
}

// newJobBuilder finds the direction, and refuses a run onto itself.
func (r *run) newJobBuilder(from, to End) (*jobBuilder, error) {
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
			w.root = w.places.dir.Root
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

// overlap handles a copy from a prefix into itself. A copy onto itself is allowed if it changes something. If the target lies in the
// source, files below the target are not copied: this very run may have put it there.
func (w *jobBuilder) overlap() error {
	a, b := w.from.Ref, w.to.Ref
	switch {
	case w.from.Client != nil:
	case a.Bucket != b.Bucket || !strings.HasPrefix(b.Key, a.Key) || w.o.Select.Pairs != nil:
	case a.Key == b.Key && w.o.Select.all() && (w.o.Move || !changes(w.o.Transfer)):
		return fmt.Errorf("%w: %s onto itself would change nothing", errOverlap, a)
	case a.Key != b.Key && w.o.Select.means("", b.Key[len(a.Key):]+"x"):
		w.targetBelow = b.Key[len(a.Key):]
	}
	return nil
}

// changes reports whether a copy of an object onto itself would change it.
func changes(t TransferOptions) bool {
	a := t.Attrs
	a.RequestPayer, a.PageSize, a.Encryption.CopySource = "", 0, store.CustomerKey{}
	return t.ReplaceMetadata || t.ReplaceTags || t.Checksum != checksum.None || !reflect.DeepEqual(a, store.Attrs{})
}

// placesFor makes the target folder if it is missing, except in a dry run.
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

// job makes the job that transfers an entry; false if there is nothing to transfer.
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
		j.source, j.decide = e.Address(), skipTwice
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
		j.verify = w.verifyUnchanged(j, w.standingEntry(j), false)
	}
	if w.o.DryRun && j.decide == nil {
		j.decide = w.skipExisting(e, j.target)
	}
	if w.o.Decide != nil && j.decide == nil && j.err == nil && j.skip == nil {
		target := Local(j.target)
		if w.kind != Download {
			target = Remote(w.targetRef(e))
		}
		j.decide = func(ctx context.Context) (bool, string, error) { return w.o.Decide(ctx, e, target) }
	}
	if w.o.DryRun && e.Path == "" && e.Object.ETag == "" && j.err == nil && j.skip == nil {
		w.findListed(&j)
	}
	return j, true
}

// findListed makes a dry run look for an object that a list names.
func (w *jobBuilder) findListed(j *job) {
	seen, look := j.entry, j.decide
	j.found = &seen
	attrs := w.o.Transfer.Attrs
	if w.kind == Copying {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	j.decide = func(ctx context.Context) (bool, string, error) {
		obj, err := w.from.in(w.c).Store().Head(ctx, store.GetRequest{Ref: seen.Object.Ref, Attrs: &attrs})
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

// transferOptions are those of the transfer of one entry.
func (w *jobBuilder) transferOptions(e Entry) TransferOptions {
	t := w.o.Transfer
	t.NoClobber = t.NoClobber || w.o.NoOverwrite
	if w.o.Move {
		t.IfMatch = e.Object.ETag
	}
	return t
}

func (w *jobBuilder) upload(j *job) {
	e, ref := j.entry, w.targetRef(j.entry)
	t := w.transferOptions(e)
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
			w.countKept()
		}
		return result, err
	}
	plain := j.move
	j.move = func(ctx context.Context) (haul.Result, error) {
		result, err := plain(ctx)
		return result, unreadable(e.Path, err)
	}
}

// warnBehind warns, once for each link, that what is behind it is not part of the source, so that a move does not delete it.
func (w *jobBuilder) warnBehind(e Entry) {
	if w.warnedLink == e.behind {
		return
	}
	w.warnedLink = e.behind
	w.emit(Event{Kind: Warned, Verb: moveVerb, Source: w.from.name(e.behind), Entry: e,
		Err: fmt.Errorf("%s leads out of the folder that is being moved: its files are copied, but not deleted", w.from.name(e.behind))})
}

// countKept counts a file that a move has copied and not deleted.
func (w *jobBuilder) countKept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept++
}

// download returns false for an object that stands for a folder, which was made.
func (w *jobBuilder) download(j *job) bool {
	e := j.entry
	t := w.transferOptions(e)
	t.Root = w.root
	j.source = e.Object.Ref.String()
	if w.o.DryRun && e.isFolderObject() {
		return false
	}
	if strings.HasSuffix(e.to, "/") { // the size of what a list names is not known, so that it would count as a folder
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
		return One{w.c, Remote(e.Object.Ref), Local(path), e.Object}.Transfer(ctx, t)
	}
	w.archived(j)
	return true
}

// conflict skips a key that differs only by case, or ends the run, if the options say so.
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
	t := w.transferOptions(e)
	j.source, j.target = e.Object.Ref.String(), ref.String()
	if w.overwritesSource(e.Object.Ref, ref) {
		j.err = fmt.Errorf("%w: %s lies in %s", errOverlap, ref, w.from.Ref)
		return
	}
	if w.o.ContentType != nil && t.ReplaceMetadata && t.Attrs.Headers.ContentType == "" {
		t.Attrs.Headers.ContentType = w.o.ContentType(ref.Key)
	}
	j.move = func(ctx context.Context) (haul.Result, error) {
		if w.o.Move {
			return w.moveOne(ctx, e, w.from.object(e.Object.Ref), Remote(ref), t)
		}
		return One{w.c, w.from.object(e.Object.Ref), Remote(ref), e.Object}.Transfer(ctx, t)
	}
	w.archived(j)
}

// overwritesSource reports whether a copy would overwrite what is, or may be, another source of the run. A copy onto itself is allowed
// if it changes something. If a list names the sources, no listing can find what was copied.
func (w *jobBuilder) overwritesSource(from, to store.Ref) bool {
	a := w.from.Ref
	switch {
	case w.from.Client != nil:
		return false
	case Same(from, to):
		return w.o.Move || !changes(w.o.Transfer)
	case a.Bucket != to.Bucket || !strings.HasPrefix(to.Key, a.Key) || w.o.Select.Pairs != nil:
		return false
	}
	rel := to.Key[len(a.Key):]
	return (w.targetBelow == "" || !strings.HasPrefix(rel, w.targetBelow)) && w.o.Select.means("", rel)
}

// archived makes a dry run report an object in an archive, if its storage class shows that.
func (w *jobBuilder) archived(j *job) {
	class := j.entry.Object.StorageClass
	if !w.o.DryRun || class != "GLACIER" && class != "DEEP_ARCHIVE" {
		return
	}
	if w.o.Archived != FailArchived { // otherwise it is tried: it may have been restored
		j.err = &store.Error{Kind: store.Archived, Op: "GetObject", Ref: j.entry.Object.Ref}
	}
}

// skipExisting makes a dry run with NoOverwrite leave out existing targets.
func (w *jobBuilder) skipExisting(e Entry, target string) func(context.Context) (bool, string, error) {
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
			return false, whyExists, nil
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, store.NotFound):
			return true, "missing", nil
		}
		return false, "", err
	}
}

// whyExists is why a target is left alone that must not be overwritten.
const whyExists = "is there already"
