package mirror

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"haul.example/haul"
)

// Options are the choices for a run. The zero value is the good default.
type Options struct {
	// Transfer holds the choices for each object.
	Transfer TransferOptions
	// ContentType gives the content type of an object that is uploaded from a file of that name, or copied without its source's
	// metadata, where Transfer names none; nil guesses nothing.
	ContentType func(name string) string
	// Select says which of the source's files or objects are meant.
	Select Select
	// Move deletes each source once its target is proved. A source whose target is not proved stays, and has failed.
	Move bool
	// NoOverwrite leaves a target alone that is there already.
	NoOverwrite bool
	// DryRun moves and deletes nothing, and tells by Planned events what would be done.
	DryRun bool
	// PageSize is how many objects a page of a listing has at most; 0 leaves it to the store.
	PageSize int
	// NoFamilies lets files come in any order, and leaves their times alone. Else an index comes after its data, and on the way
	// down is newer; manifests such as md5sum.txt come after that, and markers that all is there, such as CopyComplete.txt, last
	// of all, unless something failed; and families that are not whole are told of by Incomplete events.
	NoFamilies bool
	// Last are patterns, as those of Filter, of more names that are markers; NoFamilies turns them off, too. All of a path below the
	// target must match, or what stands after any of its slashes: done.flag and *.flag match run/done.flag.
	Last []string
	// Archived says what to do about objects that are in an archive, and not restored.
	Archived Archived
	// CaseConflict says what to do on the way down about a key that differs from another only by case, where the file system does
	// not tell case apart.
	CaseConflict CaseConflict
	// Verify has what a run leaves as it is verified, by what is recorded of it and without moving it: its Unchanged event then has a
	// Result. What proves to differ, though the Rules take it for equal, fails. It is asked about each, from many goroutines; false
	// leaves one unverified. It may be nil.
	Verify func(Standing) bool
	// Observe is called with each Event, one after the other, from any goroutine. It must return soon, and begin no
	// transfer. It may be nil.
	Observe func(Event)
}

// Select says which files or objects are meant. The zero Select is all of them.
type Select struct {
	Filter Filter
	// Pattern has the wildcards of doublestar, for paths below the root: * and ? for parts of a name, ** for any folders, [a-c],
	// {a,b}; a/** is what is below a, and not a. Empty is all.
	Pattern string
	// Pairs names the files or objects one by one; nil takes what a walk or listing finds.
	Pairs iter.Seq2[Pair, error]
	// NoFollow leaves symbolic links out.
	NoFollow bool
	// EmptyOK takes a prefix with nothing below it for an empty folder, in place of an error.
	EmptyOK bool
}

// Pair names one file or object, and its target, by their paths below the roots, with slashes. An empty Target is as Source.
type Pair struct{ Source, Target string }

// Archived says what to do about objects in an archive.
type Archived string

// The ways to treat them. An object counts as archived when the store refuses to read it for that.
const (
	SkipArchived   Archived = ""       // an event of kind Skipped
	IgnoreArchived Archived = "ignore" // an event of kind Unchanged
	FailArchived   Archived = "fail"   // an event of kind Failed
)

// CaseConflict says what to do about keys that differ only by case.
type CaseConflict string

// The ways to treat them.
const (
	FailCase   CaseConflict = ""       // the second one fails
	IgnoreCase CaseConflict = "ignore" // it takes the place of the first
	WarnCase   CaseConflict = "warn"   // so too, with an event of kind Warned
	SkipCase   CaseConflict = "skip"   // it is skipped
	EndCase    CaseConflict = "error"  // the run ends
)

// EventKind sorts events.
type EventKind string

// The kinds of Event.
const (
	Found     EventKind = "found"     // an object that is to be moved, or looked at more closely
	Done      EventKind = "done"      // it was moved, with Result
	Failed    EventKind = "failed"    // it was not moved, or not deleted, because of Err
	Skipped   EventKind = "skipped"   // what is there cannot be moved, because of Err
	Unchanged EventKind = "unchanged" // there was nothing to do, because of Why
	Deleted   EventKind = "deleted"   // Source was deleted, because of Why
	Planned   EventKind = "planned"   // it would be moved or deleted, were this no dry run
	Warned    EventKind = "warned"    // Err is worth knowing, and ends nothing
	// Incomplete: Source lacks something, as Why says: its R2, its index, or the data that it is an index of.
	Incomplete EventKind = "incomplete"
)

// Event is what became of one object.
type Event struct {
	Kind EventKind
	// Verb is upload, download, copy, move or delete.
	Verb string
	// Why says why it is to be moved or deleted, or why not; empty where all is moved.
	Why string
	// Source and Target are a path or an s3:// address; Target is empty where there can be none.
	Source, Target string
	// Entry is what the walk or listing told of Source.
	Entry  Entry
	Result haul.Result
	Err    error
	// Now is how far the run is.
	Now Counts
}

// Counts tell how far a run is.
type Counts struct {
	// Found counts objects that were come upon, the Unchanged ones too; All reports that there are no more.
	Found int
	All   bool
	// Done, Failed and Skipped count what became of them. What was broken off when the run ended early is in none.
	Done, Failed, Skipped, Unchanged int
	// Deleted counts what was deleted. Planned counts what would be done, PlannedDeletes what of it would be deleted, and
	// PlannedSize the bytes that would move.
	Deleted, Planned, PlannedDeletes int
	PlannedSize                      int64
	// Incomplete counts what lacks another file.
	Incomplete int
	// Unverified counts those of Done whose bytes nobody vouched for.
	Unverified int
	// Size is that of all of Done in bytes, and Kept what of it came from earlier runs.
	Size, Kept int64
}

// Failure is an object that failed, and why.
type Failure struct {
	Source, Target string
	Err            error
}

// Left is what unfinished transfers left behind, to be gone on with by the same call.
type Left struct {
	// Uploads are open in the store, and Files are partial files beside their targets.
	Uploads, Files int
	Bytes          int64
}

// Summary tells what a run did.
type Summary struct {
	Counts
	// Failures are the first ten.
	Failures []Failure
	Left     Left
	Elapsed  time.Duration
}

// IncompleteError says that a run came to its end, but not everything was done.
type IncompleteError struct {
	Failed, Skipped int
	// Kept counts files that were copied, and not deleted by a move, since they do not lie in its source but behind a link.
	Kept int
	// Withheld counts deletions that were not done, because of Why.
	Withheld int
	Why      string
}

// Error reports how much.
func (e *IncompleteError) Error() string {
	var parts []string
	if e.Failed > 0 {
		parts = append(parts, number(e.Failed, "object failed", "objects failed"))
	}
	if e.Skipped > 0 {
		parts = append(parts, number(e.Skipped, "file was skipped", "files were skipped"))
	}
	if e.Kept > 0 {
		parts = append(parts, number(e.Kept, "file was", "files were")+" copied and not deleted, being outside of the source")
	}
	if e.Withheld > 0 {
		parts = append(parts, number(e.Withheld, "deletion was", "deletions were")+" withheld, since "+e.Why)
	}
	return strings.Join(parts, ", ")
}

// EmptySourceError says that Sync found nothing in the source, and so deleted nothing from the target, where there was much to
// delete: a share that is not mounted looks like that. SyncOptions.AllowEmptySource lets it delete.
type EmptySourceError struct {
	Source, Target End
	// Filtered says that filters may have left out what is in the source.
	Filtered bool
	// Allowed says that it is only a warning.
	Allowed bool
	Wanted  int
}

// Error says what would have been deleted.
func (e *EmptySourceError) Error() string {
	found := "there is nothing to copy in " + e.Source.String()
	if e.Filtered {
		found = "the filters leave nothing of " + e.Source.String()
	}
	what := number(e.Wanted, "object", "objects")
	if e.Allowed {
		return fmt.Sprintf("%s, and %s in %s are to be deleted", found, what, e.Target)
	}
	return fmt.Sprintf("%s, and %s in %s would be deleted: nothing was deleted", found, what, e.Target)
}

// DeletesError says that more would have been deleted than SyncOptions.MaxDelete allows, and so nothing was.
type DeletesError struct{ Wanted, Max int }

// Error reports how much.
func (e *DeletesError) Error() string {
	return fmt.Sprintf("%d would be deleted, and %d are allowed: nothing was deleted", e.Wanted, e.Max)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
