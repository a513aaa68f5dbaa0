package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/store"
)

// address is where the objects of a bucket are, and how requests to them are signed.
type address struct {
	scheme, host string
	prefix       string // escaped path before the key
	region       string // to sign for; empty if nothing is signed
	// odd addresses need what only the SDK has: sessions of S3 Express, SigV4A, a proxy.
	odd bool
}

// place is the key of a cached address.
type place struct{ bucket, region string }

// probe makes the SDK build and sign a request without sending it: it shows where the SDK would have sent it.
type probe struct {
	url  *url.URL
	auth string
}

var errProbed = errors.New("probed")

// addressOf asks the SDK for the address of a bucket, once.
func (s *Store) addressOf(ctx context.Context, bucket, region string) (address, error) {
	key := place{bucket, region}
	s.mu.Lock()
	a, ok := s.addresses[key]
	s.mu.Unlock()
	if ok {
		return a, nil
	}
	var p probe
	pctx := context.WithValue(ctx, roundTripKey{}, &roundTrip{
		call: &call{op: "GetObject", ref: store.Ref{Bucket: bucket, Key: "k"}, header: http.Header{}}, probe: &p,
	})
	_, err := s.client(region).GetObject(pctx, &awss3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	if p.url == nil {
		if err == nil {
			err = errors.New("the SDK made no request")
		}
		return address{}, err
	}
	a = read(p)
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: p.url}); err != nil || proxy != nil {
		a.odd = true
	}
	s.mu.Lock()
	s.addresses[key] = a
	s.mu.Unlock()
	return a, nil
}

// read takes the address from a request for the key "k".
func read(p probe) address {
	a := address{scheme: p.url.Scheme, host: p.url.Host}
	path, found := strings.CutSuffix(p.url.EscapedPath(), "k")
	a.prefix = path
	if !found || !strings.HasSuffix(path, "/") {
		a.odd = true
	}
	if p.auth == "" {
		return a
	}
	// AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/s3/aws4_request, SignedHeaders=…
	_, scope, _ := strings.Cut(p.auth, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	fields := strings.Split(scope, "/") // an access key has no slash
	if !strings.HasPrefix(p.auth, "AWS4-HMAC-SHA256 ") || len(fields) < 5 || fields[len(fields)-2] != "s3" {
		a.odd = true
		return a
	}
	a.region = fields[len(fields)-3]
	return a
}

// escaped writes a key for a path as S3 signs it: every byte but A-Z a-z 0-9 - . _ ~ and / as %XX
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
func escaped(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(key) + 16)
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
