package command

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"haul.example/haul/internal/configfile"
	"haul.example/haul/internal/ui"
)

// configPath returns the path of the user's config.toml: $HAUL_CONFIG; else haul in $XDG_CONFIG_HOME, or in ~/.config, on macOS too (XDG
// Base Directory Specification 0.8); on Windows haul in %AppData%. It is "" if there is no home folder.
func configPath() string {
	if path := os.Getenv("HAUL_CONFIG"); path != "" {
		return path
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) { // the specification says to ignore a relative one
		return filepath.Join(dir, "haul", "config.toml")
	}
	if runtime.GOOS == "windows" {
		if dir, err := os.UserConfigDir(); err == nil {
			return filepath.Join(dir, "haul", "config.toml")
		}
		return ""
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".config", "haul", "config.toml")
}

// ReadStores reads the stores that the user has named, and uses the one that was asked for by name. Unless they are needed, an invalid
// file is no error; Doctor reports what is wrong with it.
func (s *Session) ReadStores(needed bool) error {
	path := configPath()
	if path == "" {
		return nil
	}
	var err error
	s.stores, err = configfile.Read(path)
	if err != nil && !needed {
		s.storesErr = err
		return nil
	}
	if err != nil {
		return Usagef("%v", err)
	}
	if name := s.Connection.Store; name != "" {
		return s.use(name, path)
	}
	return nil
}

// use makes the Connection one to a named store.
func (s *Session) use(name, path string) error {
	for _, st := range s.stores {
		if st.Name == name {
			s.Connection.Store, s.Connection.named = name, st
			return nil
		}
	}
	return Usagef("there is no store %q in %s", name, path)
}

// unknownStore is an address in a store that is not known, for want of a valid file.
var unknownStore = regexp.MustCompile(`^([A-Za-z0-9_-]{2,}):([^/].*|)$`)

// Address replaces the name of a store, at the start of what a user typed or after the last separator, by s3://, and makes the
// Connection one to that store: lab:bucket/key is s3://bucket/key in the store lab.
func (s *Session) Address(word, separator string) (string, error) {
	if m := unknownStore.FindStringSubmatch(word); m != nil && s.storesErr != nil {
		s.Connection.Store = m[1]
		return Scheme + m[2], nil
	}
	for _, st := range s.stores {
		i := 0
		if separator == "" && !strings.HasPrefix(word, st.Name+":") {
			continue
		}
		if separator != "" {
			if i = strings.LastIndex(word, separator+st.Name+":"); i < 0 {
				continue
			}
			i += len(separator)
		}
		rest := word[i+len(st.Name)+1:]
		if strings.HasPrefix(rest, "//") {
			continue // an address of another kind
		}
		if err := s.oneStore(word[i:], st.Name); err != nil {
			return "", err
		}
		bucket, _, _ := strings.Cut(rest, "/")
		s.rename(ui.Rename{Bucket: bucket, Store: st.Name})
		return word[:i] + Scheme + rest, s.use(st.Name, "")
	}
	if strings.HasPrefix(word, Scheme) || separator != "" && strings.Contains(word, separator+Scheme) {
		return word, s.oneStore(word, "")
	}
	if separator == "" {
		return word, s.notMistyped(word)
	}
	return word, nil
}

// notMistyped refuses what looks like an address in a store that has no such name, unless it is there as a path: a move to it would
// take the objects to this machine, and delete them.
func (s *Session) notMistyped(word string) error {
	m := unknownStore.FindStringSubmatch(word)
	if m == nil || m[1] == "arn" || len(s.stores) == 0 {
		return nil
	}
	first, _, _ := strings.Cut(m[2], "/")
	for _, path := range []string{word, m[1] + ":" + first} {
		if _, err := os.Lstat(path); err == nil {
			return nil
		}
	}
	var names []string
	for _, st := range s.stores {
		names = append(names, st.Name)
	}
	return Usagef("config.toml names no store %s, only %s; if %s is a local path, write ./%s", m[1], strings.Join(names, ", "), word, word)
}

// rename makes messages name a bucket as it was typed. A bucket of that name in two stores keeps its s3:// address.
func (s *Session) rename(r ui.Rename) {
	if r.Bucket == "" || slices.Contains(s.Connection.renames, r) {
		return
	}
	same := func(o ui.Rename) bool { return o.Bucket == r.Bucket }
	if slices.ContainsFunc(s.Connection.renames, same) {
		s.Connection.renames = slices.DeleteFunc(s.Connection.renames, same)
		return
	}
	s.Connection.renames = append(s.Connection.renames, r)
}

// oneStore refuses an address in another store than those before, unless the command copies from one to the other; the empty name is
// the store of s3://.
func (s *Session) oneStore(word, name string) error {
	if s.Connection.Store != "" && s.firstAddress == "" && name == "" {
		return nil // --store says which one s3:// means
	}
	if s.firstAddress == "" && s.Connection.Store != "" && name != s.Connection.Store {
		return Usagef("%s is not in the store %s of --store; one command works with one store", word, s.Connection.Store)
	}
	if s.firstAddress != "" && name != s.firstStore && s.TwoStores && s.source == nil {
		first := s.Connection.named
		s.source = &first
		s.Connection.Store, s.Connection.named = "", configfile.Store{}
		s.firstAddress, s.firstStore = word, name
		return nil
	}
	if s.firstAddress != "" && name != s.firstStore {
		s.Connection.renames = nil // both are named as they were typed
		return Usagef("%s and %s are in different stores; this command works with one", s.firstAddress, word)
	}
	s.firstAddress, s.firstStore = word, name
	return nil
}

// SourceStore says how to reach the source of a copy from another store, in place of what a Connection says of the target. What is
// empty comes from its named store, or is found as for a Connection.
type SourceStore struct {
	Endpoint, Profile, Region string
	NoSignRequest             bool
}

// given reports whether the source is in another store than the target. A region alone is that of the source's bucket.
func (c SourceStore) given() bool { return c.Endpoint != "" || c.Profile != "" || c.NoSignRequest }

// Between reports whether a copy is from one store to another.
func (s *Session) Between(c SourceStore) bool { return s.source != nil || c.given() }

// sourceConnection returns the connection to the source's store.
func (s *Session) sourceConnection(c SourceStore) *Connection {
	named := s.Connection.named
	if s.source != nil {
		named = *s.source
	}
	return &Connection{
		Endpoint: c.Endpoint, Profile: c.Profile, Region: c.Region, NoSignRequest: c.NoSignRequest,
		CABundle: s.Connection.CABundle, NoVerifySSL: s.Connection.NoVerifySSL, Addressing: "auto", Store: named.Name, named: named,
	}
}

// storeNames lists the named stores with where they are, for haul doctor.
func (s *Session) storeNames() string {
	var all []string
	for _, st := range s.stores {
		all = append(all, fmt.Sprintf("%s (%s)", st.Name, cmp.Or(st.Endpoint, st.Profile, st.Region, "default")))
	}
	if len(all) == 0 {
		return "none; to name some: haul help stores"
	}
	return strings.Join(all, ", ") + ", in " + configPath()
}

// effective returns the connection with the settings of its named store, where no flag has another.
func (c *Connection) effective() Connection {
	e, n := *c, c.named
	e.Endpoint, e.Region, e.Profile = cmp.Or(c.Endpoint, n.Endpoint), cmp.Or(c.Region, n.Region), cmp.Or(c.Profile, n.Profile)
	e.CABundle = cmp.Or(c.CABundle, n.CABundle)
	if c.Addressing == "auto" {
		e.Addressing = cmp.Or(n.Addressing, c.Addressing)
	}
	e.NoSignRequest, e.NoVerifySSL = c.NoSignRequest || n.NoSignRequest, c.NoVerifySSL || n.NoVerifySSL
	e.Accelerate, e.DualStack = c.Accelerate || n.Accelerate, c.DualStack || n.DualStack
	return e
}
