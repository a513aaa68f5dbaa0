package command

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

	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// verifyEnd is what a Location of a VerifyRequest turned out to be.
type verifyEnd struct {
	Location
	tree   bool         // a folder or a prefix
	entry  mirror.Entry // of a file or an object; zero if it does not exist
	exists bool
}

// entries is a tree as what is expected, or as what is checked.
type entries = iter.Seq2[mirror.Entry, error]

// resolve finds out what the ends are (trees, single files, lists of digests), and returns what is expected and what is checked.
func (v *verification) resolve(ctx context.Context) (proof.Expected, entries, error) {
	var ends []verifyEnd
	for _, l := range v.r.Ends {
		e, err := v.resolveEnd(ctx, l)
		if err != nil {
			return proof.Expected{}, nil, err
		}
		ends = append(ends, e)
	}
	from, to := ends[0], ends[len(ends)-1]
	one := len(ends) == 1
	switch {
	case from.tree && (one || v.r.Sidecars):
		truth, err := proof.Sidecars(ctx, v.client, v.list(ctx, from), v.names(ctx, to), &v.r.Attrs)
		return truth, v.list(ctx, to), err
	case v.r.Sidecars:
		return proof.Expected{}, nil, Usagef("--sidecars needs a folder or prefix first")
	case !from.tree && !from.exists:
		return proof.Expected{}, nil, &MissingError{"no such file: " + from.Text}
	case from.tree && !to.tree && !to.exists:
		return proof.Expected{}, nil, &MissingError{"no such folder: " + to.Text}
	}
	why := errItself
	if !from.tree {
		why = v.noManifest(ctx, from, to, one)
	}
	if why != nil {
		if err := checkKinds(from, to, one, why); err != nil {
			return proof.Expected{}, nil, err
		}
		return v.pair(ctx, from, to, why)
	}
	if one {
		var err error
		if to, err = v.beside(ctx, from); err != nil {
			return proof.Expected{}, nil, err
		}
	}
	return v.manifest(ctx, from, to)
}

// checkKinds refuses ends that are not a local one and one in the store, of which from is not a list of digests for the reason why.
func checkKinds(from, to verifyEnd, one bool, why error) error {
	switch {
	case one:
		return Usagef("%s: %v; name the target to compare it with", from.Text, why)
	case from.Kind != to.Kind:
		return nil
	case !from.tree && from.mayList():
		return Usagef("%s: %v; without a list of digests, local files are compared with objects", from.Text, why)
	case from.Kind == Local:
		return Usagef("both are local; haul verify compares files with objects, or either with a list of digests")
	}
	return Usagef("both are on the server; haul sync --checksum --dryrun compares objects with objects")
}

// pair compares a tree with a tree, or one file with one object.
func (v *verification) pair(ctx context.Context, from, to verifyEnd, why error) (proof.Expected, entries, error) {
	switch {
	case from.tree && !to.tree:
		return proof.Expected{}, nil, Usagef("%s is a folder, and %s is one file", from.Text, to.Text)
	case from.tree:
		return proof.Tree(v.list(ctx, from)), v.list(ctx, to), nil
	case !v.r.Filter.Empty():
		return proof.Expected{}, nil, Usagef("--exclude and --include select among many files, but %s is one file", from.Text)
	case to.tree:
		var err error
		if to, err = v.resolveEnd(ctx, to.child(from.base())); err != nil {
			return proof.Expected{}, nil, err
		}
		if !to.exists && from.mayList() {
			return proof.Expected{}, nil, &MissingError{fmt.Sprintf("%s: %v; and %s does not exist", from.Text, why, to.Text)}
		}
	}
	from.entry.Rel = from.base()
	to.entry.Rel = from.base()
	return proof.Tree(from.single()), to.single(), nil
}

// resolveEnd finds out what a location is.
func (v *verification) resolveEnd(ctx context.Context, l Location) (verifyEnd, error) {
	t := verifyEnd{Location: l}
	if l.Kind == Stream {
		t.exists = true
		return t, nil
	}
	if l.Kind == Local {
		fi, err := os.Stat(l.Text)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return t, nil
		case err != nil:
			return t, err
		}
		t.exists, t.tree = true, fi.IsDir()
		t.entry = mirror.Entry{Rel: filepath.Base(l.Text), Path: l.Text, Size: fi.Size(), Modified: fi.ModTime()}
		return t, nil
	}
	if IsFolder(l.Ref.Key) {
		t.exists, t.tree = true, true
		return t, nil
	}
	obj, err := v.client.Store().Head(ctx, store.GetRequest{Ref: l.Ref, Attrs: &v.r.Attrs})
	switch {
	case errors.Is(err, store.NotFound):
		t.tree = true // a prefix, whose listing shows whether anything is below it
		return t, nil
	case err != nil:
		return t, err
	}
	t.exists = true
	t.entry = mirror.Entry{Rel: BaseKey(l.Ref.Key), Object: obj, Size: obj.Size, Modified: obj.Modified}
	return t, nil
}

// folder returns the folder of an end.
func (t verifyEnd) folder() verifyEnd {
	f := verifyEnd{Location: t.Location, tree: true, exists: true}
	if t.Kind == Local {
		f.Text = filepath.Dir(t.Text)
	} else {
		f.Ref.Key = t.Ref.Key[:len(t.Ref.Key)-len(t.base())]
		f.Text = Scheme + f.Ref.Bucket + "/" + f.Ref.Key
	}
	return f
}

// beside returns what a list of digests is about if nothing else is named: the file beside it, or its folder.
func (v *verification) beside(ctx context.Context, list verifyEnd) (verifyEnd, error) {
	folder := list.folder()
	if stem := proof.Beside(list.base()); stem != "" {
		if t, err := v.resolveEnd(ctx, folder.child(stem)); err != nil || t.exists {
			return t, err
		}
	}
	return folder, nil
}

// child returns what has that name in an end.
func (t verifyEnd) child(name string) Location {
	l := t.Location
	if t.Kind == Local {
		l.Text = filepath.Join(t.Text, filepath.FromSlash(name))
		return l
	}
	if l.Ref.Key != "" {
		l.Ref.Key = FolderKey(l.Ref.Key)
	}
	l.Ref.Key += name
	l.Text = Scheme + l.Ref.Bucket + "/" + l.Ref.Key
	return l
}

// single yields the entry of one file or object, if it exists.
func (t verifyEnd) single() entries {
	return func(yield func(mirror.Entry, error) bool) {
		if t.exists {
			yield(t.entry, nil)
		}
	}
}

// list yields what is in an end.
func (v *verification) list(ctx context.Context, t verifyEnd) entries {
	if !t.tree {
		return t.single()
	}
	o := mirror.Options{Select: mirror.Select{Filter: v.r.Filter}, Transfer: mirror.TransferOptions{Attrs: v.r.Attrs}}
	return mirror.Entries(ctx, v.client, t.End(), o)
}

// noManifest returns why a file or object is itself compared, and is not a list of digests of what is in the target; nil if it is
// such a list. Its content decides, but a target of the same name means that it is itself compared.
func (v *verification) noManifest(ctx context.Context, from, to verifyEnd, one bool) error {
	if from.Kind == Stream {
		return nil
	}
	if !one && !to.tree && from.base() == to.base() {
		return errItself
	}
	if from.Kind == Remote && !from.mayList() {
		return errItself // reading it would download data
	}
	in, err := v.read(ctx, from)
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

// errItself is about what is itself compared.
var errItself = errors.New("it is not read as a list of digests")

// mayList reports whether a name is one that lists of digests have.
func (t verifyEnd) mayList() bool {
	texts := []string{".txt", ".tsv", ".csv", ".tab", ".jsonl", ".json", ".md", ".yaml", ".yml", ".manifest", ""}
	return proof.IsSidecar(t.base()) || slices.Contains(texts, strings.ToLower(path.Ext(t.base())))
}

func (v *verification) read(ctx context.Context, t verifyEnd) (io.ReadCloser, error) {
	switch t.Kind {
	case Local:
		return os.Open(t.Text)
	case Stream:
		return v.openStdin(ctx, t.Location)
	}
	return proof.Open(ctx, v.client, t.Ref, &v.r.Attrs), nil
}

// manifest reads what is expected from a list of digests or a receipt.
func (v *verification) manifest(ctx context.Context, from, to verifyEnd) (proof.Expected, entries, error) {
	if !to.exists && !to.tree {
		return proof.Expected{}, nil, &MissingError{"no such file or folder: " + to.Text}
	}
	in, err := v.read(ctx, from)
	if err != nil {
		return proof.Expected{}, nil, err
	}
	defer in.Close() // only read from
	names := v.names(ctx, to)
	if names.List = from.base(); to.tree {
		names.Stem = proof.Beside(from.base())
	}
	truth, err := proof.Manifest(in, names)
	if err != nil {
		return truth, nil, &manifestError{from.named(), err}
	}
	var self fs.FileInfo
	if from.Kind == Local {
		self, _ = os.Stat(from.Text)
	}
	truth.Self = func(e mirror.Entry) bool {
		if from.Kind == Remote {
			return e.Object.Ref == from.entry.Object.Ref
		}
		fi, err := os.Stat(e.Path)
		return e.Path != "" && self != nil && err == nil && os.SameFile(self, fi)
	}
	truth.Beside = func(e mirror.Entry) bool { return proof.IsSidecar(e.Rel) }
	return truth, v.list(ctx, to), nil
}

// named returns the name of an end, for messages.
func (t verifyEnd) named() string {
	if t.Kind == Stream {
		return "standard input"
	}
	return t.Text
}

// manifestError reports a list that cannot be read.
type manifestError struct {
	name string
	err  error
}

// Error names the list and the cause.
func (e *manifestError) Error() string { return e.name + ": " + ui.Reason(e.err) }

// Unwrap returns the cause.
func (e *manifestError) Unwrap() error { return e.err }

// names returns how names in a list become paths in a target.
func (v *verification) names(ctx context.Context, to verifyEnd) proof.Names {
	n := proof.Names{Files: to.Kind == Local}
	n.Find = func(rel string) (mirror.Entry, bool, error) {
		t, err := v.resolveEnd(ctx, to.child(rel))
		if err != nil && to.Kind == Local || errors.Is(err, store.Denied) { // such as a name that cannot be one here
			return mirror.Entry{}, false, nil
		}
		return t.entry, t.exists && !t.tree, err
	}
	n.Exists = func(rel string) (bool, error) {
		_, ok, err := n.Find(rel)
		return ok, err
	}
	if !to.tree {
		n.Only = to.base()
	}
	if !v.r.Filter.Empty() {
		n.Wants = func(rel string) bool { return v.r.Filter.Wants("", rel) }
	}
	return n
}
