package s5line

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"strings"
)

// Command is a line of a command file.
type Command struct {
	Number int // from 0
	Words  []string
	Err    error // why the line has no words
}

// Commands yields the lines of a command file, without empty ones and those that begin with #. After an error of reading there are no more.
func Commands(from io.Reader) iter.Seq2[Command, error] {
	return func(yield func(Command, error) bool) {
		in := bufio.NewReader(from)
		for n := 0; ; n++ {
			text, err := in.ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Command{}, err)
				return
			}
			if text = strings.TrimSpace(text); text != "" && text[0] != '#' {
				c := Command{Number: n}
				if c.Words, c.Err = Split(text); !yield(c, nil) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}
