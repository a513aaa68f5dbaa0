package cli

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"haul.example/haul/internal/localfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// location is a SOURCE or TARGET as typed.
type location struct {
	kind kind
	text string    // as typed
	ref  store.Ref // of an object; the key is raw, and empty where only a bucket was named
}

// end is the location as one end of a run.
func (l location) end() mirror.End {
	if l.kind == remote {
		return mirror.Remote(l.ref)
	}
	return mirror.Local(l.text)
}

type kind int

const (
	local  kind = iota // a path
	stream             // "-": standard input or output
	remote             // s3://…
)

const scheme = "s3://"

// parseLocation tells what a word on the command line means.
func parseLocation(word string) (location, error) {
	switch {
	case word == "":
		return location{}, usagef("a source or target is empty")
	case word == "-", word == "/dev/stdin", word == "/dev/stdout":
		return location{kind: stream, text: word}, nil
	case strings.HasPrefix(word, scheme):
		ref, err := parseS3(word)
		return location{kind: remote, text: word, ref: ref}, err
	}
	if hint := nearlyS3(word); hint != "" {
		return location{}, usagef("%s is neither a path nor an object; did you mean %s? (a local file of that name is ./%s)", word, hint, word)
	}
	return location{kind: local, text: word}, notForeign(word)
}

// notForeign refuses the address of something that haul cannot reach, which would else be taken for a path.
func notForeign(word string) error {
	switch localfile.Scheme(word) {
	case "", "s3":
		return nil
	case "file":
		return usagef("%s is an address; write the path by itself: %s", word, word[len("file://"):])
	}
	return usagef("%s is an address, and haul reads and writes local paths and s3:// only (a local file of that name is ./%s)", word, word)
}

// parseS3 is store.Parse for what a user typed.
func parseS3(url string) (store.Ref, error) {
	ref, err := store.Parse(url)
	if err != nil {
		return ref, usagef("%v", err)
	}
	return ref, nil
}

// virtualHost matches the web address of an object on Amazon S3, with the bucket in the host's name; pathHost has it in the path.
var (
	virtualHost = regexp.MustCompile(`^https?://([^/]+)\.s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?/([^?]*)`)
	pathHost    = regexp.MustCompile(`^https?://s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?/([^?]+)`)
	badScheme   = regexp.MustCompile(`^(?i:s3a|s3n|s3):/{0,3}`)
)

// nearlyS3 gives the s3:// form of a word that was probably meant as an object, or nothing.
func nearlyS3(word string) string {
	if m := virtualHost.FindStringSubmatch(word); m != nil {
		return scheme + m[1] + "/" + m[2]
	}
	if m := pathHost.FindStringSubmatch(word); m != nil {
		return scheme + m[1]
	}
	if m := badScheme.FindString(word); m != "" && len(m) < len(word) {
		return scheme + word[len(m):]
	}
	return ""
}

// isFolder reports whether a target's key stands for a place to put things in: the bucket itself, or a key that ends in a slash.
func isFolder(key string) bool { return key == "" || strings.HasSuffix(key, "/") }

// targetKey gives the key under which something called name is stored in to.
func targetKey(to store.Ref, name string) (store.Ref, error) {
	if !isFolder(to.Key) {
		return to, nil
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return store.Ref{}, usagef("the source gives no name for %s; write the whole key", to)
	}
	to.Key += name
	return to, nil
}

// baseName is the last name of a local path, baseKey that of a key.
func baseName(file string) string { return filepath.Base(file) }
func baseKey(key string) string   { return key[strings.LastIndexByte(key, '/')+1:] }

// shown gives a local path as results have it: relative ones begin with a dot, as in ./a.bam.
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

func usagef(format string, args ...any) error { return &usageError{text: fmt.Sprintf(format, args...)} }
