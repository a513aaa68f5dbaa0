// Package configfile reads config.toml, in which a user names stores:
//
//	[stores.lab]
//	endpoint = "https://minio.example.org"
//	profile = "lab"
//
// It reads as much of TOML as that takes: comments, tables, strings on one line, true and false. Whatever it does not know is an
// error with the number of its line, and so is a key that may hold a secret: the file is meant to be shared.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Store is where a store is and how to reach it. An empty setting is found as without the file.
type Store struct {
	Name                       string
	Endpoint, Region, Profile  string
	CABundle                   string
	Addressing                 string // auto, path or virtual
	NoSignRequest, NoVerifySSL bool
	Accelerate, DualStack      bool
}

// texts and switches are the keys of a store.
var (
	texts = map[string]func(*Store) *string{
		"endpoint": func(s *Store) *string { return &s.Endpoint }, "region": func(s *Store) *string { return &s.Region },
		"profile": func(s *Store) *string { return &s.Profile }, "ca": func(s *Store) *string { return &s.CABundle },
		"addressing": func(s *Store) *string { return &s.Addressing },
	}
	switches = map[string]func(*Store) *bool{
		"no_sign_request": func(s *Store) *bool { return &s.NoSignRequest }, "no_verify_ssl": func(s *Store) *bool { return &s.NoVerifySSL },
		"accelerate": func(s *Store) *bool { return &s.Accelerate }, "dualstack": func(s *Store) *bool { return &s.DualStack },
	}
)

var (
	table = lazy(`^\[\s*stores\s*\.\s*([A-Za-z0-9_-]+)\s*\]$`)
	pair  = lazy(`^([A-Za-z0-9_-]+)\s*=\s*(.*)$`)
	// value is a basic string, a literal string or a bare word, and perhaps a comment.
	value  = lazy(`^("(?:[^"\\]|\\.)*"|'[^']*'|[a-z]+)\s*(?:#.*)?$`)
	secret = lazy(`(?i)secret|password|passwd|token|credential|private|access_?key|api_?key|sse_?c`)
)

// lazy gives a pattern that is compiled at its first use: where there is no file, no start should wait for it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// taken are names that addresses begin with already. Names of one letter are drives of Windows.
var taken = []string{"s3", "s3a", "s3n", "http", "https", "ftp", "file", "arn"}

// Read returns the stores in a file, in its order. A file that does not exist has none.
func Read(path string) ([]Store, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse returns the stores in the text of a file; its name is for errors.
func Parse(name string, text []byte) ([]Store, error) {
	var all []Store
	var seen []string // keys of the last store
	n := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		n++
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		var err error
		if s[0] == '[' {
			seen = nil
			all, err = addStore(all, s)
		} else if len(all) == 0 {
			err = errors.New("a table such as [stores.lab] is missing before this line")
		} else {
			seen, err = all[len(all)-1].set(s, seen)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return all, nil
}

func addStore(all []Store, line string) ([]Store, error) {
	line, _, _ = strings.Cut(line, "#")
	m := table().FindStringSubmatch(strings.TrimSpace(line))
	switch {
	case m == nil:
		return nil, fmt.Errorf("%q is not a table that haul knows; write it like [stores.lab]", line)
	case len(m[1]) < 2 || slices.Contains(taken, strings.ToLower(m[1])):
		return nil, fmt.Errorf("a store cannot have the name %q: it has another meaning in addresses", m[1])
	case slices.ContainsFunc(all, func(s Store) bool { return s.Name == m[1] }):
		return nil, fmt.Errorf("there are two stores with the name %q", m[1])
	}
	return append(all, Store{Name: m[1]}), nil
}

// set reads one key, and returns seen with it.
func (s *Store) set(line string, seen []string) ([]string, error) {
	m := pair().FindStringSubmatch(line)
	if m == nil {
		return nil, errors.New("this is neither [stores.NAME] nor KEY = VALUE") // without the text, which may be a secret
	}
	key := m[1]
	text, isText := texts[key]
	enabled, isSwitch := switches[key]
	switch {
	case secret().MatchString(key):
		return nil, fmt.Errorf("%s may be a secret, and secrets do not belong in this file: put them in ~/.aws/credentials, and set profile", key)
	case !isText && !isSwitch:
		return nil, fmt.Errorf("the key %q is not known; the keys are: addressing, accelerate, ca, dualstack, endpoint, no_sign_request, no_verify_ssl, profile, region", key)
	case slices.Contains(seen, key):
		return nil, fmt.Errorf("%s is set twice", key)
	}
	v, err := parseValue(m[2])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	switch {
	case isSwitch && (v == "true" || v == "false") && m[2][0] != '"' && m[2][0] != '\'':
		*enabled(s) = v == "true"
	case isSwitch:
		return nil, fmt.Errorf("%s must be true or false", key)
	case m[2][0] != '"' && m[2][0] != '\'':
		return nil, fmt.Errorf("%s must be a text in quotes", key)
	default:
		*text(s) = v
	}
	return append(seen, key), s.check(key)
}

// check refuses a value that cannot be.
func (s *Store) check(key string) error {
	switch key {
	case "addressing":
		if !slices.Contains([]string{"auto", "path", "virtual"}, s.Addressing) {
			return fmt.Errorf("addressing must be auto, path or virtual (got %q)", s.Addressing)
		}
	case "endpoint":
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return errors.New("endpoint must be a URL such as https://s3.example.org, without a user name or password")
		}
	}
	return nil
}

// parseValue returns the text of a value.
func parseValue(text string) (string, error) {
	m := value().FindStringSubmatch(text)
	switch {
	case m == nil:
		return "", errors.New("the value must be a text in quotes, true or false")
	case m[1][0] == '"':
		v, err := strconv.Unquote(m[1])
		if err != nil {
			return "", errors.New("the text in quotes is not valid")
		}
		return v, nil
	}
	return strings.Trim(m[1], "'"), nil
}
