// Package journal keeps the durable record of one transfer, so that a later run can continue where this one ended.
//
// A record is one file per name, of lines `CRC32C in 8 hex digits, space, JSON, LF`; the sum covers the JSON:
//
//	crc {"pid":…,"host":…}   the holder of the record; of fixed length, rewritten in place by each Open
//	crc header               H, written by Begin and on disk before Begin returns
//	crc entry                E, one write(2) each by Append, not synced
//	…
//
//	Open    make the folder; open the file; lock it, without waiting; is it still what the name names? else open again;
//	        replay up to the first line that is torn or corrupt, and cut that and all after it off
//	Begin   write the header over what there is, cut off what follows, sync file and folder
//	Forget  unlink, then unlock: a process that opened the file in between sees that it lost its name, and starts a new one
//
// An entry records what was done, it does not prove it: after a power cut entries may be missing and, in theory, what they
// record may be missing although they are there. A caller that replays them must verify them. A forgotten record may come
// back after a power cut, too.
//
// The files are readable by their owner only, but they do not protect secrets: never put a secret (a credential, a
// customer's key, a signed address) into H or E. That is the caller's duty; this package writes what it is given. H and E
// are JSON of the caller's making; if their meaning may change from one version to the next, H carries a version.
//
// Not promised: if the file system has no locks (Lustre mounted without flock, some network shares) two processes may hold
// one record at once. Their lines may then overwrite each other and be dropped at replay, which costs work done twice, no
// more.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"haul.example/haul/internal/localfile"
)

// BusyError says that another process, or another Log in this one, holds the record now.
type BusyError struct {
	// PID and Host are of the holder; 0 and empty if they could not be read.
	PID  int
	Host string
}

// Error names the holder.
func (e *BusyError) Error() string {
	if e.PID == 0 {
		return "another process holds the record of this transfer; wait for it to end"
	}
	return fmt.Sprintf("process %d on host %s holds the record of this transfer; wait for it to end, or stop it", e.PID, e.Host)
}

// Log is one record, held by this process. Append may be called from many goroutines.
type Log[H, E any] struct {
	path string
	f    *os.File
	info fs.FileInfo // of f when it was opened: distinguishes it from a file that took its name

	mu      sync.Mutex // guards what follows
	header  H
	begun   bool
	entries []E
	end     int64 // offset of the first byte after the last good line
	closed  bool
}

const (
	suffix = ".jsonl"
	// maxOpens is how often Open tries again when others keep removing the record between its opening and its locking.
	maxOpens = 100
)

// Open opens and locks the record of that name in dir, which is created if it is missing, and replays it. A name may be any
// string. The error is a *BusyError if another process holds the record: then the transfer must not continue. Any other
// error says that dir cannot be used (read-only, no permission, full): then the transfer can continue, but could not be
// resumed later.
func Open[H, E any](dir, name string) (*Log[H, E], error) {
	l, err := open[H, E](dir, name)
	if busy := (*BusyError)(nil); errors.As(err, &busy) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w; HAUL_STATE_DIR can name another folder", err)
	}
	return l, nil
}

// Exists reports whether there may be a record of that name in dir, with a single stat.
func Exists(dir, name string) bool {
	_, err := os.Lstat(pathOf(dir, name))
	return err == nil
}

func pathOf(dir, name string) string {
	key := sha256.Sum256([]byte(name))
	return filepath.Join(dir, hex.EncodeToString(key[:])+suffix)
}

func open[H, E any](dir, name string) (*Log[H, E], error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := localfile.MakeDirs(dir, 0o700); err != nil {
		return nil, err
	}
	l := &Log[H, E]{path: pathOf(dir, name)}
	if l.f, l.info, err = hold(l.path); err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		return nil, err
	}
	return l, nil
}

// hold opens and locks the file.
func hold(path string) (*os.File, fs.FileInfo, error) {
	for range maxOpens {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|openNofollow|openNonblock, 0o600)
		if err != nil {
			return nil, nil, err
		}
		info, err := lockFile(f, path)
		if err == nil {
			return f, info, nil
		}
		if err = errors.Join(err, f.Close()); !errors.Is(err, errMoved) {
			return nil, nil, err
		}
	}
	return nil, nil, &BusyError{}
}

// errMoved says that a file lost its name between its opening and its locking.
var errMoved = errors.New("file lost its name")

func lockFile(f *os.File, path string) (fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, localfile.ErrNotRegular)
	}
	if err := lock(f); errors.Is(err, errLocked) {
		return nil, readHolder(f)
	} else if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !names(path, info) {
		return nil, errMoved
	}
	return info, nil
}

// names reports whether path is the name of that file, and not of another or of none.
func names(path string, info fs.FileInfo) bool {
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(info, now)
}

// load replays the file and writes this process's name into it; after an error the file is closed, and gone if it was new.
func (l *Log[H, E]) load() error {
	size, err := l.f.Seek(0, io.SeekEnd)
	if err == nil {
		err = l.restore(size)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", l.path, err), l.f.Close())
	}
	_, err = l.f.WriteAt(holderLine(), 0)
	switch {
	case err == nil:
		return nil
	case size == 0:
		return errors.Join(err, unlink(l.f, l.path))
	}
	return errors.Join(err, l.f.Close())
}

// restore replays a file of that size and cuts a bad tail off.
func (l *Log[H, E]) restore(size int64) error {
	l.end = holderLen
	if size <= holderLen {
		return nil
	}
	if err := l.replay(io.NewSectionReader(l.f, holderLen, size-holderLen)); err != nil {
		return err
	}
	if l.end == size {
		return nil
	}
	return l.f.Truncate(l.end)
}

// replay fills header, begun, entries and end. A line that is not what was written ends it without an error.
func (l *Log[H, E]) replay(r io.Reader) error {
	lines := newLineReader(r)
	var h H
	if ok, err := next(lines, &h); !ok {
		return err
	}
	l.header, l.begun = h, true
	l.end += lines.length
	for {
		var e E
		if ok, err := next(lines, &e); !ok {
			return err
		}
		l.entries = append(l.entries, e)
		l.end += lines.length
	}
}

// Header returns what the last Begin wrote, in this run or an earlier one; false if there was none.
func (l *Log[H, E]) Header() (H, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.header, l.begun
}

// Entries returns those that earlier runs appended, in order, as Open found them; none after Begin.
func (l *Log[H, E]) Entries() []E {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Begin discards what the record held and starts it with h. When it returns nil, h survives a power cut; after an error the
// record holds nothing, and Close removes it.
func (l *Log[H, E]) Begin(h H) error {
	line, err := encode(h)
	if err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.begin(h, line); err != nil {
		return fmt.Errorf("begin journal: %w", err)
	}
	return nil
}

func (l *Log[H, E]) begin(h H, line []byte) error {
	if l.closed {
		return fs.ErrClosed
	}
	var none H
	l.header, l.begun, l.entries, l.end = none, false, nil, holderLen
	// Write first and truncate then: at no moment is there no header, and a process that is killed between the two leaves a
	// torn line behind, or entries that fail verification.
	if _, err := l.f.WriteAt(line, holderLen); err != nil {
		return errors.Join(err, l.f.Truncate(holderLen))
	}
	if err := l.f.Truncate(holderLen + int64(len(line))); err != nil {
		return err
	}
	if err := l.f.Sync(); err != nil {
		return err
	}
	if err := localfile.SyncDir(filepath.Dir(l.path)); err != nil {
		return err
	}
	l.header, l.begun, l.end = h, true, holderLen+int64(len(line))
	return nil
}

// Amend changes the header, and keeps the entries of earlier runs; those that this run has appended are lost.
func (l *Log[H, E]) Amend(h H) error {
	kept := l.Entries()
	if err := l.Begin(h); err != nil {
		return err
	}
	for _, e := range kept {
		if err := l.Append(e); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = kept
	return nil
}

// Append adds an entry, by one write, not synced: it survives the end of this process, however sudden, but perhaps not a
// power cut. After an error the record is as it was before.
func (l *Log[H, E]) Append(e E) error {
	line, err := encode(e)
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fmt.Errorf("append to journal: %w", fs.ErrClosed)
	case !l.begun:
		return errors.New("append to journal: it has no header yet")
	}
	// A write that stops midway leaves a torn line behind; the next one goes to the same offset, over it.
	if _, err := l.f.WriteAt(line, l.end); err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	l.end += int64(len(line))
	return nil
}

// Forget removes the record and releases it.
func (l *Log[H, E]) Forget() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("forget journal: %w", fs.ErrClosed)
	}
	if err := l.forget(); err != nil {
		return fmt.Errorf("forget journal: %w", err)
	}
	return nil
}

func (l *Log[H, E]) forget() error {
	l.closed = true
	if !names(l.path, l.info) {
		return l.f.Close() // on a file system without locks another may have removed it
	}
	return unlink(l.f, l.path)
}

// Close releases the record and keeps it for a later run; one that never began is removed. After Forget or Close it does
// nothing.
func (l *Log[H, E]) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var err error
	if l.begun {
		l.closed = true
		err = l.f.Close()
	} else {
		err = l.forget()
	}
	if err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// holder is the process that holds a record.
type holder struct {
	PID  int    `json:"pid"`
	Host string `json:"host"`
}

// holderLen is the length in bytes of the line that names the holder. It is fixed, so that the line can be rewritten in
// place, and has space for the longest host name, 253 bytes (RFC 1035, section 2.3.4), in JSON.
const holderLen = 512

// holderLine names this process.
func holderLine() []byte {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b, err := json.Marshal(holder{PID: os.Getpid(), Host: host})
	if err != nil || len(b) > holderLen-lineExtra {
		b = fmt.Appendf(nil, `{"pid":%d,"host":"unknown"}`, os.Getpid())
	}
	b = append(b, bytes.Repeat([]byte{' '}, holderLen-lineExtra-len(b))...)
	return seal(b)
}

// readHolder returns a BusyError from the first line of f, as far as it can be read.
func readHolder(f *os.File) error {
	var h holder
	if ok, err := next(newLineReader(io.NewSectionReader(f, 0, holderLen)), &h); !ok || err != nil {
		return &BusyError{}
	}
	return &BusyError{PID: h.PID, Host: h.Host}
}
