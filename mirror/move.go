package mirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// ErrKept is in the chain of an error if the target of a move is in place, but the source is kept because it may not be safe
// to delete it.
var ErrKept = errors.New("the source is kept")

// MoveOne uploads a file, downloads an object, or copies an object, on the server or from another store, and deletes the source once the target is
// verified and the source is still unchanged. If the target is not verified, the error is ErrKept. If Transfer.Root is set,
// no file outside it is deleted. Repeating a move that was interrupted after its deletion succeeds: the missing source is not
// an error.
func MoveOne(ctx context.Context, c *haul.Client, from, to End, t TransferOptions) (haul.Result, error) {
	j := newJournal(c, moveVerb, from, to, t)
	m := mover{c: c, t: t, journal: j}
	r, err := m.move(ctx, from, store.Object{Ref: from.Ref}, to)
	if err != nil {
		if before, ok := j.movedBefore(ctx, c, to, &t.Attrs, err); ok {
			r, err = before, nil
		}
	}
	return r, errors.Join(err, j.end(err == nil))
}

// One is one file or object, and its target.
type One struct {
	Client   *haul.Client
	From, To End
	// Listed is the source of a download as it was listed. If it has no ETag, it is looked up first.
	Listed store.Object
}

// Transfer uploads, downloads or copies it.
func (o One) Transfer(ctx context.Context, t TransferOptions) (haul.Result, error) {
	switch {
	case o.From.Path != "":
		return o.Client.Upload(ctx, o.From.Path, o.To.Ref, t.Upload())
	case o.To.Path == "":
		if o.From.Client != nil {
			c := t.Copy()
			if o.Listed.ETag != "" {
				c.Listed = &o.Listed
			}
			return o.Client.CopyFrom(ctx, o.From.Client, o.From.Ref, o.To.Ref, c)
		}
		return o.Client.Copy(ctx, o.From.Ref, o.To.Ref, t.Copy())
	}
	d := t.Download()
	if o.Listed.ETag != "" {
		d.Listed = &o.Listed
	}
	return o.Client.Download(ctx, o.From.Ref, o.To.Path, d)
}

// Compare compares the checksums of both ends, without a transfer.
func (o One) Compare(ctx context.Context, a *store.Attrs) (haul.Comparison, error) {
	switch {
	case o.From.Path != "":
		return o.Client.SameFile(ctx, o.From.Path, o.To.Ref, a)
	case o.To.Path != "":
		return o.Client.SameFile(ctx, o.To.Path, o.From.Ref, a)
	}
	return o.Client.SameObjectFrom(ctx, o.From.in(o.Client), o.From.Ref, o.To.Ref, a)
}

// mover moves one file or object.
type mover struct {
	c       *haul.Client
	t       TransferOptions
	journal *runJournal // nil keeps none
}

// move moves from; obj is that object as it was listed, if it was.
func (m mover) move(ctx context.Context, from End, obj store.Object, to End) (haul.Result, error) {
	switch {
	case from.Path != "":
		return m.up(ctx, from.Path, to.Ref)
	case to.Path != "":
		return m.down(ctx, obj, to.Path)
	}
	return m.object(ctx, obj, from, to.Ref)
}

// Same reports whether two Refs name the same object.
func Same(a, b store.Ref) bool { return a.Bucket == b.Bucket && a.Key == b.Key }

func (m mover) up(ctx context.Context, path string, to store.Ref) (haul.Result, error) {
	source := localfile.Below{Root: m.t.Root}
	name, err := source.Lstat(path) // of a link, the link is deleted
	if err != nil {
		return haul.Result{}, fmt.Errorf("source %w", err)
	}
	before, err := os.Stat(path)
	if err != nil {
		return haul.Result{}, fmt.Errorf("source %w", err)
	}
	result, err := m.c.Upload(ctx, path, to, m.t.Upload())
	if err != nil {
		return result, err
	}
	if err := checkVerified(result); err != nil {
		return result, err
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return result, fmt.Errorf("%w: %s changed after it was sent", ErrKept, path)
	}
	if now, err := source.Lstat(path); err != nil || !os.SameFile(name, now) {
		return result, fmt.Errorf("%w: %s is no longer the file that was sent", ErrKept, path)
	}
	m.journal.moved(Remote(to), result)
	if err := source.Remove(path); err != nil {
		return result, fmt.Errorf("%w: %w", ErrKept, err)
	}
	return result, nil
}

func (m mover) down(ctx context.Context, from store.Object, path string) (haul.Result, error) {
	result, err := One{m.c, Remote(from.Ref), Local(path), from}.Transfer(ctx, m.t)
	if err != nil {
		return result, err
	}
	if err := checkVerified(result); err != nil {
		return result, fmt.Errorf("%w; to verify it by a second download, add --read-twice (under the name aws: HAUL_READ_TWICE=1)", err)
	}
	return result, m.drop(ctx, from.Ref, result.Object.ETag, moved{result: result, to: Local(path)})
}

func (m mover) object(ctx context.Context, from store.Object, end End, to store.Ref) (haul.Result, error) {
	t := m.t
	if end.Client == nil && Same(from.Ref, to) {
		return haul.Result{}, fmt.Errorf("%w: %s is moved onto itself", store.Invalid, from.Ref)
	}
	opener := t.Attrs
	opener.Encryption.Customer = opener.Encryption.CopySource
	if from.ETag == "" {
		src, err := end.in(m.c).Store().Head(ctx, store.GetRequest{Ref: from.Ref, Attrs: &opener})
		if err != nil {
			return haul.Result{}, err
		}
		from.ETag, from.Modified = src.ETag, src.Modified
	}
	t.IfMatch = from.ETag
	absent, err := absentBefore(ctx, m.c, from, to, &t.Attrs)
	if err != nil {
		return haul.Result{}, err
	}
	result, err := One{m.c, end, Remote(to), from}.Transfer(ctx, t)
	if err != nil {
		return result, err
	}
	m.t.Attrs, m.c = opener, end.in(m.c) // from here on, it is about the source
	return result, m.drop(ctx, from.Ref, from.ETag, moved{result: result, to: Remote(to), another: func(now store.Object) error {
		return another(now, result, absent)
	}})
}

// moved is a transfer whose source is to be deleted.
type moved struct {
	result haul.Result
	to     End
	// another returns an error if the source, as it is now, may be the very object that was written; it may be nil.
	another func(now store.Object) error
}

// drop deletes the source of a move, unless it has changed since: a store deletes whatever is there.
func (m mover) drop(ctx context.Context, from store.Ref, etag string, done moved) error {
	if err := checkVerified(done.result); err != nil {
		return err
	}
	now, err := m.c.Store().Head(ctx, store.GetRequest{Ref: from, Attrs: &m.t.Attrs})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	if now.ETag != etag {
		return fmt.Errorf("%w: %s changed after it was moved", ErrKept, from)
	}
	if done.another != nil {
		if err := done.another(now); err != nil {
			return err
		}
	}
	m.journal.moved(done.to, done.result)
	if err := m.c.Store().Delete(ctx, from, &m.t.Attrs); err != nil {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	return nil
}

func checkVerified(r haul.Result) error {
	if r.Proof.Verified {
		return nil
	}
	return fmt.Errorf("%w: its target is not verified: %s", ErrKept, r.Proof.Text)
}

// removeEmptyFolders removes empty folders where a file is to be. What is not empty stays, and the transfer fails.
func removeEmptyFolders(target localfile.Below, path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() {
			return
		}
		removeEmptyFolders(target, filepath.Join(path, e.Name()))
	}
	_ = target.Remove(path)
}
