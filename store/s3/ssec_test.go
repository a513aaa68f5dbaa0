package s3_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

const keyAnswer = "X-Amz-Server-Side-Encryption-Customer-Algorithm"

// keyed is a server that takes objects and answers about customers' keys as mode says.
type keyed struct {
	mu      sync.Mutex
	mode    string
	there   bool
	deleted string
}

func (k *keyed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	etag := `"0123456789abcdef0123456789abcdef"`
	switch {
	case r.Method == "HEAD":
		if k.mode == "silent" { // it encrypts, and says so only here
			w.Header().Set(keyAnswer, "AES256")
		}
		if k.mode == "overtaken" {
			etag = `"ffffffffffffffffffffffffffffffff"`
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", "3")
	case r.Method == "DELETE":
		if k.mode == "stubborn" {
			fails(403, "AccessDenied", "")(w, r)
			return
		}
		k.there, k.deleted = false, r.URL.Path
		w.WriteHeader(204)
	case r.Header.Get("X-Amz-Copy-Source") != "":
		k.there = true
		answer(200, `<CopyObjectResult><ETag>`+etag+`</ETag><LastModified>2026-01-02T03:04:05Z</LastModified></CopyObjectResult>`, "Content-Type: application/xml")(w, r)
	case r.URL.Query().Has("uploadId"):
		k.there = true
		answer(200, `<CompleteMultipartUploadResult><ETag>`+etag+`</ETag></CompleteMultipartUploadResult>`, "Content-Type: application/xml")(w, r)
	default:
		k.there = true
		echoing(200, "", "ETag: "+etag)(w, r)
	}
}

// TestCopyOntoItselfIsNotDeleted: an object that a store rewrote in place without the customer's key is the only one, and
// stays.
func TestCopyOntoItselfIsNotDeleted(t *testing.T) {
	attrs := &store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: store.Secret(strings.Repeat("k", 32))}}}
	for _, from := range []store.Ref{ref, {Bucket: ref.Bucket, Key: "/" + ref.Key}, {Bucket: ref.Bucket, Key: strings.ToUpper(ref.Key)}, {Bucket: "alias", Key: ref.Key}} {
		k := &keyed{mode: "ignores"}
		s := open(t, s3.Config{Endpoint: script(t, k.ServeHTTP).URL})
		if _, err := s.Copy(context.Background(), store.CopyRequest{From: from, To: ref, Attrs: attrs}); err == nil || !strings.Contains(err.Error(), "WITHOUT encryption") || !k.there {
			t.Errorf("from %s: the object is there: %v, %v", from, k.there, err)
		}
		k = &keyed{mode: "ignores"}
		s = open(t, s3.Config{Endpoint: script(t, k.ServeHTTP).URL})
		parts := store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Parts: []store.Part{{Number: 1, ETag: "e"}}, From: from, Attrs: attrs}
		if _, err := s.Complete(context.Background(), parts); err == nil || !strings.Contains(err.Error(), "WITHOUT encryption") || !k.there {
			t.Errorf("from %s in parts: the object is there: %v, %v", from, k.there, err)
		}
	}
}

// TestNothingUnencryptedIsLeftUnsaid: an answer that does not speak of the customer's key is settled by a look at the object.
func TestNothingUnencryptedIsLeftUnsaid(t *testing.T) {
	attrs := &store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: store.Secret(strings.Repeat("k", 32))}}}
	for op, call := range map[string]func(*s3.Store) error{
		"put": func(s *s3.Store) error {
			_, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section([]byte("abc")), Attrs: attrs})
			return err
		},
		"copy": func(s *s3.Store) error {
			_, err := s.Copy(context.Background(), store.CopyRequest{From: store.Ref{Bucket: "lab", Key: "a"}, To: ref, Attrs: attrs})
			return err
		},
		"complete": func(s *s3.Store) error {
			_, err := s.Complete(context.Background(), store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Parts: []store.Part{{Number: 1, ETag: "e"}}, Attrs: attrs})
			return err
		},
	} {
		for mode, want := range map[string]struct {
			left bool
			says string
		}{
			"silent":    {true, ""},
			"ignores":   {false, "without encryption; haul has deleted it"},
			"stubborn":  {true, "WITHOUT encryption, and could not be deleted"},
			"overtaken": {true, "another writer"},
		} {
			t.Run(op+" "+mode, func(t *testing.T) {
				k := &keyed{mode: mode}
				s := open(t, s3.Config{Endpoint: script(t, k.ServeHTTP).URL})
				err := call(s)
				if (err == nil) != (want.says == "") || err != nil && (!strings.Contains(err.Error(), want.says) || store.Retryable(err)) {
					t.Errorf("got %v", err)
				}
				if k.there != want.left {
					t.Errorf("the object is there: %v", k.there)
				}
			})
		}
	}
}

// TestPlainQueries: no request has the SDK's x-id, and presigned addresses have none.
func TestPlainQueries(t *testing.T) {
	srv := script(t, answer(200, `<CopyObjectResult><ETag>"0123456789abcdef0123456789abcdef"</ETag></CopyObjectResult>`, "Content-Type: application/xml"))
	s := open(t, s3.Config{Endpoint: srv.URL})
	_, _ = s.Copy(context.Background(), store.CopyRequest{From: store.Ref{Bucket: "lab", Key: "a"}, To: ref})
	_, _ = s.CopyPart(context.Background(), store.CopyPartRequest{From: store.Ref{Bucket: "lab", Key: "a"}, Upload: store.Upload{Ref: ref, ID: "u 1"}, Number: 2, Range: store.Range{Length: 3}})
	address, err := s.Presign(context.Background(), ref, 60e9)
	if err != nil || strings.Contains(address, "x-id") {
		t.Errorf("%s, %v", address, err)
	}
	for _, r := range srv.requests() {
		if r.query.Has("x-id") {
			t.Errorf("%v", r)
		}
	}
	if last := srv.last(t); last.query.Get("uploadId") != "u 1" || last.query.Get("partNumber") != "2" {
		t.Errorf("%v", last)
	}
}

// TestDeletesRefused: what a server says to a deletion of many is the end of that way, not of the deletion.
func TestDeletesRefused(t *testing.T) {
	for _, refusal := range []http.HandlerFunc{fails(400, "InvalidArgument", ""), fails(501, "NotImplemented", ""), answer(400, "")} {
		s := open(t, s3.Config{Endpoint: script(t, refusal).URL})
		_, err := s.DeleteMany(context.Background(), []store.Ref{ref}, nil)
		if store.KindOf(err) != store.Unsupported {
			t.Errorf("got %v", err)
		}
	}
}

// TestChecksumRefusedWithoutAWord: a 400 that says nothing may be about the checksum.
func TestChecksumRefusedWithoutAWord(t *testing.T) {
	srv := script(t, func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum") {
				w.WriteHeader(400)
				return
			}
		}
		answer(200, initiated, "Content-Type: application/xml")(w, r)
	})
	s := open(t, s3.Config{Endpoint: srv.URL})
	if err := operations["CreateMultipartUpload"](context.Background(), s, nil); err != nil {
		t.Error(err)
	}
}

func TestHintsOfRefusedAttributes(t *testing.T) {
	for _, c := range []struct {
		attrs  store.Attrs
		answer http.HandlerFunc
		hint   string
	}{
		{store.Attrs{Encryption: store.Encryption{SSE: "AES256"}}, fails(400, "InvalidRequest", ""), "https://"},
		{store.Attrs{Encryption: store.Encryption{SSE: "aws:kms"}}, fails(501, "NotImplemented", ""), "https://"},
		{store.Attrs{StorageClass: "COLD"}, fails(400, "InvalidArgument", ""), "storage class COLD"},
		{store.Attrs{}, answer(413, "<html>too large</html>", "Content-Type: text/html"), "client_max_body_size"},
	} {
		s := open(t, s3.Config{Endpoint: script(t, c.answer).URL})
		_, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section([]byte("abc")), Attrs: &c.attrs})
		if e := storeError(t, err); !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%v: %s", e, e.Hint)
		}
	}
}

// TestStoredEncoding: Google decompresses what is stored as gzip for those who ask for identity.
func TestStoredEncoding(t *testing.T) {
	for host, want := range map[string]string{"storage.googleapis.com": "gzip", "s3.example.org": "identity"} {
		srv := script(t, answer(200, "abc", `ETag: "e"`))
		internet(t, srv)
		body, err := open(t, s3.Config{Endpoint: "http://" + host}).Get(context.Background(), store.GetRequest{Ref: ref})
		if err != nil {
			t.Fatal(err)
		}
		body.Close()
		if got := srv.last(t).header.Get("Accept-Encoding"); got != want {
			t.Errorf("%s was asked for %s", host, got)
		}
	}
}

// TestKeysAreUTF8: another key is refused where it would be made; what a store has of that sort can still be read and
// deleted.
func TestKeysAreUTF8(t *testing.T) {
	for op, refused := range map[string]bool{"PutObject": true, "CreateMultipartUpload": true, "CopyObject": true, "HeadObject": false} {
		srv := script(t, answer(404, ""))
		s := open(t, s3.Config{Endpoint: srv.URL})
		odd := store.Ref{Bucket: "lab", Key: "b\xe4d"}
		var err error
		switch op {
		case "PutObject":
			_, err = s.Put(context.Background(), store.PutRequest{Ref: odd, Body: section([]byte("x"))})
		case "CreateMultipartUpload":
			_, err = s.Create(context.Background(), odd, checksum.Scheme{}, nil)
		case "CopyObject":
			_, err = s.Copy(context.Background(), store.CopyRequest{From: ref, To: odd})
		default:
			_, err = s.Head(context.Background(), store.GetRequest{Ref: odd})
		}
		e := storeError(t, err)
		if (len(srv.requests()) == 0) != refused || refused && (e.Kind != store.Invalid || !strings.Contains(e.Error(), `"b\xe4d"`)) {
			t.Errorf("%s: %v", op, err)
		}
	}
}
