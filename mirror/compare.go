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
	// Rel is its path relative to the root of the tree, with slashes: the end of a key.
	Rel string
	// Path is the path of a file; Object is an object as it was listed.
	Path   string
	Object store.Object
	// Size is in bytes; Modified is the time that the file system or the store reports.
	Size     int64
	Modified time.Time
	// Why is the reason that this entry cannot be part of a run: it is a pipe, or a broken link, for example. Such an entry
	// is not transferred, and a target with its name is not deleted.
	Why error
	// Partial reports that its contents could not be listed completely.
	Partial bool

	to string // the path at the target, if it differs
	// behind is the link to a folder, below the root, through which a file was reached, or the file itself if it lies outside the
	// root: then a move must not delete it.
	behind string
}

// Way is the direction of a run.
type Way string

// The directions.
const (
	Upload   Way = "upload"
	Download Way = "download"
	Copying  Way = "copy"
)

// Rules decide when a target is equal to its source. The zero value is the rule of aws s3 sync: a source is transferred if
// its target is missing, if their sizes differ, or if the source is newer; but an object is downloaded only if the file is
// newer, since a downloaded file has the time of its object.
type Rules struct {
	// SizeOnly compares nothing but sizes.
	SizeOnly bool
	// ExactTimes makes downloads transfer files whose times differ in either direction.
	ExactTimes bool
	// SourceNewer makes downloads, too, transfer files only if the source is newer.
	SourceNewer bool
	// Checksum compares the content of files of equal size, and Times the time that Transfer.Times keeps with objects.
	Checksum, Times bool
	// NoOverwrite leaves every existing target alone.
	NoOverwrite bool
}

// Op is the kind of an Action.
type Op string

// The values of Op.
const (
	Move   Op = "move"   // transfer the source to the target
	Check  Op = "check"  // sizes are equal; compare more closely, and transfer if there is a difference
	Delete Op = "delete" // delete the target, which has no source
	Skip   Op = "leave"  // the target is as it should be, or the source cannot be transferred
)

// Action is the action for one name.
type Action struct {
	Do  Op
	Why string
	// Source or Target is zero if there is none.
	Source, Target Entry
}

var errOrder = errors.New("a listing is not in order of its keys")

// Compare joins two trees and yields the action for each name, in their order. An error of either tree ends it. The trees are
// then incomplete, so the caller must delete nothing, not even names for which Compare already yielded a Delete: it must
// delete only after the end.
func Compare(way Way, source, target iter.Seq2[Entry, error], rules Rules) iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		for j, err := range Join(source, target) {
			var a Action
			switch {
			case err != nil:
			case j.InSource && j.InTarget:
				a = rules.decide(way, j.Source, j.Target)
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

// decide decides about a name that both trees have.
func (r Rules) decide(way Way, from, to Entry) Action {
	a := Action{Do: Move, Source: from, Target: to}
	switch {
	case from.Why != nil:
		a.Do, a.Why = Skip, from.Why.Error()
	case r.NoOverwrite:
		a.Do, a.Why = Skip, "is there already"
	case to.Why != nil:
		a.Why = "the target is not a readable file"
	case from.Size != to.Size:
		a.Why = fmt.Sprintf("size differs: %d bytes in the source, %d in the target", from.Size, to.Size)
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
	case r.SourceNewer && way == Download && !from.Truncate(time.Second).After(to): // the file has the time of the object in whole seconds
		return Skip, "size is equal, and the object is not newer"
	case r.SourceNewer && !from.After(to):
		return Skip, "size is equal, and the source is not newer"
	case r.SourceNewer:
		return Move, "newer"
	case way == Download && r.ExactTimes && !from.Equal(to):
		return Move, "time differs"
	case way == Download && to.After(from):
		return Move, "the file is newer than the object"
	case way != Download && from.After(to):
		return Move, "newer"
	}
	return Skip, "size and time fit"
}
