// Package digestlist reads the lists of digests that sequencing providers, archives and tools ship with their files: it
// turns the bytes of a list into an entry for each file (name, digests, size), whatever form it has.
//
//	decode the bytes (UTF-8, or UTF-16 by its byte order mark)
//	look at the beginning: JSON; blocks of "key: value"; a table with a header; or lines without one
//	JSON, blocks and tables become rows of named values
//	  a column's name gives its role: digest (of which algorithm), file name, size, algorithm
//	  digests are paired with names: FASTQ with FASTQ_MD5, forward_file_md5 with forward_file_name, md5_1 with fastq_1
//	lines without a header are read by the shape of their values: a digest has its length, in hex or Base64
//
// Nothing is skipped silently. A line that cannot be parsed is a [*LineError], and the lines after it are read all the
// same; so is a value that looks like a digest and belongs to no file. A text that is not a list at all is an
// [*UnknownError], which shows what was seen.
//
// It does not look at files, and returns names as the list has them: the caller must check that they do not lead elsewhere.
package digestlist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"haul.example/haul/checksum"
)

// Entry is what a list has about one file.
type Entry struct {
	// Line counts from 1. In JSON, it is the number of the object.
	Line int
	// Name is as written, with slashes for the backslashes of Windows; empty if there is only a digest.
	Name string
	// Size is in bytes; -1 if the list has none.
	Size int64
	// Sums are its digests, at most one of each algorithm; none if the list names a file without a digest.
	Sums []checksum.Sum
	// Group distinguishes the kinds of files that an archive has side by side in one table, and of which people download
	// only some; files of group 0 must all be there.
	Group int
	// Sealed: the digests are of the file as it was encrypted, though its name does not say so.
	Sealed bool
}

// LineError is about one line of a list. The lines after it are read all the same.
type LineError struct {
	Line int
	// Name is that of the file that the line is about, if it has one and no digest that can be read.
	Name string
	Err  error
}

// Error has the number of the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// UnknownError reports that a text is not a list of digests that can be parsed.
type UnknownError struct {
	// Seen is what is there instead.
	Seen string
	// Digests: the text has something that looks like a digest, so that it was probably meant to be a list.
	Digests bool
}

// Error returns Seen.
func (e *UnknownError) Error() string { return e.Seen }

const (
	// headSize is how much is looked at to find the form of a list, in bytes.
	headSize = 64 << 10
	// maxLine bounds a line, in bytes.
	maxLine = 4 << 20
	// firstLines is how many lines may come before the first one with a digest, in a list without a header.
	firstLines = 2
)

// yielder takes entries and errors; false ends reading.
type yielder func(Entry, error) bool

// form reads a list from its beginning.
type form func(r io.Reader, yield yielder)

// Read yields the entries of a list, in its order. An error that is a *LineError ends nothing; any other does. If it is not a
// list the error is an *UnknownError, or a read error.
func Read(r io.Reader) (iter.Seq2[Entry, error], error) {
	b := bufio.NewReaderSize(decoded(r), headSize)
	head, err := b.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	f, unknown := formOf(head, err != nil)
	if unknown != nil {
		return nil, unknown
	}
	return func(yield func(Entry, error) bool) { f(b, yield) }, nil
}

// formOf finds the form of a list by its beginning; whole reports that this is all of it.
func formOf(head []byte, whole bool) (form, *UnknownError) {
	for _, magic := range []struct{ begin, what string }{
		{"PK\x03\x04", "a zip archive or an Excel workbook: save the sheet as CSV"},
		{"\xd0\xcf\x11\xe0", "an Excel workbook: save the sheet as CSV"},
		{"\x1f\x8b", "compressed by gzip"},
		{"%PDF", "a PDF"},
	} {
		if bytes.HasPrefix(head, []byte(magic.begin)) {
			return nil, &UnknownError{Seen: "it is " + magic.what}
		}
	}
	lines := linesOf(head, whole)
	switch first := strings.TrimLeft(string(head[:min(len(head), 1<<10)]), " \t\r\n"); {
	case first == "":
		return nil, &UnknownError{Seen: "it is empty"}
	case first[0] == '{' || first[0] == '[':
		return known(jsonForm, head, lines)
	}
	for _, find := range []func([]string) form{blocksIn, tableIn} {
		if f := find(lines); f != nil {
			return f, nil
		}
	}
	return known(lineForm(headerLine(lines)), head, lines)
}

// known tries a form that can only be recognized by its values.
func known(f form, head []byte, lines []string) (form, *UnknownError) {
	found, n := false, 0
	var first error
	f(bytes.NewReader(head), func(e Entry, err error) bool {
		if found = err == nil && len(e.Sums) > 0; err != nil && first == nil {
			first = err
		}
		n++
		return !found && n < firstLines
	})
	if found {
		return f, nil
	}
	e := &UnknownError{}
	for _, line := range lines {
		if isComment(line) {
			continue
		}
		if e.Seen == "" {
			e.Seen = fmt.Sprintf("it starts with %s", short(line))
		}
		if e.Digests = e.Digests || hasDigest(line); e.Digests {
			break
		}
	}
	if e.Digests && first != nil {
		e.Seen = first.Error()
	}
	if e.Seen == "" {
		e.Seen = "it has nothing but comments"
	}
	return nil, e
}

// hasDigest reports whether a line has a word that looks like a digest.
func hasDigest(line string) bool {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" \t,;|\"'`=(){}[]:\\", r) }) {
		if isHexDigest(word) {
			return true
		}
	}
	return false
}

// short quotes the beginning of a text.
func short(text string) string {
	const most = 60
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// isComment reports lines without information: empty ones, and those that begin with # or ; and a space, or have no digest.
func isComment(line string) bool {
	text := strings.TrimSpace(line)
	switch {
	case text == "":
		return true
	case strings.HasPrefix(text, "//"), strings.HasPrefix(text, "%%%%"):
		return !hasDigest(text)
	case text[0] == '#' || text[0] == ';':
		return len(text) == 1 || text[1] == ' ' || text[1] == '\t' || text[1] == text[0] || !hasDigest(text)
	}
	return false
}
