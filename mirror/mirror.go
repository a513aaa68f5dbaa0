// Package mirror moves whole trees: a folder up to a prefix, a prefix down into a folder, a prefix to another.
//
//	walk the folder, or list the prefix, in order of the keys, some thousand objects ahead of the transfers
//	for each: where does it go? (a key that can be no file here fails, and nothing leaves the target folder)
//	begin its transfer as soon as fewer than twice the client's lanes are under way
//	count what came of it; go on with the others
//
// The transfers are those of package haul; its lanes and its memory bound the work, so that a million small files and one
// huge file are the same. Nothing here grows with the number of objects, but for two things: of a folder the names of all
// entries are held while it is walked, about 30 bytes each, and on a file system that does not tell upper from lower case
// 16 bytes of each path.
//
// A prefix stands for a folder, as in the AWS CLI: s3://b/run is what lies below s3://b/run/, and s3://b/runs is no part of it.
//
// It does not look whether an object is there already: every run moves everything, but for parts that an unfinished
// transfer kept. It makes no object for an empty folder. And it takes no snapshot: what changes while it runs may be seen
// before or after.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"haul"
	"haul/store"
)

// Options are the choices for a run. The zero value is the good default.
type Options struct {
	// Transfer holds the choices for each object.
	Transfer haul.Transfer
	// ContentType gives the content type of an object that is uploaded from a file of that name, where Transfer names none;
	// nil guesses nothing.
	ContentType func(name string) string
	// Observe is told what happens, one event after the other; it must return soon. It may be nil.
	Observe func(Event)
}

// EventKind sorts events.
type EventKind string

// The kinds of Event.
const (
	Found   EventKind = "found"   // an object that is to be moved
	Done    EventKind = "done"    // it was, with Result
	Failed  EventKind = "failed"  // it was not, because of Err
	Skipped EventKind = "skipped" // what is there in the folder cannot be moved, because of Err
)

// Event is what became of one object.
type Event struct {
	Kind EventKind
	// Source and Target are a path or an s3:// address; Target is empty where there can be none.
	Source, Target string
	Result         haul.Result
	Err            error
	// Now is how far the run is.
	Now Counts
}

// Counts tell how far a run is.
type Counts struct {
	// Found counts objects that are to be moved; All tells that there are no more.
	Found int
	All   bool
	// Done, Failed and Skipped count what became of them. What was broken off when the run ended early is in none.
	Done, Failed, Skipped int
	// Unproved counts those of Done whose bytes nobody vouched for.
	Unproved int
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

// IncompleteError says that a run came to its end, but not everything moved.
type IncompleteError struct{ Failed, Skipped int }

// Error tells how much.
func (e *IncompleteError) Error() string {
	var parts []string
	if e.Failed > 0 {
		parts = append(parts, number(e.Failed, "object failed", "objects failed"))
	}
	if e.Skipped > 0 {
		parts = append(parts, number(e.Skipped, "file was skipped", "files were skipped"))
	}
	return strings.Join(parts, ", ")
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Up uploads the files in dir and its folders: the file dir/a/b becomes the object a/b below to, whose Key is a prefix.
// Symbolic links are followed, but for one that leads back into a folder that it lies in. What is no file (a pipe, a
// device), what cannot be read, and links to nothing are skipped.
//
// The error is an *IncompleteError where some objects failed or were skipped. Any other error ended the run early: the end
// of ctx, or what would have let every object fail, such as a bucket that is not there. The Summary is good with every error.
func Up(ctx context.Context, c *haul.Client, dir string, to store.Ref, o Options) (Summary, error) {
	to.Key = folder(to.Key)
	r := newRun(c, o)
	return r.all(ctx, func(ctx context.Context, yield func(job) bool) error {
		return walk(dir, func(f found) bool {
			ref := store.Ref{Bucket: to.Bucket, Key: to.Key + f.rel}
			if f.why != nil {
				return yield(job{source: f.path, skip: f.why})
			}
			return yield(job{source: f.path, target: ref.String(), move: func(ctx context.Context) (haul.Result, error) {
				t := o.Transfer
				if o.ContentType != nil && t.Attrs.Headers.ContentType == "" {
					t.Attrs.Headers.ContentType = o.ContentType(f.path)
				}
				result, err := c.Upload(ctx, f.path, ref, t)
				return result, unreadable(f.path, err)
			}})
		})
	})
}

// Down downloads the objects below from, whose Key is a prefix, into dir, which is made where it is missing: the object a/b
// becomes the file dir/a/b. An empty object whose key ends in a slash stands for a folder, which is made. A key that can be
// no file here fails: one with "..", "//", a NUL or a name of over 255 bytes, one whose folder is a file or a symbolic link,
// and one whose file is another key's folder, or, on a file system that does not tell upper from lower case, another key's file.
//
// Errors are as those of Up; and of kind store.NotFound where there is nothing below a prefix.
func Down(ctx context.Context, c *haul.Client, from store.Ref, dir string, o Options) (Summary, error) {
	from.Key = folder(from.Key)
	p, err := newPlaces(dir)
	if err != nil {
		return Summary{}, err
	}
	r := newRun(c, o)
	return r.all(ctx, func(ctx context.Context, yield func(job) bool) error {
		return list(ctx, c, from, o, func(obj store.Object) bool {
			path, err := p.find(strings.TrimPrefix(obj.Key, from.Key), obj.Size)
			switch {
			case err != nil:
				return yield(failing(obj.Ref, "", err))
			case path == "":
				return true // a folder
			}
			return yield(job{source: obj.Ref.String(), target: path, move: func(ctx context.Context) (haul.Result, error) {
				return c.DownloadListed(ctx, obj, path, o.Transfer)
			}})
		})
	})
}

// Copy copies the objects below from within the store: the object a/b below from becomes a/b below to. It refuses a target
// that lies in the source, and a key that would be written over another of the source.
//
// Errors are as those of Down.
func Copy(ctx context.Context, c *haul.Client, from, to store.Ref, o Options) (Summary, error) {
	from.Key, to.Key = folder(from.Key), folder(to.Key)
	if from.Bucket == to.Bucket && strings.HasPrefix(to.Key, from.Key) {
		return Summary{}, fmt.Errorf("%w: %s lies in %s", errOverlap, to, from)
	}
	r := newRun(c, o)
	return r.all(ctx, func(ctx context.Context, yield func(job) bool) error {
		return list(ctx, c, from, o, func(obj store.Object) bool {
			ref := store.Ref{Bucket: to.Bucket, Key: to.Key + strings.TrimPrefix(obj.Key, from.Key)}
			if from.Bucket == to.Bucket && strings.HasPrefix(ref.Key, from.Key) {
				return yield(failing(obj.Ref, ref.String(), fmt.Errorf("%w: %s lies in %s", errOverlap, ref, from)))
			}
			return yield(job{source: obj.Ref.String(), target: ref.String(), move: func(ctx context.Context) (haul.Result, error) {
				return c.Copy(ctx, obj.Ref, ref, o.Transfer)
			}})
		})
	})
}

// errOverlap says that a copy would change its own source.
var errOverlap = fmt.Errorf("%w: the target is part of the source", store.Invalid)

// failing is a job that cannot even begin.
func failing(from store.Ref, target string, err error) job {
	return job{source: from.String(), target: target, move: func(context.Context) (haul.Result, error) { return haul.Result{}, err }}
}

// folder makes a prefix that stands for a folder.
func folder(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

// list gives the objects below a prefix. That there are none is an error, since a store has no empty folders, but for a
// bucket.
func list(ctx context.Context, c *haul.Client, from store.Ref, o Options, yield func(store.Object) bool) error {
	none := true
	for obj, err := range c.List(ctx, from.Bucket, from.Key, &o.Transfer.Attrs) {
		if err != nil {
			return err
		}
		none = false
		if !yield(obj) {
			return nil
		}
	}
	if none && from.Key != "" {
		return &store.Error{
			Kind: store.NotFound, Op: "List", Ref: from, Err: errors.New("nothing is stored below it"),
			Hint: "check the spelling; one object is copied without --recursive",
		}
	}
	return nil
}
