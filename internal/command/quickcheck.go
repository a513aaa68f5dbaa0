package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/quickcheck"
	"haul.example/haul/internal/ui"
)

// QuickcheckRequest checks that files are of the type of their name, and not truncated.
type QuickcheckRequest struct {
	Where   []Location // no Streams
	Strict  bool       // a WARN also fails the run
	Options quickcheck.Options
}

// Quickcheck runs req, one location after the other.
func (s *Session) Quickcheck(ctx context.Context, req QuickcheckRequest) error {
	screen, began := s.Screen(), time.Now()
	var c *haul.Client
	look := func() haul.Progress { return haul.Progress{} }
	for _, l := range req.Where {
		if l.Kind == Remote && c == nil {
			var err error
			if c, err = s.client(ctx, haul.Options{}); err != nil {
				return err
			}
			look = c.Progress
		}
	}
	var all quickcheck.Counts
	for _, l := range req.Where {
		task := ui.Task{Verb: "quickcheck", Source: l.shown(""), Name: l.shown(""), Many: true}
		err := screen.During(task, ui.Look(look), func() error {
			before := all
			return quickcheck.Run(ctx, c, l.End(), req.Options, func(r quickcheck.Report, n quickcheck.Counts) {
				all = before.Plus(n)
				screen.Checked(shownName(r.Name), r, all, r.Grade == quickcheck.Bad || r.Grade == quickcheck.Unreadable || req.Strict)
			})
		})
		if err != nil {
			return err
		}
	}
	screen.CheckedAll(all, time.Since(began))
	return req.verdict(all)
}

// shownName returns a path or address as results have it.
func shownName(name string) string {
	if strings.HasPrefix(name, Scheme) {
		return name
	}
	return shown(name)
}

// verdict returns an error if what was found fails the run.
func (r QuickcheckRequest) verdict(c quickcheck.Counts) error {
	switch {
	case c.Bad > 0 && c.Unreadable > 0:
		return fmt.Errorf("%s bad, and %d cannot be read; listed above", countIs(c.Bad, "file"), c.Unreadable)
	case c.Bad > 0:
		return fmt.Errorf("%s bad; listed above", countIs(c.Bad, "file"))
	case c.Unreadable > 0:
		return fmt.Errorf("%d cannot be read, so their contents were not checked; listed above", c.Unreadable)
	case r.Strict && c.Warn+c.Gaps > 0:
		return fmt.Errorf("%s worth a look, which is a failure with --strict; listed above", countIs(c.Warn+c.Gaps, "file"))
	case c.OK+c.Warn+c.Gaps == 0:
		return &MissingError{"no file there has a name that quickcheck recognizes; nothing was checked"}
	}
	return nil
}

func countIs(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}
