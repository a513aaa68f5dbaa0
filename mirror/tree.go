package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"haul.example/haul"
	"haul.example/haul/store"
)

// selected yields the files or objects of the source that Select chooses.
func (r *run) selected(ctx context.Context, from End) iter.Seq2[Entry, error] {
	s := r.o.Select
	if s.Pairs != nil {
		return filtered(from, s, named(from, s.Pairs))
	}
	if s.Pattern != "" && !doublestar.ValidatePattern(s.Pattern) {
		return failing(fmt.Errorf("%w: %q is not a valid pattern", store.Invalid, s.Pattern))
	}
	if from.Path != "" {
		how := walkOptions{noFollow: s.NoFollow, info: true}
		if s.Pattern != "" {
			how.into = func(rel string) bool { return mayHold(s.Pattern, rel) }
		}
		return filtered(from, s, r.reportIncomplete(from, s, walked(from.Path, how)))
	}
	return filtered(from, s, r.reportIncomplete(from, s, outside(r.targetBelow, r.listed(ctx, from, s))))
}

// Entries yields the files or objects of an end that a run with these options would transfer, in order of the bytes of Rel;
// it lists up to a thousand ahead of the caller. Objects that stand for folders are left out. An error ends it; entries that
// were not yielded may still exist.
func Entries(ctx context.Context, c *haul.Client, from End, o Options) iter.Seq2[Entry, error] {
	r := newRun(c, o)
	return readAhead(ctx, func(ctx context.Context) iter.Seq2[Entry, error] {
		return withoutFolderObjects(r.selected(ctx, from.rooted()))
	})
}

// outside leaves out what is below a path; an empty one leaves out nothing.
func outside(below string, tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	if below == "" {
		return tree
	}
	return func(yield func(Entry, error) bool) {
		for e, err := range tree {
			if err == nil && strings.HasPrefix(e.Rel, below) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// failing is a tree that cannot be listed.
func failing(err error) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
}

// walked yields the files in a folder.
func walked(root string, how walkOptions) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		on := true
		err := walk(root, how, func(f found) bool {
			e := Entry{Rel: f.rel, Path: f.path, Why: f.why, Partial: f.partial, behind: f.behind}
			if f.info != nil {
				e.Size, e.Modified = f.info.Size(), f.info.ModTime()
			}
			on = yield(e, nil)
			return on
		})
		if err != nil && on {
			yield(Entry{}, err)
		}
	}
}

// listed yields the objects below a prefix. If there are none it is an error, since a store has no empty folders, unless the prefix
// is a whole bucket.
func (r *run) listed(ctx context.Context, end End, s Select) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		none, from := true, end.Ref
		attrs := store.Attrs{RequestPayer: r.o.Transfer.Attrs.RequestPayer, PageSize: r.o.PageSize}
		for obj, err := range end.in(r.c).List(ctx, from.Bucket, from.Key+cmp.Or(s.Start, fixed(s.Pattern)), &attrs) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			none = false
			if !yield(entryOf(from, obj), nil) {
				return
			}
		}
		if none && from.Key != "" && s.Pattern == "" && !s.EmptyOK {
			yield(Entry{}, &store.Error{
				Kind: store.NotFound, Op: "List", Ref: from, Err: errors.New("nothing is stored below it"),
				Hint: "check the spelling: s3://b/x means everything below s3://b/x/",
			})
		}
	}
}

func entryOf(root store.Ref, obj store.Object) Entry {
	return Entry{Rel: strings.TrimPrefix(obj.Key, root.Key), Object: obj, Size: obj.Size, Modified: obj.Modified}
}

// isFolderObject reports an object that stands for a folder.
func (e Entry) isFolderObject() bool {
	return e.Path == "" && e.Size == 0 && (e.Rel == "" || strings.HasSuffix(e.Rel, "/"))
}

// all reports whether everything is selected.
func (s Select) all() bool { return s.Filter.Empty() && s.Pattern == "" && s.Only == nil }

// fits reports whether the pattern matches a path below the root. For doublestar, a/** matches a as well, which no listing of a/ has.
func (s Select) fits(rel string) bool {
	p := s.Pattern
	if strings.HasSuffix(p, "/**") {
		p += "/*"
	}
	return p == "" || doublestar.MatchUnvalidated(p, rel)
}

// means reports whether pattern and filter select a path below a root; abs is the absolute path of the root if it is a folder.
func (s Select) means(abs, rel string) bool { return s.fits(rel) && s.Filter.Wants(abs, rel) }

// filtered leaves out what is not selected. A pattern that matches nothing is an error.
func filtered(root End, s Select, tree iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	if s.all() {
		return tree
	}
	abs := root.absolute()
	return func(yield func(Entry, error) bool) {
		none := true
		for e, err := range tree {
			if err == nil {
				none = none && !s.fits(e.Rel)
				if !s.means(abs, e.Rel) || s.Only != nil && !s.Only(e) {
					continue
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if none && s.Pattern != "" && !s.EmptyOK {
			yield(Entry{}, noMatch(root, s.Pattern))
		}
	}
}

func noMatch(root End, pattern string) error {
	return fmt.Errorf("nothing matches %s in %s: %w", pattern, root, store.NotFound)
}

// named yields the files or objects that a list names. Only their transfers find out whether they exist.
func named(root End, pairs iter.Seq2[Pair, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for p, err := range pairs {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			e := Entry{Rel: p.Source, to: p.Target}
			if root.Path != "" {
				e = namedFile(root.Path, p)
			} else {
				e.Object, e.Size, e.Modified = p.Listed, p.Listed.Size, p.Listed.Modified
				e.Object.Ref = store.Ref{Bucket: root.Ref.Bucket, Key: root.Ref.Key + p.Source}
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// namedFile finds a file by its path below root, or by an absolute one.
func namedFile(root string, p Pair) Entry {
	e := Entry{to: p.Target, Path: filepath.FromSlash(p.Source)}
	rel := e.Path
	if filepath.IsAbs(e.Path) {
		abs, err := filepath.Abs(root)
		if err == nil {
			rel, err = filepath.Rel(abs, e.Path)
		}
		if err != nil {
			e.Why = err
		}
	} else {
		e.Path = filepath.Join(root, e.Path)
	}
	e.Rel = filepath.ToSlash(filepath.Clean(rel))
	e.behind = linkAbove(root, e.Rel)
	if p.Target == "" && !filepath.IsLocal(rel) {
		e.Why = errors.New("it is outside the source, so its target must be named")
	}
	if fi, err := os.Stat(e.Path); err == nil {
		e.Size, e.Modified = fi.Size(), fi.ModTime()
	}
	return e
}

// linkAbove returns the first part of rel, a path below root, that leads elsewhere: a link to a folder, or rel itself if it is
// outside. It is empty if there is none.
func linkAbove(root, rel string) string {
	if !filepath.IsLocal(filepath.FromSlash(rel)) {
		return rel
	}
	for i, r := range rel {
		if r != '/' {
			continue
		}
		fi, err := os.Lstat(filepath.Join(root, filepath.FromSlash(rel[:i])))
		if err != nil || fi.Mode()&fs.ModeSymlink != 0 {
			return rel[:i]
		}
	}
	return ""
}

// readAhead reads a tree up to a thousand entries before they are needed.
func readAhead(ctx context.Context, tree func(context.Context) iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	type result struct {
		e   Entry
		err error
	}
	return func(yield func(Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		entries := make(chan result, ahead)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		cut := false
		wg.Go(func() {
			defer close(entries)
			for e, err := range tree(ctx) {
				select {
				case entries <- result{e, err}:
				case <-ctx.Done():
					cut = true
					return
				}
			}
		})
		for t := range entries {
			if !yield(t.e, t.err) || t.err != nil {
				return
			}
		}
		if cut { // what came is not all there is
			yield(Entry{}, context.Cause(ctx))
		}
	}
}

// SplitPattern splits a path or key with wildcards into the folder above the first wildcard, with its slash, and the pattern
// for the paths under it. Without * and ? there is no pattern, and all of it is the root: brackets and braces are wildcards
// only beside one of these, since some keys have them.
func SplitPattern(name string) (root, pattern string) {
	if !strings.ContainsAny(name, "*?") {
		return name, ""
	}
	first := strings.IndexAny(name, `*?[{\`)
	slash := strings.LastIndexByte(name[:first], '/') + 1
	return name[:slash], name[slash:]
}

// fixed is the start of all paths that a pattern can match.
func fixed(pattern string) string {
	if i := strings.IndexAny(pattern, `*?[{\`); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

// mayHold reports whether a folder, with a slash at its end, may hold what a pattern matches.
func mayHold(pattern, folder string) bool {
	if strings.ContainsAny(pattern, `{\`) { // they may span slashes
		return true
	}
	names := strings.Split(strings.TrimSuffix(folder, "/"), "/")
	parts := strings.Split(pattern, "/")
	for i, name := range names {
		if i >= len(parts)-1 && parts[min(i, len(parts)-1)] != "**" {
			return false
		}
		if parts[i] == "**" {
			return true
		}
		if !doublestar.MatchUnvalidated(parts[i], name) {
			return false
		}
	}
	return true
}
