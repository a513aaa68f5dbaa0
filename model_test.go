package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestModel drives clients by chance against a store that fails by chance, and holds what comes of it against the simplest
// model there is: what a key, or a file, holds is what the last call that succeeded put there, or, after a call that
// failed, all of the old or all of the new. When the trouble is over, the same calls finish what was left.
func TestModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runModel(t, seed) })
		})
	}
}

type model struct {
	*bench
	r *rand.Rand
	// objects and files are what each may hold: one content, or two after a failure; nil is nothing
	objects map[string][][]byte
	files   map[string][][]byte
	// sources are the local files to upload, by key
	sources map[string][]byte
	parts   map[string]int64
	left    []store.Upload
}

var modelKeys = []string{"a", "b/c", "d e"}

func runModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	kinds := []storetest.Checksums{storetest.AllChecksums, storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums}
	opts := []storetest.Option{storetest.Takes(kinds[r.IntN(len(kinds))])}
	if r.IntN(2) == 0 {
		opts = append(opts, storetest.CompleteTwice())
	}
	if r.IntN(3) == 0 {
		opts = append(opts, storetest.Versioned())
	}
	m := &model{
		bench: newBench(t, opts...), r: r,
		objects: map[string][][]byte{}, files: map[string][][]byte{}, sources: map[string][]byte{}, parts: map[string]int64{},
	}
	for _, key := range modelKeys {
		m.objects[key], m.files[key] = [][]byte{nil}, [][]byte{nil}
		m.parts[key] = 10 + int64(r.IntN(50))
		m.edit(key)
	}
	m.Random(seed, storetest.Rates{Error: 0.08, LoseAnswer: 0.04, Corrupt: 0.02, Truncate: 0.03, Slow: 0.03, AtMost: 3})
	for range 40 {
		m.step(modelKeys[r.IntN(len(modelKeys))])
	}
	m.Random(seed, storetest.Rates{})
	for _, key := range modelKeys {
		m.mustUpload(key)
		m.mustDownload(key)
	}
	for _, open := range m.left {
		if err := m.Abort(context.Background(), open, nil); err != nil {
			t.Fatal(err)
		}
	}
	// Whatever was broken off while an upload was being opened, a later run has found and aborted.
	last := m.file("last", random(100, 1))
	if _, err := m.client().Upload(context.Background(), last, m.ref("last"), haul.UploadOptions{PartSize: 10}); err != nil {
		t.Fatal(err)
	}
	m.tidy()
}

// edit returns the local source of a key another content.
func (m *model) edit(key string) {
	m.Helper()
	m.sources[key] = random(m.r.IntN(600), m.r.Uint64())
	time.Sleep(time.Second) // so that the change shows in the mtime too
	m.file(m.name(key), m.sources[key])
}

func (m *model) name(key string) string { return filepath.Base(key) + ".src" }

func (m *model) ref(key string) store.Ref { return store.Ref{Bucket: storetest.Bucket, Key: key} }

// killed returns a context that ends at a random moment, as a kill would.
func (m *model) killed() (context.Context, context.CancelFunc) {
	if m.r.IntN(3) > 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), time.Duration(m.r.IntN(int(20*time.Second))))
}

func (m *model) step(key string) {
	m.Helper()
	ctx, cancel := m.killed()
	defer cancel()
	o := haul.UploadOptions{PartSize: m.parts[key]}
	switch m.r.IntN(9) {
	case 0:
		m.edit(key)
	case 1, 2:
		if m.r.IntN(6) == 0 {
			o.Resume = haul.ResumeAdopt
		}
		_, err := m.client().Upload(ctx, filepath.Join(m.dir, m.name(key)), m.ref(key), o)
		m.wrote(key, m.sources[key], err)
	case 3:
		_, err := m.client().UploadStream(ctx, bytes.NewReader(m.sources[key]), m.ref(key), o)
		m.wrote(key, m.sources[key], err)
	case 4, 5:
		r, err := m.client().Download(ctx, m.ref(key), m.target(key), haul.DownloadOptions{PartSize: o.PartSize, Resume: o.Resume})
		m.fetched(key, r, err)
	case 7:
		_, err := m.client().UploadReaderAt(ctx, bytes.NewReader(m.sources[key]), int64(len(m.sources[key])), m.ref(key), o)
		m.wrote(key, m.sources[key], err)
	case 8:
		m.at(ctx, key, haul.DownloadOptions{PartSize: o.PartSize})
	case 6:
		var out bytes.Buffer
		if r, err := m.client().DownloadStream(ctx, m.ref(key), &out, haul.DownloadOptions{PartSize: o.PartSize}); err == nil && r.Proof.Verified {
			m.oneOf("stream of "+key, append([]byte{}, out.Bytes()...), m.objects[key])
		}
	}
	m.look(key)
}

// at downloads to an io.WriterAt that can be read back.
func (m *model) at(ctx context.Context, key string, o haul.DownloadOptions) {
	m.Helper()
	f, err := os.CreateTemp(m.T.TempDir(), "at")
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	if r, err := m.client().DownloadWriterAt(ctx, m.ref(key), f, o); err == nil && r.Proof.Verified {
		m.oneOf("writer at of "+key, append([]byte{}, m.read(f.Name())...), m.objects[key])
	}
}

func (m *model) target(key string) string { return filepath.Join(m.dir, filepath.Base(key)+".out") }

// wrote notes what key may hold after a write of content.
func (m *model) wrote(key string, content []byte, err error) {
	if err == nil {
		m.objects[key] = [][]byte{content}
		return
	}
	m.objects[key] = append(m.objects[key], content)
	var left *haul.IncompleteUploadError
	if errors.As(err, &left) && !left.Resumable {
		m.left = append(m.left, left.Upload) // and the caller knows
	}
}

func (m *model) fetched(key string, r haul.Result, err error) {
	switch {
	case err == nil && !r.Proof.Verified: // damaged twice in the same way, with nothing but an ETag to tell; Proof says so
		m.files[key] = append(m.objects[key], m.read(m.target(key)))
	case err == nil:
		m.files[key] = m.objects[key]
	}
}

// look checks what is there against what may be there.
func (m *model) look(key string) {
	m.Helper()
	var stored []byte
	if m.Exists(m.ref(key)) {
		stored = append([]byte{}, m.Bytes(m.ref(key))...)
	}
	m.objects[key] = [][]byte{m.oneOf("object "+key, stored, m.objects[key])}
	got, err := os.ReadFile(m.target(key))
	if errors.Is(err, os.ErrNotExist) {
		got = nil
	} else if err != nil {
		m.Fatal(err)
	}
	m.files[key] = [][]byte{m.oneOf("file "+key, got, m.files[key])}
}

func (m *model) oneOf(what string, got []byte, may [][]byte) []byte {
	m.Helper()
	for _, want := range may {
		if bytes.Equal(got, want) && (got == nil) == (want == nil) {
			return want
		}
	}
	m.Fatalf("%s: %d bytes that nobody put there (nil: %v); may be %d contents", what, len(got), got == nil, len(may))
	return nil
}

func (m *model) mustUpload(key string) {
	m.Helper()
	r, err := m.client().Upload(context.Background(), filepath.Join(m.dir, m.name(key)), m.ref(key), haul.UploadOptions{PartSize: m.parts[key]})
	if err != nil {
		m.Fatalf("upload of %s when all is well: %v", key, err)
	}
	if !r.Proof.Verified {
		m.Errorf("upload of %s is not proved: %+v", key, r)
	}
	m.wrote(key, m.sources[key], nil)
	m.look(key)
}

func (m *model) mustDownload(key string) {
	m.Helper()
	r, err := m.client().Download(context.Background(), m.ref(key), m.target(key), haul.DownloadOptions{PartSize: m.parts[key]})
	if err != nil {
		m.Fatalf("download of %s when all is well: %v", key, err)
	}
	if !r.Proof.Verified {
		m.Errorf("download of %s is not proved: %+v", key, r)
	}
	m.files[key] = m.objects[key]
	m.look(key)
}
