package mirror

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

// Options are the options of a run. The zero value is a good default.
type Options struct {
	// Transfer holds the choices for each object.
	Transfer TransferOptions
	// ContentType returns the content type of an object that is uploaded from a file of that name, or copied without its source's
	// metadata, if Transfer has none; nil guesses nothing.
	ContentType func(name string) string
	// Select chooses among the source's files or objects.
	Select Select
	// Move deletes each source once its target is verified. A source whose target is not verified is kept, and reported as
	// failed.
	Move bool
	// NoOverwrite leaves existing targets alone.
	NoOverwrite bool
	// DryRun transfers and deletes nothing; Planned events report the planned steps.
	DryRun bool
	// PageSize is the maximum number of objects in a page of a listing; 0 leaves it to the store.
	PageSize int
	// NoFamilies transfers companion files in any order and leaves their times alone. Otherwise an index comes after its
	// data, and a downloaded one is newer; manifests such as md5sum.txt come after that; markers such as CopyComplete.txt,
	// which signal that a folder is complete, come last, unless something failed; and Incomplete events report missing
	// companions.
	NoFamilies bool
	// Last are patterns, like those of Filter, of more names that are markers; NoFamilies turns them off, too. A pattern matches all
	// of a path below the target, or what follows any of its slashes: done.flag and *.flag match run/done.flag.
	Last []string
	// Archived selects how to handle archived objects that are not restored.
	Archived Archived
	// CaseConflict selects how a download to a case-insensitive file system handles keys that differ only in case.
	CaseConflict CaseConflict
	// Decide reports, before each transfer, whether to make it, and why, if the options above allow it; target is where it goes. It is
	// called from many goroutines, also by a dry run. Rules.Checksum and Rules.Times take its place. It may be nil.
	Decide func(ctx context.Context, e Entry, target End) (transfer bool, why string, err error)
	// Verify is called for each pair that a run leaves as it is, from many goroutines. If it returns true, the pair is compared by
	// recorded checksums, without moving it: its Unchanged event then has a Result, and a pair that differs, although the Rules take
	// it for equal, fails. It may be nil.
	Verify func(Standing) bool
	// Observe gets the events, one after the other; it must return soon. It may be nil.
	Observe func(Event)
}

// Select chooses files or objects. The zero Select is all of them.
type Select struct {
	Filter Filter
	// Pattern has the wildcards of doublestar, for paths below the root: * and ? for parts of a name, ** for any folders,
	// [a-c], {a,b}; a/** matches everything in a, without a. Empty is all.
	Pattern string
	// Start is the start of the paths to list, if all that Only chooses begin with it; it saves listing the others. Only chooses
	// files and objects, besides Filter and Pattern; nil is all. Both are for sources: with Sync, a target that Only would not choose
	// is one without a source.
	Start string
	Only  func(Entry) bool
	// Pairs lists the files or objects one by one; nil takes all that a walk or listing finds.
	Pairs iter.Seq2[Pair, error]
	// NoFollow skips symbolic links.
	NoFollow bool
	// EmptyOK accepts a prefix without objects as an empty folder.
	EmptyOK bool
}

// Pair names one file or object, and its target, by their paths below the roots, with slashes. An empty Target is as Source. Listed
// is the object as a listing returned it; the zero Object is not known.
type Pair struct {
	Source, Target string
	Listed         store.Object
}

// Archived selects how to handle archived objects.
type Archived string

// The values of Archived. An object is archived if the store refuses to read it for that reason.
const (
	SkipArchived   Archived = ""       // an event of kind Skipped
	IgnoreArchived Archived = "ignore" // an event of kind Unchanged
	FailArchived   Archived = "fail"   // an event of kind Failed
)

// CaseConflict selects how to handle keys that differ only in case.
type CaseConflict string

// The values of CaseConflict.
const (
	FailCase   CaseConflict = ""       // the second one fails
	IgnoreCase CaseConflict = "ignore" // the second one replaces the first
	WarnCase   CaseConflict = "warn"   // the same, with an event of kind Warned
	SkipCase   CaseConflict = "skip"   // it is skipped
	EndCase    CaseConflict = "error"  // the run ends
)

// EventKind is the kind of an Event.
type EventKind string

// The kinds of Event.
const (
	Found     EventKind = "found"     // an object that is to be transferred, or compared more closely
	Done      EventKind = "done"      // it was transferred, with Result
	Failed    EventKind = "failed"    // it was not transferred or not deleted, because of Err
	Skipped   EventKind = "skipped"   // it cannot be transferred, because of Err
	Unchanged EventKind = "unchanged" // there was nothing to do, because of Why
	Deleted   EventKind = "deleted"   // Source was deleted, because of Why
	Planned   EventKind = "planned"   // it would be transferred or deleted if this were not a dry run
	Warned    EventKind = "warned"    // Err is a warning
	// Incomplete reports that a companion of Source is missing: its R2, its index, or the data of an index. Why names it.
	Incomplete EventKind = "incomplete"
)

// Event reports the result for one object.
type Event struct {
	Kind EventKind
	// Verb is upload, download, copy, move or delete.
	Verb string
	// Why is the reason for transferring or deleting it, or for not doing so; empty if everything is transferred.
	Why string
	// Source and Target are a path or an s3:// address; Target is empty if there is none.
	Source, Target string
	// Entry is Source as it was walked or listed.
	Entry  Entry
	Result haul.Result
	Err    error
	// Now is the progress of the run.
	Now Counts
}

// Counts are the progress of a run.
type Counts struct {
	// Found is the number of objects so far, including the Unchanged ones; All reports that there are no more.
	Found int
	All   bool
	// FoundSize is the size of the objects found so far in bytes, without the Unchanged ones.
	FoundSize int64
	// Done, Failed, Skipped and Unchanged are the numbers of objects by result. Transfers interrupted when the run ended
	// early are in none of them.
	Done, Failed, Skipped, Unchanged int
	// Deleted is the number of deletions. Planned is the number of steps planned by a dry run, PlannedDeletes the number of
	// deletions among them, and PlannedSize the bytes to be transferred.
	Deleted, Planned, PlannedDeletes int
	PlannedSize                      int64
	// Incomplete is the number of files with a missing companion.
	Incomplete int
	// Unverified is the number of Done objects that could not be verified.
	Unverified int
	// Size is the total size of the Done objects in bytes; Kept is the part of it that earlier runs transferred.
	Size, Kept int64
}

// Failure is an object that failed, and why.
type Failure struct {
	Source, Target string
	Err            error
}

// Left summarizes the data that unfinished transfers left behind; the same call resumes them.
type Left struct {
	// Uploads is the number of open uploads in the store, and Files that of partial files beside their targets.
	Uploads, Files int
	Bytes          int64
	// Refs and Paths are the first ten of each: the targets of the uploads, and the partial files.
	Refs  []store.Ref
	Paths []string
}

// Summary is the result of a run.
type Summary struct {
	Counts
	// Failures are the first ten.
	Failures []Failure
	Left     Left
	Elapsed  time.Duration
}

// IncompleteError reports that the run reached its end, but did not do everything.
type IncompleteError struct {
	Failed, Skipped int
	// Kept is the number of files that a move copied without deleting them, because they are outside its source, behind a
	// link.
	Kept int
	// Withheld is the number of deletions that were not carried out, because of Why.
	Withheld int
	Why      string
}

// Error returns a text with the counts.
func (e *IncompleteError) Error() string {
	var parts []string
	if e.Failed > 0 {
		parts = append(parts, number(e.Failed, "object failed", "objects failed"))
	}
	if e.Skipped > 0 {
		parts = append(parts, number(e.Skipped, "file was skipped", "files were skipped"))
	}
	if e.Kept > 0 {
		parts = append(parts, number(e.Kept, "file was", "files were")+" copied but not deleted, because they are outside the source")
	}
	if e.Withheld > 0 {
		parts = append(parts, number(e.Withheld, "deletion was", "deletions were")+" withheld, since "+e.Why)
	}
	return strings.Join(parts, ", ")
}

// EmptySourceError reports that Sync or Apply found nothing in the source, and therefore deleted nothing from the target. An unmounted
// share looks like an empty source. SyncOptions.AllowEmptySource allows the deletion.
type EmptySourceError struct {
	Source, Target End
	// Filtered reports that filters may have left out everything in the source.
	Filtered bool
	// Allowed reports that this is only a warning.
	Allowed bool
	// Planned reports that Apply found nothing where the plan saw something.
	Planned bool
	Wanted  int
}

// Error returns a text with the number of deletions that were due.
func (e *EmptySourceError) Error() string {
	found := "there is nothing to copy in " + e.Source.String()
	if e.Filtered {
		found = "the filters leave nothing of " + e.Source.String()
	}
	if e.Planned {
		found = e.Source.String() + " has become empty since the plan was made"
	}
	what := number(e.Wanted, "object", "objects")
	if e.Allowed {
		return fmt.Sprintf("%s, and %s in %s are to be deleted", found, what, e.Target)
	}
	return fmt.Sprintf("%s, and %s in %s would be deleted; nothing was deleted", found, what, e.Target)
}

// DeletesError reports that nothing was deleted, because more deletions were due than SyncOptions.MaxDelete allows.
type DeletesError struct{ Wanted, Max int }

// Error returns a text with both numbers.
func (e *DeletesError) Error() string {
	return fmt.Sprintf("%d would be deleted, but at most %d are allowed; nothing was deleted", e.Wanted, e.Max)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
