// Package quickcheck looks at the files of the field, in a folder or below a prefix, and reports which are not what their names say,
// or not whole, and which families lack something.
//
//	for each family of mirror.Entries (seqfile.Watch): read the beginning and the end of its data, and of each index
//	    (seqfile.Check), a few kilobytes by range, many files at once
//	compare each index with its data: is it of this data, and newer?
//	tell of each file, in the order in which families end
//
// Its memory does not grow with the number of files. It reads no file as a whole, so it does not promise that the bytes between are
// right: haul verify does.
package quickcheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Grade is the judgement of one file.
type Grade string

// The grades.
const (
	OK   Grade = "ok"
	Warn Grade = "warn" // worth a look
	Bad  Grade = "bad"  // not what its name says, or not whole
	// Unreadable is a file, or a folder, of which nothing is known since it cannot be read.
	Unreadable Grade = "unreadable"
	Other      Grade = "other" // its name is none that is known, and it was not looked at
)

// Report is what was found of one file.
type Report struct {
	Name     string // a path or an s3:// address
	Kind     seqfile.Kind
	Grade    Grade
	Size     int64
	Findings []seqfile.Finding
	// Gap reports that this is about what the file lacks beside it; of the file itself another report tells.
	Gap bool
	// Unsure says of a good one why nothing is known of its end; empty where it was judged.
	Unsure string
}

// Options are the choices for a run. The zero value is as strict as samtools quickcheck.
type Options struct {
	Content seqfile.Options
	Filter  mirror.Filter
	// Attrs travel with the requests.
	Attrs store.Attrs
}

// Counts tell how far a run is.
type Counts struct {
	OK, Warn, Bad, Unreadable, Other int
	// Unsure counts those that are OK as far as their ends tell, which is little.
	Unsure int
	// Gaps counts files that lack another: R1 without R2, data without index, and the other way round.
	Gaps int
	Size int64 // of what was looked at, in bytes
}

// atOnce is how many families are looked at side by side; the client's lanes bound the requests.
const atOnce = 64

// Run looks at what is in a folder or below a prefix, or at one file or object where one is true, and tells of each, in one
// goroutine. The client may be nil for a folder. The error is what ended the run early; what is wrong with a file is no error.
func Run(ctx context.Context, c *haul.Client, at mirror.End, o Options, tell func(Report, Counts)) error {
	r := &run{c: c, o: o, at: at, entries: map[string]mirror.Entry{}}
	var counts Counts
	g, gctx := errgroup.WithContext(ctx)
	work, wctx := errgroup.WithContext(gctx)
	work.SetLimit(atOnce)
	queue := make(chan *family, 2*atOnce)
	g.Go(func() error {
		defer close(queue)
		err := r.find(wctx, func(f *family) bool {
			select {
			case queue <- f:
			case <-wctx.Done():
				return false
			}
			work.Go(func() error {
				defer close(f.done)
				return r.look(wctx, f)
			})
			return true
		})
		return cmp.Or(work.Wait(), err)
	})
	g.Go(func() error {
		for f := range queue {
			select {
			case <-f.done:
			case <-gctx.Done():
				return nil
			}
			for _, report := range f.reports {
				counts.add(report)
				tell(report, counts)
			}
		}
		return nil
	})
	err := g.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// Plus adds up.
func (c Counts) Plus(d Counts) Counts {
	return Counts{OK: c.OK + d.OK, Warn: c.Warn + d.Warn, Bad: c.Bad + d.Bad, Unreadable: c.Unreadable + d.Unreadable,
		Other: c.Other + d.Other, Unsure: c.Unsure + d.Unsure, Gaps: c.Gaps + d.Gaps, Size: c.Size + d.Size}
}

func (c *Counts) add(r Report) {
	if r.Unsure != "" {
		c.Unsure++
	}
	switch {
	case r.Gap:
		c.Gaps++
	case r.Grade == OK:
		c.OK++
	case r.Grade == Warn:
		c.Warn++
	case r.Grade == Bad:
		c.Bad++
	case r.Grade == Unreadable:
		c.Unreadable++
		return
	default:
		c.Other++
		return
	}
	c.Size += r.Size
}

// run is one Run.
type run struct {
	c  *haul.Client
	o  Options
	at mirror.End
	// entries are those whose families may still come; of the goroutine that finds.
	entries map[string]mirror.Entry
	// beside are FASTQ files beside the one that is looked at, which are not looked at themselves.
	beside []string
	alone  bool // one file is looked at
}

// family is data with its indexes, or a file without; or only something to tell.
type family struct {
	data    mirror.Entry
	indexes []mirror.Entry
	reports []Report
	done    chan struct{}
}

// find yields families as they are known to be complete.
func (r *run) find(ctx context.Context, yield func(*family) bool) error {
	on := true
	w := seqfile.Watch{
		Tell: func(g seqfile.Gap) {
			if !on || !r.means(g.Name) {
				return
			}
			kind := seqfile.KindOf(g.Name)
			on = yield(&family{reports: []Report{{Name: r.name(g.Name), Kind: kind, Grade: Warn, Gap: true, Findings: []seqfile.Finding{{Text: "it " + g.Text}}}}, done: make(chan struct{})})
		},
		Settled: func(name string, indexes []string) {
			f := &family{data: r.take(name), done: make(chan struct{})}
			if slices.Contains(r.beside, name) {
				return
			}
			for _, index := range indexes {
				f.indexes = append(f.indexes, r.take(index))
			}
			on = on && yield(f)
		},
	}
	entries, err := r.tree(ctx)
	if err != nil {
		return err
	}
	for e, err := range entries {
		if err != nil {
			return err
		}
		if e.Partial {
			if on = !r.means(e.Rel) || yield(r.unread(e)); !on {
				return nil
			}
			continue
		}
		r.entries[e.Rel] = e
		if w.Add(e.Rel); !on {
			return nil
		}
	}
	w.End()
	return nil
}

// unread is a folder that cannot be read, or not all of it.
func (r *run) unread(e mirror.Entry) *family {
	text := fmt.Sprintf("what is in it is not known: %v", e.Why)
	return &family{reports: []Report{{Name: r.name(e.Rel), Kind: "folder", Grade: Unreadable, Findings: []seqfile.Finding{{Text: text}}}}, done: make(chan struct{})}
}

// tree gives what is below the root; or, where that is one file or object, it and what belongs to it.
func (r *run) tree(ctx context.Context) (iter.Seq2[mirror.Entry, error], error) {
	e, err := r.stat(ctx, "")
	switch {
	case err != nil:
		return nil, err
	case e != nil:
		return r.around(ctx, *e), nil
	}
	o := mirror.Options{NoFamilies: true, Transfer: mirror.TransferOptions{Attrs: r.o.Attrs}, PageSize: r.o.Attrs.PageSize}
	return mirror.Entries(ctx, r.c, r.at, o), nil
}

// stat looks for one file or object: the root, or one beside it; nil where there is none.
func (r *run) stat(ctx context.Context, base string) (*mirror.Entry, error) {
	if r.at.Path != "" {
		name := r.at.Path
		if base != "" {
			name = filepath.Join(filepath.Dir(name), base)
		}
		fi, err := os.Stat(name)
		if base != "" && err != nil || err == nil && fi.IsDir() {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return &mirror.Entry{Rel: filepath.Base(name), Path: name, Size: fi.Size(), Modified: fi.ModTime()}, nil
	}
	ref := r.at.Ref
	if base != "" {
		ref.Key = path.Join(path.Dir(ref.Key), base)
	}
	if ref.Key == "" || strings.HasSuffix(ref.Key, "/") {
		return nil, nil
	}
	obj, err := r.c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &r.o.Attrs})
	if errors.Is(err, store.NotFound) {
		return nil, nil
	}
	return &mirror.Entry{Rel: path.Base(ref.Key), Object: obj, Size: obj.Size, Modified: obj.Modified}, err
}

// around gives a file with its indexes, its data or its mate, as far as they are there.
func (r *run) around(ctx context.Context, e mirror.Entry) iter.Seq2[mirror.Entry, error] {
	r.alone = true
	mate, _ := seqfile.Mate(e.Rel)
	names := slices.Concat(seqfile.IndexesOf(e.Rel), seqfile.DataOf(e.Rel))
	if mate != "" {
		r.beside = append(seqfile.Series(e.Rel), mate)
		names = append(names, r.beside...)
	}
	return func(yield func(mirror.Entry, error) bool) {
		all := []mirror.Entry{e}
		for _, name := range names {
			beside, err := r.stat(ctx, name)
			if err != nil {
				yield(mirror.Entry{}, err)
				return
			}
			if beside != nil {
				all = append(all, *beside)
			}
		}
		slices.SortFunc(all, func(a, b mirror.Entry) int { return cmp.Compare(a.Rel, b.Rel) })
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

func (r *run) take(name string) mirror.Entry {
	e := r.entries[name]
	delete(r.entries, name)
	return e
}

func (r *run) means(rel string) bool { return r.o.Filter.Wants("", rel) }

// meansAny reports whether any file of a family is meant.
func (r *run) meansAny(f *family) bool {
	return r.means(f.data.Rel) || slices.ContainsFunc(f.indexes, func(e mirror.Entry) bool { return r.means(e.Rel) })
}

// name is a path below the root as reports have it.
func (r *run) name(rel string) string {
	root := r.at
	if r.alone {
		root = mirror.End{Ref: store.Ref{Bucket: root.Ref.Bucket, Key: root.Ref.Key[:strings.LastIndexByte(root.Ref.Key, '/')+1]}}
		if r.at.Path != "" {
			root.Path = filepath.Dir(r.at.Path)
		}
	}
	if root.Path != "" {
		return filepath.Join(root.Path, filepath.FromSlash(rel))
	}
	return store.Ref{Bucket: root.Ref.Bucket, Key: folder(root.Ref.Key) + rel}.String()
}

func folder(key string) string {
	if key == "" || key[len(key)-1] == '/' {
		return key
	}
	return key + "/"
}

// look makes the reports of a family. An error ends the run.
func (r *run) look(ctx context.Context, f *family) error {
	if f.reports != nil || !r.meansAny(f) {
		return nil
	}
	data, err := r.one(ctx, f.data)
	if err != nil {
		return err
	}
	reports := []Report{data.report}
	for _, e := range f.indexes {
		index, err := r.one(ctx, e)
		if err != nil {
			return err
		}
		if index.read && data.read {
			index.report.add(seqfile.Belongs(index.content, data.content)...)
		}
		if text := older(index, data); text != "" {
			index.report.add(seqfile.Finding{Text: text})
		}
		reports = append(reports, index.report)
	}
	for i, e := range append([]mirror.Entry{f.data}, f.indexes...) {
		if r.means(e.Rel) {
			f.reports = append(f.reports, reports[i])
		}
	}
	return nil
}
