package s5line

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Scheme begins the address of an object.
const Scheme = "s3://"

// wildcards are the characters of a pattern: * is any number of characters, slashes included, ? is any one.
const wildcards = "*?"

// URL is a local path, or the address of a bucket, an object, or a pattern of either.
type URL struct {
	Remote      bool
	Bucket      string
	Path        string // the key, or the path
	Version     string
	AllVersions bool
	Raw         bool // the path has no wildcards, whatever its characters
}

// ParseURL parses a path or address.
func ParseURL(s string, raw bool) (URL, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return URL{Path: s, Raw: raw}, nil
	}
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case scheme != "s3":
		return URL{}, fmt.Errorf("s3 url should start with %q", Scheme)
	case bucket == "":
		return URL{}, errors.New("s3 url should have a bucket")
	case strings.ContainsAny(bucket, wildcards):
		return URL{}, errors.New("bucket name cannot contain wildcards")
	}
	return URL{Remote: true, Bucket: bucket, Path: key, Raw: raw}, nil
}

// String returns it as it was written.
func (u URL) String() string {
	switch {
	case !u.Remote:
		return u.Path
	case u.Path == "":
		return Scheme + u.Bucket
	}
	return Scheme + u.Bucket + "/" + u.Path
}

// IsBucket reports whether it names a bucket only, and IsPrefix whether it ends in a slash, as no object does.
func (u URL) IsBucket() bool { return u.Remote && u.Path == "" }

// IsPrefix reports whether it is a key that ends in a slash.
func (u URL) IsPrefix() bool { return u.Remote && strings.HasSuffix(u.Path, "/") }

// IsFolder reports whether it is either.
func (u URL) IsFolder() bool { return u.IsBucket() || u.IsPrefix() }

// IsPattern reports whether it has wildcards.
func (u URL) IsPattern() bool { return !u.Raw && strings.ContainsAny(u.Path, wildcards) }

// Base returns its last name.
func (u URL) Base() string {
	if u.Remote {
		return path.Base(u.Path)
	}
	return filepath.Base(u.Path)
}

// Start returns what comes before the first wildcard: no key without it can match.
func (u URL) Start() string {
	if u.IsPattern() {
		return u.Path[:strings.IndexAny(u.Path, wildcards)]
	}
	return u.Path
}

// Root returns the folder that names of matches are relative to, with its slash: that of the first wildcard, or of the last name.
func (u URL) Root() string { return u.Path[:strings.LastIndexByte(u.Start(), '/')+1] }

// Matches reports whether a key matches: the whole of it the pattern, or, without wildcards, its start.
func (u URL) Matches(key string) bool {
	if !u.IsPattern() {
		return strings.HasPrefix(key, u.Path)
	}
	return strings.HasPrefix(key, u.Start()) && match(u.Path, key)
}

// Name returns the name of a listed key: below the Root of a pattern; else, in the listing of one level, its last name.
func (u URL) Name(key string) string {
	switch {
	case u.IsPattern():
		return key[len(u.Root()):]
	case key == u.Path:
		return key
	}
	return key[strings.LastIndexByte(strings.TrimSuffix(key, "/"), '/')+1:]
}

// Patterns are those of --exclude and --include.
type Patterns struct{ Exclude, Include []string }

// Wants reports whether a name is neither excluded nor, if anything is included, left out.
func (p Patterns) Wants(name string) bool {
	return !matchAny(p.Exclude, name) && (len(p.Include) == 0 || matchAny(p.Include, name))
}

// Patterns returns the patterns of a command. Empty ones are none.
func (l Line) Patterns() Patterns {
	return Patterns{Exclude: filled(l.Flags["exclude"]), Include: filled(l.Flags["include"])}
}

func filled(all []string) (out []string) {
	for _, p := range all {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if match(p, name) {
			return true
		}
	}
	return false
}
