// Package helptext reads the text of a help page into blocks, which man pages and the documentation site each write in their own form.
//
// A text has an empty line between paragraphs. A line that is not indented is prose. An indented line is an item: a term, and after two
// spaces what it means, which more deeply indented lines continue. Any other indented line is verbatim.
package helptext

import (
	"strings"
	"unicode/utf8"
)

// Block is prose (only Text is set), an item (Term and Text), or verbatim lines (only Lines).
type Block struct {
	Term, Text string
	Lines      []string
}

// Blocks returns the blocks of a text in order. Prose is as in the text, with a space for each line end.
func Blocks(text string) []Block {
	var all []Block
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		r := reader{blocks: all}
		for line := range strings.SplitSeq(paragraph, "\n") {
			r.add(line)
		}
		r.flush()
		all = r.blocks
	}
	return all
}

// reader reads one paragraph.
type reader struct {
	blocks []Block
	column int // where the meaning starts in the last item
	now    Block
}

func (r *reader) add(line string) {
	body := strings.TrimLeft(line, " ")
	indent := len(line) - len(body)
	switch {
	case indent == 0:
		if r.now.Term != "" || len(r.now.Lines) > 0 {
			r.flush()
		}
		r.now.Text = strings.TrimSpace(r.now.Text + " " + body)
	case r.now.Term != "" && indent > 3 && indent >= r.column-2:
		r.now.Text += " " + body
	default:
		r.start(line, body)
	}
}

// start starts an item, or adds a verbatim line. Without two spaces before its meaning, that starts in the same column as the one before.
func (r *reader) start(line, body string) {
	term, text, ok := strings.Cut(body, "  ")
	if runes := []rune(line); !ok && r.column > 0 && len(runes) > r.column && runes[r.column-1] == ' ' {
		term, text, ok = strings.TrimSpace(string(runes[:r.column])), string(runes[r.column:]), true
	} else if ok {
		text = strings.TrimLeft(text, " ")
		r.column = utf8.RuneCountInString(line) - utf8.RuneCountInString(text)
	}
	if ok || len(r.now.Lines) == 0 {
		r.flush()
	}
	if ok {
		r.now = Block{Term: term, Text: text}
	} else {
		r.now.Lines = append(r.now.Lines, line)
	}
}

// flush ends the block that add has collected.
func (r *reader) flush() {
	if r.now.Text != "" || len(r.now.Lines) > 0 {
		r.blocks = append(r.blocks, r.now)
	}
	r.now = Block{}
}
