package array

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// skew is how much the clock of a file server may be behind ours.
const skew = time.Minute

// sweep removes what shards left behind that died and were done again: the uploads that they recorded, and hidden files beside verified
// targets that were written after the plan.
func (f *finish) sweep(ctx context.Context) error {
	if f.h.Way == mirror.Download {
		return f.sweepFiles(ctx)
	}
	n := 0
	for _, p := range f.restarted {
		some, err := abortOpen(ctx, f.c, f.h, p)
		if errors.Is(err, store.Denied) {
			f.o.Note(fmt.Sprintf("what failed tasks left behind cannot be discarded: %v", err))
			return nil
		}
		if err != nil {
			return err
		}
		n += some
	}
	if n > 0 {
		f.o.Note(fmt.Sprintf("aborted unfinished uploads of failed tasks: %d", n))
	}
	return nil
}

// abortOpen aborts the uploads that the tasks of a shard recorded and did not complete, and returns how many.
func abortOpen(ctx context.Context, c *haul.Client, h Header, p Progress) (n int, err error) {
	for _, u := range append(p.Left, p.Uploads...) {
		up := store.Upload{Ref: store.Ref{Bucket: h.To.Bucket, Key: string(u.Key)}, ID: u.ID}
		if err := c.Store().Abort(ctx, up, nil); err != nil { // one that is gone is not an error
			return n, err
		}
		n++
	}
	return n, nil
}

// sweepFiles removes hidden files beside targets.
func (f *finish) sweepFiles(ctx context.Context) error {
	folder := ""
	var hidden []string // names in folder
	for _, p := range f.restarted {
		err := eachTask(ctx, f.d, f.h, p.Shard, func(_ int, t task) error {
			if t.Shared != 0 {
				return nil
			}
			path := f.h.To.file(t.target())
			if dir := filepath.Dir(path); dir != folder {
				var err error
				if hidden, err = f.hidden(dir); err != nil {
					return err
				}
				folder = dir
			}
			for _, name := range hidden {
				if !strings.HasPrefix(name, "."+filepath.Base(path)+".haul-") {
					continue
				}
				if err := localfile.RemoveTemp(path, filepath.Join(folder, name)); err != nil {
					return err
				}
				f.o.Note(fmt.Sprintf("removed %s, left behind by a task that died", filepath.Join(folder, name)))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hidden lists the hidden files in a folder that were written after the plan was made.
func (f *finish) hidden(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !localfile.IsTemp(e.Name()) {
			continue
		}
		if fi, err := e.Info(); err == nil && fi.ModTime().After(f.h.Made.Add(-skew)) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
