package haul_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

var everyDigest = checksum.All()

// digestsOf are those of all bytes, in the order of the algorithms.
func digestsOf(b []byte, algorithms []checksum.Algorithm) (sums []checksum.Sum) {
	for _, a := range algorithms {
		sums = append(sums, checksum.Bytes(a, b))
	}
	return sums
}

func wantDigests(t interface {
	Helper()
	Errorf(string, ...any)
}, what string, r haul.Result, content []byte, algorithms []checksum.Algorithm) {
	t.Helper()
	if want := digestsOf(content, algorithms); fmt.Sprint(r.Digests) != fmt.Sprint(want) {
		t.Errorf("%s: digests %v, want %v", what, r.Digests, want)
	}
}

func TestDigestsOfEveryRoad(t *testing.T) {
	for _, kind := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums, storetest.NoChecksums} {
		for _, size := range []int{0, 1, 10, 64, 65, 1000} {
			for _, algorithms := range [][]checksum.Algorithm{everyDigest, {checksum.CRC64NVME}, {checksum.SHA256, checksum.MD5}} {
				b := newBench(t, storetest.Takes(kind))
				c, ctx := b.client(), context.Background()
				want := random(size, uint64(size))
				o := haul.UploadOptions{PartSize: 10, Digests: algorithms}
				down := haul.DownloadOptions{PartSize: 10, Digests: algorithms}
				check := func(what string, r haul.Result, err error) {
					t.Helper()
					if err != nil {
						t.Fatalf("%s of %d bytes: %v", what, size, err)
					}
					wantDigests(t, fmt.Sprintf("%s of %d bytes", what, size), r, want, algorithms)
				}
				r, err := b.upload(want, o)
				check("upload", r, err)
				out := filepath.Join(b.dir, "out.bam")
				r, err = c.Download(ctx, object, out, down)
				check("download", r, err)
				listed := b.Object(object)
				r, err = c.Download(ctx, object, out, haul.DownloadOptions{Listed: &listed, Digests: algorithms})
				check("listed download", r, err)
				r, err = c.UploadStream(ctx, bytes.NewReader(want), object, o)
				check("stream up", r, err)
				b.stored(want)
				var streamed bytes.Buffer
				r, err = c.DownloadStream(ctx, object, &streamed, down)
				check("stream down", r, err)
				b.tidy()
			}
		}
	}
}

func TestDigestsOfStreamsThatAreSpooled(t *testing.T) {
	limits := small
	limits.MinPart, limits.MaxPart, limits.MaxPut, limits.MaxParts = 2<<20, 2<<20, 64, 10
	b := newBench(t, storetest.Limits(limits))
	c := haul.New(b.Memory, haul.Options{StateDir: b.state, Memory: 4 << 20, SpoolDir: b.dir})
	want := random(9<<20+5, 1)
	r, err := c.UploadStream(context.Background(), bytes.NewReader(want), object, haul.UploadOptions{PartSize: 2 << 20, Digests: everyDigest})
	if err != nil {
		t.Fatal(err)
	}
	b.stored(want)
	wantDigests(t, "spooled stream", r, want, everyDigest)
}

// A digest holds no memory while it waits for parts, which wait for memory.
func TestDigestsOfManyFilesInLittleMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := haul.New(b.Memory, haul.Options{StateDir: b.state, Memory: 1, Concurrency: 2})
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				want, ref := random(500+i, uint64(i)), object
				ref.Key = fmt.Sprint("many/", i)
				path := b.file(fmt.Sprint("x", i), want)
				o := haul.UploadOptions{PartSize: 100, Digests: everyDigest}
				r, err := c.Upload(context.Background(), path, ref, o)
				if err != nil {
					t.Error(err)
				}
				wantDigests(t, "upload", r, want, everyDigest)
				if r, err = c.Download(context.Background(), ref, path, haul.DownloadOptions{PartSize: 100, Digests: everyDigest}); err != nil {
					t.Error(err)
				}
				wantDigests(t, "download", r, want, everyDigest)
			})
		}
		wg.Wait()
	})
}

// Whatever broke a run off, wherever, the digests of the next are those of all bytes.
func TestDigestsGoOn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(70, 400).Draw(rt, "size")
		part := rapid.IntRange(5, 40).Draw(rt, "part size")
		algorithms := rapid.Permutation(everyDigest).Draw(rt, "digests")[:rapid.IntRange(1, 6).Draw(rt, "count")]
		parts := (size + part - 1) / part
		breaks := rapid.SliceOfN(rapid.IntRange(1, parts), 1, 3).Draw(rt, "breaks at parts")
		garble := rapid.Bool().Draw(rt, "garble the states")
		up := rapid.Bool().Draw(rt, "upload")
		b := newBench(t)
		want := random(size, uint64(size))
		o := haul.UploadOptions{PartSize: int64(part), Digests: algorithms}
		path, out := b.file("x.bam", want), filepath.Join(b.dir, "out.bam")
		if !up {
			b.PutBytes(object, want)
		}
		run := func(breakAt int64) (haul.Result, error) {
			c := haul.New(&breaking{b.Memory, breakAt, int64(part)}, haul.Options{StateDir: b.state})
			if up {
				return c.Upload(context.Background(), path, object, o)
			}
			return c.Download(context.Background(), object, out, haul.DownloadOptions{PartSize: int64(part), Digests: algorithms})
		}
		for _, n := range breaks {
			if r, err := run(int64((n - 1) * part)); err == nil { // that part was kept from before
				wantDigests(rt, "without a break", r, want, algorithms)
				continue
			}
			if garble {
				b.garbleStates()
			}
		}
		r, err := run(-1)
		if err != nil {
			rt.Fatal(err)
		}
		wantDigests(rt, "after the breaks", r, want, algorithms)
		b.tidy()
	})
}

// breaking is a store that refuses the part, or the range, that begins at a byte.
type breaking struct {
	store.Store
	at, part int64
}

func (s *breaking) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	if int64(r.Number-1)*s.part == s.at {
		return store.Part{}, &store.Error{Kind: store.Denied, Op: "UploadPart"}
	}
	return s.Store.PutPart(ctx, r)
}

func (s *breaking) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	if r.Range.Offset == s.at {
		return nil, &store.Error{Kind: store.Denied, Op: "GetObject"}
	}
	return s.Store.Get(ctx, r)
}

// garbleStates spoils the states of digests in all records, with lines that are whole.
func (b *bench) garbleStates() {
	b.Helper()
	records, _ := filepath.Glob(filepath.Join(b.state, "*"))
	for _, name := range records {
		lines := strings.SplitAfter(string(b.read(name)), "\n")
		for i, line := range lines {
			_, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			before, after, ok := strings.Cut(text, `"state":"`)
			if !ok {
				continue
			}
			old, rest, _ := strings.Cut(after, `"`)
			raw, err := base64.StdEncoding.DecodeString(old)
			if err != nil {
				b.Fatal(err)
			}
			raw[0] ^= 1 // the name of the hash
			text = before + `"state":"` + base64.StdEncoding.EncodeToString(raw) + `"` + rest
			lines[i] = fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)), text)
		}
		if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// A byte that was damaged on download is replaced, and what was summed of it forgotten, also by the run after next.
func TestDigestsOfHealedBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.PutBytes(object, want)
		out := filepath.Join(b.dir, "out.bam")
		o := haul.DownloadOptions{PartSize: 10, Digests: everyDigest}
		b.Fault(storetest.Get).Offset(20).CorruptByte()
		b.Fault(storetest.Get).Offset(150).Nth(2).Error(store.Denied)
		if _, err := b.client().Download(context.Background(), object, out, o); !errors.Is(err, store.Denied) {
			t.Fatalf("got %v, want the second fetch to be refused", err)
		}
		r, err := b.client().Download(context.Background(), object, out, o)
		if err != nil {
			t.Fatal(err)
		}
		wantDigests(t, "healed", r, want, everyDigest)
		b.tidy()
	})
}

func TestNoDigestOfAChangedFile(t *testing.T) {
	for _, size := range []int{50, 500} {
		b := newBench(t)
		path := b.file("x.bam", random(size, 1))
		op := storetest.PutPart
		if size < 64 {
			op = storetest.Put
		}
		b.Fault(op).Hook(func() { b.file("x.bam", random(size, 2)) })
		r, err := b.client().Upload(context.Background(), path, object, haul.UploadOptions{Digests: everyDigest})
		if !errors.Is(err, haul.ErrSourceChanged) || r.Digests != nil {
			t.Errorf("size %d: got %v, %v", size, r.Digests, err)
		}
	}
}

func TestDigestsInMetadata(t *testing.T) {
	md5Only := []checksum.Algorithm{checksum.MD5}
	for _, c := range []struct {
		name string
		size int
		o    haul.UploadOptions
		want string // metadata, the MD5 as MD5 and Base64 as B64
	}{
		{"small", 50, haul.UploadOptions{Digests: md5Only}, "md5chksum=B64 s3cmd-attrs=md5:MD5"},
		{"small, another digest", 50, haul.UploadOptions{Digests: []checksum.Algorithm{checksum.SHA256}}, ""},
		{"small, none", 50, haul.UploadOptions{}, ""},
		{"parts", 200, haul.UploadOptions{Digests: md5Only, PartSize: 20}, "haul-part-size=20"},
		{"parts, first", 200, haul.UploadOptions{Digests: md5Only, PartSize: 20, DigestFirst: true}, "haul-part-size=20 md5chksum=B64 s3cmd-attrs=md5:MD5"},
		{"parts, none", 200, haul.UploadOptions{PartSize: 20}, ""},
		{"one's own", 50, haul.UploadOptions{Digests: md5Only, Attrs: store.Attrs{Metadata: map[string]string{"md5chksum": "mine", "lab": "7"}}},
			"lab=7 md5chksum=mine s3cmd-attrs=md5:MD5"},
	} {
		b := newBench(t)
		content := random(c.size, 1)
		r, err := b.upload(content, c.o)
		if err != nil {
			t.Fatal(err)
		}
		md5 := checksum.Bytes(checksum.MD5, content)
		want := strings.NewReplacer("MD5", md5.Hex(), "B64", md5.Base64()).Replace(c.want)
		obj := b.Object(object)
		var got []string
		for _, name := range []string{"haul-part-size", "lab", "md5chksum", "s3cmd-attrs"} {
			if v, ok := obj.Attrs.Metadata[name]; ok {
				got = append(got, name+"="+v)
			}
		}
		if strings.Join(got, " ") != want || len(got) != len(obj.Attrs.Metadata) {
			t.Errorf("%s: metadata %v, want %s", c.name, obj.Attrs.Metadata, want)
		}
		wantDigests(t, c.name, r, content, c.o.Digests)
		kept, name := haul.FileMD5(obj)
		if (name != "") != strings.Contains(want, md5.Hex()) || name != "" && kept != md5 {
			t.Errorf("%s: FileMD5 gives %v, %q", c.name, kept, name)
		}
	}
}

func TestDigestFirstGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 1)
		o := haul.UploadOptions{PartSize: 20, DigestFirst: true, Digests: everyDigest}
		b.Fault(storetest.PutPart).Part(5).Error(store.Denied)
		if _, err := b.upload(want, o); err == nil {
			t.Fatal("it did not break")
		}
		r, err := b.client().Upload(context.Background(), filepath.Join(b.dir, "x.bam"), object, o)
		if err != nil || r.Kept == 0 {
			t.Fatalf("kept %d, %v", r.Kept, err)
		}
		wantDigests(t, "resumed", r, want, everyDigest)
		if kept, _ := haul.FileMD5(b.Object(object)); kept != checksum.Bytes(checksum.MD5, want) {
			t.Errorf("the metadata have %v", kept)
		}
	})
}

// As with rclone, the MD5 in the metadata must fit, unless the ETag is the MD5 of the object itself.
func TestMD5InMetadataMustFit(t *testing.T) {
	content := random(200, 1)
	other := checksum.Bytes(checksum.MD5, random(200, 2))
	for _, c := range []struct {
		name     string
		metadata map[string]string
		parts    []int64
		digests  []checksum.Algorithm
		fits     bool
	}{
		{"rclone's, parts", map[string]string{"md5chksum": other.Base64()}, []int64{50}, everyDigest, false},
		{"s3cmd's, parts", map[string]string{"s3cmd-attrs": "uid:0/md5:" + other.Hex() + "/mtime:5"}, []int64{50}, everyDigest, false},
		{"not asked for", map[string]string{"md5chksum": other.Base64()}, []int64{50}, nil, true},
		{"no MD5 at all", map[string]string{"md5chksum": "x", "s3cmd-attrs": "md5:x"}, []int64{50}, everyDigest, true},
		{"the ETag is one", map[string]string{"md5chksum": other.Base64()}, nil, everyDigest, true},
	} {
		b := newBench(t)
		b.Make(object, bytes.NewReader(content), storetest.Made{Parts: c.parts, Attrs: &store.Attrs{Metadata: c.metadata}})
		out := filepath.Join(b.dir, "out.bam")
		_, err := b.client().Download(context.Background(), object, out, haul.DownloadOptions{Digests: c.digests})
		var streamed bytes.Buffer
		_, serr := b.client().DownloadStream(context.Background(), object, &streamed, haul.DownloadOptions{Digests: c.digests})
		if errors.Is(err, haul.ErrMismatch) == c.fits || errors.Is(serr, haul.ErrMismatch) == c.fits {
			t.Errorf("%s: got %v and %v, want that it fits: %v", c.name, err, serr, c.fits)
		}
		b.tidy()
	}
}

func TestCopyHasTheDigestsThatTheStoreVouchesFor(t *testing.T) {
	b := newBench(t)
	want := random(200, 1)
	if _, err := b.upload(want, haul.UploadOptions{PartSize: 50}); err != nil {
		t.Fatal(err)
	}
	r, err := b.client().Copy(context.Background(), object, store.Ref{Bucket: object.Bucket, Key: "copy"}, haul.CopyOptions{Digests: []checksum.Algorithm{checksum.SHA256, checksum.CRC64NVME}})
	if err != nil {
		t.Fatal(err)
	}
	wantDigests(t, "copy", r, want, []checksum.Algorithm{checksum.CRC64NVME})
	if !strings.Contains(b.said(), "SHA256 is not known") {
		t.Errorf("it said %q", b.said())
	}
}

func TestLayoutInResults(t *testing.T) {
	b := newBench(t)
	want := random(95, 1)
	o := haul.UploadOptions{PartSize: 10, WantLayout: true}
	r, err := b.upload(want, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.PartSize != 10 || len(r.Layout) != 10 || r.Layout[9].Size != 5 || r.Layout[3].Sum != checksum.Bytes(checksum.CRC64NVME, want[30:40]) {
		t.Errorf("parts of %d: %v", r.PartSize, r.Layout)
	}
	if info, _ := os.Stat(filepath.Join(b.dir, "x.bam")); !r.Modified.Equal(info.ModTime()) {
		t.Errorf("modified %v, and the file %v", r.Modified, info.ModTime())
	}
	if r, err = b.client().UploadStream(context.Background(), bytes.NewReader(want), object, haul.UploadOptions{PartSize: 10}); err != nil || r.Layout != nil || r.PartSize != 10 {
		t.Errorf("stream: parts of %d, %v, %v", r.PartSize, r.Layout, err)
	}
	if r, err = b.upload(want[:5], haul.UploadOptions{WantLayout: true}); err != nil || r.PartSize != 0 || r.Layout != nil {
		t.Errorf("in one: parts of %d, %v, %v", r.PartSize, r.Layout, err)
	}
}

func TestDigestsThatAreNone(t *testing.T) {
	b := newBench(t)
	ctx, c, out := context.Background(), b.client(), filepath.Join(b.dir, "out")
	for _, o := range []haul.UploadOptions{
		{Digests: []checksum.Algorithm{checksum.None}}, {Digests: []checksum.Algorithm{"XXH3"}},
		{Digests: []checksum.Algorithm{checksum.MD5, checksum.MD5}}, {DigestFirst: true},
	} {
		_, up := b.upload([]byte("x"), o)
		_, in := c.UploadStream(ctx, strings.NewReader("x"), object, o)
		_, at := c.UploadReaderAt(ctx, strings.NewReader("x"), 1, object, o)
		errs := []error{up, in, at}
		if !o.DigestFirst { // which only an upload has
			down := haul.DownloadOptions{Digests: o.Digests}
			_, file := c.Download(ctx, object, out, down)
			_, stream := c.DownloadStream(ctx, object, &bytes.Buffer{}, down)
			_, at := c.DownloadWriterAt(ctx, object, io.NewOffsetWriter(nil, 0), down)
			down.Listed = &store.Object{Ref: object}
			_, listed := c.Download(ctx, object, out, down)
			_, copied := c.Copy(ctx, object, object, haul.CopyOptions{Digests: o.Digests})
			errs = append(errs, file, listed, stream, at, copied)
		}
		for _, err := range errs {
			if !errors.Is(err, store.Invalid) {
				t.Errorf("%v: got %v", o.Digests, err)
			}
		}
	}
}
