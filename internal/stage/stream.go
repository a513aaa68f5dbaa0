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

// openStreams makes a pipe for each stream, and feeds those that the command opens. A stream that breaks off spoils the run. The
// func that is given back ends all, and waits; its error is that of streams that were not what the store has.
func (r *run) openStreams(ctx context.Context, spoil context.CancelCauseFunc) (func() error, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // a pipe ends after the command, which would take that for the end of the object
	var over atomic.Bool
	var wg sync.WaitGroup
	errs := make([]error, len(r.Streams))
	end := func() error {
		over.Store(true)
		for i := range r.Streams {
			if f, err := readFIFO(r.folder.door(i)); err == nil { // else it was opened, and has no name any more
				defer f.Close() // nothing was read
			}
		}
		stop()
		wg.Wait()
		return errors.Join(errs...)
	}
	for i, s := range r.Streams {
		path, door := r.folder.file(s.Name), r.folder.door(i)
		err := os.MkdirAll(filepath.Dir(path), folderMode)
		if err == nil {
			err = errors.Join(gone(os.Remove(door)), makeFIFO(door), os.Link(door, path))
		}
		if err != nil {
			return nil, errors.Join(err, end())
		}
		wg.Go(func() {
			f, err := os.OpenFile(door, os.O_WRONLY, 0) // waits until somebody reads
			// A second reader would wait for bytes for ever: without its name, it ends with an error.
			err = errors.Join(err, gone(os.Remove(door)), gone(os.Remove(path)))
			if err == nil && over.Load() {
				_ = f.Close() // nobody reads, and nothing was written
				return
			}
			if err == nil {
				defer f.Close() // after an error nobody is to take it for whole
				err = r.feed(ctx, f, i)
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

// gone passes over that a file is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// feed writes a stream into its pipe. That the reader wants no more is no error, but all that it read is then not proved.
func (r *run) feed(ctx context.Context, f *os.File, i int) error {
	in := r.Streams[i]
	defer context.AfterFunc(ctx, func() { _ = f.Close() })() // a write ends when nobody is left who could read
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
	return fmt.Sprintf("the command read only a part of %s, so it is not verified", name)
}
