package mirror

import (
	"fmt"
	"iter"
)

// Named is an entry of a sorted tree.
type Named interface {
	// Name is the path relative to the root of the tree, with slashes.
	Name() string
}

// Name returns Rel.
func (e Entry) Name() string { return e.Rel }

// Address is the path of a file or the s3:// address of an object; empty if it is neither.
func (e Entry) Address() string {
	switch {
	case e.Path != "":
		return e.Path
	case e.Object.Key != "":
		return e.Object.Ref.String()
	}
	return ""
}

// Joined is one name, and the entry of each of two trees for it; zero if a tree has none.
type Joined[S, T Named] struct {
	Source   S
	Target   T
	InSource bool
	InTarget bool
}

// Join merges two trees, each in order of the bytes of its names, and yields each name once, in that order. It holds one
// entry of each. An error of either tree ends it; names that were not yielded may still exist.
func Join[S, T Named](source iter.Seq2[S, error], target iter.Seq2[T, error]) iter.Seq2[Joined[S, T], error] {
	return func(yield func(Joined[S, T], error) bool) {
		s, t := pull("source", source), pull("target", target)
		defer s.stop()
		defer t.stop()
		for {
			var j Joined[S, T]
			if err := s.fill(); err != nil {
				yield(j, err)
				return
			}
			if err := t.fill(); err != nil {
				yield(j, err)
				return
			}
			if !s.has && !t.has {
				return
			}
			if s.has && (!t.has || s.name <= t.name) {
				j.Source, j.InSource = s.entry, true
			}
			if t.has && (!s.has || t.name <= s.name) {
				j.Target, j.InTarget = t.entry, true
			}
			s.taken, t.taken = j.InSource, j.InTarget
			if !yield(j, nil) {
				return
			}
		}
	}
}

// pulled is a tree whose entries are pulled one by one.
type pulled[E Named] struct {
	what string
	next func() (E, error, bool)
	stop func()

	entry      E
	name       string
	has, taken bool
	any        bool
}

func pull[E Named](what string, tree iter.Seq2[E, error]) *pulled[E] {
	p := &pulled[E]{what: what, taken: true}
	p.next, p.stop = iter.Pull2(tree)
	return p
}

// fill pulls the next entry if the last one is taken. One that is out of order is an error.
func (p *pulled[E]) fill() (err error) {
	if !p.taken {
		return nil
	}
	last := p.name
	if p.entry, err, p.has = p.next(); err != nil {
		return fmt.Errorf("list the %s: %w", p.what, err)
	}
	p.taken = false
	if !p.has {
		return nil
	}
	if p.name = p.entry.Name(); p.any && p.name <= last {
		return fmt.Errorf("list the %s: %w: %q comes after %q", p.what, errOrder, p.name, last)
	}
	p.any = true
	return nil
}
