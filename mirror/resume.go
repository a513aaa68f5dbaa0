package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// An interrupted Tree or MoveOne resumes: a journal holds what it has finished, as a hash of the state of source and target. The same
// call with the same options leaves out what is in the journal and still in that state at both ends, and a source that is missing
// because it was moved is not an error. A run that succeeds removes its journal.

// journalVersion grows when an entry changes its meaning.
const journalVersion = 1

// runHeader is the first line of the journal of a run. The journal's name identifies the run; Source and Target are for people.
type runHeader struct {
	Version int       `json:"haul_run_journal"`
	Verb    string    `json:"verb"`
	Source  string    `json:"source"`
	Target  string    `json:"target"`
	Began   time.Time `json:"began"`
}

// finished is a hash of the result for one object: see finishedAs. 16 bytes of it are kept, so that a million objects take no more
// than 32 MB when a run resumes.
type finished [16]byte

// finishedAs returns the hash of the parts.
func finishedAs(parts ...string) finished {
	b, _ := json.Marshal(parts) // strings marshal; names that are not UTF-8 are quoted before
	sum := sha256.Sum256(b)
	return finished(sum[:len(finished{})])
}

// MarshalText writes 32 hex digits.
func (f finished) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, f[:]), nil }

// UnmarshalText reads them.
func (f *finished) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(f)) {
		return fmt.Errorf("a hash has %d hex digits, not %d", hex.EncodedLen(len(f)), len(text))
	}
	_, err := hex.Decode(f[:], text)
	return err
}

// runEntry is one line of a journal.
type runEntry struct {
	Finished finished `json:"finished"`
}

// runJournal is the journal of one run.
type runJournal struct {
	header  runHeader
	dir     string
	name    string
	earlier []finished // of the interrupted runs, sorted

	mu      sync.Mutex
	log     *journal.Log[runHeader, runEntry] // or nil
	added   bool
	stopped bool
	warning error // why nothing is recorded, if that is worth a warning
}

// newJournal opens the journal of a run. Options that give other targets make it another run.
func newJournal(c *haul.Client, verb string, from, to End, t TransferOptions) *runJournal {
	j := &runJournal{header: runHeader{Version: journalVersion, Verb: verb}}
	dir, err := journal.Dir(c.Options().StateDir)
	if err != nil || t.Resume == haul.ResumeNever {
		return j // the transfers report the error
	}
	j.dir = filepath.Join(dir, "runs")
	j.header.Source, err = rootName(from)
	if err == nil {
		j.header.Target, err = rootName(to)
	}
	if err != nil {
		return j
	}
	t.Resume, t.ExpectedSize, t.IfMatch, t.ReadTwice, t.WantLayout = "", 0, "", false, false
	options, err := json.Marshal(t)
	if err != nil {
		return j
	}
	j.name = strings.Join([]string{verb, store.Identity(c.Store()), j.header.Source, j.header.Target, string(options)}, "\x00")
	if from.Client != nil {
		j.name += "\x00" + store.Identity(from.Client.Store())
	}
	if j.log, err = j.open(); err != nil {
		j.stop(err)
	}
	return j
}

// open locks the journal, and reads what earlier runs finished.
func (j *runJournal) open() (*journal.Log[runHeader, runEntry], error) {
	log, err := journal.Open[runHeader, runEntry](j.dir, j.name)
	if err != nil {
		return nil, err
	}
	if h, ok := log.Header(); !ok || h.Version != journalVersion {
		j.header.Began = time.Now().UTC().Truncate(time.Second)
		if err := log.Begin(j.header); err != nil {
			return nil, errors.Join(err, log.Close())
		}
	}
	for _, e := range log.Entries() {
		j.earlier = append(j.earlier, e.Finished)
	}
	slices.SortFunc(j.earlier, func(a, b finished) int { return bytes.Compare(a[:], b[:]) })
	return log, nil
}

// stop ends recording. If another process does the same run, this one records nothing from the start.
func (j *runJournal) stop(err error) {
	j.stopped = true
	if busy := (*journal.BusyError)(nil); !errors.As(err, &busy) {
		j.warning = fmt.Errorf("what is finished cannot be recorded, so that an interrupted run would do it again: %w", err)
	}
}

// add records what is finished.
func (j *runJournal) add(f finished) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.log == nil || j.stopped {
		return
	}
	if err := j.log.Append(runEntry{f}); err != nil {
		j.stop(err)
		return
	}
	j.added = true
}

// resumes reports whether an interrupted run finished anything.
func (j *runJournal) resumes() bool { return j != nil && len(j.earlier) > 0 }

// has reports whether an interrupted run finished it.
func (j *runJournal) has(f finished) bool {
	_, ok := slices.BinarySearchFunc(j.earlier, f, func(a, b finished) int { return bytes.Compare(a[:], b[:]) })
	return ok
}

// end keeps the journal for the next run, or removes it after a run that left nothing to do.
func (j *runJournal) end(done bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.log == nil:
		return nil
	case done, !j.added && len(j.earlier) == 0:
		return j.log.Forget()
	}
	return j.log.Close()
}

// fileState identifies the state of a local file.
func fileState(path string) (localfile.Fingerprint, string, error) {
	p, err := localfile.PrintOf(path)
	return p, fmt.Sprintf("%d %d %d", p.Size, p.MTime, p.Inode), err
}

// objectState identifies the state of an object; empty if that is not known.
func objectState(o store.Object, size int64) string {
	if o.ETag == "" {
		return ""
	}
	return fmt.Sprintf("%d %s", size, o.ETag)
}

// quoted keeps names that are not UTF-8 distinct.
func quoted(name string) string { return fmt.Sprintf("%q", name) }

// recordDone records a job that is done. One that is not verified is done again.
func (w *jobBuilder) recordDone(j job, r haul.Result) {
	if !r.Proof.Verified {
		return
	}
	var source, target string
	var err error
	e := j.entry
	switch w.kind {
	case Upload:
		var p localfile.Fingerprint
		p, source, err = fileState(e.Path)
		if p.Size != r.Size || p.MTime != localfile.Nanoseconds(r.Modified) {
			return // it has changed since
		}
		target = objectState(r.Object, r.Size)
	case Download:
		source = objectState(r.Object, r.Size)
		_, target, err = fileState(j.target)
	default:
		source, target = objectState(e.Object, e.Size), objectState(r.Object, r.Size)
	}
	if err == nil && source != "" && target != "" {
		w.journal.add(finishedAs(quoted(j.source), source, quoted(j.target), target))
	}
}

// whyFinished is why a job that an interrupted run has done is left out.
const whyFinished = "an earlier run finished it"

// resume makes a job check first whether an interrupted run has done it.
func (w *jobBuilder) resume(j *job) {
	if w.journal != nil && !w.o.Move {
		j.onDone = w.recordDone
	}
	digests := len(w.o.Transfer.Digests) > 0 && w.o.Verify == nil // an event has to report them
	if !w.journal.resumes() || j.err != nil || j.skip != nil || j.decide != nil || w.o.Move || digests {
		return
	}
	before := *j
	j.decide = func(ctx context.Context) (bool, string, error) {
		done, err := w.finishedBefore(ctx, before)
		return !done, whyFinished, err
	}
	j.verify = w.verifyUnchanged(*j, w.standingEntry(*j), true)
}

// finishedBefore reports whether an interrupted run has done a job, and both ends are still as it left them. After an error the job
// counts as not done, and the transfer reports the error.
func (w *jobBuilder) finishedBefore(ctx context.Context, j job) (bool, error) {
	var source, target string
	var err error
	e := j.entry
	if e.Path != "" {
		_, source, err = fileState(e.Path)
	} else {
		source = objectState(e.Object, e.Size)
		if source == "" && w.kind == Download { // a list names it
			var obj store.Object
			obj, err = w.from.in(w.c).Store().Head(ctx, store.GetRequest{Ref: e.Object.Ref, Attrs: &w.o.Transfer.Attrs})
			source = objectState(obj, obj.Size)
		}
	}
	if err != nil || source == "" {
		return false, ctx.Err()
	}
	if target, err = w.targetState(ctx, j); err != nil || target == "" {
		return false, ctx.Err()
	}
	return w.journal.has(finishedAs(quoted(j.source), source, quoted(j.target), target)), nil
}

// targetState is the state of a job's target now.
func (w *jobBuilder) targetState(ctx context.Context, j job) (string, error) {
	if w.kind == Download {
		_, state, err := fileState(j.target)
		return state, err
	}
	obj, err := w.c.Store().Head(ctx, store.GetRequest{Ref: w.targetRef(j.entry), Attrs: &w.o.Transfer.Attrs})
	return objectState(obj, obj.Size), err
}

// movedAs returns the hash of a move whose target is verified, and whose source is about to be deleted, so that only the target is
// left to compare.
func movedAs(target, state string) finished { return finishedAs("moved", quoted(target), state) }

// moved records a move before its source is deleted.
func (j *runJournal) moved(to End, r haul.Result) {
	if j == nil {
		return
	}
	state := objectState(r.Object, r.Size)
	if to.Path != "" {
		var err error
		if _, state, err = fileState(to.Path); err != nil {
			return
		}
	}
	if state != "" {
		j.add(movedAs(to.String(), state))
	}
}

// movedBefore reports whether an interrupted run has moved the source of a move that ended with err because the source is missing.
func (j *runJournal) movedBefore(ctx context.Context, c *haul.Client, to End, a *store.Attrs, err error) (haul.Result, bool) {
	if !j.resumes() || !errors.Is(err, fs.ErrNotExist) && store.KindOf(err) != store.NotFound {
		return haul.Result{}, false
	}
	r := haul.Result{Proof: haul.Proof{Verified: true, Text: "an earlier run moved and verified it"}}
	var state string
	if to.Path != "" {
		var p localfile.Fingerprint
		p, state, err = fileState(to.Path)
		r.Size = p.Size
	} else {
		r.Object, err = c.Store().Head(ctx, store.GetRequest{Ref: to.Ref, Attrs: a})
		r.Size = r.Object.Size
		state = objectState(r.Object, r.Size)
	}
	return r, err == nil && state != "" && j.has(movedAs(to.String(), state))
}

// moveOne moves one object of many.
func (w *jobBuilder) moveOne(ctx context.Context, e Entry, from, to End, t TransferOptions) (haul.Result, error) {
	r, err := mover{c: w.c, t: t, journal: w.journal}.move(ctx, from, e.Object, to)
	if err != nil {
		if before, ok := w.journal.movedBefore(ctx, w.c, to, &t.Attrs, err); ok {
			return before, nil
		}
	}
	return r, err
}
