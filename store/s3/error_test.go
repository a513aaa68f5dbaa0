package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

func errorIn(err error) *store.Error {
	var e *store.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// operations are one call of each kind.
var operations = map[string]func(context.Context, *s3.Store, *store.Attrs) error{
	"PutObject": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		body := []byte("reads")
		_, err := s.Put(ctx, store.PutRequest{Ref: ref, Body: section(body), Sum: checksum.Bytes(checksum.CRC64NVME, body), NoClobber: true, Attrs: a})
		return err
	},
	"UploadPart": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.PutPart(ctx, store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u1"}, Number: 3, Body: section([]byte("reads")), Attrs: a})
		return err
	},
	"GetObject": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Get(ctx, store.GetRequest{Ref: ref, IfMatch: "abc", Attrs: a})
		return err
	},
	"HeadObject": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Head(ctx, store.GetRequest{Ref: ref, Attrs: a})
		return err
	},
	"CreateMultipartUpload": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Create(ctx, ref, checksum.Scheme{}, a)
		return err
	},
	"CompleteMultipartUpload": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Complete(ctx, store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u1"}, Parts: []store.Part{{Number: 1, ETag: "a"}}, Size: 5, NoClobber: true, Attrs: a})
		return err
	},
	"AbortMultipartUpload": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		return s.Abort(ctx, store.Upload{Ref: ref, ID: "u1"}, a)
	},
	"ListParts": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, _, err := s.Parts(ctx, store.Upload{Ref: ref, ID: "u1"}, a)
		return err
	},
	"CopyObject": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Copy(ctx, store.CopyRequest{From: store.Ref{Bucket: "other", Key: "y"}, IfMatch: "abc", To: ref, Attrs: a})
		return err
	},
	"UploadPartCopy": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.CopyPart(ctx, store.CopyPartRequest{From: store.Ref{Bucket: "other", Key: "y"}, Range: store.Range{Offset: 5, Length: 10},
			Upload: store.Upload{Ref: ref, ID: "u1"}, Number: 1, Attrs: a})
		return err
	},
	"GetObjectTagging": func(ctx context.Context, s *s3.Store, a *store.Attrs) error {
		_, err := s.Tags(ctx, ref, a)
		return err
	},
	"ListMultipartUploads": func(ctx context.Context, s *s3.Store, _ *store.Attrs) error {
		for _, err := range s.Uploads(ctx, ref.Bucket, "runs/") {
			return err
		}
		return nil
	},
	"CreateBucket": func(ctx context.Context, s *s3.Store, _ *store.Attrs) error {
		return s.MakeBucket(ctx, store.NewBucket{Name: ref.Bucket})
	},
}

func TestErrors(t *testing.T) {
	hour := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	for _, tt := range []struct {
		op     string
		answer http.HandlerFunc
		kind   store.Kind
		hint   string // part of it
	}{
		{"GetObject", fails(403, "AccessDenied", "Access Denied"), store.Denied, "s3:GetObject"},
		{"GetObject", fails(403, "AccessDenied", "Access Denied"), store.Denied, "--request-payer requester"},
		{"PutObject", fails(403, "AccessDenied", "Access Denied"), store.Denied, "s3:PutObject"},
		{"GetObject", fails(404, "NoSuchBucket", "The specified bucket does not exist"), store.NoBucket, "`haul mb s3://lab`"},
		{"GetObject", fails(404, "NoSuchKey", ""), store.NotFound, ""},
		{"GetObject", fails(404, "NoSuchVersion", ""), store.Changed, ""},
		{"GetObject", answer(404, ""), store.NotFound, ""},
		{"HeadObject", answer(404, ""), store.NotFound, ""},
		{"HeadObject", answer(403, ""), store.Denied, "s3:ListBucket"},
		{"UploadPart", fails(404, "NoSuchUpload", ""), store.NoUpload, ""},
		{"UploadPart", fails(400, "ExpiredToken", "The provided token has expired."), store.Expired, "AWS_SESSION_TOKEN"},
		{"GetObject", answer(403, `<Error><Code>RequestTimeTooSkewed</Code></Error>`, "Date: "+hour), store.ClockSkew, "1h0m"},
		{"GetObject", fails(403, "InvalidObjectState", "", "<StorageClass>DEEP_ARCHIVE</StorageClass>"), store.Archived, "DEEP_ARCHIVE and must be restored"},
		{"GetObject", fails(403, "InvalidObjectState", "", "<StorageClass>INTELLIGENT_TIERING</StorageClass><AccessTier>ARCHIVE_ACCESS</AccessTier>"), store.Archived, "INTELLIGENT_TIERING ARCHIVE_ACCESS"},
		{"PutObject", fails(400, "AccessControlListNotSupported", ""), store.Invalid, "--acl"},
		{"GetObject", fails(403, "InvalidAccessKeyId", ""), store.Denied, "access key"},
		{"GetObject", fails(403, "SignatureDoesNotMatch", ""), store.Denied, "secret key"},
		{"GetObject", fails(400, "InvalidToken", ""), store.Denied, "AWS_SESSION_TOKEN"},
		{"GetObject", fails(400, "KMS.DisabledException", ""), store.Denied, "kms:Decrypt"},
		{"UploadPart", fails(503, "SlowDown", "Reduce your request rate"), store.Throttled, "--concurrency"},
		{"UploadPart", answer(503, ""), store.Throttled, ""},
		{"UploadPart", answer(429, ""), store.Throttled, ""},
		{"UploadPart", fails(500, "InternalError", ""), store.Unavailable, ""},
		{"UploadPart", answer(502, "<html>bad gateway</html>", "Content-Type: text/html"), store.Unavailable, "proxy"},
		{"UploadPart", fails(400, "RequestTimeout", ""), store.Network, ""},
		{"UploadPart", fails(400, "IncompleteBody", ""), store.Network, ""},
		{"UploadPart", fails(400, "BadDigest", "The CRC64NVME checksum you specified did not match"), store.Corrupt, ""},
		{"PutObject", fails(400, "XAmzContentChecksumMismatch", ""), store.Corrupt, ""},
		{"PutObject", fails(400, "InvalidDigest", ""), store.Corrupt, ""},
		{"PutObject", fails(501, "NotImplemented", "Header 'x-amz-checksum-crc64nvme' with value 'x' not implemented"), store.ChecksumRefused, ""},
		{"PutObject", fails(400, "InvalidRequest", "Checksum algorithm provided is unsupported."), store.ChecksumRefused, ""},
		{"PutObject", fails(403, "SignatureDoesNotMatch", ""), store.ChecksumRefused, ""},
		{"PutObject", fails(501, "NotImplemented", "If-None-Match is not implemented"), store.Unsupported, ""},
		{"UploadPart", fails(501, "NotImplemented", "x-amz-request-payer"), store.Unsupported, ""},
		{"PutObject", fails(412, "PreconditionFailed", ""), store.Exists, ""},
		{"CompleteMultipartUpload", fails(412, "PreconditionFailed", "", "<Condition>If-None-Match</Condition>"), store.Exists, ""},
		{"CompleteMultipartUpload", fails(409, "ConditionalRequestConflict", ""), store.Conflict, ""},
		{"GetObject", fails(412, "PreconditionFailed", ""), store.Changed, ""},
		{"CopyObject", fails(412, "PreconditionFailed", "", "<Condition>x-amz-copy-source-If-Match</Condition>"), store.Changed, ""},
		{"GetObject", fails(416, "InvalidRange", ""), store.BadRange, ""},
		{"PutObject", fails(400, "EntityTooLarge", ""), store.TooLarge, ""},
		{"CompleteMultipartUpload", fails(400, "EntityTooSmall", ""), store.Invalid, "5 MiB"},
		{"PutObject", fails(507, "XMinioStorageFull", ""), store.NoRoom, "free some space"},
		{"PutObject", fails(409, "ObjectParentIsFile", ""), store.Exists, "another key"},
		{"PutObject", fails(409, "ExistingObjectIsDirectory", ""), store.Exists, "is already a folder"},
		{"UploadPartCopy", answer(411, ""), store.Unsupported, ""},
		{"GetObject", answer(400, "Client sent an HTTP request to an HTTPS server.\n"), store.Invalid, "https://"},
		{"GetObject", answer(407, ""), store.Denied, "proxy"},
		{"CreateBucket", fails(409, "BucketAlreadyOwnedByYou", ""), store.Exists, "already own"},
		{"CreateBucket", fails(409, "BucketAlreadyExists", ""), store.Exists, "another"},
		{"GetObject", answer(301, ""), store.WrongRegion, "--region"},
		{"ListParts", answer(200, "<html><body>Login</body></html>", "Content-Type: text/html"), store.BadAnswer, "login page"},
		{"CreateMultipartUpload", answer(200, "ok"), store.BadAnswer, "not from an S3 server"},
	} {
		t.Run(tt.op, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
			e := storeError(t, operations[tt.op](context.Background(), s, nil))
			if e.Kind != tt.kind || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("got kind %q, hint %q; want %q, %q; %v", e.Kind, e.Hint, tt.kind, tt.hint, e)
			}
			if e.Op == "" || e.Ref.Bucket != ref.Bucket {
				t.Errorf("error does not say on what: %v", e)
			}
			if !errors.Is(e, tt.kind) {
				t.Errorf("%v is not %q", e, tt.kind)
			}
		})
	}
}

func TestErrorDetails(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		fails(503, "SlowDown", "Please reduce your request rate.")(w, r)
	}).URL})
	e := storeError(t, operations["UploadPart"](context.Background(), s, nil))
	if e.RetryAfter != 7*time.Second || e.RequestID != "RID1" || e.Status != 503 || e.Code != "SlowDown" || e.Message != "Please reduce your request rate." || !e.Retryable() {
		t.Errorf("%+v", e)
	}
}

// TestErrorIn200 is about answers that begin well and turn out to be errors.
func TestErrorIn200(t *testing.T) {
	for _, op := range []string{"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"} {
		for name, lead := range map[string]string{"bare": "", "spaces": strings.Repeat(" ", 20_000)} {
			t.Run(op+"/"+name, func(t *testing.T) {
				srv := script(t, answer(200, lead+`<?xml version="1.0"?>`+"\n\n"+`<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>`))
				e := storeError(t, operations[op](context.Background(), open(t, s3.Config{Endpoint: srv.URL}), nil))
				if e.Kind != store.Unavailable || e.Code != "InternalError" || e.Status != 200 {
					t.Errorf("%+v", e)
				}
				if n := len(srv.requests()); n != 1 {
					t.Errorf("%d requests were sent", n)
				}
			})
		}
	}
	t.Run("spaces before success", func(t *testing.T) {
		srv := script(t, answer(200, `<?xml version="1.0"?>`+strings.Repeat("\n ", 5000)+strings.TrimPrefix(completed, "")))
		s := open(t, s3.Config{Endpoint: srv.URL})
		if err := operations["CompleteMultipartUpload"](context.Background(), s, nil); err != nil {
			t.Error(err)
		}
	})
}

// TestNoRetry: the SDK must not try again by itself.
func TestNoRetry(t *testing.T) {
	for op, do := range operations {
		srv := script(t, fails(500, "InternalError", ""))
		e := storeError(t, do(context.Background(), open(t, s3.Config{Endpoint: srv.URL}), nil))
		if n := len(srv.requests()); n != 1 || e.Kind != store.Unavailable {
			t.Errorf("%s: %d requests, %v", op, n, e)
		}
	}
}

// TestHeadUnveiled: the answer to HEAD has no code, so a GET of one byte asks for it.
func TestHeadUnveiled(t *testing.T) {
	srv := script(t, answer(400, ""), answer(400, ""), fails(400, "ExpiredToken", "The provided token has expired."))
	e := storeError(t, operations["HeadObject"](context.Background(), open(t, s3.Config{Endpoint: srv.URL}), nil))
	if e.Kind != store.Expired {
		t.Errorf("%+v", e)
	}
}

// TestSecrets makes the server repeat everything that it received.
func TestSecrets(t *testing.T) {
	key := store.Secret("0123456789abcdefghijklmnopqrstuv")
	a := &store.Attrs{Encryption: store.Encryption{Customer: store.CustomerKey{Key: key}, CopySource: store.CustomerKey{Key: key}}}
	echo := func(r *http.Request, more ...string) string {
		all := fmt.Sprint(r.Header, more) + " https://me:password0@x/?X-Amz-Signature=SIGNATURE0&X-Amz-Credential=" + accessKey + "/2026&X-Amz-Security-Token=TOKEN0"
		return strings.NewReplacer("<", "", "&", "&amp;").Replace(all)
	}
	answers := map[string]http.HandlerFunc{"garbage": func(w http.ResponseWriter, r *http.Request) { answer(400, echo(r, secretKey))(w, r) }}
	for _, status := range []int{200, 400, 403} {
		answers[fmt.Sprint(status)] = func(w http.ResponseWriter, r *http.Request) {
			fails(status, "Odd", echo(r, secretKey), "<StringToSign>"+echo(r)+"</StringToSign><AWSAccessKeyId>"+accessKey+"</AWSAccessKeyId><Token-0>TOKEN0</Token-0>")(w, r)
		}
	}
	for op, do := range operations {
		for name, h := range answers {
			srv := script(t, h)
			err := do(context.Background(), open(t, s3.Config{Endpoint: srv.URL}), a)
			if err == nil {
				continue
			}
			e, signature := storeError(t, err), ""
			if _, s, ok := strings.Cut(srv.last(t).header.Get("Authorization"), "Signature="); ok {
				signature = s
			}
			text := fmt.Sprintf("%v %+v %#v %s %s", err, err, e, e.Message, e.Hint)
			for _, secret := range []string{secretKey, accessKey, string(key), "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=", "SIGNATURE0", "TOKEN0", "password0", signature} {
				if strings.Contains(text, secret) {
					t.Errorf("%s/%s gives away %q: %.300s", op, name, secret, text)
				}
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	srv := script(t, func(w http.ResponseWriter, r *http.Request) { cancel(stop); <-r.Context().Done() })
	err := operations["UploadPart"](ctx, open(t, s3.Config{Endpoint: srv.URL}), nil)
	if !errors.Is(err, stop) || store.Retryable(err) {
		t.Errorf("got %v", err)
	}
}

// A connection that is free, and a server that answers at once, are no reason to do what is not wanted any more.
func TestCancelledBefore(t *testing.T) {
	srv := script(t, answer(200, "ACGT", `ETag: "a"`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		b, err := s.Get(t.Context(), store.GetRequest{Ref: ref})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, b); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if _, err := s.Get(done, store.GetRequest{Ref: ref}); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(srv.requests()); n != 20 {
		t.Errorf("%d requests", n)
	}
}
