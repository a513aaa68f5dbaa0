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

	"haul/internal/localfile"
	"haul/mirror"
	"haul/store"
)

// skew is how much the store's clock may be behind ours.
const skew = time.Minute

// sweep removes what shards left behind that died in the middle of an object, and were done again: open uploads of keys that the
// plan has stored and proved since, and hidden files beside such files. What was begun before the plan is somebody else's.
func (f *finish) sweep(ctx context.Context) error {
	if len(f.again) == 0 {
		return nil
	}
	if f.h.Way == mirror.Download {
		return f.sweepFiles(ctx)
	}
	left, err := f.leftUploads(ctx)
	if errors.Is(err, store.Denied) || errors.Is(err, store.Unsupported) {
		f.note(fmt.Sprintf("whether shards that died left open uploads cannot be looked at: %v", err))
		return nil
	}
	if err != nil || len(left) == 0 {
		return err
	}
	for _, shard := range f.again {
		err := eachTask(ctx, f.d, f.h, shard, func(_ int, t task) error {
			if t.Shared != 0 {
				return nil
			}
			for _, u := range left[f.h.To.ref(t.target()).Key] {
				if err := f.c.Abort(ctx, u); err != nil {
					return err
				}
				f.note(fmt.Sprintf("threw away the open upload of %s that a task left which died", u.Ref))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// leftUploads gives the uploads below the target that are open and were begun after the plan, by key. Where a prefix brings none
// the whole bucket is looked through: MinIO lists uploads by whole keys or all at once.
func (f *finish) leftUploads(ctx context.Context) (map[string][]store.Upload, error) {
	left := map[string][]store.Upload{}
	for _, prefix := range []string{f.h.To.Prefix, ""} {
		for u, err := range f.c.Uploads(ctx, f.h.To.Bucket, prefix) {
			if err != nil {
				return nil, err
			}
			if strings.HasPrefix(u.Key, f.h.To.Prefix) && u.Started.After(f.h.Made.Add(-skew)) {
				left[u.Key] = append(left[u.Key], u)
			}
		}
		if len(left) > 0 {
			break
		}
	}
	return left, nil
}

// sweepFiles removes hidden files beside targets.
func (f *finish) sweepFiles(ctx context.Context) error {
	folder := ""
	var hidden []string // names in folder
	for _, shard := range f.again {
		err := eachTask(ctx, f.d, f.h, shard, func(_ int, t task) error {
			if t.Shared != 0 {
				return nil
			}
			path := f.h.To.path(t.target())
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
				f.note(fmt.Sprintf("removed %s that a task left which died", filepath.Join(folder, name)))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hidden lists the hidden files in a folder that were written to after the plan was made.
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
