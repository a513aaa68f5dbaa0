package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// What is missing for an operation on an upload is the upload, whatever code the server has for it: Ceph has NoSuchKey.
func TestMissingUploadOfAnyCode(t *testing.T) {
	for _, op := range []string{"ListParts", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload"} {
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			kind   store.Kind
		}{
			"NoSuchUpload":  {fails(404, "NoSuchUpload", ""), store.NoUpload},
			"NoSuchKey":     {fails(404, "NoSuchKey", "The specified key does not exist."), store.NoUpload},
			"NotFound":      {fails(404, "NotFound", ""), store.NoUpload},
			"no body":       {answer(404, ""), store.NoUpload},
			"bucket":        {fails(404, "NoSuchBucket", ""), store.NoBucket},
			"proxy's page":  {answer(404, "<html>not here</html>", "Content-Type: text/html"), store.BadAnswer},
			"proxy's words": {answer(404, "404 page not found"), store.NotFound},
		} {
			t.Run(op+"/"+name, func(t *testing.T) {
				s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
				err := operations[op](context.Background(), s, nil)
				want := tt.kind
				switch {
				case op == "AbortMultipartUpload" && want == store.NoUpload:
					want = "" // it is gone, as was asked
				case op == "UploadPartCopy" && name == "NoSuchKey":
					want = store.NotFound // may be the source's
				}
				if got := store.KindOf(err); got != want {
					t.Errorf("got kind %q, want %q: %v", got, want, err)
				}
			})
		}
	}
}

func TestLimitsAreLearnedFromRefusals(t *testing.T) {
	const mib = 1 << 20
	plain := open(t, s3.Config{Endpoint: "http://127.0.0.1:1"}).Limits("lab")
	for _, tt := range []struct {
		name   string
		size   int // of the body
		number int // of the part; 0 is a Put, below 0 a Complete of so many
		answer http.HandlerFunc
		want   func(*store.Limits)
	}{
		{"S3's words", 1, 1001, fails(400, "InvalidArgument", "Part number must be an integer between 1 and 1000, inclusive"), func(l *store.Limits) { l.MaxParts = 1000 }},
		{"other words", 1, 513, fails(400, "InvalidPartNumber", "partNumber 513 is above 512"), func(l *store.Limits) { l.MaxParts = 512 }},
		{"a comma", 1, 2501, fails(400, "InvalidArgument", "Too many parts: at most 2,500 are allowed"), func(l *store.Limits) { l.MaxParts = 2500 }},
		{"no bound", 1, 1200, fails(400, "InvalidArgument", "Invalid part number"), func(l *store.Limits) { l.MaxParts = 1000 }},
		{"no bound and a small number", 1, 12, fails(400, "InvalidArgument", "Invalid part number"), nil},
		{"of Complete", 1, -1003, fails(400, "InvalidArgument", "The number of parts must be between 1 and 1000"), func(l *store.Limits) { l.MaxParts = 1000 }},
		{"something else", 1, 1001, fails(400, "InvalidArgument", "x-amz-foo must be between 1 and 1000"), nil},
		{"a large Put", 12 * mib, 0, fails(400, "EntityTooLarge", "", "<MaxSizeAllowed>9000000</MaxSizeAllowed>"), func(l *store.Limits) { l.MaxPut = 9000000 }},
		{"a large Put, no bound", 12 * mib, 0, fails(400, "EntityTooLarge", ""), func(l *store.Limits) { l.MaxPut = 6 * mib }},
		{"a proxy's limit", 8 * mib, 0, answer(413, "<html>too large</html>", "Content-Type: text/html"), func(l *store.Limits) { l.MaxPut = 5 * mib }},
		{"a proxy that lets nothing through", 4 * mib, 0, answer(413, ""), nil},
		{"a large part", 12 * mib, 3, fails(400, "EntityTooLarge", "", "<MaxSizeAllowed>"+fmt.Sprint(8*mib)+"</MaxSizeAllowed>"), func(l *store.Limits) { l.MaxPart = 8 * mib }},
		{"small parts", 1, -3, fails(400, "EntityTooSmall", "", "<MinSizeAllowed>10485760</MinSizeAllowed>"), func(l *store.Limits) { l.MinPart = 10 * mib }},
		{"small parts, no bound", 1, -3, fails(400, "EntityTooSmall", ""), nil},
		{"a quota", 12 * mib, 0, fails(403, "QuotaExceeded", ""), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
			u := store.Upload{Ref: ref, ID: "u1"}
			var err error
			switch {
			case tt.number == 0:
				_, err = s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(make([]byte, tt.size))})
			case tt.number > 0:
				_, err = s.PutPart(context.Background(), store.PutPartRequest{Upload: u, Number: tt.number, Body: section(make([]byte, tt.size))})
			default:
				_, err = s.Complete(context.Background(), store.CompleteRequest{Upload: u, Parts: make([]store.Part, -tt.number)})
			}
			if err == nil {
				t.Fatal("no error")
			}
			want := plain
			if tt.want != nil {
				tt.want(&want)
			}
			if got := s.Limits("lab"); got != want {
				t.Errorf("got %+v\nwant %+v\nafter %v", got, want, err)
			}
		})
	}
}
