package s3_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// TestAnnotations: more than a page of them, with names that need escapes.
func TestAnnotations(t *testing.T) {
	m := storetest.New(storetest.For(t))
	srv := s3server.Serve(t, m, s3server.Page(2))
	s := open(t, s3.Config{Endpoint: srv.URL})
	ref := store.Ref{Bucket: storetest.Bucket, Key: "runs/x y.bam"}
	m.PutBytes(ref, []byte("ACGT"))
	o, err := s.Head(t.Context(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, name := range []string{"a b/c?d&e", "plain", "ü"} {
		want = append(want, name)
		if err := s.Annotate(t.Context(), ref, o.ETag, store.Annotation{Name: name, Payload: fmt.Append(nil, i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Annotations(t.Context(), ref, nil)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for i, name := range got {
		if p, err := s.Annotation(t.Context(), ref, name, nil); err != nil || string(p) != fmt.Sprint(i) {
			t.Errorf("%s: %q, %v", name, p, err)
		}
	}
	if err := s.Annotate(t.Context(), ref, "other", store.Annotation{Name: "n", Payload: []byte("x")}, nil); !errors.Is(err, store.Changed) {
		t.Error(err)
	}
	if _, err := s.Annotation(t.Context(), ref, "none", nil); !errors.Is(err, store.NotFound) {
		t.Error(err)
	}
}

// TestNoAnnotations: a server that does not know them sends the object, or refuses.
func TestNoAnnotations(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, "ACGT")).URL})
	if _, err := s.Annotations(context.Background(), ref, nil); !errors.Is(err, store.Unsupported) {
		t.Error(err)
	}
	s = open(t, s3.Config{Endpoint: script(t, fails(501, "NotImplemented", "no")).URL})
	if _, err := s.Annotations(context.Background(), ref, nil); !errors.Is(err, store.Unsupported) {
		t.Error(err)
	}
	s = open(t, s3.Config{Endpoint: script(t, answer(200, "payload", "x-amz-checksum-crc32: AAAAAA==")).URL})
	if _, err := s.Annotation(context.Background(), ref, "n", nil); !errors.Is(err, store.Corrupt) {
		t.Error(err)
	}
}

// TestAnnotationDirective: what a copy in one request says of them.
func TestAnnotationDirective(t *testing.T) {
	for _, want := range []store.Annotations{store.AnnotationsDefault, store.CopyAnnotations, store.ExcludeAnnotations} {
		srv := script(t, answer(200, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`))
		s := open(t, s3.Config{Endpoint: srv.URL})
		if _, err := s.Copy(context.Background(), store.CopyRequest{From: ref, To: ref, Annotations: want}); err != nil {
			t.Fatal(err)
		}
		if got := srv.last(t).header.Get("X-Amz-Object-Annotation-Directive"); got != string(want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
