package haul_test

import (
	"context"
	"testing"
	"testing/synctest"

	"haul"
	"haul/store/storetest"
)

// The answer to CreateMultipartUpload is lost: the store holds an upload whose ID nobody knows.
func TestUploadWithoutNameIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(100, 1)
		b.Fault(storetest.Create).LoseAnswer()
		if _, err := b.upload(want, haul.Transfer{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		b.stored(want)
		b.tidy()
	})
}

// As before, but the run ends there; the next one cleans up.
func TestUploadWithoutNameOfAnEarlierRunIsThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		want := random(100, 1)
		ctx, kill := context.WithCancel(t.Context())
		b.Fault(storetest.Create).Hook(kill).LoseAnswer()
		if _, err := b.client().Upload(ctx, b.file("x.bam", want), object, haul.Transfer{PartSize: 10}); err == nil {
			t.Fatal("the first run ended well")
		}
		if len(b.OpenUploads()) != 1 {
			t.Fatalf("open uploads: %v; want one that the run knew nothing of", b.OpenUploads())
		}
		if _, err := b.upload(want, haul.Transfer{PartSize: 10}); err != nil {
			t.Fatal(err)
		}
		b.stored(want)
		b.tidy()
	})
}

// A store that refuses to open an upload leaves nothing to remember.
func TestRefusedUploadLeavesNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		to := object
		to.Bucket = "nowhere"
		if _, err := b.client().Upload(t.Context(), b.file("x.bam", random(100, 1)), to, haul.Transfer{PartSize: 10}); err == nil {
			t.Fatal("uploaded to no bucket")
		}
		b.tidy()
	})
}
