package mirror

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

// Two names may be one object. MinIO and versitygw take a//b and a/b for one key, a gateway on a file system may fold case or
// Unicode forms or follow links, and on Amazon S3 an access point is another name of its bucket. A move between two such names
// rewrites the object in place; deleting the source would then delete the only copy. So a source is deleted only if it is known
// to be a different object than its copy:
//
//	before the copy: nothing was stored under the target's name
//	after it: the source was not rewritten, and its state (ETag, version, Last-Modified) is not the copy's
//
// The first costs a request. It is made if the names are alike, or if the source is so young that its Last-Modified, which counts
// seconds, may be the copy's.

// young is the age up to which an object may have the Last-Modified of its copy. S3 refuses requests of clocks that are more
// than 15 minutes off (RequestTimeTooSkewed).
const young = time.Hour

// absentBefore reports whether it is known that nothing is stored under the target's name, before the source is copied there.
func absentBefore(ctx context.Context, c *haul.Client, from store.Object, to store.Ref, a *store.Attrs) (bool, error) {
	old := !from.Modified.IsZero() && time.Since(from.Modified) > young
	if old && !alike(from.Key, to.Key) {
		return true, nil // if both were one object, its Last-Modified would leap
	}
	_, err := c.Store().Head(ctx, store.GetRequest{Ref: to, Attrs: a})
	if Hopeless(err) || ctx.Err() != nil {
		return false, err
	}
	return errors.Is(err, store.NotFound), nil // after another error, it may be there
}

// alike reports whether a store may take two keys for one.
func alike(a, b string) bool { return strings.EqualFold(a, b) || !plain(a) || !plain(b) }

// plain reports whether a key is its own normal form everywhere, except for upper and lower case.
func plain(key string) bool {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '%' || r == '\\' }
	return strings.IndexFunc(key, odd) < 0 && !strings.Contains(key+"/", "./") && path.Clean("/"+key) == "/"+key
}

// another returns an error if the source of a copy, as it is now, may be the object that was written. If absent is true, nothing
// had the target's name before.
func another(now store.Object, r haul.Result, absent bool) error {
	made := r.Object
	rewritten := !r.Modified.IsZero() && now.Modified.Unix() != r.Modified.Unix()
	switch {
	case rewritten, versioned(now) && now.Version == made.Version:
		return fmt.Errorf("%w: %s and %s are two names of one object, which was rewritten in place", ErrKept, now.Ref, made.Ref)
	case absent, differ(now, made):
		return nil
	}
	return fmt.Errorf("%w: the store shows no difference between %s and its copy %s, so they may be one object; if they are two, run the same command again",
		ErrKept, now.Ref, made.Ref)
}

// differ reports whether two answers about the same moment are about two objects.
func differ(a, b store.Object) bool {
	return a.ETag != b.ETag || a.Size != b.Size || versioned(a) && versioned(b) && a.Version != b.Version ||
		!a.Modified.IsZero() && !b.Modified.IsZero() && a.Modified.Unix() != b.Modified.Unix()
}

// versioned reports whether an object has a version of its own: "null" is that of all objects in a bucket without versions.
func versioned(o store.Object) bool { return o.Version != "" && o.Version != "null" }
