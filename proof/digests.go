package proof

import (
	"context"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
)

// Digests are the digests of the same content in all encodings of S3 and its tools.
type Digests struct {
	// Size is in bytes.
	Size int64
	// Full are of all bytes.
	Full []checksum.Sum
	// Composite are the digests of an object uploaded in parts of PartSize bytes; the MD5 is its ETag.
	Composite []checksum.Sum
	PartSize  int64
}

// Digester computes the Digests of the bytes that are written to it.
type Digester struct {
	full, composite evidence.Running
	partSize, size  int64
}

// NewDigester returns a Digester of all bytes, and of parts of partSize bytes. The composite digests always include MD5, for
// the ETag, and never CRC64NVME, which S3 supports for full objects only. A partSize of 0 means no composite digests.
func NewDigester(full, composite []checksum.Algorithm, partSize int64) *Digester {
	f := &Digester{partSize: partSize}
	for _, a := range full {
		f.full = append(f.full, checksum.NewRunning(a, nil))
	}
	if partSize == 0 {
		return f
	}
	if !slices.Contains(composite, checksum.MD5) {
		composite = append(slices.Clone(composite), checksum.MD5)
	}
	for _, a := range composite {
		if a != checksum.CRC64NVME {
			f.composite = append(f.composite, checksum.NewRunningEqual(a, partSize))
		}
	}
	return f
}

// Write adds the next bytes, and never fails. Each digest has a goroutine of its own, if that is worth it.
func (f *Digester) Write(p []byte) (int, error) {
	f.size += int64(len(p))
	return f.all().Write(p)
}

func (f *Digester) all() evidence.Running { return slices.Concat(f.full, f.composite) }

// Read adds a whole file of size bytes. Each digest reads it independently.
func (f *Digester) Read(ctx context.Context, r io.ReaderAt, size int64) error {
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
				_, _ = one.Write(p)
				at += int64(len(p))
			}
			return nil
		})
	}
	f.size += size
	return g.Wait()
}

// Digests returns the digests; nothing can be written after it.
func (f *Digester) Digests() (d Digests, err error) {
	d = Digests{Size: f.size, PartSize: f.partSize}
	if d.Full, err = f.full.Sums(); err == nil {
		d.Composite, err = f.composite.Sums()
	}
	return d, err
}
