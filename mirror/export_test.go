package mirror

import (
	"context"
	"errors"
	"strings"

	"haul.example/haul"
	"haul.example/haul/store"
)

// Open to the tests of this package.
const Ahead = ahead

// Places finds places as Down does, on a file system with or without regard to case.
func Places(dir string, folds bool) (func(rel string, size int64) (string, error), error) {
	p, err := newPlaces(dir)
	if err != nil {
		return nil, err
	}
	if folds {
		p.foldCase()
	}
	return p.find, nil
}

// Walked is what walk found.
type Walked struct {
	Rel string
	Why error
}

// Walk walks a folder.
func Walk(root string) ([]Walked, error) {
	var all []Walked
	err := walk(root, walkOptions{}, func(f found) bool {
		all = append(all, Walked{strings.TrimSuffix(f.rel, "/"), f.why})
		return true
	})
	return all, err
}

// DownFolding is Down on a file system without regard to case.
func DownFolding(ctx context.Context, c *haul.Client, from store.Ref, dir string, o Options) (Summary, error) {
	r := newRun(c, o)
	w, err := r.newJobBuilder(Remote(from), Local(dir))
	if err != nil {
		return Summary{}, err
	}
	defer w.close()
	w.places.foldCase()
	return r.tree(ctx, w)
}

// MoveAndDie is a MoveOne that is killed after its last request.
func MoveAndDie(ctx context.Context, c *haul.Client, from, to End, t TransferOptions) error {
	j := newJournal(c, moveVerb, from, to, t)
	_, err := mover{c: c, t: t, journal: j}.move(ctx, from, store.Object{Ref: from.Ref}, to)
	return errors.Join(err, j.end(false))
}

// TreeAndDie is a Tree that is killed after its last request.
func TreeAndDie(ctx context.Context, c *haul.Client, from, to End, o Options) error {
	r := newRun(c, o)
	w, err := r.newJobBuilder(from, to)
	if err != nil {
		return err
	}
	defer w.close()
	w.journal = newJournal(c, w.verb, w.from, w.to, o.Transfer)
	_, err = r.tree(ctx, w)
	return errors.Join(err, w.journal.end(false))
}
