package proof

import (
	"context"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"haul/checksum"
)

// Forms are the digests of one content in the forms in which S3 and its tools tell them.
type Forms struct {
	// Size is in bytes.
	Size int64
	// Full are of all bytes.
	Full []checksum.Sum
	// Composite are those of an object that was uploaded in parts of PartSize bytes: by MD5, its ETag.
	Composite []checksum.Sum
	PartSize  int64
}

// Forming computes Forms of the bytes that are written to it.
type Forming struct {
	full, composite []*form
	partSize, size  int64
}

// form is one digest on its way.
type form struct {
	a        checksum.Algorithm
	h        hash.Hash
	partSize int64 // 0: of all bytes
	filled   int64 // of the current part
	sums     []checksum.Sum
}

// NewForming begins digests of all bytes, and composite ones of parts of partSize bytes. Among these is always MD5, as the ETag, and
// never CRC64NVME, which S3 knows of the full object only. A partSize of 0 makes none.
func NewForming(full, composite []checksum.Algorithm, partSize int64) *Forming {
	f := &Forming{partSize: partSize}
	for _, a := range full {
		f.full = append(f.full, &form{a: a, h: a.New()})
	}
	if partSize == 0 {
		return f
	}
	if !slices.Contains(composite, checksum.MD5) {
		composite = append(slices.Clone(composite), checksum.MD5)
	}
	for _, a := range composite {
		if a == checksum.CRC64NVME {
			continue
		}
		f.composite = append(f.composite, &form{a: a, h: a.New(), partSize: partSize})
	}
	return f
}

// Write takes the next bytes, and gives no error. Each digest sums them in a goroutine of its own.
func (f *Forming) Write(p []byte) (int, error) {
	var wg sync.WaitGroup
	for _, one := range f.all() {
		wg.Go(func() { one.write(p) })
	}
	wg.Wait()
	f.size += int64(len(p))
	return len(p), nil
}

func (f *Forming) all() []*form { return slices.Concat(f.full, f.composite) }

// Read takes all of a file of that many bytes: each digest reads it by itself, at its own pace.
func (f *Forming) Read(ctx context.Context, r io.ReaderAt, size int64) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, one := range f.all() {
		g.Go(func() error {
			buf := make([]byte, min(size, 256<<10))
			for at := int64(0); at < size; {
				if gctx.Err() != nil {
					return context.Cause(gctx)
				}
				p := buf[:min(int64(len(buf)), size-at)]
				if n, err := r.ReadAt(p, at); n < len(p) {
					if err == io.EOF {
						err = io.ErrUnexpectedEOF
					}
					return fmt.Errorf("read at byte %d of %d: %w", at+int64(n), size, err)
				}
				one.write(p)
				at += int64(len(p))
			}
			return nil
		})
	}
	f.size += size
	return g.Wait()
}

func (f *form) write(p []byte) {
	for len(p) > 0 {
		n := int64(len(p))
		if f.partSize > 0 {
			if f.filled == f.partSize {
				f.next()
			}
			n = min(n, f.partSize-f.filled)
		}
		f.h.Write(p[:n])
		f.filled += n
		p = p[n:]
	}
}

// next ends a part.
func (f *form) next() {
	f.sums = append(f.sums, checksum.Of(f.a, f.h))
	f.h.Reset()
	f.filled = 0
}

// Forms gives what was computed; nothing can be written after it.
func (f *Forming) Forms() (Forms, error) {
	forms := Forms{Size: f.size, PartSize: f.partSize}
	for _, one := range f.full {
		forms.Full = append(forms.Full, checksum.Of(one.a, one.h))
	}
	for _, one := range f.composite {
		one.next() // the last one, or an empty one
		sum, err := checksum.Compose(one.sums)
		if err != nil {
			return forms, err
		}
		forms.Composite = append(forms.Composite, sum)
	}
	return forms, nil
}
