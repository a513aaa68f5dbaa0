package haul_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// annotate gives the object of a bench two annotations.
func (b *bench) annotate() []string {
	names := []string{"caller", "quality/q30"}
	for i, name := range names {
		n := store.Annotation{Name: name, Payload: fmt.Append(nil, "payload ", i)}
		if err := b.Annotate(context.Background(), object, "", n, nil); err != nil {
			b.Fatal(err)
		}
	}
	return names
}

func TestCopyAnnotations(t *testing.T) {
	copied := store.Ref{Bucket: storetest.Bucket, Key: "copy"}
	for name, x := range map[string]struct {
		options haul.CopyOptions
		all     bool
	}{
		"in one request":            {haul.CopyOptions{Annotations: store.CopyAnnotations}, true},
		"in parts":                  {haul.CopyOptions{Annotations: store.CopyAnnotations, PartSize: 50}, true},
		"excluded":                  {haul.CopyOptions{Annotations: store.ExcludeAnnotations}, false},
		"excluded, in parts":        {haul.CopyOptions{Annotations: store.ExcludeAnnotations, PartSize: 50}, false},
		"as the store does":         {haul.CopyOptions{}, true},
		"as the store does, parted": {haul.CopyOptions{PartSize: 50}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.upload(random(200, 3), haul.UploadOptions{}); err != nil {
				t.Fatal(err)
			}
			want := b.annotate()
			r, err := b.client().Copy(t.Context(), object, copied, x.options)
			if err != nil || !r.Proof.Verified {
				t.Fatalf("%+v, %v", r, err)
			}
			got, err := b.Annotations(t.Context(), copied, nil)
			if err != nil || x.all && !slices.Equal(got, want) || !x.all && len(got) > 0 {
				t.Fatalf("%q, %v", got, err)
			}
			for i, name := range got {
				if p, err := b.Annotation(t.Context(), copied, name, nil); err != nil || string(p) != fmt.Sprint("payload ", i) {
					t.Errorf("%s: %q, %v", name, p, err)
				}
			}
		})
	}
}

// TestCopyAnnotationsThatFail: a failure says that the object is there, and a store without annotations copies nothing.
func TestCopyAnnotationsThatFail(t *testing.T) {
	copied := store.Ref{Bucket: storetest.Bucket, Key: "copy"}
	with := haul.CopyOptions{Annotations: store.CopyAnnotations, PartSize: 50}
	b := newBench(t)
	if _, err := b.upload(random(200, 3), haul.UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	b.annotate()
	b.Fault(storetest.PutAnnotation).Error(store.Denied)
	if _, err := b.client().Copy(t.Context(), object, copied, with); !errors.Is(err, store.Denied) {
		t.Errorf("%v", err)
	}
	b = newBench(t, storetest.Takes(storetest.CompositeChecksums))
	if _, err := b.upload(random(200, 3), haul.UploadOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client().Copy(t.Context(), object, copied, with); !errors.Is(err, store.Unsupported) {
		t.Errorf("%v", err)
	}
	if _, err := b.Head(t.Context(), store.GetRequest{Ref: copied}); !errors.Is(err, store.NotFound) {
		t.Errorf("something was copied: %v", err)
	}
	express := store.Ref{Bucket: "lab--use1-az4--x-s3", Key: "copy"}
	if _, err := b.client().Copy(t.Context(), object, express, with); !errors.Is(err, store.Unsupported) {
		t.Errorf("%v", err)
	}
}
