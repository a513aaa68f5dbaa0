package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"haul.example/haul"
	"haul.example/haul/store"
)

// Stream is an object that the command reads once, from front to back, as it comes.
type Stream struct {
	// Name is its path below the work folder.
	Name   string
	Source store.Ref
}

// openStreams makes a pipe for each stream, and feeds those that the command opens. A stream that fails makes the run fail, by spoil.
// The func that it returns stops all streams and waits for them; its error is that of streams that were not what the store has.
func (r *run) openStreams(ctx context.Context, spoil context.CancelCauseFunc) (func() error, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // a pipe must outlive the command, which would take its end for that of the object
	var over atomic.Bool
	var wg sync.WaitGroup
	errs := make([]error, len(r.Streams))
	end := func() error {
		over.Store(true)
		for i := range r.Streams {
			if f, err := readFIFO(r.folder.pipe(i)); err == nil { // otherwise it was opened, and its name was removed
				defer f.Close() // nothing was read
			}
		}
		stop()
		wg.Wait()
		return errors.Join(errs...)
	}
	for i, s := range r.Streams {
		path, pipe := r.folder.file(s.Name), r.folder.pipe(i)
		err := os.MkdirAll(filepath.Dir(path), folderMode)
		if err == nil {
			err = errors.Join(ignoreMissing(os.Remove(pipe)), makeFIFO(pipe), os.Link(pipe, path))
		}
		if err != nil {
			return nil, errors.Join(err, end())
		}
		wg.Go(func() {
			f, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until somebody reads
			// A second reader would wait for bytes for ever: without its name, it ends with an error.
			err = errors.Join(err, ignoreMissing(os.Remove(pipe)), ignoreMissing(os.Remove(path)))
			if err == nil && over.Load() {
				_ = f.Close() // nobody reads, and nothing was written
				return
			}
			if err == nil {
				defer f.Close() // after an error, too late for the command to take it for complete
				err = r.feedStream(ctx, f, i)
			}
			if err != nil && over.Load() && !errors.Is(err, haul.ErrMismatch) {
				r.Report.Note(partly(s.Name))
			} else if err != nil {
				errs[i] = fmt.Errorf("stream %s from %s: %w", s.Name, s.Source, err)
				spoil(errs[i])
				<-ctx.Done()
			}
		})
	}
	return end, nil
}

// ignoreMissing returns err unless it is that a file is missing.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// feedStream writes a stream into its pipe. If the reader stops early it is not an error, but what it read is not verified.
func (r *run) feedStream(ctx context.Context, f *os.File, i int) error {
	in := r.Streams[i]
	defer context.AfterFunc(ctx, func() { _ = f.Close() })() // ends a write that nobody reads
	t := haul.DownloadOptions{IfMatch: r.record.Streams[i].State, Attrs: store.Attrs{RequestPayer: r.Transfer.Attrs.RequestPayer}}
	result, err := r.c.DownloadStream(ctx, in.Source, f, t)
	switch {
	case err == nil:
		if !result.Proof.Verified {
			r.Report.Note(fmt.Sprintf("%s could not be verified: %s", in.Name, result.Proof.Text))
		}
		r.record.Streams[i].Sum = sumOf(result.Object)
		r.Report.Moved("download", in.Source.String(), in.Name, result)
	case isPipeGone(err):
		r.Report.Note(partly(in.Name))
		return nil
	}
	return err
}

func partly(name string) string {
	return fmt.Sprintf("the command read only part of %s, so it is not verified", name)
}
