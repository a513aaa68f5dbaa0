package digestlist

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"haul.example/haul/checksum"
)

// lineForm reads lines without a header, each by itself. The line with that number, from 0, is a header without
// information.
func lineForm(header int) form {
	return func(r io.Reader, yield yielder) {
		eachLine(r, yield, func(n int, text string) bool {
			if n == header+1 || isComment(text) || isRule(text) || isHeading(text) || strings.HasPrefix(text, "sep=") {
				return true
			}
			all, err := parseLine(text)
			for _, e := range all {
				if e.Line = n; !yield(e, nil) {
					return false
				}
			}
			return err == nil || yield(Entry{}, &LineError{Line: n, Err: err})
		})
	}
}

// isHeading reports a line of nothing but names of algorithms, as FCIV writes above its columns.
func isHeading(text string) bool {
	all := strings.Fields(text)
	return len(all) > 0 && !slices.ContainsFunc(all, func(word string) bool { return !isAlgorithm(word) })
}

// headerLine returns a first line that is a header in unknown words: it has nothing that a name or digest has. -1 is none.
func headerLine(lines []string) int {
	first := slices.IndexFunc(lines, func(line string) bool { return !isComment(line) })
	if first < 0 || first+1 >= len(lines) || strings.ContainsAny(lines[first], `0123456789./\`) || !strings.ContainsAny(lines[first], "\t,;|") {
		return -1
	}
	if all, err := parseLine(lines[first+1]); err != nil || len(all) == 0 {
		return -1
	}
	return first
}

// parseLine parses a line by its shape.
func parseLine(text string) ([]Entry, error) {
	if e, ok, err := gnuLine(text); ok || err != nil {
		return e, err
	}
	if e, ok, err := taggedLine(text); ok || err != nil {
		return e, err
	}
	for _, between := range []string{"\t", ",", ";", "|"} {
		if !strings.Contains(text, between) {
			continue
		}
		row, err := delimited(rune(between[0]))(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(row, isDigest) {
			return fieldsLine(row)
		}
	}
	if size, rest, ok := strings.Cut(strings.TrimLeft(text, " "), " "); ok && parseSize(size) >= 0 { // md5deep -z
		if all, ok, err := gnuLine(strings.TrimLeft(rest, " ")); ok && err == nil && len(all) == 1 && all[0].Name != "" {
			all[0].Size = parseSize(size)
			return all, nil
		}
	}
	return nameFirst(text)
}

// gnuLine reads what md5sum and similar tools write: "HEX  name", with a space or an asterisk before the name, or a bare
// digest. A backslash before all of it says that the name is escaped, as it is if it has the end of a line in it. Between
// HEX and name there may be another digest, or a size with a tab or one space on both sides.
func gnuLine(text string) ([]Entry, bool, error) {
	text, escaped := strings.CutPrefix(text, `\`)
	at := strings.IndexAny(text, " \t")
	word, rest := text, ""
	if at >= 0 {
		word, rest = text[:at], text[at:]
	}
	tag, isTag := checksum.FromETag(word)
	if _, err := hex.DecodeString(word); !isTag && (err != nil || len(word) < 2*checksum.MD5.Size()) {
		return nil, false, nil
	}
	e := Entry{Size: -1}
	s, err := parseDigest(word, checksum.None)
	if err != nil {
		return nil, true, err
	}
	if isTag {
		s = tag
	}
	e.Sums = []checksum.Sum{s}
	if strings.Count(rest, "\t") > 1 && rest[0] == '\t' {
		all, err := fieldsLine(strings.Split(text, "\t"))
		return all, true, err
	}
	name := strings.TrimLeft(rest, "\t")
	if name != "" && (name[0] == ' ' || name[0] == '*') {
		name = name[1:]
		if name != "" && (name[0] == ' ' || name[0] == '*') && !strings.HasPrefix(rest, "\t") {
			name = name[1:]
		}
	}
	if !escaped {
		if name, err = more(&e, rest, name); err != nil {
			return nil, true, err
		}
	}
	return []Entry{e.of(name, escaped)}, true, nil
}

// more reads what stands between the digest and the name.
func more(e *Entry, rest, name string) (string, error) {
	for {
		word, after, ok := strings.Cut(strings.TrimLeft(rest, " \t"), " ")
		after = strings.TrimLeft(after, " ")
		switch {
		case !ok || after == "":
			return name, nil
		case isHexDigest(word) && !slices.ContainsFunc(e.Sums, func(s checksum.Sum) bool { return 2*s.Algorithm.Size() == len(word) }):
			s, err := parseDigest(word, checksum.None)
			if err == nil {
				err = e.add(s)
			}
			if err != nil {
				return "", err
			}
			rest, name = after, strings.TrimPrefix(after, "*")
		case e.Size < 0 && parseSize(word) >= 0 && rest == " "+word+" "+after: // md5sum would have two spaces
			e.Size, rest, name = parseSize(word), "", after
		default:
			return name, nil
		}
	}
}

// of completes an entry that has its digests.
func (e Entry) of(name string, escaped bool) Entry {
	switch {
	case escaped:
		name = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r").Replace(name)
	case name == "-": // of a stream: only the digest is known
		name = ""
	default:
		name = cleanName(name)
	}
	e.Name = name
	return e
}

// taggedLine reads BSD's and OpenSSL's lines: "MD5 (name) = HEX", "SHA2-256(name)= HEX", and Base64 as cksum has it.
func taggedLine(text string) ([]Entry, bool, error) {
	text, escaped := strings.CutPrefix(text, `\`)
	open, end := strings.IndexByte(text, '('), strings.LastIndex(text, ")")
	if open < 0 || end < open {
		return nil, false, nil
	}
	equals := strings.TrimLeft(text[end+1:], " ")
	word := strings.TrimSpace(text[:open])
	if !strings.HasPrefix(equals, "=") || !isAlgorithm(word) {
		return nil, false, nil
	}
	a := algorithmOf(word)
	if a == checksum.None {
		return nil, true, fmt.Errorf("%s is not an algorithm that haul computes", word)
	}
	s, err := parseDigest(equals[1:], a)
	if err != nil {
		return nil, true, err
	}
	e := Entry{Size: -1, Sums: []checksum.Sum{s}}
	return []Entry{e.of(text[open+1:end], escaped)}, true, nil
}

// nameFirst reads "name  HEX", "name: HEX", "name = HEX"; the digest is the last word.
func nameFirst(text string) ([]Entry, error) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexAny(text, " \t:=")
	if trimmed := strings.TrimRight(text, "="); at > len(trimmed)-1 { // Base64
		at = strings.LastIndexAny(trimmed, " \t:=")
	}
	if at < 0 || !isDigest(text[at+1:]) {
		if isDigest(text) {
			s, err := parseDigest(text, checksum.None)
			return []Entry{{Size: -1, Sums: []checksum.Sum{s}}}, err
		}
		return nil, fmt.Errorf("%s has no digest and name", short(text))
	}
	row := []string{strings.TrimSpace(text[:at]), text[at+1:]}
	for { // file md5 sha256
		name := row[0]
		i := strings.LastIndexAny(name, " \t")
		if i < 0 || !isDigest(name[i+1:]) || strings.TrimSpace(name[:i]) == "" {
			break
		}
		row = append([]string{strings.TrimSpace(name[:i]), name[i+1:]}, row[1:]...)
	}
	if text[at] != ':' && text[at] != '=' {
		row[0] = strings.TrimRight(row[0], ":=")
	}
	row[0] = strings.TrimSpace(row[0])
	if i := strings.LastIndexAny(row[0], " \t"); len(row) == 2 && i > 0 && strings.ContainsAny(text[at:at+1], " \t") && parseSize(row[0][i+1:]) >= 0 {
		row = []string{strings.TrimSpace(row[0][:i]), row[0][i+1:], row[1]}
	}
	return fieldsLine(row)
}

var errWhich = errors.New("which of its fields is the name of the file cannot be seen: give the list a header")

// fieldsLine reads the fields of a line by their shape: digests of one file, or of several files, with their names.
func fieldsLine(row []string) ([]Entry, error) {
	var digests, names []int
	for i, value := range row {
		switch {
		case isDigest(value):
			digests = append(digests, i)
		case !absent(value):
			names = append(names, i)
		}
	}
	size := int64(-1)
	if len(names) == 2 && len(digests) > 0 && len(row) == len(names)+len(digests) { // md5deep has the size first
		for i, k := range names {
			if n := parseSize(row[k]); n >= 0 && parseSize(row[names[1-i]]) < 0 && (k > 0 || names[1-i] == len(row)-1) {
				size, names = n, []int{names[1-i]}
				break
			}
		}
	}
	if len(names) > 1 && len(names) != len(digests) {
		names = slices.DeleteFunc(names, func(i int) bool { return !looksLikeFile(row[i]) })
	}
	switch {
	case len(digests) == 0:
		return nil, fmt.Errorf("%s has no digest and name", short(strings.Join(row, " ")))
	case len(names) > 1 && len(names) == len(digests):
		return pairs(row, names, digests)
	case len(names) > 1, len(names) == 0 && len(row) > 1:
		return nil, errWhich
	}
	e := Entry{Size: size}
	for _, i := range digests {
		s, err := parseDigest(row[i], checksum.None)
		if err == nil {
			err = e.add(s)
		}
		if err != nil {
			return nil, err
		}
	}
	name := ""
	if len(names) == 1 {
		name = unquoted(bare(row[names[0]]))
	}
	return []Entry{e.of(name, false)}, nil
}

// pairs assigns each name its digest: name, digest, name, digest, or all names before all digests.
func pairs(row []string, names, digests []int) ([]Entry, error) {
	var all []Entry
	for i, k := range digests {
		s, err := parseDigest(row[k], checksum.None)
		if err != nil {
			return nil, err
		}
		all = append(all, Entry{Size: -1, Sums: []checksum.Sum{s}}.of(unquoted(bare(row[names[i]])), false))
	}
	return all, nil
}

// looksLikeFile reports whether a value may be the name of a file, where others could be: it has a folder, or an ending of
// letters.
func looksLikeFile(value string) bool {
	value = bare(value)
	end := strings.TrimPrefix(path.Ext(cleanName(value)), ".")
	return strings.ContainsAny(value, `/\`) || end != "" && strings.ContainsAny(strings.ToLower(end), "abcdefghijklmnopqrstuvwxyz") && !strings.Contains(end, " ")
}
