package s3_test

import (
	"bytes"
	"context"
	sum256 "crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// With SignPayload the signature covers the body's SHA-256, and no sum follows the bytes.
func TestSignPayload(t *testing.T) {
	server := script(t, echoing(200, ""))
	s := open(t, s3.Config{Endpoint: server.URL, SignPayload: true, DialTimeout: time.Minute})
	body := bytes.Repeat([]byte("signed"), 1000)
	ref := store.Ref{Bucket: "lab", Key: "k"}
	if _, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(body)}); err != nil {
		t.Fatal(err)
	}
	up := store.Upload{Ref: ref, ID: "1", Scheme: checksum.Scheme{Algorithm: checksum.CRC64NVME}}
	if s.TakesLateSums(up) {
		t.Error("a late sum is taken, and the body cannot be signed before it")
	}
	if _, err := s.PutPart(context.Background(), store.PutPartRequest{Upload: up, Number: 1, Body: section(body)}); err != nil {
		t.Fatal(err)
	}
	sum := sum256.Sum256(body)
	for _, got := range server.got {
		if h := got.header.Get("X-Amz-Content-Sha256"); h != hex.EncodeToString(sum[:]) {
			t.Errorf("%s %s: signed %q", got.method, got.path, h)
		}
		if !bytes.Equal(got.body, body) {
			t.Errorf("%s %s: another body", got.method, got.path)
		}
	}
}
