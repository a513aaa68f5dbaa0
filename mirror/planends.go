package mirror

import (
	"fmt"
	"hash/maphash"
	"path/filepath"
	"strings"

	"haul.example/haul/store"
)

// Holds returns an error unless a path or address lies within the end: an absolute path without "..", or the address of a key
// that starts with the prefix and does not leave it through "..", which some stores interpret as the parent folder.
func (e End) Holds(name string) error {
	if e.Path != "" {
		rel, err := filepath.Rel(e.Path, name)
		if err != nil || !filepath.IsAbs(name) || filepath.Clean(name) != name || rel == "." || !filepath.IsLocal(rel) {
			return fmt.Errorf("%q does not lie in %s", name, e)
		}
		return nil
	}
	below, ok := strings.CutPrefix(name, e.Ref.String())
	if e.Ref.Key == "" && below == "" {
		ok = false
	}
	depth := 0
	for part := range strings.SplitSeq(below, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		ok = ok && depth >= 0
	}
	if !ok {
		return fmt.Errorf("%q does not lie below %s", name, e)
	}
	return nil
}

// ends returns the two ends of a plan.
func (h PlanHeader) ends() (from, to End, err error) {
	if from, err = planEnd(h.Source, h.FromBucket); err == nil {
		to, err = planEnd(h.Target, h.ToBucket)
	}
	way := map[[2]bool]Way{{true, false}: Upload, {false, true}: Download, {false, false}: Copying}[[2]bool{from.Path != "", to.Path != ""}]
	if err == nil && (way == "" || way != h.Way) {
		err = fmt.Errorf("its way is %q, from %s to %s", h.Way, from, to)
	}
	return from, to, err
}

func planEnd(name, bucket string) (End, error) {
	if bucket == "" {
		if !filepath.IsAbs(name) || filepath.Clean(name) != name {
			return End{}, fmt.Errorf("%q is not an absolute path", name)
		}
		return Local(name), nil
	}
	key, ok := strings.CutPrefix(name, scheme+bucket+"/")
	if !ok || key != folder(key) {
		return End{}, fmt.Errorf("%q is not a prefix in the bucket %q", name, bucket)
	}
	return Remote(store.Ref{Bucket: bucket, Key: key}), nil
}

// names are the source and the target of a step, as they are.
func (s Step) names() (source, target string) {
	source, target = s.Source, s.Target
	if s.RawSource != nil {
		source = string(s.RawSource)
	}
	if s.RawTarget != nil {
		target = string(s.RawTarget)
	}
	return source, target
}

// planChecker checks that the steps of a plan stay within its ends.
type planChecker struct {
	h        PlanHeader
	from, to End
	seed     maphash.Seed
	targets  map[uint64]struct{}
}

func newPlanChecker(h PlanHeader) (*planChecker, error) {
	from, to, err := h.ends()
	return &planChecker{h: h, from: from, to: to, seed: maphash.MakeSeed(), targets: map[uint64]struct{}{}}, err
}

// check refuses a step that the header does not allow: another action, an end elsewhere, or the target of an earlier step.
func (p *planChecker) check(s Step) error {
	source, target := s.names()
	switch s.Action {
	case deleteVerb:
		if target != "" {
			return fmt.Errorf("a deletion has no target, and here it is %q", target)
		}
		return p.to.Holds(source)
	case string(p.h.Way):
	case moveVerb:
		if !p.h.Move {
			return fmt.Errorf("the action is %q, and nothing is moved by this plan", s.Action)
		}
	default:
		return fmt.Errorf("the action is %q, and must be %s, %s or %s", s.Action, p.h.Way, moveVerb, deleteVerb)
	}
	if err := p.from.Holds(source); err != nil {
		return err
	}
	if err := p.to.Holds(target); err != nil {
		return err
	}
	sum := maphash.String(p.seed, target)
	if _, ok := p.targets[sum]; ok {
		return fmt.Errorf("an earlier step has the same target, %q", target)
	}
	p.targets[sum] = struct{}{}
	return nil
}
