package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// thing is what a name of the line turned out to be.
type thing struct {
	location
	tree  bool         // a folder or a prefix
	entry mirror.Entry // of a file or an object; zero where it is not there
	there bool
}

// entries is a tree as a truth or a target.
type entries = iter.Seq2[mirror.Entry, error]

// resolve finds out what the names are: trees, single files, manifests.
func (r verifyRequest) resolve(ctx context.Context, c *haul.Client) (proof.Expected, entries, error) {
	var things []thing
	for _, l := range r.words {
		t, err := r.look(ctx, c, l)
		if err != nil {
			return proof.Expected{}, nil, err
		}
		things = append(things, t)
	}
	from, to := things[0], things[len(things)-1]
	one := len(things) == 1
	why := errItself
	if !from.tree && from.there && !r.sidecars {
		why = r.noManifest(ctx, c, from, to, one)
	}
	switch {
	case from.tree && (one || r.sidecars):
		truth, err := proof.Sidecars(ctx, c, r.list(ctx, c, from), r.names(ctx, c, to), &r.attrs)
		return truth, r.list(ctx, c, to), err
	case r.sidecars:
		return proof.Expected{}, nil, usagef("--sidecars needs a folder or prefix first")
	case !from.tree && !from.there:
		return proof.Expected{}, nil, &missingError{"no such file: " + from.text}
	case from.tree && !to.tree && !to.there:
		return proof.Expected{}, nil, &missingError{"no such folder: " + to.text}
	case why == nil:
		if one {
			var err error
			if to, err = r.beside(ctx, c, from); err != nil {
				return proof.Expected{}, nil, err
			}
		}
		return r.manifest(ctx, c, from, to)
	case one:
		return proof.Expected{}, nil, usagef("%s: %v; name what to compare it with", from.text, why)
	case from.kind == to.kind && !from.tree && from.mayList():
		return proof.Expected{}, nil, usagef("%s: %v; without a list of digests, files on this machine are compared with objects in the store", from.text, why)
	case from.kind == to.kind && from.kind == local:
		return proof.Expected{}, nil, usagef("both are on this machine; haul verify compares files with objects, or either with a list of digests")
	case from.kind == to.kind:
		return proof.Expected{}, nil, usagef("both are in the store; haul sync --checksum --dryrun compares objects with objects")
	case from.tree:
		if !to.tree {
			return proof.Expected{}, nil, usagef("%s is a tree, and %s is one file", from.text, to.text)
		}
		return proof.Tree(r.list(ctx, c, from)), r.list(ctx, c, to), nil
	}
	if !r.filter.filter.Empty() {
		return proof.Expected{}, nil, usagef("--exclude and --include choose among many, and %s is one", from.text)
	}
	if to.tree {
		var err error
		if to, err = r.look(ctx, c, to.child(from.base())); err != nil {
			return proof.Expected{}, nil, err
		}
		if !to.there && from.mayList() {
			return proof.Expected{}, nil, &missingError{fmt.Sprintf("%s: %v; and %s is not there", from.text, why, to.text)}
		}
	}
	from.entry.Rel = from.base()
	to.entry.Rel = from.base()
	return proof.Tree(from.lone()), to.lone(), nil
}

// look finds out what a name is.
func (r verifyRequest) look(ctx context.Context, c *haul.Client, l location) (thing, error) {
	t := thing{location: l}
	if l.kind == stream {
		t.there = true
		return t, nil
	}
	if l.kind == local {
		fi, err := os.Stat(l.text)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return t, nil
		case err != nil:
			return t, err
		}
		t.there, t.tree = true, fi.IsDir()
		t.entry = mirror.Entry{Rel: baseName(l.text), Path: l.text, Size: fi.Size(), Modified: fi.ModTime()}
		return t, nil
	}
	if isFolder(l.ref.Key) {
		t.there, t.tree = true, true
		return t, nil
	}
	obj, err := c.Store().Head(ctx, store.GetRequest{Ref: l.ref, Attrs: &r.attrs})
	switch {
	case errors.Is(err, store.NotFound):
		t.tree = true // a prefix, whose listing tells whether anything is below it
		return t, nil
	case err != nil:
		return t, err
	}
	t.there = true
	t.entry = mirror.Entry{Rel: baseKey(l.ref.Key), Object: obj, Size: obj.Size, Modified: obj.Modified}
	return t, nil
}

func (t thing) base() string {
	if t.kind == local {
		return baseName(t.text)
	}
	return baseKey(t.ref.Key)
}

// folder is the one that a thing lies in, and child what lies in it.
func (t thing) folder() thing {
	f := thing{location: t.location, tree: true, there: true}
	if t.kind == local {
		f.text = filepath.Dir(t.text)
	} else {
		f.ref.Key = t.ref.Key[:len(t.ref.Key)-len(t.base())]
		f.text = scheme + f.ref.Bucket + "/" + f.ref.Key
	}
	return f
}

// beside is what a list of digests is about where nothing else is named: the file that it is beside, or its folder.
func (r verifyRequest) beside(ctx context.Context, c *haul.Client, list thing) (thing, error) {
	folder := list.folder()
	if stem := proof.Beside(list.base()); stem != "" {
		if t, err := r.look(ctx, c, folder.child(stem)); err != nil || t.there {
			return t, err
		}
	}
	return folder, nil
}

func (t thing) child(name string) location {
	l := t.location
	if t.kind == local {
		l.text = filepath.Join(t.text, filepath.FromSlash(name))
		return l
	}
	if l.ref.Key != "" {
		l.ref.Key = folderKey(l.ref.Key)
	}
	l.ref.Key += name
	l.text = scheme + l.ref.Bucket + "/" + l.ref.Key
	return l
}

// lone is the tree of one file or object, or of none.
func (t thing) lone() entries {
	return func(yield func(mirror.Entry, error) bool) {
		if t.there {
			yield(t.entry, nil)
		}
	}
}

// list gives what is in a thing.
func (r verifyRequest) list(ctx context.Context, c *haul.Client, t thing) entries {
	if !t.tree {
		return t.lone()
	}
	o := mirror.Options{Select: mirror.Select{Filter: r.filter.filter}, Transfer: mirror.TransferOptions{Attrs: r.attrs}}
	return mirror.Entries(ctx, c, t.end(), o)
}

// noManifest says why a file or object is not a list of digests of what is in the target, but what is to be compared; nil where it
// is one. Its content decides, and a target of the same name says that it is itself meant.
func (r verifyRequest) noManifest(ctx context.Context, c *haul.Client, from, to thing, one bool) error {
	if from.kind == stream {
		return nil
	}
	if !one && !to.tree && from.base() == to.base() {
		return errItself
	}
	if from.kind == remote && !from.mayList() {
		return errItself // to look into it would move payload
	}
	in, err := r.read(ctx, c, from)
	if err != nil {
		return err
	}
	defer in.Close() // only read from
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return proof.WhyNoManifest(head[:n])
}

// errItself is of what is itself compared.
var errItself = errors.New("it is not looked at as a list of digests")

// mayList reports whether a name is one that lists of digests have.
func (t thing) mayList() bool {
	texts := []string{".txt", ".tsv", ".csv", ".tab", ".jsonl", ".json", ".md", ".yaml", ".yml", ".manifest", ""}
	return proof.IsSidecar(t.base()) || slices.Contains(texts, strings.ToLower(path.Ext(t.base())))
}

func (r verifyRequest) read(ctx context.Context, c *haul.Client, t thing) (io.ReadCloser, error) {
	switch t.kind {
	case local:
		return os.Open(t.text)
	case stream:
		return r.stdin(ctx)
	}
	return proof.Open(ctx, c, t.ref, &r.attrs), nil
}

// manifest is the truth in a list of digests or a receipt.
func (r verifyRequest) manifest(ctx context.Context, c *haul.Client, from, to thing) (proof.Expected, entries, error) {
	if !to.there && !to.tree {
		return proof.Expected{}, nil, &missingError{"no such file or folder: " + to.text}
	}
	in, err := r.read(ctx, c, from)
	if err != nil {
		return proof.Expected{}, nil, err
	}
	defer in.Close() // only read from
	names := r.names(ctx, c, to)
	if names.List = from.base(); to.tree {
		names.Stem = proof.Beside(from.base())
	}
	truth, err := proof.Manifest(in, names)
	if err != nil {
		return truth, nil, &manifestError{from.named(), err}
	}
	var self fs.FileInfo
	if from.kind == local {
		self, _ = os.Stat(from.text)
	}
	truth.Self = func(e mirror.Entry) bool {
		if from.kind == remote {
			return e.Object.Ref == from.entry.Object.Ref
		}
		fi, err := os.Stat(e.Path)
		return e.Path != "" && self != nil && err == nil && os.SameFile(self, fi)
	}
	truth.Beside = func(e mirror.Entry) bool { return proof.IsSidecar(e.Rel) }
	return truth, r.list(ctx, c, to), nil
}

// named gives a name for people.
func (t thing) named() string {
	if t.kind == stream {
		return "standard input"
	}
	return t.text
}

// manifestError names the list that cannot be read.
type manifestError struct {
	name string
	err  error
}

// Error names it.
func (e *manifestError) Error() string { return e.name + ": " + ui.Reason(e.err) }

// Unwrap gives the cause.
func (e *manifestError) Unwrap() error { return e.err }

// names reports how names in a list become paths in a target.
func (r verifyRequest) names(ctx context.Context, c *haul.Client, to thing) proof.Names {
	n := proof.Names{Files: to.kind == local}
	n.Find = func(rel string) (mirror.Entry, bool, error) {
		t, err := r.look(ctx, c, to.child(rel))
		if err != nil && to.kind == local || errors.Is(err, store.Denied) { // such as a name that cannot be one here
			return mirror.Entry{}, false, nil
		}
		return t.entry, t.there && !t.tree, err
	}
	n.Exists = func(rel string) (bool, error) {
		_, ok, err := n.Find(rel)
		return ok, err
	}
	if !to.tree {
		n.Only = to.base()
	}
	if !r.filter.filter.Empty() {
		n.Wants = func(rel string) bool { return r.filter.filter.Wants("", rel) }
	}
	return n
}
