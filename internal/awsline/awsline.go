// Package awsline is the grammar of aws s3: it turns the words after "aws" into a Line, in the meaning of the AWS CLI.
//
//	the global options are taken out, wherever they stand; the first word that is left is the service
//	s3: the next word is the verb; what is left is read by the verb's own table
//	numbers are read, and values that begin with file:// or fileb://
//	what no run could mean is refused: kinds of paths, streams, keys without their partner
//
// Words are read as Python's argparse reads them, since that is what scripts were written against: a long option may be
// shortened as long as only one begins so, its value may follow "=", the paths of a verb stand together, and a value that may be
// left out takes the next word. Tables tells all commands and options, with what becomes of each in haul.
//
// It is pure but for the reading of values that name files, which its caller does. It knows nothing of stores.
package awsline

import (
	"fmt"
	"strconv"
	"strings"
)

// Values are options and what was given for them. A switch has an empty list.
type Values map[string][]string

// Has reports whether an option was given.
func (v Values) Has(name string) bool { _, ok := v[name]; return ok }

// Text gives the last value of an option, or "".
func (v Values) Text(name string) string {
	if all := v[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Number gives a value that is a whole number; 0 where the option was not given. Parse has read it already.
func (v Values) Number(name string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(v.Text(name)))
	return n
}

// Filter is one --include or --exclude, in the order of the line.
type Filter struct {
	Include bool
	Pattern string
}

// Line is a line of aws, understood.
type Line struct {
	// Service is the first word; where it is not s3, nothing after it was looked at.
	Service string
	// Version and Help tell that this was asked for.
	Version, Help bool
	Globals       Values
	// Verb is empty where Help asks about s3 itself.
	Verb    string
	Paths   []string
	Options Values
	Filters []Filter
	// Kind is that of the paths of cp, mv, sync and rm.
	Kind PathKind
}

// PathKind says which of the paths are local.
type PathKind string

// The kinds of paths that a verb may have.
const (
	Upload   PathKind = "local to s3"
	Download PathKind = "s3 to local"
	Copy     PathKind = "s3 to s3"
	Remote   PathKind = "s3"
)

// Error says why a line was refused, in the words of the AWS CLI.
type Error struct {
	Text string
	// Usage reports that the real one shows how to call it after the text.
	Usage bool
	// Code is the exit code.
	Code int
}

// Error gives the text.
func (e *Error) Error() string { return e.Text }

const (
	codeUsage   = 252
	codeGeneral = 255
)

// badLine is a line that the table does not allow.
func badLine(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), Usage: true, Code: codeUsage}
}

// refused is a line that reads well and means nothing.
func refused(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), Code: codeUsage}
}

// Parse understands the words after aws. Read gives the content of a file that a value names.
func Parse(args []string, read func(path string) ([]byte, error)) (Line, error) {
	l := Line{Globals: Values{}, Options: Values{}}
	rest, err := l.globals(args)
	if err != nil || l.Version || l.Service != "s3" {
		return l, err
	}
	words, err := l.verb(rest)
	if err != nil || l.Help {
		return l, err
	}
	if len(words) == 1 && words[0] == "help" {
		l.Help = true
		return l, nil
	}
	c := command(l.Verb)
	got, err := reader{c.Options, c.Paths}.read(words)
	if err != nil {
		return l, err
	}
	l.Paths, l.Options, l.Filters = got.paths, got.values, got.filters
	if err := unpack(c.Options, l.Options, read); err != nil {
		return l, err
	}
	if len(got.extras) > 0 {
		return l, refused("Unknown options: %s", strings.Join(got.extras, ","))
	}
	return l, l.check()
}

// globals takes the global options and the service out of the line, and gives the rest.
func (l *Line) globals(args []string) ([]string, error) {
	got, err := reader{Globals, Paths{Name: "command", Min: 1, Max: 1}}.read(args)
	l.Globals = got.values
	l.Version = l.Globals.Has("version")
	if l.Version { // wherever it stands, nothing else is looked at
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l.Service = got.paths[0]
	return got.extras, checkGlobals(l.Globals)
}

func checkGlobals(v Values) error {
	url := v.Text("endpoint-url")
	if scheme, host, ok := strings.Cut(url, "://"); v.Has("endpoint-url") && url != "" && (!ok || scheme == "" || host == "") {
		return refused("Bad value for --endpoint-url %q: scheme is missing.  Must be of the form http://<hostname>/ or https://<hostname>/", url)
	}
	return unpack(Globals, v, nil)
}

// verb takes the verb of s3 out of the line, and gives the rest.
func (l *Line) verb(args []string) ([]string, error) {
	if len(args) == 1 && args[0] == "help" {
		l.Help = true
		return nil, nil
	}
	got, err := reader{nil, Paths{Name: "subcommand", Max: 1}}.read(args)
	if err != nil {
		return nil, err
	}
	if len(got.paths) == 0 {
		if len(got.extras) > 0 {
			return nil, refused("Unknown options: %s", strings.Join(got.extras, ","))
		}
		return nil, refused("usage: aws [options] s3 <subcommand> [parameters]\naws: [ERROR]: too few arguments")
	}
	l.Verb = got.paths[0]
	var verbs []string
	for _, c := range Commands {
		verbs = append(verbs, c.Name)
	}
	if command(l.Verb) == nil {
		return nil, badLine("argument subcommand: %s", badChoice(l.Verb, verbs))
	}
	var rest []string
	for i, a := range args {
		if a == l.Verb {
			return append(rest, args[i+1:]...), nil
		}
		rest = append(rest, a)
	}
	return rest, nil
}

// unpack reads what values stand for: numbers, and the content of files.
func unpack(table []Option, v Values, read func(string) ([]byte, error)) error {
	for _, o := range table {
		for i, text := range v[o.Name] {
			for _, scheme := range []string{"fileb://", "file://"} {
				path, ok := strings.CutPrefix(text, scheme)
				if !ok || read == nil {
					continue
				}
				data, err := read(path)
				if err != nil {
					return refused("Error parsing parameter '--%s': Unable to load paramfile %s: %v", o.Name, text, err)
				}
				text = string(data)
				v[o.Name][i] = text
			}
			if _, err := strconv.Atoi(strings.TrimSpace(text)); o.Int && err != nil {
				return &Error{Text: fmt.Sprintf("invalid literal for int() with base 10: '%s'", text), Code: codeGeneral}
			}
		}
	}
	return nil
}
