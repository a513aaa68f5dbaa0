package command

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Location is the source or target of a request.
type Location struct {
	Kind Kind
	Text string    // as the user wrote it
	Ref  store.Ref // of a Remote; the key is raw, and empty if only a bucket was named
}

// Kind says what a Location is.
type Kind int

// The kinds of locations.
const (
	Local  Kind = iota // a path
	Stream             // standard input or output
	Remote             // s3://…
)

// Scheme begins the address of an object.
const Scheme = "s3://"

// End returns the location as one end of a run over many objects.
func (l Location) End() mirror.End {
	if l.Kind == Remote {
		return mirror.Remote(l.Ref)
	}
	return mirror.Local(l.Text)
}

// base returns the last name of a path or key.
func (l Location) base() string {
	if l.Kind == Local {
		return filepath.Base(l.Text)
	}
	return BaseKey(l.Ref.Key)
}

// shown returns the location as results have it; stdio stands for a standard stream.
func (l Location) shown(stdio string) string {
	switch l.Kind {
	case Stream:
		return stdio
	case Remote:
		return l.Ref.String()
	}
	return shown(l.Text)
}

// full returns the location for a reader in another working directory.
func (l Location) full() string {
	if abs, err := filepath.Abs(l.Text); err == nil && l.Kind == Local {
		return abs
	}
	if l.Kind == Stream {
		return "standard input"
	}
	return l.Text
}

// arn matches an access point's ARN, in the forms of the AWS CLI: the first word is the service, and the name may follow a colon or
// a slash.
var arn = regexp.MustCompile(`^(?:arn:aws[a-z-]*:(?:` +
	`s3:[a-z0-9-]*:[0-9]{12}:accesspoint[:/][^/:]+|` +
	`s3-outposts:[a-z0-9-]+:[0-9]{12}:outpost[:/][a-zA-Z0-9-]{1,63}[:/]accesspoint[:/][a-zA-Z0-9-]{1,63}|` +
	`s3-object-lambda:[a-z0-9-]+:[0-9]{12}:accesspoint[:/][a-zA-Z0-9-]{1,63}))(/|$)`)

// SplitAddress splits an address, with or without s3://, at its first slash. The key stays as it is: nothing is decoded or cleaned,
// since "a//b", "a/../b" and "a%20b" are different keys. An access point's ARN stands for a bucket.
func SplitAddress(address string) store.Ref {
	rest := strings.TrimPrefix(address, Scheme)
	if m := arn.FindStringSubmatchIndex(rest); m != nil {
		return store.Ref{Bucket: rest[:m[2]], Key: strings.TrimPrefix(rest[m[2]:], "/")}
	}
	bucket, key, _ := strings.Cut(rest, "/")
	return store.Ref{Bucket: bucket, Key: key}
}

// IsAccessPoint reports whether a bucket is an access point's ARN.
func IsAccessPoint(bucket string) bool { return arn.MatchString(bucket) }

// IsFolder reports whether a key stands for a folder: the bucket itself, or a key that ends in a slash.
func IsFolder(key string) bool { return key == "" || strings.HasSuffix(key, "/") }

// FolderKey returns the prefix of what is below a folder.
func FolderKey(key string) string {
	if IsFolder(key) {
		return key
	}
	return key + "/"
}

// BaseKey returns the last name of a key.
func BaseKey(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// shown returns a local path as results have it: relative ones begin with a dot, as in ./a.bam.
func shown(file string) string {
	if filepath.IsAbs(file) || path.IsAbs(file) {
		return file
	}
	clean := filepath.Clean(file)
	if clean == "." || clean == ".." || strings.HasPrefix(clean, ".."+string(filepath.Separator)) {
		return clean
	}
	return "." + string(filepath.Separator) + clean
}
