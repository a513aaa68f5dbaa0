package haul_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"haul"
	"haul/checksum"
	"haul/store"
	"haul/store/storetest"
)

func TestRoundTripOfEverySize(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 64, 65, 99, 100, 101, 1000} {
		b := newBench(t)
		want := random(size, uint64(size))
		up, err := b.upload(want, haul.Transfer{PartSize: 10})
		if err != nil {
			t.Fatalf("size %d: upload: %v", size, err)
		}
		b.stored(want)
		if !up.Proof.Proved || up.Proof.Sum.Algorithm != checksum.CRC64NVME || up.Size != int64(size) || up.Moved != int64(size) {
			t.Errorf("size %d: upload said %+v", size, up)
		}
		target := filepath.Join(b.dir, "out", "x.bam")
		down, err := b.client().Download(context.Background(), object, target, haul.Transfer{PartSize: 7})
		if err != nil {
			t.Fatalf("size %d: download: %v", size, err)
		}
		if !bytes.Equal(b.read(target), want) {
			t.Errorf("size %d: other bytes came down", size)
		}
		if down.Proof != (haul.Proof{Proved: true, Sum: up.Proof.Sum, Text: "CRC64NVME of the full object, as the store has it"}) {
			t.Errorf("size %d: download said %+v", size, down.Proof)
		}
		var out bytes.Buffer
		if _, err := b.client().DownloadStream(context.Background(), object, &out, haul.Transfer{PartSize: 7}); err != nil {
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
		{"all, small", storetest.AllChecksums, 5, "CRC64NVME of the full object, checked by the store", "CRC64NVME of the full object", true},
		{"all, parts", storetest.AllChecksums, 95, "CRC64NVME of the full object, checked by the store", "CRC64NVME of the full object", true},
		{"composite, small", storetest.CompositeChecksums, 5, "CRC32C of the full object, checked by the store", "CRC32C of the full object", true},
		{"composite, parts", storetest.CompositeChecksums, 95, "CRC32C of 10 parts, checked by the store", "CRC32C of 10 parts", true},
		{"md5, small", storetest.MD5Checksums, 5, "MD5, checked by the store", "MD5, the store's ETag", true},
		{"md5, parts", storetest.MD5Checksums, 95, "MD5 of each of 10 parts", "MD5 of 10 parts, the store's ETag", true},
		{"ignoring, small", storetest.IgnoredChecksums, 5, "MD5, against the store's ETag", "MD5, the store's ETag", true},
		{"none, small", storetest.NoChecksums, 5, "takes no checksum", "keeps no checksum", false},
		{"none, parts", storetest.NoChecksums, 95, "takes no checksum", "keeps no checksum", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, storetest.Takes(c.store))
			want := random(c.size, 1)
			up, err := b.upload(want, haul.Transfer{PartSize: 10})
			if err != nil {
				t.Fatal(err)
			}
			b.stored(want)
			if up.Proof.Proved != c.proved || !strings.Contains(up.Proof.Text, c.up) {
				t.Errorf("upload: proof %+v, want %q", up.Proof, c.up)
			}
			for _, o := range []haul.Transfer{{}, {PartSize: 7}} {
				target := filepath.Join(b.dir, "y.bam")
				down, err := b.client().Download(context.Background(), object, target, o)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(b.read(target), want) || down.Proof.Proved != c.proved || !strings.Contains(down.Proof.Text, c.down) {
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
		_, err := b.upload(want, haul.Transfer{PartSize: 10})
		var left *haul.LeftError
		if !errors.As(err, &left) || !left.Resumable || !errors.Is(err, store.Denied) {
			t.Fatalf("got %v, want a LeftError to go on from", err)
		}
		before := b.Counts().In()
		r, err := b.client().Upload(context.Background(), filepath.Join(b.dir, "x.bam"), object, haul.Transfer{})
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
		if _, err := b.upload(random(200, 3), haul.Transfer{PartSize: 10}); err == nil {
			t.Fatal("no error")
		}
		want := random(200, 4)
		if err := os.Remove(filepath.Join(b.dir, "x.bam")); err != nil {
			t.Fatal(err)
		}
		r, err := b.upload(want, haul.Transfer{PartSize: 10})
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
