package stage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/pool"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
)

const (
	// leastFetches run at once, or twice the client's connections if that is more.
	leastFetches = 32
	folderMode   = 0o777 // less the umask
)

// tally counts where inputs came from.
type tally struct {
	mu                                            sync.Mutex
	fetched, cached, verified, linked, unverified int
	bytes                                         int64 // that crossed the wire
}

// stageIn stages the inputs.
func (r *run) stageIn(ctx context.Context) error {
	if err := r.folder.start(r.record); err != nil {
		return err
	}
	if err := r.folder.clean(r.items); err != nil {
		return fmt.Errorf("clean the work folder: %w", err)
	}
	began := time.Now()
	cache := newCache(r)
	if err := localfile.Room(r.folder.root, r.missing()); err != nil && cache == nil {
		return fmt.Errorf("inputs: %w", err)
	}
	var t tally
	err := r.Report.During("download", r.missing(), func() error {
		return pool.Each(ctx, max(leastFetches, 2*r.c.Progress().Lanes), r.items, func(ctx context.Context, _ int, it *item) error {
			if err := r.placeInput(ctx, cache, it, &t); err != nil {
				return fmt.Errorf("input %s: %w", it.source, err)
			}
			return nil
		})
	})
	if err == nil {
		err = r.freshenIndexes()
	}
	if err != nil {
		return err
	}
	r.record.Times.In = seconds(time.Since(began))
	for i, it := range r.items {
		r.record.Inputs[i].Sum = it.sum
	}
	if n := len(r.items); n > 0 {
		r.Report.Note(t.text(n, time.Since(began)))
	}
	return r.prepare()
}

// freshenIndexes makes each index newer than its data, by the rule of [mirror.NewerThanData]. An index that is a link to a local file
// keeps its time beside local data, where it means something; beside fetched data, a copy of it takes the place of the link.
func (r *run) freshenIndexes() error {
	placed := map[string]*item{}
	for _, it := range r.items {
		placed[it.rel] = it
	}
	fetched := func(rel string) bool { return placed[rel] != nil && placed[rel].path == "" }
	for _, it := range r.items {
		if seqfile.RoleOf(it.rel) != seqfile.Index {
			continue
		}
		target := r.folder.file(it.rel)
		if it.path != "" {
			if !slices.ContainsFunc(seqfile.DataOf(it.rel), fetched) {
				continue
			}
			if err := replaceLink(it.path, target); err != nil {
				return fmt.Errorf("input %s: %w", it.source, err)
			}
		}
		if err := mirror.NewerThanData(nil, target); err != nil {
			return fmt.Errorf("input %s: %w", it.source, err)
		}
	}
	return nil
}

// replaceLink replaces a link to a file by a copy.
func replaceLink(file, link string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	if err := os.Remove(link); err != nil {
		return err
	}
	return copyFile(f, link)
}

// missing is what is still to be fetched into the work folder, in bytes.
func (r *run) missing() (n int64) {
	for _, it := range r.items {
		if it.ref.Bucket != "" && !it.present {
			n += it.size
		}
	}
	return n
}

func (t *tally) text(n int, took time.Duration) string {
	s := fmt.Sprintf("%s in %s: %d downloaded, %s", amount.Count(n, "input"), amount.Took(took), t.fetched, amount.Bytes(t.bytes))
	if t.cached > 0 {
		s += fmt.Sprintf("; %d from the cache", t.cached)
	}
	if t.verified > 0 {
		s += fmt.Sprintf("; %d already there and verified", t.verified)
	}
	if t.linked > 0 {
		s += fmt.Sprintf("; %d linked to", t.linked)
	}
	if t.fetched+t.cached+t.verified == 0 {
		return s
	}
	if t.unverified > 0 {
		return s + fmt.Sprintf("; %d could not be verified: the server recorded no checksum for them", t.unverified)
	}
	return s + "; all verified"
}

// placeInput brings one item to its place.
func (r *run) placeInput(ctx context.Context, cache *cache, it *item, t *tally) error {
	target := r.folder.file(it.rel)
	if err := os.MkdirAll(filepath.Dir(target), folderMode); err != nil {
		return err
	}
	switch {
	case it.content != nil:
		return os.WriteFile(target, it.content, 0o666)
	case it.path != "":
		t.add(&t.linked)
		return os.Symlink(it.path, target)
	case it.present:
		same, err := r.c.SameFile(ctx, target, it.ref, &r.Transfer.Attrs)
		if err != nil {
			return err
		}
		if same.Verdict == haul.Equal && same.Target.ETag == it.object.ETag {
			t.add(&t.verified)
			return nil
		}
		if err := os.Remove(target); err != nil {
			return err
		}
	}
	if cache != nil && it.state != "" {
		err := cache.place(ctx, it, target, t)
		if err == nil || ctx.Err() != nil || !errors.As(err, new(cacheError)) {
			return err
		}
		r.Report.Note(fmt.Sprintf("continuing without the cache for %s: %v", it.source, err))
		if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	result, err := r.fetch(ctx, it, target)
	t.fetch(result, err)
	return err
}

// fetch downloads an item to a path.
func (r *run) fetch(ctx context.Context, it *item, target string) (haul.Result, error) {
	o := haul.DownloadOptions{Listed: &it.object, IfMatch: it.object.ETag, NoClobber: true}
	o.Attrs.RequestPayer = r.Transfer.Attrs.RequestPayer
	result, err := r.c.Download(ctx, it.ref, target, o)
	if err == nil {
		it.sum = cmp.Or(sumText(result.Proof.Sum), it.sum)
		r.Report.Moved("download", it.source, target, result)
	}
	return result, err
}

func (t *tally) add(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *tally) fetch(r haul.Result, err error) {
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fetched++
	t.bytes += r.Moved
	if !r.Proof.Verified {
		t.unverified++
	}
}

// prepare makes the folders of the outputs.
func (r *run) prepare() error {
	for _, o := range r.Outputs {
		dir := o.fixed()
		if !o.isMany() {
			dir = path.Dir(dir)
		}
		if err := os.MkdirAll(r.folder.file(dir), folderMode); err != nil {
			return err
		}
	}
	return nil
}
