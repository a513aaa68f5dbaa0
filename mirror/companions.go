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

// Companion files in transfers: data before its index, manifests after all data, markers last.
//
//	an index follows its data in the same goroutine, if that is in the run; x.bai, which is found before x.bam, waits for it
//	manifests and markers wait in a spool until the other transfers are done
//	a marker is not sent if anything failed or was skipped
//	a downloaded index is made newer than its data, if it is not

// companionQueue puts each index behind its data. What mu does not guard belongs to the goroutine that finds jobs.
type companionQueue struct {
	r       *run
	yield   func(job) bool
	waiting []waitingIndex // indexes whose data may still come
	prev    string
	mixed   bool // names came out of order

	mu     sync.Mutex
	byData map[string]*companions // of data that waits or is under way
	failed []failedData           // the latest
}

// waitingIndex is an index that waits for one of data, of which last is the greatest.
type waitingIndex struct {
	job
	data []string
	last string
}

// companions are the indexes that follow a job of data; mu of the companionQueue guards them.
type companions struct {
	name    string
	indexes []job
}

// failedData is data that was not transferred.
type failedData struct {
	name string
	kind EventKind
}

// companionName is the name by which a job belongs to others: the path below the target, or the whole target of a plan's step.
func (j job) companionName() string {
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

// add takes the next job; it reports whether to continue.
func (l *companionQueue) add(j job) bool {
	name := j.companionName()
	if l.r.o.NoFamilies || name == "" {
		return l.yield(j)
	}
	l.mixed = l.mixed || name < l.prev
	l.prev = name
	if !l.release(func(h waitingIndex) bool { return !l.mixed && name > h.last }) {
		return false
	}
	switch l.r.o.role(name) {
	case seqfile.Index:
		return l.addIndex(newerThanData(l.r, j), name)
	case seqfile.Data:
		j.companions = &companions{name: name}
		l.waiting = slices.DeleteFunc(l.waiting, func(h waitingIndex) bool {
			if !slices.Contains(h.data, name) {
				return false
			}
			l.r.announce(h.job)
			j.companions.indexes = append(j.companions.indexes, h.job)
			return true
		})
		l.mu.Lock()
		l.byData[name] = j.companions
		l.mu.Unlock()
	}
	return l.yield(j)
}

// addIndex puts an index behind its data, keeps it if its data may still come, or yields it.
func (l *companionQueue) addIndex(j job, name string) bool {
	data := seqfile.DataOf(name)
	if l.attach(j, data) {
		return true
	}
	if l.shareFate(&j, data); j.err != nil || j.skip != nil {
		return l.yield(j)
	}
	last := slices.Max(data)
	if !l.mixed && name > last {
		return l.yield(j)
	}
	l.waiting = append(l.waiting, waitingIndex{j, data, last})
	if len(l.waiting) <= ahead {
		return true
	}
	first := l.waiting[0]
	l.waiting = l.waiting[1:]
	return l.yield(first.job)
}

// attach puts an index behind the first of data that waits or is being transferred.
func (l *companionQueue) attach(j job, data []string) bool {
	l.mu.Lock()
	var k *companions
	for _, name := range data {
		if k = l.byData[name]; k != nil {
			k.indexes = append(k.indexes, j)
			break
		}
	}
	l.mu.Unlock()
	if k != nil {
		l.r.announce(j)
	}
	return k != nil
}

// shareFate makes an index fail or be skipped like its data.
func (l *companionQueue) shareFate(j *job, data []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, gone := range l.failed {
		if slices.Contains(data, gone.name) {
			j.failWith(gone)
		}
	}
}

func (j *job) failWith(gone failedData) {
	why := fmt.Errorf("it is an index, and its data %s %s", gone.name, map[EventKind]string{Failed: "failed", Skipped: "was skipped"}[gone.kind])
	if gone.kind == Skipped {
		j.skip = why
	} else {
		j.err = why
	}
}

// release yields the indexes whose data will not come.
func (l *companionQueue) release(over func(waitingIndex) bool) bool {
	on := true
	l.waiting = slices.DeleteFunc(l.waiting, func(h waitingIndex) bool {
		if !on || !over(h) {
			return false
		}
		on = l.yield(h.job)
		return true
	})
	return on
}

// releaseAll yields all that wait.
func (l *companionQueue) releaseAll() { l.release(func(waitingIndex) bool { return true }) }

// do does a job, and then the indexes behind it.
func (l *companionQueue) do(ctx context.Context, end context.CancelCauseFunc, j job) {
	kind := l.r.do(ctx, end, j)
	for j.companions != nil && kind != postponed {
		next, ok := l.next(j.companions, kind)
		if !ok {
			return
		}
		l.r.do(ctx, end, next)
	}
}

// next returns the next index behind a job that is done. Once there is none, no more can be attached.
func (l *companionQueue) next(k *companions, kind EventKind) (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := failedData{k.name, kind}
	bad := kind == Failed || kind == Skipped
	if len(k.indexes) > 0 {
		j := k.indexes[0]
		k.indexes = k.indexes[1:]
		if bad {
			j.failWith(gone)
		}
		return j, true
	}
	if l.byData[k.name] == k {
		delete(l.byData, k.name)
	}
	if bad {
		l.failed = append(l.failed, gone)
		l.failed = l.failed[max(0, len(l.failed)-ahead):]
	}
	return job{}, false
}

// indexAfterData is how much newer an index becomes than its data: what every file system distinguishes, and htslib, which counts
// seconds.
const indexAfterData = time.Second

// newerThanData makes a downloaded index newer than its data: htslib warns if it is older.
func newerThanData(r *run, j job) job {
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

// NewerThanData makes an index newer than the data beside it, by setting its modification time, if it is not already newer.
// Other files stay as they are. With a root, which must have an absolute name, nothing outside it is touched; nil means no
// restriction.
func NewerThanData(root *os.Root, path string) error {
	data, ok := dataTime(path)
	if !ok {
		return nil
	}
	fi, err := os.Stat(path)
	if err != nil || fi.ModTime().After(data) {
		return err
	}
	return localfile.Below{Root: root}.SetTime(path, data.Add(indexAfterData))
}

// dataTime returns the time of the data beside an index.
func dataTime(path string) (time.Time, bool) {
	for _, name := range seqfile.DataOf(filepath.ToSlash(path)) {
		if fi, err := os.Stat(filepath.FromSlash(name)); err == nil && fi.Mode().IsRegular() {
			return fi.ModTime(), true
		}
	}
	return time.Time{}, false
}

// madeNewer reports whether a downloaded index is newer than its object only because an earlier run made it newer than its data; some
// file systems store only every second second.
func (s *syncing) madeNewer(a Action) bool {
	from, to := a.Source, a.Target
	if s.kind != Download || s.o.NoFamilies || to.Rel == "" || to.Why != nil || from.Size != to.Size || !to.Modified.After(from.Modified) ||
		seqfile.RoleOf(to.Rel) != seqfile.Index {
		return false
	}
	data, ok := dataTime(filepath.Join(s.places.root, filepath.FromSlash(to.Rel)))
	return ok && to.Modified.After(data) && to.Modified.Sub(data) <= 2*indexAfterData
}

const whyMadeNewer = "size fits, and the time is the one after that of its data"

// reportIncomplete reports missing companions of the selected files in a tree.
func (r *run) reportIncomplete(root End, s Select, tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	if r.o.NoFamilies || s.Pattern != "" {
		return tree
	}
	return func(yield func(Entry, error) bool) {
		abs := root.absolute()
		w := seqfile.Watch{Report: func(g seqfile.Gap) {
			if s.means(abs, g.Name) {
				r.emit(Event{Kind: Incomplete, Why: g.Text, Source: root.name(g.Name)})
			}
		}}
		for e, err := range tree {
			if err == nil && e.Why == nil && !e.isFolderObject() {
				w.Add(e.Rel)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		w.End()
	}
}

// name is the path or address, in events, of something below the end.
func (e End) name(rel string) string {
	if e.Path != "" {
		return filepath.Join(e.Path, filepath.FromSlash(rel))
	}
	return store.Ref{Bucket: e.Ref.Bucket, Key: e.Ref.Key + rel}.String()
}
