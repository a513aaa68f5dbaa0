// Package awsfile reads ~/.aws/config and ~/.aws/credentials as the AWS CLI does: sections in brackets, "name = value"
// lines, and settings that are indented below a name of their own ("s3 =").
//
//	[profile "my lab"]          a section of kind profile, named: my lab
//	region = eu-west-1          a setting
//	s3 =
//	  addressing_style = path   a setting of the group s3
//
// Any other line is an Error that names the file and the line. Errors show no values, since these may be secret.
package awsfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// File is the content of one file.
type File struct {
	Sections []Section
	lines    []string
	odd      bool
}

// Section is one section of a file.
type Section struct {
	// Kind is the word before the name: profile, sso-session, services; or empty, as for [default] and in the credentials
	// file.
	Kind, Name string
	// Settings by name; those of a group are under "group.name". If a name occurs twice, the last counts.
	Settings map[string]string
}

// Error is a line that cannot be read.
type Error struct {
	Path string
	Line int // from 1
	Why  string
}

// Error names the file, the line and the reason.
func (e *Error) Error() string { return fmt.Sprintf("%s, line %d: %s", e.Path, e.Line, e.Why) }

// Parse parses the text of the file at path.
func Parse(path string, text []byte) (File, error) {
	var f File
	fail := func(line int, why string) (File, error) { return File{}, &Error{path, line, why} }
	switch {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return fail(1, "the file begins with a byte order mark (BOM): save it as UTF-8 without BOM")
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return fail(1, "the file is UTF-16: save it as UTF-8 without BOM")
	}
	var here *Section
	group, last, level := "", "", 0 // level is how far the setting before is indented
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		f.lines = append(f.lines, line)
		text := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		below := last != "" && indent > level
		switch {
		case !utf8.ValidString(line) || strings.ContainsRune(line, 0):
			return fail(i+1, "this is not text in UTF-8")
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case text[0] == '[' && !below:
			name, _, ok := strings.Cut(text[1:], "]")
			if !ok {
				return fail(i+1, "the section's closing bracket ] is missing")
			}
			s := section(name)
			f.Sections = append(f.Sections, s)
			here, group, last = &f.Sections[len(f.Sections)-1], "", ""
			if title := s.title(); strings.ContainsAny(name, `"'`) && title != name {
				f.odd, f.lines[i] = true, "["+title+"]"
			}
			continue
		case here == nil:
			return fail(i+1, "a section such as [default] is missing before this line")
		}
		name, value, ok := cut(text)
		switch {
		case !below && !ok:
			return fail(i+1, "this is neither a [section] nor NAME = VALUE")
		case below && group == "": // more of the value before it
			here.Settings[last] += "\n" + text
		case below && ok:
			here.Settings[group+"."+name] = value
		case !below:
			last, group, level = name, "", indent
			if here.Settings[name] = value; value == "" {
				group = name
			}
			if name == "retry_mode" && value == "legacy" {
				f.odd, f.lines[i] = true, ""
			}
		}
	}
	return f, nil
}

// cut splits a line at the first = or :, whichever comes first.
func cut(text string) (name, value string, ok bool) {
	i := strings.IndexAny(text, "=:")
	if i <= 0 {
		return text, "", false
	}
	return strings.ToLower(strings.TrimSpace(text[:i])), strings.TrimSpace(text[i+1:]), true
}

func section(title string) Section {
	s := Section{Name: strings.TrimSpace(title), Settings: map[string]string{}}
	for _, kind := range []string{"profile", "sso-session", "services"} {
		rest, ok := strings.CutPrefix(s.Name, kind)
		if ok && rest != "" && strings.ContainsAny(rest[:1], " \t\"'") {
			s.Kind, s.Name = kind, unquoted(strings.TrimSpace(rest))
			break
		}
	}
	return s
}

func (s Section) title() string { return strings.TrimSpace(s.Kind + " " + s.Name) }

// unquoted removes the quotes that `aws configure` writes around names with spaces.
func unquoted(s string) string {
	n := len(s)
	switch {
	case n >= 2 && s[0] == '\'' && s[n-1] == '\'':
		return strings.ReplaceAll(s[1:n-1], `'"'"'`, "'")
	case n >= 2 && s[0] == '"' && s[n-1] == '"':
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s[1 : n-1])
	}
	return s
}

// Plain returns the text in the form that the AWS SDK for Go understands, and whether that differs from what was read:
// names of sections have no quotes there, and retry_mode = legacy is an error to it.
func (f File) Plain() (string, bool) { return strings.Join(f.lines, "\n"), f.odd }

// Profile returns the settings of a profile, merged if it has several sections, and whether there is one. In the
// credentials file sections have the profile's name alone.
func (f File) Profile(name string, credentials bool) (map[string]string, bool) {
	all, there := map[string]string{}, false
	for _, s := range f.Sections {
		alone := s.Kind == "" && s.Name == name && (credentials || name == "default")
		if !alone && (credentials || s.Kind != "profile" || s.Name != name) {
			continue
		}
		there = true
		for k, v := range s.Settings {
			all[k] = v
		}
	}
	return all, there
}

// Path expands ~/ at the beginning of a path from the environment.
func Path(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// Read reads a file.
func Read(path string) (File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	return Parse(path, text)
}
