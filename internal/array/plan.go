package array

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/internal/pool"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Request describes a plan to make.
type Request struct {
	From, To mirror.End
	// Sync leaves out what is equal, as mirror.Sync does by Options; nothing is deleted. Otherwise all that Options.Select chooses is
	// transferred.
	Sync    bool
	Options mirror.SyncOptions
	Shards  int
	// Cut is the size in bytes above which several shards transfer an object; 0 is 1 GiB.
	Cut int64
}

const (
	// MaxShards bounds the shards of a plan: the limit of AWS Batch, and above Slurm's default (MaxArraySize 1001).
	MaxShards  = 10_000
	defaultCut = 1 << 30
	// rangesEach is about how many ranges of shared objects each shard would have if there were nothing else: enough to balance the
	// shards. A range has at least 1/leastRange of Cut, and at most mostRange bytes.
	rangesEach = 64
	leastRange = 16
	mostRange  = 8 << 30
	// openings is how many shared transfers are opened at once.
	openings = 32
)

// Make finds what is to be transferred and writes the plan. Events report what was found, as Planned, and what cannot be
// transferred; the error is then a *mirror.IncompleteError, and the plan is valid for the rest. With any other error there is no
// plan, and no upload is left open.
func Make(ctx context.Context, c *haul.Client, d *PlanDir, r Request) (Header, error) {
	if err := r.check(ctx, d); err != nil {
		return Header{}, err
	}
	if err := hasBucket(ctx, c, r.To); err != nil {
		return Header{}, err
	}
	p := &planner{c: c, d: d, r: r, balance: NewBalance(r.Shards), files: make([]shardFile, r.Shards-firstShard)}
	if p.observe = r.Options.Observe; p.observe == nil {
		p.observe = func(mirror.Event) {}
	}
	p.h = Header{
		Version: version, ID: rand.Text(), Made: time.Now().UTC().Truncate(time.Second), Store: store.Identity(c.Store()),
		From: rootOf(r.From), To: rootOf(r.To), Transfer: r.Options.Transfer, Guess: r.Options.ContentType != nil,
		NoFamilies: r.Options.NoFamilies, Way: wayBetween(rootOf(r.From), rootOf(r.To)), Shards: make([]Load, r.Shards),
	}
	for i := range p.files {
		p.files[i] = shardFile{path: d.local(shardName(shardsName, i+firstShard)), most: min(gathered, gatheredAll/r.Shards)}
	}
	lost, err := p.distribute(ctx)
	if err != nil {
		return Header{}, err
	}
	if err := p.write(ctx); err != nil {
		return Header{}, errors.Join(err, p.discard(ctx))
	}
	if lost.Failed+lost.Skipped > 0 {
		return p.h, &lost
	}
	return p.h, nil
}

// check refuses an invalid request, completes it, and checks that there is no plan yet.
func (r *Request) check(ctx context.Context, d *PlanDir) error {
	e := r.Options.Transfer.Attrs.Encryption
	switch {
	case r.Shards < 1 || r.Shards > MaxShards:
		return fmt.Errorf("%w: %d shards, and there can be 1 to %d", store.Invalid, r.Shards, MaxShards)
	case e.Customer.Key != "" || e.CopySource.Key != "":
		return fmt.Errorf("%w: a customer-provided key is never saved, so the tasks could not use it", store.Unsupported)
	}
	if r.Cut == 0 {
		r.Cut = defaultCut
	}
	r.Options.DryRun = true
	for _, end := range []*mirror.End{&r.From, &r.To} {
		if end.Path != "" {
			abs, err := filepath.Abs(end.Path)
			if err != nil {
				return err
			}
			end.Path = abs
		} else if end.Ref.Key != "" && !strings.HasSuffix(end.Ref.Key, "/") {
			end.Ref.Key += "/"
		}
	}
	if r.Options.Select.Pairs == nil && d.isWithin(r.From) {
		return fmt.Errorf("%w: the plan would be in the source, %s", store.Invalid, r.From)
	}
	for _, name := range []string{headerName, sharedName} {
		if there, err := d.has(ctx, name); err != nil {
			return err
		} else if there {
			return fmt.Errorf("%w: %s already has a plan; choose another place, or discard that plan (haul array finish --abort)", store.Exists, d)
		}
	}
	if r.To.Path != "" {
		return localfile.MakeDirs(r.To.Path, 0o777)
	}
	return nil
}

// hasBucket looks for the target's bucket, by a listing of one object, before a hundred tasks find out that it is missing.
func hasBucket(ctx context.Context, c *haul.Client, to mirror.End) error {
	if to.Path != "" {
		return nil
	}
	for _, err := range c.List(ctx, to.Ref.Bucket, to.Ref.Key, &store.Attrs{PageSize: 1}) {
		if errors.Is(err, store.NoBucket) {
			return err
		}
		return nil // the shards report any other error: not everybody who may write may list
	}
	return nil
}

// planner is one Make.
type planner struct {
	c       *haul.Client
	d       *PlanDir
	r       Request
	observe func(mirror.Event)

	h       Header
	balance *Balance
	files   []shardFile // from firstShard
	large   []task      // larger than Cut, about 300 bytes of memory each
	err     error       // of writing

	mu     sync.Mutex
	opened []opened
}

// opened is a shared transfer that was opened, with the number of its line.
type opened struct {
	n int
	s haul.Distributed
}

// distribute gives what is found to shards at once, except for big objects, which it keeps.
func (p *planner) distribute(ctx context.Context) (mirror.IncompleteError, error) {
	unreadable := 0 // of the list's files
	o := p.r.Options
	o.Observe = func(e mirror.Event) {
		p.observe(e)
		if e.Kind != mirror.Planned {
			return
		}
		if p.r.Options.Select.Pairs != nil && e.Entry.Path != "" {
			e.Err = checkReadable(e.Entry.Path)
			if e.Err == nil && unreadable > 0 && p.shardFor(p.below(e.Target)) == markers {
				e.Err = fmt.Errorf("it comes last, and %d of the list failed", unreadable)
			}
		}
		if e.Err != nil {
			unreadable++
			e.Kind = mirror.Failed
			p.observe(e)
			return
		}
		p.addTask(e)
	}
	var sum mirror.Summary
	var err error
	if p.r.Sync {
		sum, err = mirror.Sync(ctx, p.c, p.r.From, p.r.To, o)
	} else {
		sum, err = mirror.Tree(ctx, p.c, p.r.From, p.r.To, o.Options)
	}
	part := mirror.IncompleteError{Failed: sum.Failed + unreadable, Skipped: sum.Skipped}
	if incomplete := new(mirror.IncompleteError); errors.As(err, &incomplete) {
		err = nil
	}
	return part, errors.Join(err, p.err)
}

// checkReadable opens a file that a list names: no walk has seen it.
func checkReadable(path string) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	return src.Close()
}

// addTask makes a task of what was found, and gives it to a shard.
func (p *planner) addTask(e mirror.Event) {
	t := task{Source: name(e.Entry.Rel), Size: e.Entry.Size, Modified: localfile.Nanoseconds(e.Entry.Modified), ETag: e.Entry.Object.ETag}
	if e.Entry.Path == "" && !time.Unix(0, t.Modified).Equal(e.Entry.Modified) {
		t.Modified = 0 // it is not compared, only recorded
	}
	if e.Entry.Path != "" && filepath.Join(p.r.From.Path, filepath.FromSlash(e.Entry.Rel)) != e.Entry.Path {
		t.Source = name(e.Entry.Path)
	}
	below := p.below(e.Target)
	if name(below) != t.Source {
		t.Target = name(below)
	}
	p.h.Objects++
	p.h.Bytes += t.Size
	shard := p.shardFor(below)
	if shard >= 0 && t.Size > p.r.Cut {
		p.large = append(p.large, t)
		return
	}
	if shard >= 0 {
		shard = p.balance.Give(t.Size)
	}
	p.h.load(shard).Objects++
	p.writeTask(shard, t)
}

// below returns a target's name below that of the plan, with slashes.
func (p *planner) below(target string) string {
	if p.h.Way != mirror.Download {
		return strings.TrimPrefix(target, p.r.To.String())
	}
	if rel, err := filepath.Rel(p.r.To.Path, target); err == nil {
		target = rel
	}
	return filepath.ToSlash(target)
}

// shardFor returns the shard of a manifest or marker, by the name below the target; 0 stands for any.
func (p *planner) shardFor(below string) int {
	switch role := seqfile.RoleOf(below); {
	case p.h.NoFamilies:
	case role == seqfile.Marker, p.r.Options.IsLast(below):
		return markers
	case role == seqfile.Manifest:
		return manifests
	}
	return 0
}

// writeTask writes a task to the file of its shard.
func (p *planner) writeTask(shard int, t task) {
	p.h.load(shard).Bytes += t.Size
	if err := p.files[shard-firstShard].add(t); err != nil && p.err == nil {
		p.err = fmt.Errorf("write %s of the plan: %w", shardWord(shard), err)
	}
}

// write opens what is shared, distributes its parts, and completes the plan.
func (p *planner) write(ctx context.Context) error {
	if err := p.open(ctx); err != nil {
		return err
	}
	p.splitShared()
	p.h.Shared = len(p.opened)
	for i := range p.files {
		shard := i + firstShard
		if shard < 0 && p.h.load(shard).tasks() == 0 {
			continue
		}
		err := p.files[i].end()
		if err == nil {
			err = p.d.publish(ctx, shardName(shardsName, shard))
		}
		if err != nil {
			return fmt.Errorf("write %s of the plan: %w", shardWord(shard), err)
		}
	}
	if p.err != nil {
		return p.err
	}
	if p.h.Shared > 0 {
		if err := p.d.publish(ctx, sharedName); err != nil {
			return fmt.Errorf("write the plan: %w", err)
		}
	}
	if err := p.d.writeJSON(ctx, headerName, p.h); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// splitShared distributes the parts of what is shared, in ranges: first those of full size, then the smaller ones at the ends, which
// balance best.
func (p *planner) splitShared() {
	var total int64
	for _, t := range p.large {
		total += t.Size
	}
	size := min(max(total/int64(p.r.Shards*rangesEach), p.r.Cut/leastRange, 1), mostRange)
	var ends []task
	give := func(t task) {
		shard := p.balance.Level(t.Size)
		p.h.Shards[shard].Ranges++
		p.writeTask(shard, t)
	}
	for _, o := range p.opened {
		each := int(max(size/o.s.PartSize, 1))
		for first := 1; first <= o.s.Parts(); first += each {
			last := min(first+each-1, o.s.Parts())
			t := task{Shared: o.n, First: first, Last: last, Size: o.s.Bytes(first, last)}
			if last-first+1 < each {
				ends = append(ends, t)
				continue
			}
			give(t)
		}
	}
	for _, t := range ends {
		give(t)
	}
}

// open opens a shared transfer for each big object, and writes its line at once.
func (p *planner) open(ctx context.Context) error {
	if len(p.large) == 0 {
		return nil
	}
	if err := os.MkdirAll(p.d.dir, 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(p.d.local(sharedName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = pool.Each(ctx, openings, p.large, func(ctx context.Context, _ int, t task) error {
		s, err := p.openShared(ctx, t)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.opened = append(p.opened, opened{len(p.opened) + 1, s})
		return planfile.WriteLine(f, newSharedLine(s))
	})
	return errors.Join(err, f.Sync(), f.Close())
}

// openShared opens the shared transfer of a task, whose source must still be what was found.
func (p *planner) openShared(ctx context.Context, t task) (s haul.Distributed, err error) {
	o := p.r.Options.Transfer
	o.IfMatch = t.ETag
	from, to := p.h.From, p.h.To
	switch p.h.Way {
	case mirror.Upload:
		path := from.file(t.Source)
		if o.Attrs.Headers.ContentType == "" && p.r.Options.ContentType != nil {
			o.Attrs.Headers.ContentType = p.r.Options.ContentType(path)
		}
		s, err = p.c.DistributeUpload(ctx, path, to.object(t.target()), o.Upload())
	case mirror.Download:
		s, err = p.c.DistributeDownload(ctx, from.object(t.Source), to.file(t.target()), o.Download())
	default:
		s, err = p.c.DistributeCopy(ctx, from.object(t.Source), to.object(t.target()), o.Copy())
	}
	if err == nil && (s.Size != t.Size || p.h.Way == mirror.Upload && localfile.Nanoseconds(s.Modified) != t.Modified) {
		err = errors.Join(fmt.Errorf("%w: %s", haul.ErrSourceChanged, from.file(t.Source)), p.c.AbortDistributed(ctx, s))
	}
	return s, err
}

// discard aborts what a failed plan has opened. It also runs if ctx has ended.
func (p *planner) discard(ctx context.Context) error {
	ctx, cancel := cleanupContext(ctx)
	defer cancel()
	failed := p.d.remove(ctx, headerName) // it may exist although the response was lost
	for _, o := range p.opened {
		failed = errors.Join(failed, p.c.AbortDistributed(ctx, o.s))
	}
	if failed != nil {
		return fmt.Errorf("discard what the plan started: %w", failed)
	}
	return p.d.remove(ctx, sharedName)
}

// cleanupContext returns a context for what must be done although ctx may have ended.
func cleanupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
}

// shardFile gathers the tasks of a shard, and opens its file only to append them: a plan may have more shards than a process may
// have open files.
type shardFile struct {
	path    string
	most    int // bytes to gather
	buf     []byte
	created bool
}

// gathered is how many bytes are gathered for one shard at most, and gatheredAll for all together.
const (
	gathered    = 16 << 10
	gatheredAll = 32 << 20
)

func (s *shardFile) add(t task) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	s.buf = append(append(s.buf, b...), '\n')
	if len(s.buf) < s.most {
		return nil
	}
	return s.flush()
}

func (s *shardFile) flush() error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if !s.created {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if err := os.MkdirAll(filepath.Dir(s.path), 0o777); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(s.path, flags, 0o600)
	if err != nil {
		return err
	}
	s.created = true
	_, err = f.Write(s.buf)
	s.buf = s.buf[:0]
	return errors.Join(err, f.Close())
}

// end writes what is left; an empty shard has an empty file.
func (s *shardFile) end() error {
	if s.created && len(s.buf) == 0 {
		return nil
	}
	return s.flush()
}
