package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/spool"
)

// last are the manifests and markers of a run; they wait until the rest is done.
type last struct{ manifests, markers spool.Spool[keptAction] }

// keptAction is an Action in a spool.
type keptAction struct {
	Do             Op
	Why            string
	Source, Target kept
}

func (l *last) close() {
	_ = errors.Join(l.manifests.Close(), l.markers.Close()) // nothing is read again
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
func (l *last) of(role seqfile.Role) *spool.Spool[keptAction] {
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
	if err := s.Add(keptAction{a.Do, a.Why, keep(e), keep(a.Target)}); err != nil {
		return true, fmt.Errorf("note what goes last: %w", err)
	}
	return true, nil
}

// goLast does what was put off: manifests, and then markers. act yields the job for an action.
func (w *jobBuilder) goLast(ctx context.Context, end context.CancelCauseFunc, act func(Action, func(job) bool) bool) error {
	for _, s := range []*spool.Spool[keptAction]{&w.last.manifests, &w.last.markers} {
		if s.Len() == 0 {
			continue
		}
		if w.places != nil {
			w.places.again()
		}
		why := w.missingFor(s == &w.last.markers)
		err := w.each(ctx, end, func(ctx context.Context, yield func(job) bool) error {
			for k, err := range s.All() {
				if err != nil {
					return err
				}
				a := Action{Do: k.Do, Why: k.Why, Source: k.Source.entry(), Target: k.Target.entry()}
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
