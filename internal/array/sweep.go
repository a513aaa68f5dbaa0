package array

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// skew is how much the clock of a file server may be behind ours.
const skew = time.Minute

// sweep removes what shards left behind that died and were done again: the uploads that they recorded, or opened and did not come to
// record, and hidden files beside verified targets that were written after the plan.
func (f *finish) sweep(ctx context.Context) error {
	if f.h.Way == mirror.Download {
		return f.sweepFiles(ctx)
	}
	n := 0
	var err error
	for _, p := range f.restarted {
		var some int
		some, err = abortOpen(ctx, f.c, f.h, p)
		if n += some; err != nil {
			break
		}
	}
	if err == nil {
		var some int
		some, err = abortEmpty(ctx, f.c, f.d, f.h, f.restarted)
		n += some
	}
	if n > 0 {
		f.o.Note(fmt.Sprintf("aborted unfinished uploads of failed tasks: %d", n))
	}
	if errors.Is(err, store.Denied) || errors.Is(err, store.Unsupported) {
		f.o.Note(fmt.Sprintf("what failed tasks left behind cannot be discarded: %v", err))
		return nil
	}
	return err
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

// abortTasks aborts the uploads that the tasks of a plan opened and did not complete.
func abortTasks(ctx context.Context, c *haul.Client, d *PlanDir, h Header) error {
	var mu sync.Mutex
	var started []Progress
	var g errgroup.Group
	g.SetLimit(completions)
	for i := firstShard; i < len(h.Shards); i++ {
		if h.load(i).tasks() == 0 {
			continue
		}
		g.Go(func() error {
			p, err := readProgress(ctx, d, h, i)
			if err != nil || p.Runs == 0 {
				return err
			}
			mu.Lock()
			started = append(started, Progress{Shard: i}) // its last run may have been killed as well
			mu.Unlock()
			_, err = abortOpen(ctx, c, h, p)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err := abortEmpty(ctx, c, d, h, started)
	if errors.Is(err, store.Denied) || errors.Is(err, store.Unsupported) {
		return nil // they cannot be listed
	}
	return err
}

// abortEmpty aborts the uploads without parts that tasks of these shards opened and did not come to record, since they were killed, and
// returns how many. They are of keys of these tasks, opened after the plan was made and before the shard was started for the last time,
// if that is known. Another's upload of such a key, opened in that time and still without a part, looks the same, and is aborted too.
func abortEmpty(ctx context.Context, c *haul.Client, d *PlanDir, h Header, started []Progress) (n int, err error) {
	if len(started) == 0 {
		return 0, nil
	}
	open, err := openSince(ctx, c, h)
	if err != nil || len(open) == 0 {
		return 0, err
	}
	for _, p := range started {
		err := eachTask(ctx, d, h, p.Shard, func(_ int, t task) error {
			if t.Shared != 0 {
				return nil
			}
			for _, u := range open[h.To.object(t.target()).Key] {
				if !p.Began.IsZero() && u.Started.After(p.Began.Add(skew)) {
					continue
				}
				_, parts, err := c.Store().Parts(ctx, u, nil)
				if errors.Is(err, store.NoUpload) || err == nil && len(parts) > 0 {
					continue
				}
				if err == nil {
					err = c.Store().Abort(ctx, u, nil)
				}
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// openSince returns the open uploads below the target that were opened after the plan was made, by key. If there are none, it looks
// in the whole bucket, if it may: MinIO lists uploads only by whole keys or all at once.
func openSince(ctx context.Context, c *haul.Client, h Header) (map[string][]store.Upload, error) {
	since := h.Made.Add(-skew)
	for _, prefix := range []string{h.To.Prefix, ""} {
		open, any := map[string][]store.Upload{}, false
		for u, err := range c.Uploads(ctx, h.To.Bucket, prefix) {
			if prefix != h.To.Prefix && errors.Is(err, store.Denied) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			any = true
			if !u.Started.Before(since) {
				open[u.Key] = append(open[u.Key], u)
			}
		}
		if any || h.To.Prefix == "" {
			return open, nil
		}
	}
	return nil, nil
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
