package haul_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

var object = store.Ref{Bucket: storetest.Bucket, Key: "runs/x.bam"}

// small are limits that make parts of a few bytes.
var small = store.Limits{MinPart: 4, MaxPart: 1 << 20, MaxParts: 1000, MaxPut: 64, MaxCopy: 1000, MaxObject: 1 << 30}

// bench is a store, a client, and a folder to work in.
type bench struct {
	*testing.T
	*storetest.Memory
	dir, state string
	mu         sync.Mutex
	events     []haul.Event
}

func newBench(t *testing.T, opts ...storetest.Option) *bench {
	dir := t.TempDir()
	opts = append([]storetest.Option{storetest.For(t), storetest.Limits(small)}, opts...)
	return &bench{T: t, Memory: storetest.New(opts...), dir: dir, state: filepath.Join(dir, "state")}
}

// client is a new one each time, as a new process would be; the record of unfinished transfers is the same.
func (b *bench) client() *haul.Client {
	return haul.New(b.Memory, haul.Options{StateDir: b.state, Patience: time.Minute, Observe: b.observe})
}

func (b *bench) observe(e haul.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// said gathers the texts of all notes.
func (b *bench) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var s bytes.Buffer
	for _, e := range b.events {
		if e.Kind == haul.EventNote {
			s.WriteString(e.Text + "\n")
		}
	}
	return s.String()
}

// random returns n bytes that depend on seed alone.
func random(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// file makes a local file.
func (b *bench) file(name string, content []byte) string {
	b.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}

func (b *bench) read(path string) []byte {
	b.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// tidy fails when anything is left behind: an open upload, a record, or a hidden file.
func (b *bench) tidy() {
	b.Helper()
	if open := b.OpenUploads(); len(open) > 0 {
		b.Errorf("open uploads are left: %v", open)
	}
	left, _ := filepath.Glob(filepath.Join(b.state, "*"))
	hidden, _ := filepath.Glob(filepath.Join(b.dir, ".*haul-*"))
	if left = append(left, hidden...); len(left) > 0 {
		b.Errorf("files are left: %v", left)
	}
}

func (b *bench) upload(content []byte, o haul.UploadOptions) (haul.Result, error) {
	b.Helper()
	return b.client().Upload(context.Background(), b.file("x.bam", content), object, o)
}

func (b *bench) stored(want []byte) {
	b.Helper()
	if got := b.Bytes(object); !bytes.Equal(got, want) {
		b.Errorf("stored %d bytes, want %d; equal: false", len(got), len(want))
	}
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func sumBy(s checksum.Scheme, b []byte) checksum.Sum { return checksum.Bytes(s.Algorithm, b) }
