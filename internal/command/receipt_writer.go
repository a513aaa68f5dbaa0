package command

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// receiptWriter writes the lines of a receipt, each with one write when its object is done, so that a killed run leaves those of all
// that was finished. Its last line has how much of the run it covers. A nil receiptWriter writes nothing.
type receiptWriter struct {
	identity       string
	source, target string // of the run, as they were typed
	f              *os.File
	fresh          bool // there was nothing in it

	mu         sync.Mutex
	known      map[lineKey]struct{} // lines of earlier runs
	covered    int
	unverified int
	wrote      bool
	err        error // the first
}

// lineKey identifies what a line of a receipt is about: source, target, state of the object, size and time of the file.
type lineKey [16]byte

func keyOf(source, target, etag string, size int64, modified time.Time) lineKey {
	stamp := ""
	if !modified.IsZero() {
		stamp = modified.UTC().Format(time.RFC3339Nano)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d %s", source, target, etag, size, stamp))
	return lineKey(sum[:16])
}

// openReceipt opens a new file, or a receipt to append to: the lines of a repeated run follow those of the earlier ones. Source and
// target are those of the run. Without a name it returns nil.
func (s *Session) openReceipt(name, identity, source, target string) (*receiptWriter, error) {
	if name == "" {
		return nil, nil
	}
	if fi, err := os.Stat(name); err == nil && !fi.Mode().IsRegular() {
		return nil, notRegular(name, fi.Mode())
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("open the receipt: %w", err)
	}
	r := &receiptWriter{identity: identity, source: source, target: target, f: f, known: map[lineKey]struct{}{}}
	cut, err := r.prepare()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if cut > 0 {
		s.Screen().Note(fmt.Sprintf("the last line of %s was incomplete, and was removed", name))
	}
	return r, nil
}

// notRegular refuses what would not keep a receipt.
func notRegular(name string, mode fs.FileMode) error {
	what := map[fs.FileMode]string{fs.ModeDir: "a folder", fs.ModeNamedPipe: "a pipe", fs.ModeSocket: "a socket", fs.ModeDevice: "a device",
		fs.ModeDevice | fs.ModeCharDevice: "a device"}[mode.Type()]
	if what == "" {
		what = "not a regular file"
	}
	return Usagef("the receipt %s is %s; a receipt needs a regular file of its own", name, what)
}

// prepare refuses a file that is something else, and takes off the end of a line whose writing was broken off.
func (r *receiptWriter) prepare() (cut int64, err error) {
	fi, err := r.f.Stat()
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, notRegular(r.f.Name(), fi.Mode())
	}
	if r.fresh = fi.Size() == 0; r.fresh {
		return 0, nil
	}
	end, err := endOfLines(r.f, fi.Size())
	if err != nil {
		return 0, err
	}
	for rec, err := range proof.ReadReceipt(io.NewSectionReader(r.f, 0, end)) {
		if err != nil {
			return 0, Usagef("%s already exists, and is not a receipt: %v; name another file", r.f.Name(), err)
		}
		if rec.Failed == "" && rec.Proved {
			r.known[keyOf(rec.Source, rec.Target, rec.ETag, rec.Size, rec.Modified)] = struct{}{}
		}
	}
	if end == 0 && !begins(r.f, `{"haul_receipt":`) {
		return 0, Usagef("%s already exists, and is not a receipt; name another file", r.f.Name())
	}
	if cut = fi.Size() - end; cut > 0 {
		err = r.f.Truncate(end)
	}
	return cut, err
}

// begins reports whether a file begins with text, as far as it goes.
func begins(f io.ReaderAt, text string) bool {
	buf := make([]byte, len(text))
	n, _ := f.ReadAt(buf, 0) // what cannot be read does not
	return n > 0 && string(buf[:n]) == text[:n]
}

// endOfLines returns the offset at which the last whole line ends.
func endOfLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(int64(len(buf)), size)
		if _, err := f.ReadAt(buf[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}

// about is what a line is about; name is the path of the file below the target of the run.
type about struct{ verb, source, target, name string }

// add writes the line of a transfer that succeeded, or of what was there and was verified. After an error it writes nothing more, and
// returns that error again.
func (r *receiptWriter) add(a about, result haul.Result) error {
	if r == nil {
		return nil
	}
	rec := proof.NewRecord(a.verb, a.source, a.target, r.identity, result)
	rec.Name = a.name
	r.mu.Lock()
	defer r.mu.Unlock()
	if !rec.Proved {
		r.unverified++
	}
	if r.write(rec, a.source+" was transferred, but ") {
		r.covered++
	}
	return r.err
}

// fail writes that something was not transferred.
func (r *receiptWriter) fail(a about, why error) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(proof.Record{Verb: a.verb, Source: a.source, Target: a.target, Name: a.name, Store: r.identity, Object: objectOf(a),
		Time: time.Now().UTC().Truncate(time.Millisecond), Failed: ui.Reason(why), Proof: "not transferred"}, a.source+" was not transferred, and ")
	return r.err
}

// write writes one line; r.mu is held. What is true of its subject introduces the error.
func (r *receiptWriter) write(rec proof.Record, what string) bool {
	if r.err == nil {
		if err := rec.Write(r.f); err != nil {
			r.err = fmt.Errorf("%sthe receipt could not be written: %w", what, err)
		}
		r.wrote = true
	}
	return r.err == nil
}

// objectOf returns the object that a line is about, by its address.
func objectOf(a about) (ref store.Ref) {
	for _, text := range []string{a.source, a.target} {
		if rest, ok := strings.CutPrefix(text, Scheme); ok {
			ref.Bucket, ref.Key, _ = strings.Cut(rest, "/")
		}
	}
	return ref
}

// verifies reports whether what a run leaves as it is needs a line, since no earlier run wrote one about the same state of it.
func (r *receiptWriter) verifies(a about, pair mirror.Standing) bool {
	etag, modified := pair.To.Object.ETag, pair.From.Modified
	if pair.From.Object.Key != "" && pair.To.Path != "" {
		etag, modified = pair.From.Object.ETag, pair.To.Modified
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[keyOf(a.source, a.target, etag, pair.From.Size, modified)]; ok && etag != "" {
		r.covered++
		return false
	}
	return true
}

// event writes the line of one object of many, if it has one.
func (r *receiptWriter) event(a about, e mirror.Event) error {
	switch {
	case r == nil:
	case e.Kind == mirror.Done:
		return r.add(a, e.Result)
	case e.Kind == mirror.Unchanged && e.Result.Proof.Text != "":
		a.verb = proof.VerifyVerb
		return r.add(a, e.Result)
	case (e.Kind == mirror.Failed || e.Kind == mirror.Skipped) && e.Verb != "delete":
		return r.fail(a, e.Err)
	}
	return nil
}

// end writes the last line of a run over so many files, and returns how much of it the receipt covers.
func (r *receiptWriter) end(files int, complete bool) string {
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if files == 0 && !r.wrote {
		return ""
	}
	rec := proof.RunRecord(proof.Record{Source: r.source, Target: r.target, Store: r.identity, Files: files, Covered: r.covered, Complete: complete})
	r.write(rec, "")
	text := "receipt " + r.f.Name() + ": " + rec.Coverage()
	if r.unverified > 0 {
		text += fmt.Sprintf("; %d of them not verified", r.unverified)
	}
	return text
}

// below returns the path of a target below that of its run, with slashes.
func below(root, target string) string {
	if root == "" {
		return path.Base(filepath.ToSlash(target))
	}
	if rest, ok := strings.CutPrefix(target, Scheme); ok {
		key, _ := strings.CutPrefix(target, root)
		if len(key) < len(target) && (key == "" || IsFolder(root) || strings.HasPrefix(key, "/")) && strings.Trim(key, "/") != "" {
			return strings.TrimLeft(key, "/")
		}
		return path.Base(rest)
	}
	if rel, err := filepath.Rel(root, target); err == nil && rel != "." && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.Base(target)
}

// close syncs the receipt to disk. A new one without a line is removed.
func (r *receiptWriter) close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if r.wrote {
		err = r.f.Sync()
	}
	err = errors.Join(err, r.f.Close())
	if !r.wrote && r.fresh {
		err = errors.Join(err, os.Remove(r.f.Name()))
	}
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("write the receipt: %w", err)
	}
	return r.err
}
