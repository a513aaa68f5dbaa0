package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"haul"
	"haul/internal/localfile"
	"haul/store"
)

// ErrKept is in the chain of an error where a target is there, but the source of a move stays, since it is not known to be safe
// to delete it.
var ErrKept = errors.New("the source is kept")

// MoveOne moves a file up, an object down, or an object within the store: it transfers, and deletes the source when the target is
// proved and the source is still what was transferred. Where the target is not proved, the error is ErrKept. No file is deleted outside
// of Transfer.Root, where that is set.
func MoveOne(ctx context.Context, c *haul.Client, from, to End, t haul.Transfer) (haul.Result, error) {
	switch {
	case from.Path != "":
		return moveUp(ctx, c, from.Path, to.Ref, t)
	case to.Path != "":
		return moveDown(ctx, c, store.Object{Ref: from.Ref}, to.Path, t)
	}
	return moveObject(ctx, c, store.Object{Ref: from.Ref}, to.Ref, t)
}

// Same reports whether two objects are one by name.
func Same(a, b store.Ref) bool { return a.Bucket == b.Bucket && a.Key == b.Key }

func moveUp(ctx context.Context, c *haul.Client, path string, to store.Ref, t haul.Transfer) (haul.Result, error) {
	source := localfile.Below{Root: t.Root}
	name, err := source.Lstat(path) // of a link it is the link that goes
	if err != nil {
		return haul.Result{}, fmt.Errorf("source %w", err)
	}
	before, err := os.Stat(path)
	if err != nil {
		return haul.Result{}, fmt.Errorf("source %w", err)
	}
	result, err := c.Upload(ctx, path, to, t)
	if err != nil {
		return result, err
	}
	if err := proved(result); err != nil {
		return result, err
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return result, fmt.Errorf("%w: %s changed after it was sent", ErrKept, path)
	}
	if now, err := source.Lstat(path); err != nil || !os.SameFile(name, now) {
		return result, fmt.Errorf("%w: %s is another file now than the one that was sent", ErrKept, path)
	}
	if err := source.Remove(path); err != nil {
		return result, fmt.Errorf("%w: %w", ErrKept, err)
	}
	return result, nil
}

func moveDown(ctx context.Context, c *haul.Client, from store.Object, path string, t haul.Transfer) (haul.Result, error) {
	var result haul.Result
	var err error
	if from.ETag == "" {
		result, err = c.Download(ctx, from.Ref, path, t)
	} else {
		result, err = c.DownloadListed(ctx, from, path, t)
	}
	if err != nil {
		return result, err
	}
	if err := proved(result); err != nil {
		return result, fmt.Errorf("%w; to verify it by a second download, add --read-twice (under the name aws: HAUL_READ_TWICE=1)", err)
	}
	return result, dropObject(ctx, c, from.Ref, result.Object.ETag, moved{result: result, t: t})
}

func moveObject(ctx context.Context, c *haul.Client, from store.Object, to store.Ref, t haul.Transfer) (haul.Result, error) {
	if Same(from.Ref, to) {
		return haul.Result{}, fmt.Errorf("%w: %s is moved onto itself", store.Invalid, from.Ref)
	}
	opener := t.Attrs
	opener.Encryption.Customer = opener.Encryption.CopySource
	if from.ETag == "" {
		src, err := c.Stat(ctx, from.Ref, &opener)
		if err != nil {
			return haul.Result{}, err
		}
		from.ETag, from.Modified = src.ETag, src.Modified
	}
	t.IfMatch = from.ETag
	absent, err := absentBefore(ctx, c, from, to, &t.Attrs)
	if err != nil {
		return haul.Result{}, err
	}
	result, err := c.Copy(ctx, from.Ref, to, t)
	if err != nil {
		return result, err
	}
	m := moved{result: result, t: t, another: func(now store.Object) error { return another(now, result, absent) }}
	m.t.Attrs = opener
	return result, dropObject(ctx, c, from.Ref, from.ETag, m)
}

// moved is a transfer whose source is to go.
type moved struct {
	result haul.Result
	t      haul.Transfer
	// another is an error where the source, as it is now, may be the very object that was written; nil asks nothing.
	another func(now store.Object) error
}

// dropObject deletes the source of a move, unless it has changed since: a store deletes whatever is there.
func dropObject(ctx context.Context, c *haul.Client, from store.Ref, etag string, m moved) error {
	if err := proved(m.result); err != nil {
		return err
	}
	now, err := c.Stat(ctx, from, &m.t.Attrs)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	if now.ETag != etag {
		return fmt.Errorf("%w: %s changed after it was moved", ErrKept, from)
	}
	if m.another != nil {
		if err := m.another(now); err != nil {
			return err
		}
	}
	if err := c.Delete(ctx, from, &m.t.Attrs); err != nil {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	return nil
}

func proved(r haul.Result) error {
	if r.Proof.Proved {
		return nil
	}
	return fmt.Errorf("%w: its target is not proved: %s", ErrKept, r.Proof.Text)
}

// clearWay removes empty folders where a file is to be. What is not empty stays, and the transfer says so.
func clearWay(target localfile.Below, path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			return
		}
		clearWay(target, filepath.Join(path, e.Name()))
	}
	_ = target.Remove(path)
}
