package stage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/store"
)

// Cache says how inputs are kept for other runs on the machine. The zero value keeps none.
type Cache struct {
	Dir string
	// Size is the most that it may hold of this user's, in bytes; 0 is no limit. What was not used for the longest time leaves.
	Size int64
	// Verify compares what it holds with what the store vouches for, each time, and not only by size and time.
	Verify bool
}

// cache is one run's view of it. Each user writes to a folder of his own in it, user-UID, which nobody else can write to; of the
// folders of others only the bytes are read, and used when the store's checksum says that they are right (others.go). In a folder lie,
// for each object by a hash of its name and state,
//
//	HASH         the bytes, read-only
//	HASH.json    what they are (kept); its time is when they were last used
//	total        about how many bytes all have; not there where a run without a limit has added some
//	locks/       the locks, of entries and of the whole; a lock is held as long as its process lives
type cache struct {
	Cache
	*run
	own string // the folder of this user; empty where it cannot be used
}

// kept is what is known of an entry. One that is not Whole is on its way, and takes its Size already.
type kept struct {
	Source   string    `json:"source"`
	State    string    `json:"state"`
	Size     int64     `json:"size"`
	Sum      string    `json:"checksum"`
	Modified time.Time `json:"modified"`
	Whole    bool      `json:"whole"`
}

const (
	keptEnd = ".json"
	totalAt = "total"
	// manyKept is from how many entries on a tenth more leaves than must, so that not each new one has to look at all.
	manyKept = 100
	lockDir  = "locks"
	wholeOf  = "all" // the lock of the whole
	waitLook = 50 * time.Millisecond
	sayWaits = 20 // looks
)

// cacheError says that the cache cannot be used; the run goes on without it.
type cacheError struct{ error }

// Unwrap gives the cause.
func (e cacheError) Unwrap() error { return e.error }

// newCache gives the cache, or nil where there is none or it cannot be used.
func newCache(r *run) *cache {
	if r.Cache.Dir == "" {
		return nil
	}
	dir, err := filepath.Abs(r.Cache.Dir)
	if err == nil {
		err = localfile.MakeDirs(dir, 0o777)
	}
	if err != nil {
		r.Report.Note(fmt.Sprintf("continuing without the cache: %v", err))
		return nil
	}
	c := &cache{Cache: r.Cache, run: r, own: filepath.Join(dir, ownName())}
	c.Dir = dir
	if err := localfile.OwnDir(c.own); err != nil {
		r.Report.Note(fmt.Sprintf("not caching inputs: %v", err))
		c.own = ""
	}
	return c
}

// place gives target the bytes of an item, which are fetched where the cache has none. A cacheError says that they must be had
// without it.
func (c *cache) place(ctx context.Context, it *item, target string, t *tally) error {
	key := hash([]byte(store.Identity(c.c.Store()) + "\n" + it.ref.Bucket + "\n" + it.ref.Key + "\n" + it.state + "\n" + fmt.Sprint(it.size)))
	if c.own == "" {
		if c.placeOther(ctx, key, it, target) {
			t.add(&t.cached)
			return nil
		}
		result, err := c.fetch(ctx, it, target)
		t.fetch(result, err)
		return err
	}
	lock, err := c.lock(ctx, key, it.source)
	if err != nil {
		return err
	}
	held, err := c.hold(ctx, key, it, target, t)
	if err != nil || held == nil {
		return errors.Join(err, lock.Close())
	}
	defer held.Close() // only read from
	// An index gets a time of its own, which a second name of the entry could not have.
	shared := share(held, target, seqfile.RoleOf(it.rel) != seqfile.Index)
	if err := lock.Close(); err != nil {
		return errors.Join(cacheError{err}, held.Close())
	}
	if shared {
		return nil
	}
	return copyFile(held, target) // the file is open: if it leaves the cache meanwhile, its bytes stay
}

// lock waits for the lock of an entry, or of the whole.
func (c *cache) lock(ctx context.Context, key, what string) (io.Closer, error) {
	tick := time.NewTicker(waitLook)
	defer tick.Stop()
	for looks := 0; ; looks++ {
		lock, err := journal.Open[struct{}, struct{}](filepath.Join(c.own, lockDir), key)
		var busy *journal.BusyError
		switch {
		case err == nil:
			return lock, nil
		case !errors.As(err, &busy):
			return nil, cacheError{plain(err)}
		case looks == sayWaits && busy.PID != 0 && what != "":
			c.Report.Note(fmt.Sprintf("waits for %s, which process %d brings into the cache", what, busy.PID))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// hold opens the entry's bytes, fetched if need be; the entry is locked. There is no file where target has the bytes already.
func (c *cache) hold(ctx context.Context, key string, it *item, target string, t *tally) (*os.File, error) {
	path := filepath.Join(c.own, key)
	have, err := readKept(path)
	switch {
	case err == nil && have.Whole:
		good, why, err := c.good(ctx, path, have, it)
		if err != nil {
			return nil, err
		}
		if good {
			t.add(&t.cached)
			it.sum = cmp.Or(have.Sum, it.sum)
			now := time.Now()
			_ = os.Chtimes(path+keptEnd, now, now) // else it may leave sooner
			return c.open(path)
		}
		c.Report.Note(fmt.Sprintf("%s in the cache is spoilt, and fetched again: %s", it.source, why))
		err = os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, cacheError{err}
		}
	}
	fi, lerr := os.Lstat(path)
	if lerr != nil && c.placeOther(ctx, key, it, target) {
		t.add(&t.cached)
		return nil, nil
	}
	if err := c.reserve(ctx, key, it); err != nil {
		return nil, err
	}
	if lerr == nil { // who fetched it did not live to tell, or what was told is gone
		same, err := c.c.SameFile(ctx, path, it.ref, &c.Transfer.Attrs)
		if err == nil && same.Verdict == haul.Equal && same.Target.ETag == it.state && fi.Mode().IsRegular() {
			t.add(&t.cached)
			if err := c.enter(path, it, haul.Result{}); err != nil {
				return nil, cacheError{err}
			}
			return c.open(path)
		}
		if err := os.Remove(path); err != nil {
			return nil, cacheError{err}
		}
	}
	result, err := c.fetch(ctx, it, path)
	t.fetch(result, err)
	if errors.Is(err, localfile.ErrNoSpace) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrExist) {
		return nil, errors.Join(cacheError{err}, dropEntry(path))
	}
	if err != nil {
		return nil, err
	}
	if err := c.enter(path, it, result); err != nil {
		return nil, cacheError{err}
	}
	return c.open(path)
}

func (c *cache) open(path string) (*os.File, error) {
	f, ours, err := localfile.OpenRegular(path)
	if err == nil && !ours {
		err = errors.Join(fmt.Errorf("%s belongs to another user", path), f.Close())
	}
	if err != nil {
		return nil, cacheError{err}
	}
	return f, nil
}

// good reports whether an entry is what it was when it was proved, and why not.
func (c *cache) good(ctx context.Context, path string, have kept, it *item) (bool, string, error) {
	fi, err := os.Lstat(path)
	switch {
	case err != nil:
		return false, err.Error(), nil
	case !fi.Mode().IsRegular(), fi.Size() != have.Size, !fi.ModTime().Equal(have.Modified):
		return false, "its size or time has changed", nil
	case !c.Verify:
		return true, "", nil
	}
	same, err := c.c.SameFile(ctx, path, it.ref, &c.Transfer.Attrs)
	return same.Verdict != haul.Different, same.Text, err
}

// enter writes down what was fetched.
func (c *cache) enter(path string, it *item, result haul.Result) error {
	if err := os.Chmod(path, 0o444); err != nil {
		return err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return writeKept(path, kept{it.source, it.state, fi.Size(), sumText(result.Proof.Sum), fi.ModTime(), true})
}

// reserve makes room for an entry, and counts it in.
func (c *cache) reserve(ctx context.Context, key string, it *item) error {
	path := filepath.Join(c.own, key)
	lock, err := c.lock(ctx, wholeOf, "")
	if err != nil {
		return err
	}
	if err = c.makeRoom(key, it.size); err == nil {
		err = writeKept(path, kept{Source: it.source, State: it.state, Size: it.size})
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		return cacheError{err}
	}
	return nil
}

// makeRoom removes what has not been used for the longest time, but nothing that is in use: an entry that is locked, and one
// that still has another name, whose removal would make no room.
func (c *cache) makeRoom(key string, need int64) error {
	file := filepath.Join(c.own, totalAt)
	if c.Size == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if need > c.Size {
		return fmt.Errorf("it may hold %s, and it is %s", amount.Bytes(c.Size), amount.Bytes(need))
	}
	text, err := os.ReadFile(file)
	total, terr := strconv.ParseInt(string(text), 10, 64)
	if total += need; err != nil || terr != nil || total > c.Size {
		if total, err = c.evict(key, need); err != nil {
			return err
		}
	}
	if total > c.Size {
		return fmt.Errorf("it may hold %s, and %s more would be needed beside what is in use", amount.Bytes(c.Size), amount.Bytes(total-c.Size))
	}
	return replaceFile(file, strconv.AppendInt(nil, total, 10))
}

// evict looks at all entries but that of key, lets leave what has to, and gives the size of the others and need.
func (c *cache) evict(key string, need int64) (total int64, err error) {
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var all []entry
	total = need
	names, err := os.ReadDir(c.own)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		base, ok := strings.CutSuffix(name.Name(), keptEnd)
		if !ok || base == key {
			continue
		}
		path := filepath.Join(c.own, base)
		have, err := readKept(path)
		fi, serr := name.Info()
		if err != nil || serr != nil {
			continue
		}
		total += have.Size
		all = append(all, entry{path, have.Size, fi.ModTime()})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path)) })
	goal := c.Size
	if total > goal && len(all) > manyKept {
		goal -= goal / 10
	}
	for _, e := range all {
		if total <= goal {
			break
		}
		lock, err := journal.Open[struct{}, struct{}](filepath.Join(c.own, lockDir), filepath.Base(e.path))
		if err != nil { // in use
			continue
		}
		if !hasOtherNames(e.path) {
			if err = dropEntry(e.path); err == nil {
				total -= e.size
			}
		}
		if err := errors.Join(err, lock.Close()); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// dropEntry removes an entry with what a broken fetch may have left.
func dropEntry(path string) error {
	dir, base := filepath.Split(path)
	left, err := os.ReadDir(dir)
	names := []string{path + keptEnd, path}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "."+base+".haul-") {
			names = append(names, dir+e.Name())
		}
	}
	for _, name := range names {
		if rerr := os.Remove(name); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

func readKept(path string) (k kept, err error) {
	b, err := os.ReadFile(path + keptEnd)
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	return k, err
}

func writeKept(path string, k kept) error {
	b, err := json.Marshal(k)
	if err != nil {
		panic("stage: internal error: an entry does not marshal: " + err.Error())
	}
	return replaceFile(path+keptEnd, b)
}

// replaceFile writes a file whole or not at all. What has its name before is replaced, and never written to.
func replaceFile(path string, b []byte) error {
	temp := filepath.Join(filepath.Dir(path), localfile.TempName(filepath.Base(path)))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, gone(os.Remove(temp)))
	}
	return nil
}

// share gives target the bytes of a file without copying them: by a copy that shares blocks until one of both is written to, or,
// where link is true, by a second name. The file is open, and nobody removes it meanwhile.
func share(f *os.File, target string, link bool) bool {
	return reflink(f, target) || link && linked(f, target)
}

// linked gives the file a second name. It looks whether the first one was still that of the file.
func linked(f *os.File, target string) bool {
	if os.Link(f.Name(), target) != nil {
		return false
	}
	want, err := f.Stat()
	got, gerr := os.Lstat(target)
	if errors.Join(err, gerr) == nil && os.SameFile(want, got) {
		return true
	}
	_ = os.Remove(target) // it was made here
	return false
}

// copyFile copies what is open.
func copyFile(f *os.File, target string) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	to, err := localfile.Create(target, fi.Size())
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.NewOffsetWriter(to, 0), f, fi.Size()); err != nil { // no further, should somebody add to it
		return errors.Join(err, to.Discard())
	}
	return to.Commit(fi.ModTime(), true)
}
