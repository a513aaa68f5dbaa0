package mirror

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/store"
)

// Families in transfers: data before its index, manifests after all data, markers last of all.
//
//	an index goes behind its data in the same goroutine, where that is in the run; x.bai, which comes before x.bam, waits for it
//	manifests and markers wait in a spool until the other transfers are done
//	a marker is not sent where anything failed or was skipped
//	on the way down an index becomes newer than its data, where it would not be

// companionQueue puts an index behind its data. All but what mu guards belongs to who finds.
type companionQueue struct {
	r     *run
	yield func(job) bool
	held  []heldIndex // indexes whose data may still come
	prev  string
	mixed bool // names came out of order

	mu   sync.Mutex
	kin  map[string]*companions // of data that waits or is under way
	lost []lostData             // the latest
}

// heldIndex is an index that waits for one of data, of which last is the greatest.
type heldIndex struct {
	job
	data []string
	last string
}

// companions is what goes behind a job of data; mu of the companionQueue guards it.
type companions struct {
	name string
	then []job
}

// lostData is data that did not move.
type lostData struct {
	name string
	kind EventKind
}

// family is the name by which a job belongs to others: the path below the target, or the whole target of a plan's step.
func (j job) family() string {
	switch {
	case j.deletes:
		return ""
	case j.entry.to != "":
		return j.entry.to
	case j.entry.Rel != "":
		return j.entry.Rel
	}
	return filepath.ToSlash(j.target)
}

// add takes the next job; it reports whether to go on.
func (l *companionQueue) add(j job) bool {
	name := j.family()
	if l.r.o.NoFamilies || name == "" {
		return l.yield(j)
	}
	l.mixed = l.mixed || name < l.prev
	l.prev = name
	if !l.release(func(h heldIndex) bool { return !l.mixed && name > h.last }) {
		return false
	}
	switch l.r.o.role(name) {
	case seqfile.Index:
		return l.index(withTime(l.r, j), name)
	case seqfile.Data:
		j.kin = &companions{name: name}
		l.held = slices.DeleteFunc(l.held, func(h heldIndex) bool {
			if !slices.Contains(h.data, name) {
				return false
			}
			l.r.announce(h.job)
			j.kin.then = append(j.kin.then, h.job)
			return true
		})
		l.mu.Lock()
		l.kin[name] = j.kin
		l.mu.Unlock()
	}
	return l.yield(j)
}

// index puts an index behind its data, holds it where that may still come, or lets it go.
func (l *companionQueue) index(j job, name string) bool {
	data := seqfile.DataOf(name)
	if l.join(j, data) {
		return true
	}
	if l.lostOne(&j, data); j.err != nil || j.skip != nil {
		return l.yield(j)
	}
	last := slices.Max(data)
	if !l.mixed && name > last {
		return l.yield(j)
	}
	l.held = append(l.held, heldIndex{j, data, last})
	if len(l.held) <= ahead {
		return true
	}
	first := l.held[0]
	l.held = l.held[1:]
	return l.yield(first.job)
}

// join puts an index behind the first of data that waits or is under way.
func (l *companionQueue) join(j job, data []string) bool {
	l.mu.Lock()
	var k *companions
	for _, name := range data {
		if k = l.kin[name]; k != nil {
			k.then = append(k.then, j)
			break
		}
	}
	l.mu.Unlock()
	if k != nil {
		l.r.announce(j)
	}
	return k != nil
}

// lostOne lets an index share what became of its data, where that did not move.
func (l *companionQueue) lostOne(j *job, data []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gone := range l.lost {
		if slices.Contains(data, gone.name) {
			j.share(gone)
		}
	}
}

func (j *job) share(gone lostData) {
	why := fmt.Errorf("it is an index, and its data %s %s", gone.name, map[EventKind]string{Failed: "failed", Skipped: "was skipped"}[gone.kind])
	if gone.kind == Skipped {
		j.skip = why
	} else {
		j.err = why
	}
}

// release lets those go whose data comes no more.
func (l *companionQueue) release(over func(heldIndex) bool) bool {
	on := true
	l.held = slices.DeleteFunc(l.held, func(h heldIndex) bool {
		if !on || !over(h) {
			return false
		}
		on = l.yield(h.job)
		return true
	})
	return on
}

// end lets all go that is held.
func (l *companionQueue) end() { l.release(func(heldIndex) bool { return true }) }

// do does a job, and then what is behind it.
func (l *companionQueue) do(ctx context.Context, end context.CancelCauseFunc, j job) {
	kind := l.r.do(ctx, end, j)
	for j.kin != nil && kind != postponed {
		next, ok := l.next(j.kin, kind)
		if !ok {
			return
		}
		l.r.do(ctx, end, next)
	}
}

// next gives what is behind a job that is done; where there is no more, nothing can come behind it any longer.
func (l *companionQueue) next(k *companions, kind EventKind) (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := lostData{k.name, kind}
	bad := kind == Failed || kind == Skipped
	if len(k.then) > 0 {
		j := k.then[0]
		k.then = k.then[1:]
		if bad {
			j.share(gone)
		}
		return j, true
	}
	if l.kin[k.name] == k {
		delete(l.kin, k.name)
	}
	if bad {
		l.lost = append(l.lost, gone)
		l.lost = l.lost[max(0, len(l.lost)-ahead):]
	}
	return job{}, false
}

// afterData is how much newer an index becomes than its data: what every file system and htslib, which counts seconds, tells apart.
const afterData = time.Second

// withTime lets an index that comes down be newer than its data: htslib warns where it is older.
func withTime(r *run, j job) job {
	if j.move == nil || strings.HasPrefix(j.target, scheme) {
		return j
	}
	move := j.move
	j.move = func(ctx context.Context) (haul.Result, error) {
		got, err := move(ctx)
		if err != nil {
			return got, err
		}
		if terr := NewerThanData(r.root, j.target); terr != nil {
			r.emit(Event{Kind: Warned, Verb: j.verb, Source: j.source, Target: j.target, Entry: j.entry, Err: terr})
		}
		return got, nil
	}
	return j
}

// NewerThanData gives an index a time after that of the data that lies beside it, where it has none. What is no index stays as it is.
// With a root, which has an absolute name, nothing outside of it is touched; nil is anywhere.
func NewerThanData(root *os.Root, path string) error {
	data, ok := dataOf(path)
	if !ok {
		return nil
	}
	fi, err := os.Stat(path)
	if err != nil || fi.ModTime().After(data) {
		return err
	}
	return localfile.Below{Root: root}.SetTime(path, data.Add(afterData))
}

// dataOf gives the time of the data that lies beside an index.
func dataOf(path string) (time.Time, bool) {
	for _, name := range seqfile.DataOf(filepath.ToSlash(path)) {
		if fi, err := os.Stat(filepath.FromSlash(name)); err == nil && fi.Mode().IsRegular() {
			return fi.ModTime(), true
		}
	}
	return time.Time{}, false
}

// ours reports whether the file that an index came down to is newer than its object only since an earlier run made it newer than its
// data; some file systems know only every second second.
func (s *syncing) ours(a Action) bool {
	from, to := a.Source, a.Target
	if s.kind != Download || s.o.NoFamilies || to.Rel == "" || to.Why != nil || from.Size != to.Size || !to.Modified.After(from.Modified) ||
		seqfile.RoleOf(to.Rel) != seqfile.Index {
		return false
	}
	data, ok := dataOf(filepath.Join(s.places.root, filepath.FromSlash(to.Rel)))
	return ok && to.Modified.After(data) && to.Modified.Sub(data) <= 2*afterData
}

const whyOurs = "size fits, and the time is the one after that of its data"

// watched tells of families in a tree that are not whole, as far as they are meant.
func (r *run) watched(root End, s Select, tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	if r.o.NoFamilies || s.Pattern != "" {
		return tree
	}
	return func(yield func(Entry, error) bool) {
		abs := root.absolute()
		w := seqfile.Watch{Tell: func(g seqfile.Gap) {
			if s.means(abs, g.Name) {
				r.emit(Event{Kind: Incomplete, Why: g.Text, Source: root.name(g.Name)})
			}
		}}
		for e, err := range tree {
			if err == nil && e.Why == nil && !e.isMark() {
				w.Add(e.Rel)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		w.End()
	}
}

// name is a path below an end as events have it.
func (e End) name(rel string) string {
	if e.Path != "" {
		return filepath.Join(e.Path, filepath.FromSlash(rel))
	}
	return store.Ref{Bucket: e.Ref.Bucket, Key: e.Ref.Key + rel}.String()
}
