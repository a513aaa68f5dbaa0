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

// Cache is where inputs are kept for other runs on the machine. The zero value keeps none.
type Cache struct {
	Dir string
	// Size limits what this user may keep in it, in bytes; 0 is no limit. The least recently used entries are evicted.
	Size int64
	// Verify compares entries with the store's recorded checksums at each use, and not only by size and time.
	Verify bool
}

// cache is one run's view of it. Each user has a folder in it, user-UID, which nobody else can write to; from the folders of others
// only the bytes are read, and used if they match the store's checksum (others.go). HASH is of an object's name and state:
//
//	HASH         the bytes, read-only
//	HASH.json    what they are (entry); its time is when they were last used
//	total        about how many bytes all entries have; missing once a run without a limit has added some
//	locks/       the locks, of entries and of the whole cache; a lock is held as long as its process lives
type cache struct {
	Cache
	*run
	own string // the folder of this user; empty where it cannot be used
}

// entry describes an entry. One that is not Whole is being fetched, and already counts with its Size.
type entry struct {
	Source   string    `json:"source"`
	State    string    `json:"state"`
	Size     int64     `json:"size"`
	Sum      string    `json:"checksum"`
	Modified time.Time `json:"modified"`
	Whole    bool      `json:"whole"`
}

const (
	entrySuffix = ".json"
	totalName   = "total"
	// manyEntries is from how many entries on a tenth more is evicted than necessary, so that not every new one reads all of them.
	manyEntries = 100
	lockDir     = "locks"
	cacheLock   = "all" // the lock of the whole cache
	lockPoll    = 50 * time.Millisecond
	notePolls   = 20 // looks
)

// cacheError: the cache cannot be used; the run continues without it.
type cacheError struct{ error }

// Unwrap returns the cause.
func (e cacheError) Unwrap() error { return e.error }

// newCache returns the cache, or nil if there is none or it cannot be used.
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

// place makes target with the bytes of an item, from the cache, which fetches them if it does not have them. After a cacheError the
// caller must fetch them without it.
func (c *cache) place(ctx context.Context, it *item, target string, t *tally) error {
	key := hash([]byte(store.Identity(c.c.Store()) + "\n" + it.ref.Bucket + "\n" + it.ref.Key + "\n" + it.state + "\n" + fmt.Sprint(it.size)))
	if c.own == "" {
		if c.copyFromOthers(ctx, key, it, target) {
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
	held, err := c.obtain(ctx, key, it, target, t)
	if err != nil || held == nil {
		return errors.Join(err, lock.Close())
	}
	defer held.Close() // only read from
	// An index gets its own time, which a hard link to the entry could not have.
	shared := share(held, target, seqfile.RoleOf(it.rel) != seqfile.Index)
	if err := lock.Close(); err != nil {
		return errors.Join(cacheError{err}, held.Close())
	}
	if shared {
		return nil
	}
	return copyFile(held, target) // the file is open: if it leaves the cache meanwhile, its bytes stay
}

// lock waits for the lock of an entry, or of the whole cache.
func (c *cache) lock(ctx context.Context, key, what string) (io.Closer, error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for looks := 0; ; looks++ {
		lock, err := journal.Open[struct{}, struct{}](filepath.Join(c.own, lockDir), key)
		var busy *journal.BusyError
		switch {
		case err == nil:
			return lock, nil
		case !errors.As(err, &busy):
			return nil, cacheError{plain(err)}
		case looks == notePolls && busy.PID != 0 && what != "":
			c.Report.Note(fmt.Sprintf("waiting for %s, which process %d is fetching into the cache", what, busy.PID))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// obtain opens the entry's bytes, which it fetches if needed; the entry is locked. The file is nil if target already has the bytes.
func (c *cache) obtain(ctx context.Context, key string, it *item, target string, t *tally) (*os.File, error) {
	path := filepath.Join(c.own, key)
	have, err := readEntry(path)
	switch {
	case err == nil && have.Whole:
		good, why, err := c.isIntact(ctx, path, have, it)
		if err != nil {
			return nil, err
		}
		if good {
			t.add(&t.cached)
			it.sum = cmp.Or(have.Sum, it.sum)
			now := time.Now()
			_ = os.Chtimes(path+entrySuffix, now, now) // without it, it may be evicted sooner
			return c.open(path)
		}
		c.Report.Note(fmt.Sprintf("%s in the cache is damaged, and is fetched again: %s", it.source, why))
		err = os.Remove(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, cacheError{err}
		}
	}
	fi, lerr := os.Lstat(path)
	if lerr != nil && c.copyFromOthers(ctx, key, it, target) {
		t.add(&t.cached)
		return nil, nil
	}
	if err := c.reserve(ctx, key, it); err != nil {
		return nil, err
	}
	if lerr == nil { // the process that fetched it died before it wrote the entry, or the entry is lost
		same, err := c.c.SameFile(ctx, path, it.ref, &c.Transfer.Attrs)
		if err == nil && same.Verdict == haul.Equal && same.Target.ETag == it.state && fi.Mode().IsRegular() {
			t.add(&t.cached)
			if err := c.record(path, it, haul.Result{}); err != nil {
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
	if err := c.record(path, it, result); err != nil {
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

// isIntact reports whether an entry is what it was when it was verified, and if not, why.
func (c *cache) isIntact(ctx context.Context, path string, have entry, it *item) (bool, string, error) {
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

// record writes the entry of what was fetched.
func (c *cache) record(path string, it *item, result haul.Result) error {
	if err := os.Chmod(path, 0o444); err != nil {
		return err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return writeEntry(path, entry{it.source, it.state, fi.Size(), sumText(result.Proof.Sum), fi.ModTime(), true})
}

// reserve makes room for an entry, and counts it.
func (c *cache) reserve(ctx context.Context, key string, it *item) error {
	path := filepath.Join(c.own, key)
	lock, err := c.lock(ctx, cacheLock, "")
	if err != nil {
		return err
	}
	if err = c.makeRoom(key, it.size); err == nil {
		err = writeEntry(path, entry{Source: it.source, State: it.state, Size: it.size})
	}
	if err = errors.Join(err, lock.Close()); err != nil {
		return cacheError{err}
	}
	return nil
}

// makeRoom removes the least recently used entries that are not in use. In use are locked ones, and those with another hard link,
// whose removal would free nothing.
func (c *cache) makeRoom(key string, need int64) error {
	file := filepath.Join(c.own, totalName)
	if c.Size == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if need > c.Size {
		return fmt.Errorf("the limit is %s, and the object has %s", amount.Bytes(c.Size), amount.Bytes(need))
	}
	text, err := os.ReadFile(file)
	total, terr := strconv.ParseInt(string(text), 10, 64)
	if total += need; err != nil || terr != nil || total > c.Size {
		if total, err = c.evict(key, need); err != nil {
			return err
		}
	}
	if total > c.Size {
		return fmt.Errorf("the limit is %s, and %s more is needed beside what is in use", amount.Bytes(c.Size), amount.Bytes(total-c.Size))
	}
	return replaceFile(file, strconv.AppendInt(nil, total, 10))
}

// evict removes as many entries as it must, but not that of key, and returns the size of the others plus need.
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
		base, ok := strings.CutSuffix(name.Name(), entrySuffix)
		if !ok || base == key {
			continue
		}
		path := filepath.Join(c.own, base)
		have, err := readEntry(path)
		fi, serr := name.Info()
		if err != nil || serr != nil {
			continue
		}
		total += have.Size
		all = append(all, entry{path, have.Size, fi.ModTime()})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path)) })
	goal := c.Size
	if total > goal && len(all) > manyEntries {
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

// dropEntry removes an entry with what an interrupted fetch may have left.
func dropEntry(path string) error {
	dir, base := filepath.Split(path)
	left, err := os.ReadDir(dir)
	names := []string{path + entrySuffix, path}
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

func readEntry(path string) (k entry, err error) {
	b, err := os.ReadFile(path + entrySuffix)
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	return k, err
}

func writeEntry(path string, k entry) error {
	b, err := json.Marshal(k)
	if err != nil {
		panic("stage: internal error: an entry does not marshal: " + err.Error())
	}
	return replaceFile(path+entrySuffix, b)
}

// replaceFile writes a file whole or not at all. An existing file is replaced, and never written to.
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
		return errors.Join(err, ignoreMissing(os.Remove(temp)))
	}
	return nil
}

// share makes target with the bytes of a file without copying them: by a reflink or, if link is true, a hard link. The file is open,
// and nobody removes it meanwhile.
func share(f *os.File, target string, link bool) bool {
	return reflink(f, target) || link && hardlink(f, target)
}

// hardlink makes a hard link to the file. It checks that the name was still that of the open file.
func hardlink(f *os.File, target string) bool {
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
