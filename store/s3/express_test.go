package s3_test

import (
	"context"
	"strings"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// TestExpressSessions: requests to a directory bucket are signed by a session of its own, unless that is switched off.
func TestExpressSessions(t *testing.T) {
	for _, off := range []string{"", "true"} {
		setKeys(t)
		t.Setenv("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", off)
		srv := script(t, fails(403, "AccessDenied", ""))
		s := openAsIs(t, s3.Config{Endpoint: srv.URL, Region: "us-east-1", Addressing: s3.AddressPath})
		_, err := s.Head(context.Background(), store.GetRequest{Ref: store.Ref{Bucket: "lab--use1-az4--x-s3", Key: "k"}})
		if err == nil {
			t.Fatal("no error")
		}
		r := srv.last(t)
		if session := strings.Contains(r.path, "session"); session == (off != "") {
			t.Errorf("switched off: %q: %s %s %s", off, r.method, r.path, r.header.Get("Authorization"))
		}
	}
}
