package mirror

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"haul.example/haul/store"
)

// Entry is one file or object of a tree.
type Entry struct {
	// Rel is its path below the root of the tree, with slashes: the end of a key.
	Rel string
	// Path is that of a file; Object is what a listing told of an object.
	Path   string
	Object store.Object
	// Size is in bytes, Modified as the file system or the store has it.
	Size     int64
	Modified time.Time
	// Why reports that something is there under that name that can be no part of a run: a pipe, a link to nothing. Such an
	// entry moves nowhere, and what has its name in a target is not deleted.
	Why error
	// Partial reports that what lies below it could not all be told.
	Partial bool

	to string // the path at the target, where that is another
	// behind is the link to a folder, below the root, that a file was reached through, or the file itself where it lies outside of
	// the root: then it is not the run's to delete.
	behind string
}

// Way is the direction of a run.
type Way string

// The ways.
const (
	Upload   Way = "upload"
	Download Way = "download"
	Copying  Way = "copy"
)

// Rules say when a target is taken for equal to its source. The zero value is the meaning of aws s3 sync: a source moves
// where its target is missing, where their sizes differ, and where the source is newer; but on the way down, where a file
// has the time of its object, only where the file is newer.
type Rules struct {
	// SizeOnly looks at nothing but sizes.
	SizeOnly bool
	// ExactTimes lets any difference in time count on the way down.
	ExactTimes bool
	// Checksum lets the content decide where sizes are equal, and Times the time that TransferOptions.Times keeps with objects.
	Checksum, Times bool
	// NoOverwrite leaves every target alone that is there.
	NoOverwrite bool
}

// Op is what is to be done about a name.
type Op string

// What can be done.
const (
	Move   Op = "move"   // the source to the target
	Check  Op = "check"  // sizes are equal; look closer, and move where that finds a difference
	Delete Op = "delete" // the target, which has no source
	Skip   Op = "leave"  // the target is as it should be, or the source can be no part of a run
)

// Action is what is to be done about one name.
type Action struct {
	Do  Op
	Why string
	// Source or Target is zero where there is none.
	Source, Target Entry
}

var errOrder = errors.New("a listing is not in order of its keys")

// Compare joins two trees and gives what is to be done about each name, in their order. An error of either tree ends it: then
// nothing may be concluded about what came no more, and so nothing may be deleted, not even that of which a Delete was given:
// who deletes waits for the end.
func Compare(way Way, source, target iter.Seq2[Entry, error], rules Rules) iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		for j, err := range Join(source, target) {
			var a Action
			switch {
			case err != nil:
			case j.InSource && j.InTarget:
				a = rules.judge(way, j.Source, j.Target)
			case j.InSource:
				a = missing(j.Source)
			default:
				a = extra(j.Target)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

func missing(from Entry) Action {
	if from.Why != nil {
		return Action{Do: Skip, Why: from.Why.Error(), Source: from}
	}
	return Action{Do: Move, Why: "missing", Source: from}
}

func extra(to Entry) Action {
	if to.Why != nil {
		return Action{Do: Skip, Why: to.Why.Error(), Target: to}
	}
	return Action{Do: Delete, Why: "not in the source", Target: to}
}

// judge decides about a name that both trees have.
func (r Rules) judge(way Way, from, to Entry) Action {
	a := Action{Do: Move, Source: from, Target: to}
	switch {
	case from.Why != nil:
		a.Do, a.Why = Skip, from.Why.Error()
	case r.NoOverwrite:
		a.Do, a.Why = Skip, "is there already"
	case to.Why != nil:
		a.Why = "the target is not a readable file"
	case from.Size != to.Size:
		a.Why = fmt.Sprintf("size differs: %d bytes, and %d at the target", from.Size, to.Size)
	case r.Checksum, r.Times && !r.SizeOnly:
		a.Do, a.Why = Check, "size is equal"
	case r.SizeOnly:
		a.Do, a.Why = Skip, "size is equal"
	default:
		a.Do, a.Why = r.times(way, from.Modified, to.Modified)
	}
	return a
}

// times decides by times alone, as the AWS CLI does.
func (r Rules) times(way Way, from, to time.Time) (Op, string) {
	switch {
	case way == Download && r.ExactTimes && !from.Equal(to):
		return Move, "time differs"
	case way == Download && to.After(from):
		return Move, "the file is newer than the object"
	case way != Download && from.After(to):
		return Move, "newer"
	}
	return Skip, "size and time fit"
}
