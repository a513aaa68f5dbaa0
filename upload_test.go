package haul_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestRoundTripOfEverySize(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 64, 65, 99, 100, 101, 1000} {
		b := newBench(t)
		want := random(size, uint64(size))
		up, err := b.upload(want, haul.UploadOptions{PartSize: 10})
		if err != nil {
			t.Fatalf("size %d: upload: %v", size, err)
		}
		b.stored(want)
		if !up.Proof.Verified || up.Proof.Sum.Algorithm != checksum.CRC64NVME || up.Size != int64(size) || up.Moved != int64(size) {
			t.Errorf("size %d: upload said %+v", size, up)
		}
		target := filepath.Join(b.dir, "out", "x.bam")
		down, err := b.client().Download(context.Background(), object, target, haul.DownloadOptions{PartSize: 7})
		if err != nil {
			t.Fatalf("size %d: download: %v", size, err)
		}
		if !bytes.Equal(b.read(target), want) {
			t.Errorf("size %d: other bytes came down", size)
		}
		if down.Proof != (haul.Proof{Verified: true, Sum: up.Proof.Sum, Text: "full-object CRC64NVME, as the store has it"}) {
			t.Errorf("size %d: download said %+v", size, down.Proof)
		}
		var out bytes.Buffer
		if _, err := b.client().DownloadStream(context.Background(), object, &out, haul.DownloadOptions{PartSize: 7}); err != nil {
			t.Fatalf("size %d: stream: %v", size, err)
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("size %d: other bytes streamed", size)
		}
		b.tidy()
	}
}

func TestEveryKindOfStoreIsProvedAsFarAsItGoes(t *testing.T) {
	for _, c := range []struct {
		name   string
		store  storetest.Checksums
		size   int
		up     string // in the text of the proof
		down   string
		proved bool
	}{
		{"all, small", storetest.AllChecksums, 5, "full-object CRC64NVME, checked by the server", "full-object CRC64NVME", true},
		{"all, parts", storetest.AllChecksums, 95, "full-object CRC64NVME, checked by the server", "full-object CRC64NVME", true},
		{"composite, small", storetest.CompositeChecksums, 5, "full-object CRC32C, checked by the server", "full-object CRC32C", true},
		{"composite, parts", storetest.CompositeChecksums, 95, "CRC32C of 10 parts, checked by the server", "CRC32C of 10 parts", true},
		{"md5, small", storetest.MD5Checksums, 5, "MD5, checked by the server", "MD5 (ETag)", true},
		{"md5, parts", storetest.MD5Checksums, 95, "MD5 of each of 10 parts", "MD5 of 10 parts of 10 B (ETag)", true},
		{"ignoring, small", storetest.IgnoredChecksums, 5, "MD5, against the store's ETag", "MD5 (ETag)", true},
		{"none, small", storetest.NoChecksums, 5, "accepts no checksum", "has no checksum", false},
		{"none, parts", storetest.NoChecksums, 95, "accepts no checksum", "has no checksum", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, storetest.Takes(c.store))
			want := random(c.size, 1)
			up, err := b.upload(want, haul.UploadOptions{PartSize: 10})
			if err != nil {
				t.Fatal(err)
			}
			b.stored(want)
			if up.Proof.Verified != c.proved || !strings.Contains(up.Proof.Text, c.up) {
				t.Errorf("upload: proof %+v, want %q", up.Proof, c.up)
			}
			for _, o := range []haul.DownloadOptions{{}, {PartSize: 7}} {
				target := filepath.Join(b.dir, "y.bam")
				down, err := b.client().Download(context.Background(), object, target, o)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(b.read(target), want) || down.Proof.Verified != c.proved || !strings.Contains(down.Proof.Text, c.down) {
					t.Errorf("download: proof %+v, want %q", down.Proof, c.down)
				}
				var out bytes.Buffer
				streamed, err := b.client().DownloadStream(context.Background(), object, &out, o)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out.Bytes(), want) || streamed.Proof != down.Proof {
					t.Errorf("stream: proof %+v, want %+v", streamed.Proof, down.Proof)
				}
			}
			b.tidy()
		})
	}
}

func TestUploadGoesOnWhereItBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		_, err := b.upload(want, haul.UploadOptions{PartSize: 10})
		var left *haul.IncompleteUploadError
		if !errors.As(err, &left) || !left.Resumable || !errors.Is(err, store.Denied) {
			t.Fatalf("got %v, want a LeftError to go on from", err)
		}
		before := b.Counts().In()
		r, err := b.client().Upload(context.Background(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b.stored(want)
		if moved := b.Counts().In() - before; r.Kept != left.Bytes || moved != 200-left.Bytes || r.Moved != moved {
			t.Errorf("kept %d of %d, moved %d (said %d)", r.Kept, left.Bytes, moved, r.Moved)
		}
		b.tidy()
	})
}

func TestUploadOfAChangedFileStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		if _, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		want := random(200, 4)
		if err := os.Remove(filepath.Join(b.dir, "x.bam")); err != nil {
			t.Fatal(err)
		}
		r, err := b.upload(want, haul.UploadOptions{PartSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		b.stored(want)
		if r.Kept != 0 || !strings.Contains(b.said(), "the source has changed since") {
			t.Errorf("kept %d; said %q", r.Kept, b.said())
		}
		b.tidy()
	})
}

func TestTroubleOnTheWayUpIsTriedAgain(t *testing.T) {
	for name, trouble := range map[string]func(b *bench){
		"reset":             func(b *bench) { b.Fault(storetest.PutPart).Part(3).After(4).Error(store.Network) },
		"corrupt":           func(b *bench) { b.Fault(storetest.PutPart).Part(3).After(4).CorruptByte() },
		"truncated":         func(b *bench) { b.Fault(storetest.PutPart).Part(3).Truncate(4) },
		"lost part answer":  func(b *bench) { b.Fault(storetest.PutPart).Part(3).LoseAnswer() },
		"503 storm":         func(b *bench) { b.Fault(storetest.PutPart).Throttle(time.Second).Times(15) },
		"500 on Create":     func(b *bench) { b.Fault(storetest.Create).Error(store.Unavailable).Times(3) },
		"500 on Complete":   func(b *bench) { b.Fault(storetest.Complete).Error(store.Unavailable).Times(3) },
		"lost Complete":     func(b *bench) { b.Fault(storetest.Complete).LoseAnswer() },
		"odd Complete":      func(b *bench) { b.Fault(storetest.Complete).LateError(errors.New("odd")) },
		"expired for a bit": func(b *bench) { b.Fault(storetest.PutPart).Error(store.Expired).Times(3) },
	} {
		for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, storetest.Takes(sums))
					trouble(b)
					want := random(200, 3)
					r, err := b.upload(want, haul.UploadOptions{PartSize: 10, NoClobber: true})
					if err != nil {
						t.Fatal(err)
					}
					b.stored(want)
					if !r.Proof.Verified {
						t.Errorf("result %+v", r)
					}
					b.tidy()
				})
			})
		}
	}
}

func TestSmallObjectInTrouble(t *testing.T) {
	for name, trouble := range map[string]func(f *storetest.Fault) *storetest.Fault{
		"reset":       func(f *storetest.Fault) *storetest.Fault { return f.After(4).Error(store.Network) },
		"corrupt":     func(f *storetest.Fault) *storetest.Fault { return f.CorruptByte() },
		"lost answer": func(f *storetest.Fault) *storetest.Fault { return f.LoseAnswer() },
	} {
		for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums, storetest.IgnoredChecksums} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, storetest.Takes(sums))
					trouble(b.Fault(storetest.Put))
					want := random(20, 3)
					r, err := b.upload(want, haul.UploadOptions{NoClobber: sums != storetest.IgnoredChecksums})
					if err != nil {
						t.Fatal(err)
					}
					b.stored(want)
					if !r.Proof.Verified {
						t.Errorf("result %+v", r)
					}
				})
			})
		}
	}
}

func TestWrongWholeIsRefusedByTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Fault(storetest.Complete).Error(&store.Error{Kind: store.Corrupt, Op: "CompleteMultipartUpload"}).Times(5)
		_, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 10, Resume: haul.ResumeNever})
		if !errors.Is(err, store.Corrupt) {
			t.Errorf("got %v, want kind Corrupt", err)
		}
		b.tidy()
	})
}

func TestFileThatChangesMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		path := filepath.Join(b.dir, "x.bam")
		b.Fault(storetest.PutPart).Part(15).Hook(func() {
			if err := os.WriteFile(path, random(300, 9), 0o644); err != nil {
				t.Error(err)
			}
		})
		_, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 10})
		if !errors.Is(err, haul.ErrSourceChanged) {
			t.Errorf("got %v, want ErrSourceChanged", err)
		}
		if b.Exists(object) {
			t.Error("a mix of old and new was stored")
		}
		b.tidy()
	})
}

func TestFileThatShrinksMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		path := filepath.Join(b.dir, "x.bam")
		b.Fault(storetest.PutPart).Part(2).Hook(func() {
			if err := os.Truncate(path, 15); err != nil {
				t.Error(err)
			}
		})
		_, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 10})
		if !errors.Is(err, haul.ErrSourceChanged) {
			t.Errorf("got %v, want ErrSourceChanged", err)
		}
		b.tidy()
	})
}

func TestNoClobberKeepsWhatIsThere(t *testing.T) {
	for _, size := range []int{20, 200} {
		b := newBench(t)
		old := []byte("old")
		b.PutBytes(object, old)
		_, err := b.upload(random(size, 3), haul.UploadOptions{PartSize: 50, NoClobber: true})
		if !errors.Is(err, store.Exists) {
			t.Errorf("size %d: got %v, want kind Exists", size, err)
		}
		b.stored(old)
		b.tidy()
	}
	// another writer comes between
	b := newBench(t)
	other := []byte("other")
	b.Fault(storetest.Complete).Hook(func() { b.PutBytes(object, other) })
	_, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 50, NoClobber: true})
	if !errors.Is(err, store.Exists) {
		t.Errorf("got %v, want kind Exists", err)
	}
	b.stored(other)
	b.tidy()
}

func TestNoResumeLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		_, err := b.upload(random(200, 3), haul.UploadOptions{PartSize: 10, Resume: haul.ResumeNever})
		var left *haul.IncompleteUploadError
		if errors.As(err, &left) || !errors.Is(err, store.Denied) {
			t.Errorf("got %v, want Denied and nothing left", err)
		}
		b.tidy()

		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		b.Fault(storetest.Abort).Error(store.Denied)
		_, err = b.upload(random(200, 3), haul.UploadOptions{PartSize: 10, Resume: haul.ResumeNever})
		if !errors.As(err, &left) || left.Resumable {
			t.Errorf("got %v, want a LeftError that tells what could not be thrown away", err)
		}
	})
}

func TestNoResumeDropsWhatAnEarlierRunLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		if _, err := b.upload(want, haul.UploadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		if r, err := b.upload(want, haul.UploadOptions{PartSize: 10, Resume: haul.ResumeNever}); err != nil || r.Kept != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		b.stored(want)
		b.tidy()
		b.Fault(storetest.Get).Offset(170).Error(store.Denied)
		if _, err := b.download(haul.DownloadOptions{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		if r, err := b.download(haul.DownloadOptions{PartSize: 10, Resume: haul.ResumeNever}); err != nil || r.Kept != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		b.fetched(want)
		b.tidy()
	})
}

func TestAdopt(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.CompositeChecksums, storetest.MD5Checksums} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.Takes(sums))
			want := random(205, 3)
			b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
			one := haul.New(b.Memory, haul.Options{StateDir: b.state, Concurrency: 1}) // so that the parts before are there
			_, err := one.Upload(context.Background(), b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10})
			var left *haul.IncompleteUploadError
			if !errors.As(err, &left) {
				t.Fatal(err)
			}
			if err := os.RemoveAll(b.state); err != nil { // another machine
				t.Fatal(err)
			}
			// one part of it is not this file's
			damaged, err := b.PutPart(context.Background(), store.PutPartRequest{Upload: left.Upload, Number: 2, Body: section(random(10, 99)), Sum: sumBy(left.Upload.Scheme, random(10, 99))})
			if err != nil {
				t.Fatal(err, damaged)
			}
			good := int64(-10)
			for _, p := range b.OpenUploads()[0].Parts {
				good += p.Size
			}
			r, err := b.upload(want, haul.UploadOptions{Resume: haul.ResumeAdopt})
			if err != nil {
				t.Fatal(err)
			}
			b.stored(want)
			if r.Kept != good || r.Object.ETag == "" || !strings.Contains(b.said(), "adopted") {
				t.Errorf("kept %d of %d; said %q", r.Kept, good, b.said())
			}
			b.tidy()
		})
	}
}

func TestUploadThatHadFinishedMovesNothing(t *testing.T) {
	for _, sums := range []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, storetest.Takes(sums))
			want := random(200, 3)
			ctx, kill := context.WithCancel(context.Background())
			b.Fault(storetest.Complete).Hook(kill).LoseAnswer()
			if _, err := b.client().Upload(ctx, b.file("x.bam", want), object, haul.UploadOptions{PartSize: 10}); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			before := b.Counts().In()
			r, err := b.client().Upload(context.Background(), filepath.Join(b.dir, "x.bam"), object, haul.UploadOptions{PartSize: 10})
			if err != nil {
				t.Fatal(err)
			}
			if b.Counts().In() != before || r.Kept != 200 || !r.Proof.Verified {
				t.Errorf("moved %d bytes; %+v", b.Counts().In()-before, r)
			}
			b.tidy()
		})
	}
}

func TestTwoAtOnce(t *testing.T) {
	b := newBench(t)
	want := random(200, 3)
	path := b.file("x.bam", want)
	var second error
	b.Fault(storetest.PutPart).Part(5).Hook(func() {
		_, second = b.client().Upload(context.Background(), path, object, haul.UploadOptions{PartSize: 10})
	})
	if _, err := b.client().Upload(context.Background(), path, object, haul.UploadOptions{PartSize: 10}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, haul.ErrBusy) {
		t.Errorf("the second got %v, want ErrBusy", second)
	}
	b.stored(want)
	b.tidy()
}

func TestResumeByTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(200, 3)
		b.Fault(storetest.PutPart).Part(17).Error(store.Denied)
		if _, err := b.upload(want, haul.UploadOptions{PartSize: 10, Attrs: store.Attrs{StorageClass: "STANDARD_IA"}}); err == nil {
			t.Fatal("no error")
		}
		c := b.client()
		n := 0
		for u, err := range c.Unfinished() {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if !u.Upload || u.Ref != object || u.Path != filepath.Join(b.dir, "x.bam") {
				t.Errorf("unfinished: %+v", u)
			}
			r, err := c.Resume(context.Background(), u)
			if err != nil || r.Kept == 0 {
				t.Errorf("resume: %+v, %v", r, err)
			}
		}
		if n != 1 {
			t.Errorf("%d unfinished transfers, want 1", n)
		}
		b.stored(want)
		b.tidy()
	})
}

func TestExplicitChecksumIsNotLowered(t *testing.T) {
	b := newBench(t, storetest.Takes(storetest.MD5Checksums))
	for _, size := range []int{20, 200} {
		_, err := b.upload(random(size, 3), haul.UploadOptions{PartSize: 50, Checksum: checksum.SHA256})
		if !errors.Is(err, store.ChecksumRefused) {
			t.Errorf("size %d: got %v, want kind ChecksumRefused", size, err)
		}
	}
	b.tidy()
	b = newBench(t)
	for _, a := range slices.DeleteFunc(checksum.All(), func(a checksum.Algorithm) bool { return a == checksum.MD5 }) {
		for _, size := range []int{20, 200} {
			want := random(size, 3)
			r, err := b.upload(want, haul.UploadOptions{PartSize: 50, Checksum: a})
			if err != nil || !r.Proof.Verified || r.Proof.Sum.Algorithm != a {
				t.Errorf("%s, size %d: %+v, %v", a, size, r, err)
			}
			if d, err := b.download(haul.DownloadOptions{PartSize: 30}); err != nil || d.Proof.Sum.Algorithm != a {
				t.Errorf("%s, size %d: %+v, %v", a, size, d, err)
			}
			b.fetched(want)
		}
	}
}

func TestAttrsTravelUntouched(t *testing.T) {
	attrs := store.Attrs{
		Headers:      store.Headers{ContentType: "application/gzip", CacheControl: "no-cache"},
		Metadata:     map[string]string{"sample": "NA12878"},
		Tags:         map[string]string{"lab": "a b"},
		StorageClass: "REDUCED_REDUNDANCY",
	}
	for _, size := range []int{20, 200} {
		b := newBench(t)
		if _, err := b.upload(random(size, 3), haul.UploadOptions{PartSize: 50, Attrs: attrs}); err != nil {
			t.Fatal(err)
		}
		for _, to := range []haul.CopyOptions{{}, {PartSize: 50}} {
			copied := store.Ref{Bucket: storetest.Bucket, Key: "copy"}
			r, err := b.client().Copy(context.Background(), object, copied, to)
			if err != nil || !r.Proof.Verified {
				t.Fatalf("copy: %+v, %v", r, err)
			}
			o := b.Object(copied)
			tags, err := b.Tags(context.Background(), copied, nil)
			if err != nil || o.Attrs.Headers != attrs.Headers || o.Attrs.Metadata["sample"] != "NA12878" || tags["lab"] != "a b" {
				t.Errorf("size %d: copy has %+v, tags %v, %v", size, o.Attrs, tags, err)
			}
			if !bytes.Equal(b.Bytes(copied), b.Bytes(object)) {
				t.Error("the copy has other bytes")
			}
		}
		if got := b.Object(object); got.StorageClass != "REDUCED_REDUNDANCY" {
			t.Errorf("storage class %q", got.StorageClass)
		}
		b.tidy()
	}
}
