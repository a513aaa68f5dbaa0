package seqfile

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Gap is a file whose companion files are incomplete. Text is a clause about it, such as "has no R2".
type Gap struct{ Name, Text string }

// Watch looks at names as they come, in order of their bytes, and reports which belong together and what is missing: it
// holds only those whose companion files may still come, and a little of each open folder. Its fields may be nil. If names
// come out of order it reports no gap.
//
// Data without an index, or an I1 without an I2, is a gap only if another of the kind has one in the folder. A number at
// the end of a name is that of a read only if the folder has just 1 and 2: x_0, x_1 and rep_1, rep_3 are not pairs. If a
// folder has no R2 at all, and several R1, that is reported once: they may be of single reads. If more than 4096 names
// would have to be held (R1 of so many, and then their R2), no gap is reported.
type Watch struct {
	// Report is called with a gap when its folder ends.
	Report func(Gap)
	// Settled is called once with each name, when its indexes are known, in order of the names that end the wait; an index
	// that has data is reported with it, and not by itself.
	Settled func(name string, indexes []string)

	prev    string
	mixed   bool // names came out of order
	waiting []*waiting
	folders []*folder
}

// waiting is a name whose companion files may still come.
type waiting struct {
	name, why string
	wants     []string
	deadline  string
	indexes   []string
	got       bool
	index     bool
	taken     bool // an index that has data
	series    seriesKey
	counts    bool // its number at the end is none of a read
}

// folder is what is kept of a folder.
type folder struct {
	dir     string // with its slash
	missing map[string]*gapCount
	has     map[string]bool
}

// gapCount counts the files of a folder that miss the same thing.
type gapCount struct {
	names []string // the first few
	n     int
}

const (
	maxNamed   = 10 // gaps of one kind are reported per folder
	maxWaiting = 4096
)

// Add adds the next name.
func (w *Watch) Add(name string) {
	w.mixed = w.mixed || name < w.prev || len(w.waiting) > maxWaiting
	w.prev = name
	w.retire(name)
	w.enter(name)
	index := RoleOf(name) == Index
	p := &waiting{name: name, index: index}
	if !w.mixed {
		p.wants, p.why = wants(name)
		p.deadline = last(p.wants)
		if !index {
			p.deadline = max(p.deadline, name+".tbi") // whatever it is, there may be an index of it
		}
		w.count123(p)
	}
	for _, q := range w.waiting {
		switch {
		case slices.Contains(q.wants, name):
			q.got, p.got = true, p.got || slices.Contains(p.wants, q.name)
			if index {
				q.join(p)
			} else if q.index {
				p.join(q)
			}
		case slices.Contains(p.wants, q.name): // it is not what q needs, as a second index is
			p.got = true
			if index {
				q.join(p)
			}
		}
	}
	w.waiting = append(w.waiting, p)
	if p.deadline <= name && p.taken { // it goes with its data
		w.waiting = w.waiting[:len(w.waiting)-1]
	}
}

// count123 lets names that differ only by a number decide for each other whether it is that of a read.
func (w *Watch) count123(p *waiting) {
	key, n, ok := seriesOf(p.name)
	if !ok {
		return
	}
	p.series, p.counts = key, n != "1" && n != "2"
	waits := false // one that counts, for what may still come
	for _, q := range w.waiting {
		if q.series == key && (q.counts || p.counts) {
			p.counts, q.counts = true, true
			waits = waits || q.deadline >= key.stem+"2"+key.end
		}
	}
	switch {
	case n == "1", n == "2":
		p.deadline = max(p.deadline, key.stem+"9"+key.end)
	case n < "2" && !waits:
		p.deadline = max(p.deadline, key.stem+"2"+key.end)
	}
}

// join assigns an index to data.
func (p *waiting) join(index *waiting) {
	if index.taken || p.index {
		return
	}
	index.taken = true
	p.indexes = append(p.indexes, index.name)
}

// End settles all names that wait.
func (w *Watch) End() {
	w.retireAll(func(*waiting) bool { return true })
	w.leave(0)
}

// retire settles names for which nothing more can come.
func (w *Watch) retire(name string) {
	w.retireAll(func(p *waiting) bool { return p.deadline < name })
}

func (w *Watch) retireAll(over func(*waiting) bool) {
	w.waiting = slices.DeleteFunc(w.waiting, func(p *waiting) bool {
		if !over(p) {
			return false
		}
		w.count(p)
		if w.Settled != nil && !p.taken {
			w.Settled(p.name, p.indexes)
		}
		return true
	})
}

// count records in the folder what is missing.
func (w *Watch) count(p *waiting) {
	if len(p.wants) == 0 || p.counts || w.Report == nil {
		return
	}
	dir, _ := path.Split(p.name)
	i := slices.IndexFunc(w.folders, func(f *folder) bool { return f.dir == dir })
	if i < 0 {
		return
	}
	f, sort := w.folders[i], p.why
	if sort == indexWord {
		sort = string(KindOf(p.name))
	}
	if p.got {
		f.has[sort] = true
		return
	}
	l := f.missing[sort]
	if l == nil {
		l = &gapCount{}
		f.missing[sort] = l
	}
	if l.n++; len(l.names) < maxNamed {
		l.names = append(l.names, p.name)
	}
}

// enter leaves the folders that name is not in, and enters its own.
func (w *Watch) enter(name string) {
	for i, f := range w.folders {
		if !strings.HasPrefix(name, f.dir) {
			w.leave(i)
			break
		}
	}
	dir, _ := path.Split(name)
	if n := len(w.folders); n == 0 || w.folders[n-1].dir != dir {
		w.folders = append(w.folders, &folder{dir: dir, missing: map[string]*gapCount{}, has: map[string]bool{}})
	}
}

// leave reports on the folders from the i-th on.
func (w *Watch) leave(i int) {
	for _, f := range w.folders[i:] {
		if !w.mixed && w.Report != nil {
			f.report(w.Report)
		}
	}
	w.folders = w.folders[:i]
}

func (f *folder) report(report func(Gap)) {
	for _, sort := range []string{"R2", "R1", "I1", "I2", dataWord, string(BAM), string(CRAM), string(VCFGz), string(BCF), string(FASTA), string(FASTAGz)} {
		l := f.missing[sort]
		if l == nil {
			continue
		}
		text := "has no " + sort
		switch sort {
		case "R2":
			if l.n > 1 && !f.has["R2"] && !f.has["R1"] {
				report(Gap{l.names[0], fmt.Sprintf("has no R2, like all %d R1 in its folder (single reads?)", l.n)})
				continue
			}
		case "R1", "I1":
		case dataWord:
			text = "is an index whose data is missing"
		case "I2":
			if !f.has[sort] {
				continue
			}
			text = "has no I2, but others in its folder do"
		default:
			if !f.has[sort] {
				continue
			}
			text = "has no index, but others in its folder do"
		}
		for _, name := range l.names {
			report(Gap{name, text})
		}
		if more := l.n - len(l.names); more > 0 {
			report(Gap{l.names[0], fmt.Sprintf("%s, like %d more in its folder", text, more+len(l.names)-1)})
		}
	}
}
