package digestlist

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// splitter splits a line of a table into its fields.
type splitter func(line string) ([]string, error)

// delimiters are the ways in which tables are delimited, the most certain first.
var delimiters = []splitter{delimited('\t'), markdown, delimited(','), delimited(';'), delimited('|'), spaced}

// dashes are the line below the header of a table that is aligned.
var dashes = lazy(`^\s*-{2,}(\s+-{2,})*\s*$`)

// tableIn recognizes a table by its header: the first line that is not a comment, or a comment before it.
func tableIn(lines []string) form {
	first := slices.IndexFunc(lines, func(line string) bool { return !isComment(line) && !strings.HasPrefix(line, "sep=") })
	if i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "%%%% size,") }); i >= 0 { // hashdeep
		header, _ := delimited(',')(strings.TrimPrefix(lines[i], "%%%% "))
		return tableForm(i, layoutOf(header), func(line string) ([]string, error) { return strings.SplitN(line, ",", len(header)), nil })
	}
	if first < 0 {
		return nil
	}
	if first+1 < len(lines) && dashes().MatchString(lines[first+1]) {
		if split := aligned(lines[first+1]); split != nil {
			header, _ := split(lines[first])
			if l := layoutOf(header); l.good() {
				return tableForm(first, l, split)
			}
		}
	}
	for i := first; i >= 0; i-- {
		line := strings.TrimPrefix(lines[i], "\ufeff")
		if i < first && (!isComment(line) || strings.TrimSpace(line) == "") || hasDigest(line) {
			continue
		}
		for k, split := range delimiters {
			header, err := split(strings.TrimLeft(line, "#"))
			if err != nil || len(header) < 2 {
				continue
			}
			l := layoutOf(header)
			if !l.good() || k == len(delimiters)-1 && !l.fits(lines[max(i+1, first):], split) {
				continue
			}
			return tableForm(i, l, split)
		}
	}
	return nil
}

// fits reports whether the first row below a header has its digests in the columns that the header names; prose, split at
// spaces, can have such words too.
func (l *layout) fits(rows []string, split splitter) bool {
	for _, line := range rows {
		if isComment(line) || isRule(line) {
			continue
		}
		row, err := split(line)
		return err == nil && len(row) == len(l.columns) && isDigest(field(row, l.files[0].digests[0].at))
	}
	return false
}

// isRule reports lines that only draw a rule.
func isRule(line string) bool { return strings.Trim(line, "|-:+= \t") == "" }

// tableForm reads the rows below the header, which is line number header, from 0.
func tableForm(header int, l layout, split splitter) form {
	return func(r io.Reader, yield yielder) {
		eachLine(r, yield, func(n int, line string) bool {
			switch {
			case n == header+1:
				for _, problem := range l.problems {
					if !yield(Entry{}, &LineError{Line: n, Err: errors.New(problem)}) {
						return false
					}
				}
				return true
			case n <= header, isComment(line), isRule(line):
				return true
			}
			row, err := split(line)
			if err != nil {
				return yield(Entry{}, &LineError{Line: n, Err: err})
			}
			return l.row(n, row, yield)
		})
	}
}

var (
	errQuote = errors.New("a quote is opened and not closed")
	errCut   = errors.New("its path is cut off at the width of a screen: write the list with Export-Csv")
)

// delimited splits at a character; fields with it in them are in double quotes, in which a quote is doubled.
func delimited(comma rune) splitter {
	return func(line string) ([]string, error) {
		var row []string
		for {
			text := strings.TrimLeft(line, " ")
			if !strings.HasPrefix(text, `"`) {
				value, rest, more := strings.Cut(line, string(comma))
				row = append(row, value)
				if !more {
					return row, nil
				}
				line = rest
				continue
			}
			value, rest, ok := quotedField(text[1:])
			rest = strings.TrimLeft(rest, " ")
			switch {
			case !ok:
				return nil, errQuote
			case rest == "":
				return append(row, value), nil
			case !strings.HasPrefix(rest, string(comma)):
				return nil, errors.New("a quote ends in the middle of a field")
			}
			row, line = append(row, value), rest[utf8.RuneLen(comma):]
		}
	}
}

// quotedField reads up to the quote that ends a field.
func quotedField(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			return "", "", false
		}
		b.WriteString(text[:i])
		if text = text[i+1:]; !strings.HasPrefix(text, `"`) {
			return b.String(), text, true
		}
		b.WriteByte('"')
		text = text[1:]
	}
}

var (
	errTable = errors.New("it is not a row of the table")
	link     = lazy(`^\[([^\]]*)\]\([^)]*\)$`)
)

// markdown splits rows such as | a | b |.
func markdown(line string) ([]string, error) {
	text := strings.TrimSpace(line)
	if len(text) < 2 || text[0] != '|' {
		return nil, errTable
	}
	const pipe = "\x00"
	text = strings.TrimSuffix(strings.ReplaceAll(text[1:], `\|`, pipe), "|")
	row := strings.Split(text, "|")
	for i, cell := range row {
		cell = strings.TrimSpace(strings.ReplaceAll(cell, pipe, "|"))
		if m := link().FindStringSubmatch(cell); m != nil {
			cell = m[1]
		}
		row[i] = strings.Trim(cell, "`*")
	}
	return row, nil
}

// spaced splits at runs of spaces, but for those in quotes.
func spaced(line string) ([]string, error) {
	var row []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] == '"' {
			value, rest, ok := quotedField(line[1:])
			if !ok {
				return nil, errQuote
			}
			row, line = append(row, value), rest
			continue
		}
		i := strings.IndexAny(line, " \t")
		if i < 0 {
			i = len(line)
		}
		row, line = append(row, line[:i]), line[i:]
	}
	return row, nil
}

// aligned splits where the groups of dashes below the header begin.
func aligned(rule string) splitter {
	var starts []int
	for i, r := range []rune(rule) {
		if r == '-' && (i == 0 || []rune(rule)[i-1] != '-') {
			starts = append(starts, i)
		}
	}
	if len(starts) < 2 {
		return nil
	}
	return func(line string) ([]string, error) {
		runes := []rune(line)
		var row []string
		for i, from := range starts {
			to := len(runes)
			if i+1 < len(starts) {
				to = min(to, starts[i+1])
			}
			value := strings.TrimSpace(string(runes[min(from, to):to]))
			if strings.HasSuffix(value, "...") || strings.HasSuffix(value, "…") {
				return nil, errCut
			}
			row = append(row, value)
		}
		return row, nil
	}
}
