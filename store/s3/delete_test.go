package s3_test

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

func refsOf(keys ...string) []store.Ref {
	refs := make([]store.Ref, len(keys))
	for i, k := range keys {
		refs[i] = store.Ref{Bucket: "lab", Key: k}
	}
	return refs
}

func TestDeleteMany(t *testing.T) {
	srv := script(t, answer(200, `<DeleteResult><Error><Key>b&amp;</Key><Code>AccessDenied</Code><Message>no</Message></Error>
		<Error><Key>c</Key><Code>InternalError</Code></Error><Error><Key>d</Key><Code>NoSuchKey</Code></Error><Deleted><Key>a</Key></Deleted></DeleteResult>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	each, err := s.DeleteMany(context.Background(), refsOf("a", "b&", "c", "d", "e\x01", "f"), &store.Attrs{RequestPayer: "requester"})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []store.Kind
	for _, err := range each {
		kinds = append(kinds, store.KindOf(err))
	}
	if want := []store.Kind{"", store.Denied, store.Unavailable, "", store.Unsupported, store.Unsupported}; !slices.Equal(kinds, want) {
		t.Errorf("kinds are %q, want %q", kinds, want)
	}
	var e *store.Error
	if !errors.As(each[1], &e) || e.Ref != (store.Ref{Bucket: "lab", Key: "b&"}) || e.Code != "AccessDenied" || e.Message != "no" {
		t.Errorf("%+v", e)
	}
	r := srv.last(t)
	sum := md5.Sum(r.body)
	if got := r.header.Get("Content-Md5"); got != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("Content-MD5 is %q", got)
	}
	for name := range r.header {
		if strings.Contains(strings.ToLower(name), "checksum") {
			t.Errorf("the header %s may be unknown", name)
		}
	}
	if body := string(r.body); !strings.Contains(body, "<Quiet>false</Quiet>") || strings.Contains(body, "<Key>e") || !strings.Contains(body, "<Key>b&amp;</Key>") {
		t.Errorf("body is %s", body)
	}
	if !r.query.Has("delete") || r.method != "POST" || r.header.Get("X-Amz-Request-Payer") != "requester" {
		t.Errorf("%s %v", r, r.header)
	}
}

// TestDeleteManyUnknown: a server that does not know the request is asked once.
func TestDeleteManyUnknown(t *testing.T) {
	srv := script(t, fails(501, "NotImplemented", ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	for range 2 {
		if _, err := s.DeleteMany(context.Background(), refsOf("a", "b"), nil); !errors.Is(err, store.Unsupported) {
			t.Error(err)
		}
	}
	if n := len(srv.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestDeleteManyOdd(t *testing.T) {
	for name, x := range map[string]struct {
		answer http.HandlerFunc
		refs   []store.Ref
		kind   store.Kind
	}{
		"an error behind 200":       {answer(200, `<Error><Code>SlowDown</Code></Error>`), refsOf("a", "b"), store.Throttled},
		"an error of another's key": {answer(200, `<DeleteResult><Error><Key>z</Key><Code>AccessDenied</Code></Error></DeleteResult>`), refsOf("a"), store.Denied},
		"two buckets":               {fails(500, "", ""), append(refsOf("a"), store.Ref{Bucket: "other", Key: "b"}), store.Invalid},
		"no key":                    {fails(500, "", ""), refsOf(""), store.Invalid},
		"too many":                  {fails(500, "", ""), make([]store.Ref, 1001), store.Invalid},
	} {
		s := open(t, s3.Config{Endpoint: script(t, x.answer).URL})
		if _, err := s.DeleteMany(context.Background(), x.refs, nil); store.KindOf(err) != x.kind {
			t.Errorf("%s: %v, want %q", name, err, x.kind)
		}
	}
}

func TestDelete(t *testing.T) {
	srv := script(t, answer(204, ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	if err := s.Delete(context.Background(), store.Ref{Bucket: "lab", Key: "a b", Version: "v1"}, nil); err != nil {
		t.Error(err)
	}
	if r := srv.last(t); r.method != "DELETE" || !strings.HasPrefix(r.path, "/lab/a%20b?") || r.query.Get("versionId") != "v1" {
		t.Errorf("%s", r)
	}
	s = open(t, s3.Config{Endpoint: script(t, fails(404, "NoSuchKey", "")).URL})
	if err := s.Delete(context.Background(), store.Ref{Bucket: "lab", Key: "a"}, nil); err != nil {
		t.Error(err)
	}
}
