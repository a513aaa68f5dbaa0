package cli

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// parseLocation parses an argument as a path, an address or a standard stream.
func parseLocation(word string) (command.Location, error) {
	switch {
	case word == "":
		return command.Location{}, command.Usagef("a source or target is empty")
	case word == "-", word == "/dev/stdin", word == "/dev/stdout":
		return command.Location{Kind: command.Stream, Text: word}, nil
	case strings.HasPrefix(word, command.Scheme):
		ref, err := parseS3(word)
		return command.Location{Kind: command.Remote, Text: word, Ref: ref}, err
	}
	if hint := nearlyS3(word); hint != "" {
		return command.Location{}, command.Usagef("%s is neither a path nor an object; did you mean %s? (a local file of that name is ./%s)", word, hint, word)
	}
	return command.Location{Kind: command.Local, Text: word}, notForeign(word)
}

// notForeign refuses an address of another scheme, which is not meant as a path.
func notForeign(word string) error {
	switch localfile.Scheme(word) {
	case "", "s3":
		return nil
	case "file":
		return command.Usagef("%s is an address; write just the path: %s", word, word[len("file://"):])
	}
	return command.Usagef("%s is an address, and haul accepts only local paths and s3:// addresses (a local file of that name is ./%s)", word, word)
}

// parseS3 is store.Parse for what a user typed.
func parseS3(url string) (store.Ref, error) {
	ref, err := store.Parse(url)
	if err != nil {
		return ref, command.Usagef("%v", err)
	}
	return ref, nil
}

// virtualHost matches the web address of an object on Amazon S3, with the bucket in the host's name; pathHost has it in the path.
var (
	virtualHost = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^https?://([^/]+)\.s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?/([^?]*)`)
	})
	pathHost = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^https?://s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?/([^?]+)`)
	})
	badScheme = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?i:s3a|s3n|s3):/{0,3}`)
	})
)

// nearlyS3 returns the s3:// form of a word that probably means an object, or "".
func nearlyS3(word string) string {
	if m := virtualHost().FindStringSubmatch(word); m != nil {
		return command.Scheme + m[1] + "/" + m[2]
	}
	if m := pathHost().FindStringSubmatch(word); m != nil {
		return command.Scheme + m[1]
	}
	if m := badScheme().FindString(word); m != "" && len(m) < len(word) {
		return command.Scheme + word[len(m):]
	}
	return ""
}

// targetKey returns the key of something called name in the target to.
func targetKey(to store.Ref, name string) (store.Ref, error) {
	if !command.IsFolder(to.Key) {
		return to, nil
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return store.Ref{}, command.Usagef("the source has no name to append to %s; write the full key", to)
	}
	to.Key += name
	return to, nil
}

// files is what parsing looks at on the disk.
type files interface {
	// mode follows links; a name that does not exist is a *command.MissingError.
	mode(path string) (fs.FileMode, error)
	read(path string) ([]byte, error)
	// target is localfile.TargetPath.
	target(path, key string) (string, error)
}

// disk is the real one.
type disk struct{}

func (disk) read(path string) ([]byte, error)        { return os.ReadFile(path) }
func (disk) target(path, key string) (string, error) { return localfile.TargetPath(path, key) }
func (disk) mode(path string) (fs.FileMode, error)   { return command.FileMode(path) }
