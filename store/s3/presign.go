package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"haul.example/haul/store"
)

// maxPresign is the longest that an address may be valid
// (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
const maxPresign = 7 * 24 * time.Hour

// Presign returns a signed address of an object with which anyone can get the object for that long. It makes no request,
// not even to check that there is such an object. If the credentials expire earlier, so does the address.
func (s *Store) Presign(ctx context.Context, ref store.Ref, good time.Duration) (string, error) {
	c := newPlainCall("GetObject", ref, nil)
	switch {
	case good < time.Second || good > maxPresign:
		return "", c.invalid("an address is good for 1 second to 7 days", fmt.Errorf("%v is not between 1 second and 7 days", good))
	case s.anonymous:
		return "", c.invalid("leave out --no-sign-request", errors.New("nothing can be signed without credentials"))
	case ref.Bucket == "":
		return "", c.invalid("name an object: s3://BUCKET/KEY", errors.New("no bucket is named"))
	}
	if err := c.check(nil); err != nil {
		return "", err
	}
	plain := awss3.WithPresignClientFromClientOptions(func(o *awss3.Options) { o.APIOptions = []func(*middleware.Stack) error{dropIDs} })
	client := awss3.NewPresignClient(s.client(s.regionFor(ref.Bucket)), awss3.WithPresignExpires(good), plain)
	r, err := client.PresignGetObject(ctx, &awss3.GetObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: version(ref)})
	if err != nil {
		return "", s.explain(ctx, ctx, &roundTrip{call: &c}, err)
	}
	return plainAddress(r)
}

func dropIDs(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("haul:ID", addHeaders), middleware.After)
}

// plainAddress refuses an address that only works along with headers, which a browser would not send.
func plainAddress(r *v4.PresignedHTTPRequest) (string, error) {
	for name := range r.SignedHeader {
		if name != http.CanonicalHeaderKey("Host") {
			return "", &store.Error{Kind: store.Unsupported, Op: "GetObject", Err: fmt.Errorf("the address would need the header %s", name)}
		}
	}
	return r.URL, nil
}
