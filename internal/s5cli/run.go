package s5cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"haul.example/haul/internal/s5line"
)

// defaultWorkers is how many commands run at the same time, as in s5cmd.
const defaultWorkers = 256

// run runs run: each line of a file, or of standard input, is a command. One that fails does not stop the others.
func (j *job) run(ctx context.Context) error {
	if len(j.line.Args) > 1 {
		return errors.New("expected only 1 file")
	}
	from := io.Reader(j.face.sys.Stdin)
	stdin := len(j.line.Args) == 1
	if stdin {
		f, err := os.Open(j.line.Args[0])
		if err != nil {
			return err
		}
		defer f.Close() // only read from
		from = f
	}
	var g errgroup.Group
	g.SetLimit(max(1, j.face.globals.Number("numworkers", defaultWorkers)))
	var broke error
	for c, err := range s5line.Commands(from) {
		if broke = err; err != nil || ctx.Err() != nil {
			break
		}
		if c.Err != nil {
			j.fail(fmt.Errorf("line %d: %w", c.Number, c.Err))
			continue
		}
		g.Go(func() error {
			j.runLine(ctx, c.Words, c.Number, stdin)
			return nil
		})
	}
	_ = g.Wait() // no command returns an error: each prints its own
	return broke
}

// runLine runs one line.
func (j *job) runLine(ctx context.Context, words []string, number int, stdin bool) {
	line, err := s5line.ParseVerb(words, j.face.globals)
	var unknown *s5line.UnknownVerbError
	switch {
	case errors.As(err, &unknown):
		j.fail(fmt.Errorf("%q command (line: %d) not found", unknown.Verb, number))
	case err != nil:
		j.failed.Store(true)
		j.face.refuse(line, err)
	case line.Verb == "run":
		j.fail(fmt.Errorf("%q command (line: %d) is not permitted in run-mode", "run", number))
	case line.Help:
		j.face.out.Line(s5line.Help(line.Verb))
	default:
		one := &job{face: j.face, line: line, stdin: stdin}
		if one.do(ctx) != codeOK {
			j.failed.Store(true)
		}
	}
}
