package s5cli

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// entries yields what an address stands for: the objects that match a pattern, or one level of what begins with the key.
func (j *job) entries(ctx context.Context, c *haul.Client, u s5line.URL) iter.Seq2[store.Entry, error] {
	attrs := store.Attrs{RequestPayer: j.face.globals.Text("request-payer")}
	if !u.IsPattern() {
		return c.ListDir(ctx, u.Bucket, u.Path, &attrs)
	}
	return func(yield func(store.Entry, error) bool) {
		for o, err := range c.List(ctx, u.Bucket, u.Start(), &attrs) {
			if (err != nil || u.Matches(o.Key)) && !yield(store.Entry{Object: o}, err) {
				return
			}
		}
	}
}

// isFolder reports whether an entry is a common prefix, or an object that stands for a folder, which s5cmd leaves alone.
func isFolder(e store.Entry) bool { return e.Prefix != "" || strings.HasSuffix(e.Object.Key, "/") }

// localFile is a file that an argument stands for; rel is its name below the target, with slashes.
type localFile struct {
	path, rel string
	info      fs.FileInfo
}

// files yields the files that a path stands for: those that match a pattern, and all that is in a folder. Names in a pattern match
// within one folder, unlike in keys.
func (j *job) files(ctx context.Context, u s5line.URL, follow bool) iter.Seq2[localFile, error] {
	return func(yield func(localFile, error) bool) {
		roots, base := []string{u.Path}, filepath.Dir(u.Path)
		if u.IsPattern() {
			var err error
			if roots, err = filepath.Glob(u.Path); err == nil && len(roots) == 0 {
				err = fmt.Errorf("no match found for %q", u.Path)
			}
			if err != nil {
				yield(localFile{}, err)
				return
			}
			base = filepath.Dir(u.Start())
		}
		for _, root := range roots {
			fi, err := statLocal(root)
			switch {
			case err != nil:
				yield(localFile{}, err)
				return
			case fi.IsDir():
				if u.IsPattern() {
					base = filepath.Dir(root)
				}
				if !walk(ctx, root, base, follow, yield) {
					return
				}
			case !u.IsPattern() && !follow && isLink(root):
			default:
				if !yield(localFile{root, relative(base, root), fi}, nil) {
					return
				}
			}
			if u.IsPattern() {
				base = filepath.Dir(u.Start())
			}
		}
	}
}

// walk yields the files in a folder; it reports whether to continue.
func walk(ctx context.Context, root, base string, follow bool, yield func(localFile, error) bool) bool {
	if !follow && isLink(root) {
		return true
	}
	o := mirror.Options{Select: mirror.Select{NoFollow: !follow}, NoFamilies: true}
	for e, err := range mirror.Entries(ctx, nil, mirror.Local(filepath.Clean(root)), o) {
		f := localFile{path: e.Path}
		if err == nil && e.Why != nil {
			err = fmt.Errorf("%s: %w", e.Path, e.Why)
		}
		if err == nil {
			f.rel = relative(base, e.Path)
			f.info, err = os.Stat(e.Path)
		}
		if !yield(f, err) {
			return false
		}
	}
	return true
}

func relative(base, path string) string {
	rel, err := filepath.Rel(base, path)
	if err != nil {
		rel = filepath.Base(path)
	}
	return filepath.ToSlash(rel)
}

func isLink(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode()&fs.ModeSymlink != 0
}

// filtered returns the name that --exclude and --include match: below the part before the first wildcard if that is a folder, else all
// of the key or path.
func filtered(u s5line.URL, name string) string {
	start := u.Start()
	if u.Raw {
		start = ""
	}
	return strings.TrimPrefix(filepath.ToSlash(name), strings.TrimSuffix(filepath.ToSlash(start), "/")+"/")
}
