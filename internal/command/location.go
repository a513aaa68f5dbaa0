package command

import (
	"path"
	"path/filepath"
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

// SplitAddress is store.Parse for an address that need not be valid: what is not is split at its first slash.
func SplitAddress(address string) store.Ref {
	if ref, err := store.Parse(address); err == nil {
		return ref
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(address, Scheme), "/")
	return store.Ref{Bucket: bucket, Key: key}
}

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
