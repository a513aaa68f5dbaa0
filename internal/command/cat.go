package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// CatRequest writes objects to standard output, one after the other.
type CatRequest struct {
	Refs     []store.Ref
	Transfer haul.DownloadOptions
	Options  haul.Options
}

// Cat runs r.
func (s *Session) Cat(ctx context.Context, r CatRequest) (err error) {
	s.DataOnStdout = true
	c, err := s.client(ctx, r.Options)
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	out, err := s.System.OpenOutput(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for _, ref := range r.Refs {
		if err := s.catOne(ctx, c, ref, out, r.Transfer); err != nil {
			return err
		}
	}
	return nil
}

// catOne writes one object. It reports only what could not be verified, unless more was asked for.
func (s *Session) catOne(ctx context.Context, c *haul.Client, ref store.Ref, out io.Writer, t haul.DownloadOptions) error {
	screen := s.Screen()
	task := ui.Task{Verb: DownloadFile.verb(), Source: ref.String(), Target: "stdout", Name: BaseKey(ref.Key)}
	var result haul.Result
	err := screen.During(task, c, func() (err error) {
		result, err = c.DownloadStream(ctx, ref, out, t)
		return err
	})
	switch {
	case err != nil:
		return err
	case s.Verbose || s.JSON:
		screen.Done(task, result)
	case !result.Proof.Verified:
		screen.Note(fmt.Sprintf("%s: not verified: %s", ref, result.Proof.Text))
	}
	return nil
}
