package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// folder is the work folder of one run: root is private and holds the record that is also its lock, and the work folder proper.
type folder struct {
	root string
	log  *journal.Log[state, endedEntry]
}

// state identifies a run: a hash of the request and the state of its inputs.
type state struct {
	Asked string `json:"asked"`
}

// endedEntry is written when the command has succeeded: one for each output, and then one with the record.
type endedEntry struct {
	Output *output `json:"output,omitempty"`
	// Record is without its inputs.
	Record *Record `json:"record,omitempty"`
	// Boot identifies the boot of the machine: what was written before a power cut may not be on the disk.
	Boot string `json:"boot,omitempty"`
}

// name is that of the work folder: the same for the same request, in all versions of haul. (Quoted, since JSON would make all names
// that are not UTF-8 the same.)
func (r *run) name() string {
	b := fmt.Appendf(nil, "%q %q %q %q\n", r.Command, r.From, r.Request.Record.String(), store.Identity(r.c.Store()))
	for _, in := range r.Inputs {
		b = fmt.Appendf(b, "in %q %v %q %v %q\n", in.Source.String(), in.Folder, in.Pattern, in.Sheet, in.Dest)
	}
	for _, s := range r.Streams {
		b = fmt.Appendf(b, "stream %q %q\n", s.Name, s.Source.String())
	}
	for _, out := range r.Outputs {
		b = fmt.Appendf(b, "out %q %q %v\n", out.Pattern, out.Target.String(), out.Optional)
	}
	return hash(b)[:16]
}

func (f *folder) work() string { return filepath.Join(f.root, "files") }

// file returns a path in the work folder.
func (f *folder) file(rel string) string { return filepath.Join(f.work(), filepath.FromSlash(rel)) }

// pipe is a second name of the pipe of a stream, which the command cannot remove.
func (f *folder) pipe(i int) string { return filepath.Join(f.root, fmt.Sprintf("stream-%d", i)) }

// open makes the folder or takes that of an earlier run, and locks it. If another process has it, the error is a *journal.BusyError.
func (f *folder) open() error {
	if err := localfile.MakeDirs(filepath.Dir(f.root), 0o777); err != nil {
		return err
	}
	if err := localfile.PrivateDir(f.root); err != nil {
		return err
	}
	log, err := journal.Open[state, endedEntry](filepath.Join(f.root, "lock"), "run")
	if err != nil {
		return plain(err)
	}
	f.log = log
	if err := errors.Join(endStrays(f.work()), os.MkdirAll(f.work(), 0o700)); err != nil {
		return errors.Join(err, f.close())
	}
	return nil
}

// plain removes from an error what is said about the folder of journals, since this one is elsewhere.
func plain(err error) error {
	if busy := new(journal.BusyError); errors.As(err, &busy) {
		return err
	}
	return errors.Unwrap(err)
}

// start records that inputs are being staged for that run.
func (f *folder) start(rec Record) error { return f.log.Begin(state{hash([]byte(rec.asked()))}) }

// commandEnded records that the command has succeeded.
func (f *folder) commandEnded(rec Record, outputs []output) error {
	for _, o := range outputs {
		if err := f.log.Append(endedEntry{Output: &o}); err != nil {
			return err
		}
	}
	rec.Inputs = nil
	return f.log.Append(endedEntry{Record: &rec, Boot: bootID()})
}

// resume reports whether the command of an earlier run with the same inputs had succeeded and its outputs are unchanged, and completes
// the record.
func (f *folder) resume(rec *Record) bool {
	held, ok := f.log.Header()
	if !ok || held.Asked != hash([]byte(rec.asked())) {
		return false
	}
	for _, e := range f.log.Entries() {
		switch {
		case e.Output != nil && e.Output.changed(f):
			return false
		case e.Record != nil && e.Boot != "" && e.Boot == bootID():
			e.Record.Inputs = rec.Inputs
			*rec = *e.Record
			return true
		}
	}
	return false
}

func (f *folder) close() error {
	if f.log == nil {
		return nil
	}
	return f.log.Close()
}

// remove removes everything; the lock is held until close.
func (f *folder) remove() error {
	return errors.Join(removeAll(f.work()), f.log.Forget(), os.Remove(filepath.Join(f.root, "lock")), os.Remove(f.root))
}

// removeAll is os.RemoveAll that also removes what is in folders that the command made read-only.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// clean removes what is not an input, and marks the inputs that are present. Partial files of downloads stay.
func (f *folder) clean(items []*item) error {
	wanted := map[string]*item{}
	inside := map[string]bool{".": true}
	for _, it := range items {
		wanted[it.rel] = it
		for dir := filepath.ToSlash(filepath.Dir(filepath.FromSlash(it.rel))); !inside[dir]; dir = filepath.ToSlash(filepath.Dir(dir)) {
			inside[dir] = true
		}
	}
	return filepath.WalkDir(f.work(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(f.work(), path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		it := wanted[rel]
		switch {
		case d.IsDir() && inside[rel]:
			return nil
		case d.IsDir():
			if err := removeAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		case d.Type().IsRegular() && it != nil && it.ref.Bucket != "":
			it.present = true
			return nil
		case d.Type().IsRegular() && localfile.IsTemp(d.Name()):
			return nil
		}
		return os.Remove(path)
	})
}

// size is that of all files in the work folder, in bytes; the targets of links are not counted.
func (f *folder) size() (n int64) {
	_ = filepath.WalkDir(f.work(), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if fi, err := d.Info(); err == nil {
				n += fi.Size()
			}
		}
		return nil
	})
	return n
}

// bootID identifies this boot of the machine; empty if that is not known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
