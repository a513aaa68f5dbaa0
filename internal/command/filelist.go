package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"haul.example/haul/mirror"
)

// OpenList opens a list of files for ReadPairs; "-" is standard input.
func (s *Session) OpenList(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		in, err := s.System.stdin()
		if err != nil {
			return nil, err
		}
		return io.NopCloser(&source{in, ctx.Err}), nil
	}
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil, &MissingError{"--files-from: no such file: " + name}
	}
	return f, err
}

// maxLine bounds a line of a list, in bytes: two keys of 1024 bytes, and room to spare.
const maxLine = 64 << 10

// ReadPairs reads a list with one path a line, or a source, a tab and a target. Empty lines are skipped.
func ReadPairs(from io.Reader) iter.Seq2[mirror.Pair, error] {
	return func(yield func(mirror.Pair, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSuffix(lines.Text(), "\r")
			if line == "" {
				continue
			}
			var p mirror.Pair
			var paired bool
			p.Source, p.Target, paired = strings.Cut(line, "\t")
			if p.Source == "" || paired && p.Target == "" {
				yield(p, Usagef("--files-from: line %d has no %s", n, map[bool]string{true: "source", false: "target"}[p.Source == ""]))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(mirror.Pair{}, fmt.Errorf("read the list of files: %w", err))
		}
	}
}
