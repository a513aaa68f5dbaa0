package s5line

import (
	"errors"
	"strings"
)

// Split splits a line of a command file into words, as a shell does: single quotes keep everything, double quotes all but \ before
// one of $ ` " \, and a backslash keeps the next character. There are no variables and no comments.
func Split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	open := false // a word has begun, which may be empty
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\n':
			end()
		case '\'':
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return nil, errors.New("unterminated single-quoted string")
			}
			word.WriteString(line[i+1 : i+1+n])
			open = true
			i += n + 1
		case '"':
			n, ok := doubleQuoted(line[i+1:], &word)
			if !ok {
				return nil, errors.New("unterminated double-quoted string")
			}
			open = true
			i += n
		case '\\':
			if i+1 == len(line) {
				return nil, errors.New("unterminated backslash-escape")
			}
			i++
			word.WriteByte(line[i])
			open = true
		default:
			word.WriteByte(c)
			open = true
		}
	}
	end()
	return words, nil
}

// doubleQuoted reads what follows a double quote into word, and returns its length, the closing quote included.
func doubleQuoted(text string, word *strings.Builder) (int, bool) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i + 1, true
		case c == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\", text[i+1]) >= 0:
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, false
}
