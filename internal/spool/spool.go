// Package spool keeps values for later, in the order in which they came: in memory up to a mebibyte, beyond that in a temporary
// file without a name. Only exported fields are kept, as encoding/gob does.
//
// Values are added first and read afterwards, by one goroutine at a time.
package spool

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"iter"

	"haul.example/haul/internal/localfile"
)

// inMemory is how many bytes are kept without a file.
const inMemory = 1 << 20

// Spool holds values of one type. The zero Spool is empty and ready for use.
type Spool[T any] struct {
	n       int
	encoder *gob.Encoder
	mem     bytes.Buffer
	disk    *localfile.Spool
	w       *bufio.Writer // to disk
}

// Len returns how many values were added.
func (s *Spool[T]) Len() int { return s.n }

// Add adds a value. A full disk is [localfile.ErrNoSpace].
func (s *Spool[T]) Add(v T) error {
	if s.encoder == nil {
		s.encoder = gob.NewEncoder(writer(s.write))
	}
	s.n++
	return s.encoder.Encode(v)
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func (s *Spool[T]) write(p []byte) (int, error) {
	if s.disk == nil && s.mem.Len()+len(p) <= inMemory {
		return s.mem.Write(p)
	}
	if s.disk == nil {
		disk, err := localfile.NewScratch("")
		if err != nil {
			return 0, err
		}
		s.disk, s.w = disk, bufio.NewWriter(disk)
		if _, err := s.w.Write(s.mem.Bytes()); err != nil {
			return 0, err
		}
		s.mem = bytes.Buffer{}
	}
	return s.w.Write(p)
}

// All yields the values from the first to the last. After an error there are no more.
func (s *Spool[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var from io.Reader = bytes.NewReader(s.mem.Bytes())
		if s.disk != nil {
			if err := s.w.Flush(); err != nil {
				yield(*new(T), err)
				return
			}
			from = bufio.NewReader(io.NewSectionReader(s.disk, 0, s.disk.Len()))
		}
		d := gob.NewDecoder(from)
		for range s.n {
			var v T
			err := d.Decode(&v)
			if err != nil {
				err = fmt.Errorf("read a temporary file: %w", err)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Close frees the space.
func (s *Spool[T]) Close() error {
	if s.disk == nil {
		return nil
	}
	disk := s.disk
	*s = Spool[T]{}
	return disk.Close()
}
