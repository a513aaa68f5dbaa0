package mirror

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"path"
)

// taken are the targets that a list has named so far: hashes of the path below the root and of its source, about 40 bytes per line.
// It is not for use by several goroutines at once.
type taken struct {
	seed maphash.Seed
	by   map[uint64]uint64
}

func newTaken() *taken { return &taken{maphash.MakeSeed(), map[uint64]uint64{}} }

var (
	errTaken = errors.New("an earlier line in the list has the same target")
	errSlash = errors.New("its target ends in a slash, but must be a file name")
)

// add takes the next entry of a list. If another source of the list has the same target it is an error, since one of them would be
// lost; paths that differ only by slashes and dots are the same, as they are to some stores. A line that comes twice is done once.
func (t *taken) add(e Entry) (twice bool, err error) {
	if t == nil {
		return false, nil
	}
	target := maphash.String(t.seed, path.Clean("/"+cmp.Or(e.to, e.Rel)))
	source := maphash.String(t.seed, e.Address())
	first, ok := t.by[target]
	switch {
	case !ok:
		t.by[target] = source
		return false, nil
	case first != source:
		return false, errTaken
	}
	return true, nil
}

func skipTwice(context.Context) (bool, string, error) { return false, "the list names it twice", nil }
