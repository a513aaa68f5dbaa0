package s3_test

import (
	"context"
	"strings"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// TestRegionsThatAreKnown: the region of a bucket that the caller named is signed for at once.
func TestRegionsThatAreKnown(t *testing.T) {
	srv := script(t, answer(200, "", "Content-Length: 1", "ETag: e"), answer(200, "", "Content-Length: 1", "ETag: e"))
	s := open(t, s3.Config{Endpoint: srv.URL, Region: "eu-west-1", Regions: map[string]string{"far": "ap-south-1"}})
	for bucket, region := range map[string]string{"far": "ap-south-1", "near": "eu-west-1"} {
		if _, err := s.Head(context.Background(), store.GetRequest{Ref: store.Ref{Bucket: bucket, Key: "k"}}); err != nil {
			t.Fatal(err)
		}
		if auth := srv.last(t).header.Get("Authorization"); !strings.Contains(auth, "/"+region+"/s3/") {
			t.Errorf("%s: signed %q", bucket, auth)
		}
	}
}
