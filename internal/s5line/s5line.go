// Package s5line is the grammar of s5cmd: it turns the words of a command into a Line, and the addresses of one into URLs, in the meaning
// of s5cmd 2.3.
//
//	the flags before the verb are global; they are read by Globals, up to the first word that is not a flag
//	the next word is the verb; the flags after it are read by the verb's own table, again up to the first word that is not a flag
//	all words after that are arguments, also those that look like flags
//
// Words are read as Go's package flag reads them, since s5cmd does: one dash or two, --flag=value or --flag value, switches take a value
// only after "=". [Split] splits a line of a command file, and [Verbs] lists all commands and flags, with what becomes of each in haul.
//
// It is pure: it reads no files, and knows nothing of stores.
package s5line

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Values are flags and what was given for them, by their long names. A switch has "true" or "false".
type Values map[string][]string

// Has reports whether a flag was given.
func (v Values) Has(name string) bool { return len(v[name]) > 0 }

// On reports whether a switch was turned on.
func (v Values) On(name string) bool { return v.Text(name) == "true" }

// Text returns the last value of a flag, or "".
func (v Values) Text(name string) string {
	if all := v[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Number returns the value of a flag that is a whole number, or other if it was not given.
func (v Values) Number(name string, other int) int {
	if n, err := strconv.ParseInt(v.Text(name), 0, 0); err == nil {
		return int(n)
	}
	return other
}

// Line is a command, parsed.
type Line struct {
	Globals Values
	// Help reports that help was asked for: of Verb, or of s5cmd itself without one.
	Help bool
	// Words are those after the global flags; the first of them is the Verb, which is empty if there is none.
	Words []string
	Verb  string
	Flags Values
	Args  []string
}

// Error is why a command was refused.
type Error struct {
	Text string
	// Global reports that the fault is among the global flags.
	Global bool
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// UnknownVerbError is the error of a command whose verb does not exist.
type UnknownVerbError struct{ Verb string }

// Error returns the words of s5cmd.
func (e *UnknownVerbError) Error() string { return "command not found" }

// Parse parses the words after s5cmd.
func Parse(words []string) (Line, error) {
	l := Line{Globals: Values{}, Flags: Values{}}
	rest, err := read(Globals, words, l.Globals)
	l.Words = rest
	switch {
	case err != nil:
		return l, &Error{Text: err.Error(), Global: true}
	case l.Globals.On("help"):
		l.Help = true
		return l, nil
	case len(rest) == 0:
		l.Help = !l.Globals.On("install-completion")
		return l, nil
	}
	if name := rest[0]; name == "help" || name == "h" {
		l.Help = true
		if len(rest) > 1 {
			l.Verb = rest[1]
		}
		return l, nil
	}
	return l, l.verb(rest)
}

// ParseVerb parses a command of a command file: a verb with its flags and arguments, which has the global flags of the run.
func ParseVerb(words []string, globals Values) (Line, error) {
	l := Line{Globals: globals, Flags: Values{}}
	return l, l.verb(words)
}

func (l *Line) verb(words []string) error {
	l.Verb = words[0]
	v := verbOf(l.Verb)
	if v == nil {
		return &UnknownVerbError{Verb: l.Verb}
	}
	args, err := read(v.Flags, words[1:], l.Flags)
	if err != nil {
		return &Error{Text: err.Error()}
	}
	l.Help, l.Args = l.Flags.On("help"), args
	return nil
}

// Command returns the command as messages name it: the verb, the flags that were given, in the order of their table, the arguments.
func (l Line) Command() string {
	words := []string{l.Verb}
	if v := verbOf(l.Verb); v != nil {
		for _, f := range v.Flags {
			if f.Name == "help" {
				continue
			}
			switch values := l.Flags[f.Name]; {
			case f.Takes == Pairs && len(values) > 0:
				words = append(words, "--"+f.Name+"="+strings.Join(values, " ")+" ")
			case f.Takes == List:
				for _, value := range values {
					words = append(words, "--"+f.Name+"="+value)
				}
			case len(values) > 0:
				words = append(words, "--"+f.Name+"="+values[len(values)-1])
			}
		}
	}
	return strings.Join(append(words, l.Args...), " ")
}

// read reads the flags at the start of words into values, and returns what follows them.
func read(flags []Flag, words []string, values Values) ([]string, error) {
	short := map[string]bool{} // by long name: whether a flag was given by its short one
	for len(words) > 0 {
		name, value, given, end, err := splitFlag(words[0])
		if end || err != nil {
			if words[0] == "--" {
				words = words[1:]
			}
			return words, err
		}
		words = words[1:]
		f := find(flags, name)
		if f == nil {
			return nil, fmt.Errorf("flag provided but not defined: -%s", name)
		}
		if !given && f.Takes != Nothing {
			if len(words) == 0 {
				return nil, fmt.Errorf("flag needs an argument: -%s", name)
			}
			value, words = words[0], words[1:]
		} else if !given {
			value = "true"
		}
		if by, again := short[f.Name]; again && by != (name == f.Short) {
			return nil, &Error{Text: fmt.Sprintf("Cannot use two forms of the same flag: %s %s", f.Short, f.Name)}
		}
		short[f.Name] = name == f.Short
		if err := f.take(name, value, values); err != nil {
			return nil, err
		}
	}
	return words, nil
}

// splitFlag splits a word into the name of a flag and its value; end reports that it is not a flag, or the word that ends the flags.
func splitFlag(word string) (name, value string, given, end bool, err error) {
	if len(word) < 2 || word[0] != '-' || word == "--" {
		return "", "", false, true, nil
	}
	name = strings.TrimPrefix(word[1:], "-")
	if name == "" || name[0] == '-' || name[0] == '=' {
		return "", "", false, false, fmt.Errorf("bad flag syntax: %s", word)
	}
	name, value, given = strings.Cut(name, "=")
	return name, value, given, false, nil
}

// take adds a value, if it is valid for the flag.
func (f *Flag) take(name, value string, values Values) error {
	invalid := func(why string) error { return fmt.Errorf("invalid value %q for flag -%s: %s", value, name, why) }
	switch f.Takes {
	case Nothing:
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("invalid boolean value %q for -%s: parse error", value, name)
		}
		value = strconv.FormatBool(on)
	case Number:
		n, err := strconv.ParseInt(value, 0, strconv.IntSize)
		if err != nil {
			return invalid("parse error")
		}
		value = strconv.FormatInt(n, 10)
	case Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return invalid("parse error")
		}
		value = d.String()
	case Choice:
		if !f.allows(value) {
			return invalid("allowed values: [" + strings.Join(f.Choices, ", ") + "]")
		}
	case List:
		for item := range strings.SplitSeq(value, ",") {
			values[f.Name] = append(values[f.Name], strings.TrimSpace(item))
		}
		return nil
	case Pairs:
		if why := checkPair(value, values[f.Name]); why != "" {
			return invalid(why)
		}
		values[f.Name] = append(values[f.Name], value)
		return nil
	}
	values[f.Name] = []string{value}
	return nil
}

// checkPair returns why a value is not NAME=VALUE with a name that is new, or "".
func checkPair(value string, before []string) string {
	name, _, ok := strings.Cut(value, "=")
	switch {
	case value == "":
		return "flag can't be passed empty. Format: key=value"
	case !ok:
		return fmt.Sprintf("the key value pair([%s]) has invalid format", value)
	}
	for _, pair := range before {
		if first, _, _ := strings.Cut(pair, "="); first == name {
			return fmt.Sprintf("key %q is already defined", name)
		}
	}
	return ""
}

// Map returns the NAME=VALUE pairs of a flag; nil if there are none.
func (v Values) Map(name string) map[string]string {
	if !v.Has(name) {
		return nil
	}
	m := map[string]string{}
	for _, pair := range v[name] {
		key, value, _ := strings.Cut(pair, "=")
		m[key] = value
	}
	return m
}
