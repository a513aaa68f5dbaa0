// Package quickcheck checks sequencing files in a folder or below a prefix: it reports files that are truncated, damaged or not what
// their names say, and files whose companions are missing.
//
//	for each group of companion files in mirror.Entries (seqfile.Watch): read the beginning and the end of its data and of each
//	    index (seqfile.Check), a few kilobytes by range, many files at once
//	compare each index with its data: does it belong to it, and is it newer?
//	report each file, in the order in which the groups are complete
//
// Its memory does not grow with the number of files. It does not read whole files, so it does not promise that the bytes in between
// are right: haul verify does.
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

// Grade is the result for one file.
type Grade string

// The grades.
const (
	OK   Grade = "ok"
	Warn Grade = "warn" // suspicious
	Bad  Grade = "bad"  // truncated, damaged, or not what its name says
	// Unreadable is a file or folder that cannot be read.
	Unreadable Grade = "unreadable"
	Other      Grade = "other" // its kind is unknown, and it was not read
)

// Report is the result for one file.
type Report struct {
	Name     string // a path or an s3:// address
	Kind     seqfile.Kind
	Grade    Grade
	Size     int64
	Findings []seqfile.Finding
	// Gap: the report is about a missing companion; another report is about the file itself.
	Gap bool
	// Unsure is why the end of an OK file cannot be checked; empty if it was.
	Unsure string
}

// Options are the options of a run.
type Options struct {
	Content seqfile.Options
	Filter  mirror.Filter
	// Attrs are sent with the requests.
	Attrs store.Attrs
}

// Counts are the progress of a run.
type Counts struct {
	OK, Warn, Bad, Unreadable, Other int
	// Unsure counts OK files whose end cannot be checked.
	Unsure int
	// Gaps counts files with a missing companion: R1 without R2, data without index, and the reverse.
	Gaps int
	Size int64 // of the checked files, in bytes
}

// atOnce is how many groups are checked at once; the client's connections bound the requests.
const atOnce = 64

// Run checks what is in a folder or below a prefix, or a single file or object, and calls report with each finding, in one goroutine.
// The client may be nil for a folder. The error is what ended the run early; what is wrong with a file is in its report.
func Run(ctx context.Context, c *haul.Client, at mirror.End, o Options, report func(Report, Counts)) error {
	r := &run{c: c, o: o, at: at, entries: map[string]mirror.Entry{}}
	var counts Counts
	g, gctx := errgroup.WithContext(ctx)
	work, wctx := errgroup.WithContext(gctx)
	work.SetLimit(atOnce)
	queue := make(chan *fileGroup, 2*atOnce)
	g.Go(func() error {
		defer close(queue)
		err := r.find(wctx, func(f *fileGroup) bool {
			select {
			case queue <- f:
			case <-wctx.Done():
				return false
			}
			work.Go(func() error {
				defer close(f.checked)
				return r.checkGroup(wctx, f)
			})
			return true
		})
		return cmp.Or(work.Wait(), err)
	})
	g.Go(func() error {
		for f := range queue {
			select {
			case <-f.checked:
			case <-gctx.Done():
				return nil
			}
			for _, one := range f.reports {
				counts.add(one)
				report(one, counts)
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
	// entries are those whose groups are not yet complete; for the goroutine that finds them.
	entries map[string]mirror.Entry
	// siblings are FASTQ files beside a single one, which are not checked themselves.
	siblings []string
	single   bool // a single file is checked
}

// fileGroup is data with its indexes, or a file without; or only a report.
type fileGroup struct {
	data    mirror.Entry
	indexes []mirror.Entry
	reports []Report
	checked chan struct{}
}

// find yields groups once they are complete.
func (r *run) find(ctx context.Context, yield func(*fileGroup) bool) error {
	on := true
	w := seqfile.Watch{
		Report: func(g seqfile.Gap) {
			if !on || !r.wants(g.Name) {
				return
			}
			kind := seqfile.KindOf(g.Name)
			on = yield(&fileGroup{reports: []Report{{Name: r.name(g.Name), Kind: kind, Grade: Warn, Gap: true, Findings: []seqfile.Finding{{Text: "it " + g.Text}}}}, checked: make(chan struct{})})
		},
		Settled: func(name string, indexes []string) {
			f := &fileGroup{data: r.takeEntry(name), checked: make(chan struct{})}
			if slices.Contains(r.siblings, name) {
				return
			}
			for _, index := range indexes {
				f.indexes = append(f.indexes, r.takeEntry(index))
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
			if on = !r.wants(e.Rel) || yield(r.unread(e)); !on {
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

// unread reports a folder that cannot be read completely.
func (r *run) unread(e mirror.Entry) *fileGroup {
	text := fmt.Sprintf("it cannot be listed: %v", e.Why)
	return &fileGroup{reports: []Report{{Name: r.name(e.Rel), Kind: "folder", Grade: Unreadable, Findings: []seqfile.Finding{{Text: text}}}}, checked: make(chan struct{})}
}

// tree yields what is below the root or, if that is a single file or object, that and its companions.
func (r *run) tree(ctx context.Context) (iter.Seq2[mirror.Entry, error], error) {
	e, err := r.stat(ctx, "")
	switch {
	case err != nil:
		return nil, err
	case e != nil:
		return r.withCompanions(ctx, *e), nil
	}
	o := mirror.Options{NoFamilies: true, Transfer: mirror.TransferOptions{Attrs: r.o.Attrs}, PageSize: r.o.Attrs.PageSize}
	return mirror.Entries(ctx, r.c, r.at, o), nil
}

// stat looks for one file or object: the root, or one beside it; nil if there is none.
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

// withCompanions yields a file with its indexes, its data or its mate, if they exist.
func (r *run) withCompanions(ctx context.Context, e mirror.Entry) iter.Seq2[mirror.Entry, error] {
	r.single = true
	mate, _ := seqfile.Mate(e.Rel)
	names := slices.Concat(seqfile.IndexesOf(e.Rel), seqfile.DataOf(e.Rel))
	if mate != "" {
		r.siblings = append(seqfile.Series(e.Rel), mate)
		names = append(names, r.siblings...)
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

func (r *run) takeEntry(name string) mirror.Entry {
	e := r.entries[name]
	delete(r.entries, name)
	return e
}

func (r *run) wants(rel string) bool { return r.o.Filter.Wants("", rel) }

// wantsAny reports whether any file of a group is selected.
func (r *run) wantsAny(f *fileGroup) bool {
	return r.wants(f.data.Rel) || slices.ContainsFunc(f.indexes, func(e mirror.Entry) bool { return r.wants(e.Rel) })
}

// name is the path or address, in reports, of something below the root.
func (r *run) name(rel string) string {
	root := r.at
	if r.single {
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

// checkGroup makes the reports of a group. An error ends the run.
func (r *run) checkGroup(ctx context.Context, f *fileGroup) error {
	if f.reports != nil || !r.wantsAny(f) {
		return nil
	}
	data, err := r.checkFile(ctx, f.data)
	if err != nil {
		return err
	}
	reports := []Report{data.report}
	for _, e := range f.indexes {
		index, err := r.checkFile(ctx, e)
		if err != nil {
			return err
		}
		if index.read && data.read {
			index.report.add(seqfile.Belongs(index.content, data.content)...)
		}
		if text := olderText(index, data); text != "" {
			index.report.add(seqfile.Finding{Text: text})
		}
		reports = append(reports, index.report)
	}
	for i, e := range append([]mirror.Entry{f.data}, f.indexes...) {
		if r.wants(e.Rel) {
			f.reports = append(f.reports, reports[i])
		}
	}
	return nil
}
