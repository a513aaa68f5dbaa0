package mirror

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"haul.example/haul/internal/seqfile"
)

// last are the manifests and markers of a run; they wait until the rest is done.
type last struct{ manifests, markers spool }

func (l *last) close() {
	l.manifests.close()
	l.markers.close()
}

// role is that of a name, by [Options.Last] and by what sequencers and the like write.
func (o *Options) role(name string) seqfile.Role {
	if o.IsLast(name) {
		return seqfile.Marker
	}
	return seqfile.RoleOf(name)
}

// IsLast returns whether a path with slashes matches one of Last.
func (o *Options) IsLast(name string) bool {
	for _, pattern := range o.Last {
		tokens := compile(fold(pattern))
		for rest := fold(name); ; {
			if matches(tokens, rest) {
				return true
			}
			_, after, ok := strings.Cut(rest, "/")
			if !ok {
				break
			}
			rest = after
		}
	}
	return false
}

// of gives the spool for a role; nil where it does not wait.
func (l *last) of(role seqfile.Role) *spool {
	switch role {
	case seqfile.Manifest:
		return &l.manifests
	case seqfile.Marker:
		return &l.markers
	}
	return nil
}

// putOff keeps what is to be done about a manifest or marker for later; false where it is to be done now.
func (w *jobBuilder) putOff(a Action) (bool, error) {
	e := a.Source
	if w.o.NoFamilies || e.Why != nil || a.Do != Move && a.Do != Check || e.isMark() {
		return false, nil
	}
	s := w.last.of(w.o.role(job{entry: e}.family()))
	if s == nil {
		return false, nil
	}
	if err := s.addAction(a); err != nil {
		return true, fmt.Errorf("note what goes last: %w", err)
	}
	return true, nil
}

// goLast does what was put off: manifests, and then markers. act yields the job for an action.
func (w *jobBuilder) goLast(ctx context.Context, end context.CancelCauseFunc, act func(Action, func(job) bool) bool) error {
	for _, s := range []*spool{&w.last.manifests, &w.last.markers} {
		if s.n == 0 {
			continue
		}
		if w.places != nil {
			w.places.again()
		}
		why := w.missingFor(s == &w.last.markers)
		err := w.each(ctx, end, func(ctx context.Context, yield func(job) bool) error {
			for a, err := range s.actions() {
				if err != nil {
					return err
				}
				if !act(a, func(j job) bool { return yield(j.unless(why)) }) {
					return nil
				}
			}
			return nil
		})
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// missingFor is why a marker may not go: it tells others that all is there.
func (r *run) missingFor(marker bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n := r.summary.Failed + r.summary.Skipped; {
	case !marker || n == 0:
		return nil
	case r.summary.Skipped == 0:
		return fmt.Errorf("it goes last, and %s", number(n, "object failed", "objects failed"))
	default:
		return fmt.Errorf("it goes last, and %s", number(n, "object failed or was skipped", "objects failed or were skipped"))
	}
}

// unless gives a job that fails where there is a reason.
func (j job) unless(why error) job {
	if why != nil {
		j.err, j.look, j.skip = why, nil, nil
	}
	return j
}

// addAction keeps an action, as three entries, the first of which has what it says.
func (s *spool) addAction(a Action) error {
	return errors.Join(s.add(Entry{Rel: string(a.Do), Path: a.Why}), s.add(a.Source), s.add(a.Target))
}

// actions gives them back, in order.
func (s *spool) actions() iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		n := 0
		var a Action
		for e, err := range s.all() {
			switch {
			case err != nil:
				yield(a, err)
				return
			case n%3 == 0:
				a = Action{Do: Op(e.Rel), Why: e.Path}
			case n%3 == 1:
				a.Source = e
			default:
				a.Target = e
				if !yield(a, nil) {
					return
				}
			}
			n++
		}
	}
}
