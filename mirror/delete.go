package mirror

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul/store"
)

const deleteVerb = "delete"

// deleteAll deletes what the spool holds.
func (s *syncing) deleteAll(ctx context.Context) error {
	if s.kind != Download {
		return s.deleteObjects(ctx, s.to.Ref.Bucket, whyExtra, func(yield func(Entry, error) bool) {
			for e, err := range s.toDelete.all() {
				e.Object = store.Object{Ref: store.Ref{Bucket: s.to.Ref.Bucket, Key: s.to.Ref.Key + e.Rel}, Size: e.Size, ETag: e.Object.ETag, Modified: e.Modified}
				if !yield(e, err) {
					return
				}
			}
		})
	}
	for e, err := range s.toDelete.all() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e.Path = filepath.Join(s.places.root, filepath.FromSlash(e.Rel))
		ev := Event{Kind: Deleted, Verb: deleteVerb, Why: whyExtra, Source: e.Path, Entry: e}
		switch {
		case s.o.DryRun:
			ev.Kind = Planned
		default:
			if ev.Err = s.deleteFile(e); ev.Err != nil {
				ev.Kind = Failed
			}
		}
		s.emit(ev)
	}
	return nil
}

const whyExtra = "not in the source"

// deleteFile deletes a file that is still the one that the walk saw.
func (s *syncing) deleteFile(e Entry) error {
	if i := strings.LastIndexByte(e.Rel, '/'); i >= 0 {
		s.places.folder = ""
		if err := s.places.check(e.Rel[:i]); err != nil {
			return err
		}
	}
	fi, err := os.Stat(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !fi.Mode().IsRegular() || fi.Size() != e.Size || !fi.ModTime().Equal(e.Modified):
		return fmt.Errorf("%s changed since it was looked at, and is kept", e.Path)
	}
	return s.places.below.Remove(e.Path)
}

// deleteObjects deletes objects of one bucket as they are told of. An error of the telling ends it.
func (r *run) deleteObjects(ctx context.Context, bucket, why string, doomed iter.Seq2[Entry, error]) error {
	if r.o.DryRun {
		for e, err := range doomed {
			if err != nil {
				return err
			}
			r.emit(Event{Kind: Planned, Verb: deleteVerb, Why: why, Source: e.Object.Ref.String(), Entry: e})
		}
		return nil
	}
	keys := func(yield func(string, error) bool) {
		for e, err := range doomed {
			if !yield(e.Object.Key, err) {
				return
			}
		}
	}
	for ref, err := range r.c.DeleteAll(ctx, bucket, keys, &r.o.Transfer.Attrs) {
		switch {
		case err != nil && ref.Key == "":
			return err
		case err != nil:
			r.emit(Event{Kind: Failed, Verb: deleteVerb, Why: why, Source: ref.String(), Err: err})
		default:
			r.emit(Event{Kind: Deleted, Verb: deleteVerb, Why: why, Source: ref.String(), Entry: Entry{Object: store.Object{Ref: ref}}})
		}
	}
	return nil
}

// spool keeps entries for later: their names, ETags, sizes and times; up to maxSpool bytes in memory, more in a temporary file.
type spool struct {
	n    int
	mem  bytes.Buffer
	file *os.File
	w    *bufio.Writer
}

const maxSpool = 1 << 20

// texts are what a spool keeps of an entry, beside numbers.
func (e *Entry) texts() []*string {
	return []*string{&e.Rel, &e.to, &e.behind, &e.Path, &e.Object.Bucket, &e.Object.Key, &e.Object.ETag, &e.Object.StorageClass}
}

func (s *spool) add(e Entry) error {
	var b []byte
	for _, text := range e.texts() {
		text := *text
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendVarint(b, e.Size)
	b = binary.AppendVarint(binary.AppendVarint(b, e.Modified.Unix()), int64(e.Modified.Nanosecond()))
	s.n++
	if s.file == nil && s.mem.Len()+len(b) > maxSpool {
		f, err := os.CreateTemp("", "haul-later-*")
		if err != nil {
			return err
		}
		s.file, s.w = f, bufio.NewWriter(f)
		if _, err := s.w.Write(s.mem.Bytes()); err != nil {
			return err
		}
		s.mem = bytes.Buffer{}
	}
	if s.file == nil {
		s.mem.Write(b)
		return nil
	}
	_, err := s.w.Write(b)
	return err
}

// all gives the entries back, in order.
func (s *spool) all() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var from io.Reader = bytes.NewReader(s.mem.Bytes())
		if s.file != nil {
			err := s.w.Flush()
			if err == nil {
				_, err = s.file.Seek(0, io.SeekStart)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			from = s.file
		}
		r := bufio.NewReader(from)
		for range s.n {
			e, err := read(r)
			if err != nil {
				yield(Entry{}, fmt.Errorf("read what was left for later: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func read(r *bufio.Reader) (e Entry, err error) {
	for _, to := range e.texts() {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return e, err
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return e, err
		}
		*to = string(text)
	}
	if e.Size, err = binary.ReadVarint(r); err != nil {
		return e, err
	}
	seconds, err := binary.ReadVarint(r)
	if err != nil {
		return e, err
	}
	nanoseconds, err := binary.ReadVarint(r)
	e.Modified = time.Unix(seconds, nanoseconds)
	e.Object.Size, e.Object.Modified = e.Size, e.Modified
	return e, err
}

// close removes the file.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}
