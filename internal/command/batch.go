package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/internal/spool"
	"haul.example/haul/internal/ui"
)

// BatchRequest runs the commands of a file, many at the same time, on one client.
type BatchRequest struct {
	File    string // "-" is standard input
	Jobs    int    // commands at the same time
	Options haul.Options
	// Parse returns what runs the command that words are, in a Session of its own.
	Parse func(s *Session, words []string) (func(context.Context) error, error)
}

// batchCommand is a line of the file that was parsed once.
type batchCommand struct {
	Line  int // from 1
	Words []string
}

// batchError reports commands that failed.
type batchError struct {
	ran  ui.Commands
	code int // that of all that failed, or 1 if they differ
}

// advice returns what to do about commands that were stopped, or not started.
func (e *batchError) advice() []string {
	rest := e.ran.Total - e.ran.Done - e.ran.Failed
	if rest == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s not finished; to resume, run the same batch again", amount.Count(rest, "command"))}
}

// Error counts them.
func (e *batchError) Error() string {
	return fmt.Sprintf("%d of %s failed", e.ran.Failed, amount.Count(e.ran.Total, "command"))
}

// Batch runs r. Each line is parsed before the first is run, and again when it is its turn, so that a long file takes no memory.
func (s *Session) Batch(ctx context.Context, r BatchRequest) (err error) {
	var commands spool.Spool[batchCommand]
	defer func() { err = errors.Join(err, commands.Close()) }()
	if err := s.checkBatch(r, &commands); err != nil {
		return err
	}
	client, err := s.client(ctx, r.Options)
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	b := &batch{session: s, client: client, req: r, ran: ui.Commands{Total: commands.Len()}}
	s.Screen().Ran(b.ran)
	began := time.Now()
	err = s.Screen().During(ui.Task{Name: "batch", Many: true}, client, func() error { return b.run(ctx, &commands) })
	s.Screen().BatchDone(b.ran, client.Progress(), time.Since(began))
	if err == nil && b.ran.Done < b.ran.Total {
		err = &batchError{b.ran, cmp.Or(b.code, codeFailed)}
	}
	return err
}

// checkBatch parses all lines, and refuses the first that is not a command of a batch.
func (s *Session) checkBatch(r BatchRequest, commands *spool.Spool[batchCommand]) error {
	from := io.Reader(s.System.Stdin)
	name := "standard input"
	if r.File != "-" {
		f, err := os.Open(r.File)
		if errors.Is(err, fs.ErrNotExist) {
			return &MissingError{Text: r.File + " does not exist"}
		}
		if err != nil {
			return err
		}
		defer f.Close() // only read from
		from, name = f, r.File
	}
	for c, err := range s5line.Commands(from) {
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err = c.Err; err == nil {
			one := s.fork(nil)
			_, err = r.Parse(one, c.Words)
			s.adopt(one)
		}
		usage := &UsageError{}
		if errors.As(err, &usage) || c.Err != nil { // another error, such as a file that does not exist, is only the line's
			return &UsageError{Text: fmt.Sprintf("%s:%d: %s; nothing was done", name, c.Number+1, err), Command: cmp.Or(usage.Command, "haul batch"), Instead: usage.Instead}
		}
		if err := commands.Add(batchCommand{c.Number + 1, c.Words}); err != nil {
			return err
		}
	}
	return nil
}

// fork makes the Session of one command.
func (s *Session) fork(c *haul.Client) *Session {
	one := *s
	one.shared, one.screen = c, nil
	one.Connection.renames = slices.Clip(s.Connection.renames)
	if c != nil {
		one.screen = s.Screen().Child()
	}
	return &one
}

// adopt takes over which store a command works with: all commands of a batch work with one.
func (s *Session) adopt(one *Session) {
	s.Connection.Store, s.Connection.named, s.Connection.renames = one.Connection.Store, one.Connection.named, one.Connection.renames
	s.firstAddress, s.firstStore = one.firstAddress, one.firstStore
}

// batch is a BatchRequest in progress.
type batch struct {
	session *Session
	client  *haul.Client
	req     BatchRequest

	mu   sync.Mutex // guards the rest
	ran  ui.Commands
	code int
}

// run runs the commands in their order, so many at the same time. One that fails does not stop the others.
func (b *batch) run(ctx context.Context, commands *spool.Spool[batchCommand]) error {
	var g errgroup.Group
	g.SetLimit(b.req.Jobs)
	var broke error
	for c, err := range commands.All() {
		if broke = err; err != nil || ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			b.one(ctx, c)
			return nil
		})
	}
	return errors.Join(broke, g.Wait())
}

// one runs one command, and reports why it failed, unless the batch was stopped.
func (b *batch) one(ctx context.Context, c batchCommand) {
	s := b.session.fork(b.client)
	run, err := b.req.Parse(s, c.Words)
	if err == nil {
		err = run(ctx)
	}
	if err != nil && ctx.Err() != nil {
		return
	}
	if err != nil {
		f := s.Explain(err)
		f.Line = c.Line
		s.Screen().Fail(f)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch code := ExitCode(err); {
	case code == codeOK:
		b.ran.Done++
	case b.ran.Failed == 0:
		b.ran.Failed, b.code = 1, code
	default:
		b.ran.Failed++
		if b.code != code {
			b.code = codeFailed
		}
	}
	b.session.Screen().Ran(b.ran)
}
