package store

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

const scheme = "s3://"

// arn matches what stands in place of a bucket in a URL that names an access point: the first word is the service, and the
// name may follow a colon or a slash. The forms are those of the AWS CLI.
var arn = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(arn:aws[a-z-]*:(?:` +
		`s3:[a-z0-9-]*:[0-9]{12}:accesspoint[:/][^/:]+|` +
		`s3-outposts:[a-z0-9-]+:[0-9]{12}:outpost[:/][a-zA-Z0-9-]{1,63}[:/]accesspoint[:/][a-zA-Z0-9-]{1,63}|` +
		`s3-object-lambda:[a-z0-9-]+:[0-9]{12}:accesspoint[:/][a-zA-Z0-9-]{1,63}))(?:/(.*))?$`)
})

// Parse parses s3://bucket/key. The key is everything after the first slash, unchanged, and may be empty: nothing is decoded
// or cleaned, because "a//b", "a/../b" and "a%20b" are distinct keys. An access point's ARN can take the place of the bucket,
// as in the AWS CLI. The error is of kind Invalid.
func Parse(url string) (Ref, error) {
	rest, ok := strings.CutPrefix(url, scheme)
	switch {
	case !ok:
		return Ref{}, &parseError{fmt.Sprintf("%s does not begin with %s", url, scheme)}
	case rest == "" || rest[0] == '/':
		return Ref{}, &parseError{fmt.Sprintf("%s has no bucket name; write s3://BUCKET/KEY", url)}
	case strings.HasPrefix(rest, "arn:"):
		m := arn().FindStringSubmatch(strings.ReplaceAll(rest, "\n", "\x00"))
		if m == nil {
			return Ref{}, &parseError{fmt.Sprintf("%s is not an access point's address; write s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/KEY", url)}
		}
		return Ref{Bucket: m[1], Key: strings.TrimPrefix(rest[len(m[1]):], "/")}, nil
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(bucket, " \t\r\n?#@\\") {
		return Ref{}, &parseError{fmt.Sprintf("%q in %s can be no bucket's name", bucket, url)}
	}
	return Ref{Bucket: bucket, Key: key}, nil
}

// parseError is an error of kind Invalid that says no more than its text.
type parseError struct{ text string }

func (e *parseError) Error() string { return e.text }

func (e *parseError) Unwrap() error { return Invalid }
