package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/spool"
)

// deferred are the manifests and markers of a run; they wait until the rest is done.
type deferred struct{ manifests, markers spool.Spool[keptAction] }

// keptAction is an Action in a spool.
type keptAction struct {
	Do             Op
	Why            string
	Source, Target kept
}

func (l *deferred) close() {
	_ = errors.Join(l.manifests.Close(), l.markers.Close()) // nothing is read again
}

// role returns the role of a name, by [Options.Last] and by what sequencers and tools write.
func (o *Options) role(name string) seqfile.Role {
	if o.IsLast(name) {
		return seqfile.Marker
	}
	return seqfile.RoleOf(name)
}

// IsLast reports whether a path with slashes matches one of Last.
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

// spoolFor returns the spool for a role; nil if files of that role do not wait.
func (l *deferred) spoolFor(role seqfile.Role) *spool.Spool[keptAction] {
	switch role {
	case seqfile.Manifest:
		return &l.manifests
	case seqfile.Marker:
		return &l.markers
	}
	return nil
}

// deferLast keeps the action on a manifest or marker for later; false if it is to be done now.
func (w *jobBuilder) deferLast(a Action) (bool, error) {
	e := a.Source
	if w.o.NoFamilies || e.Why != nil || a.Do != Move && a.Do != Check || e.isFolderObject() {
		return false, nil
	}
	s := w.deferred.spoolFor(w.o.role(job{entry: e}.companionName()))
	if s == nil {
		return false, nil
	}
	if err := s.Add(keptAction{a.Do, a.Why, keep(e), keep(a.Target)}); err != nil {
		return true, fmt.Errorf("keep manifests and markers for later: %w", err)
	}
	return true, nil
}

// sendDeferred does what was deferred: manifests, and then markers.
func (w *jobBuilder) sendDeferred(ctx context.Context, end context.CancelCauseFunc) error {
	for _, s := range []*spool.Spool[keptAction]{&w.deferred.manifests, &w.deferred.markers} {
		if s.Len() == 0 {
			continue
		}
		if w.places != nil {
			w.places.restart()
		}
		why := w.whyNoMarker(s == &w.deferred.markers)
		err := w.each(ctx, end, func(ctx context.Context, yield func(job) bool) error {
			for k, err := range s.All() {
				if err != nil {
					return err
				}
				a := Action{Do: k.Do, Why: k.Why, Source: k.Source.entry(), Target: k.Target.entry()}
				if !w.yieldAction(a, func(j job) bool { return yield(j.failIf(why)) }) {
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

// whyNoMarker is why a marker must not be sent, as it says that everything is there; nil if it may.
func (r *run) whyNoMarker(marker bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n := r.summary.Failed + r.summary.Skipped; {
	case !marker || n == 0:
		return nil
	case r.summary.Skipped == 0:
		return fmt.Errorf("it comes last, and %s", number(n, "object failed", "objects failed"))
	default:
		return fmt.Errorf("it comes last, and %s", number(n, "object failed or was skipped", "objects failed or were skipped"))
	}
}

// failIf returns the job, failing if there is a reason.
func (j job) failIf(why error) job {
	if why != nil {
		j.err, j.decide, j.skip = why, nil, nil
	}
	return j
}
