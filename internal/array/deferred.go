package array

import (
	"context"
	"errors"
	"fmt"

	"haul.example/haul"
	"haul.example/haul/mirror"
)

// freshenIndexes makes each downloaded index newer than its data, now that all data is there. If this machine does not see the files,
// nothing happens.
func (f *finish) freshenIndexes(ctx context.Context) error {
	if f.h.NoFamilies || f.h.Way != mirror.Download {
		return nil
	}
	newer := func(path string) {
		if err := mirror.NewerThanData(nil, path); err != nil {
			f.o.Note(fmt.Sprintf("%s is an index, and cannot be made newer than its data: %v", path, err))
		}
	}
	for _, shard := range f.indexed {
		err := eachTask(ctx, f.d, f.h, shard, func(_ int, t task) error {
			if t.Shared == 0 {
				newer(f.h.To.file(t.target()))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return eachShared(ctx, f.d, func(_ int, s haul.Distributed) error {
		newer(s.Path)
		return nil
	})
}

// manifestsAndMarkers transfers what is in no shard, once everything else is done: manifests and then, if nothing failed and
// everything is verified, markers. What an earlier Finish has transferred, and is still equal, is not transferred again.
func (f *finish) manifestsAndMarkers(ctx context.Context) error {
	for _, shard := range []int{manifests, markers} {
		n := f.h.load(shard).tasks()
		if n == 0 {
			continue
		}
		if f.verdict.Failed > 0 || shard == markers && f.verdict.Unproved > 0 {
			return nil
		}
		f.verdict.Withheld -= n
		w := newWork(f.c, f.d, f.h, WorkOptions{Shard: shard, Host: f.o.Host, ContentType: f.o.ContentType})
		if err := w.start(ctx); err != nil {
			return err
		}
		if w.resumed {
			f.restarted = append(f.restarted, w.progress)
		}
		if err := w.run(ctx); err != nil && !errors.As(err, new(*mirror.IncompleteError)) {
			return err
		}
		before := f.verdict.Objects
		if err := f.shard(ctx, shard, w.progress); err != nil {
			return fmt.Errorf("check the %s: %w", shardWord(shard), err)
		}
		f.verdict.Last += f.verdict.Objects - before
	}
	return nil
}
