package haul

import (
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"sync/atomic"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Resume says what a transfer does with what an earlier, unfinished run of it left.
type Resume string

const (
	// ResumeAuto resumes if an earlier run left a record, and keeps what is needed to resume this one.
	ResumeAuto Resume = ""
	// ResumeNever starts clean, and leaves nothing behind on failure.
	ResumeNever Resume = "never"
	// ResumeAdopt is ResumeAuto; but if there is no record, an upload takes over the newest open upload of the same key
	// with all its parts that match the file.
	ResumeAdopt Resume = "adopt"
)

// Transfer holds the options of one transfer. The zero value is a good default.
type Transfer struct {
	// PartSize in bytes; 0 lets haul choose.
	PartSize int64 `json:"part_size,omitempty"`
	// Checksum is the algorithm to use; None is the best that the store supports, CRC64NVME first.
	Checksum checksum.Algorithm `json:"checksum,omitempty"`
	Resume   Resume             `json:"resume,omitempty"`
	// NoClobber makes an existing target an error of kind store.Exists.
	NoClobber bool `json:"no_clobber,omitempty"`
	// ExpectedSize of a stream in bytes, if it is known; 0 is unknown. It need not be exact.
	ExpectedSize int64 `json:"expected_size,omitempty"`
	// IfMatch is the ETag that the object to download or to copy must have; another ETag is an error of kind store.Changed.
	IfMatch string `json:"if_match,omitempty"`
	// Times stores a file's modification time in the object's metadata on upload, and restores it on download.
	Times bool `json:"times,omitempty"`
	// Digests are computed of all bytes during the transfer, each on its own core, for Result.Digests. MD5 goes into the
	// metadata of an object that is stored by one request, under the names that rclone and s3cmd read, and the size of its
	// parts into that of a file in parts (haul-part-size). A copy moves no bytes through this machine: it has those that
	// the store recorded.
	Digests []checksum.Algorithm `json:"digests,omitempty"`
	// DigestFirst makes Upload read a large file once before it is sent, so that its MD5 can be in the metadata, which are
	// fixed when a multipart upload is opened.
	DigestFirst bool `json:"digest_first,omitempty"`
	// ReadTwice makes a download read bytes twice if nothing in the store verifies them: they are verified if both reads
	// agree.
	ReadTwice bool `json:"read_twice,omitempty"`
	// WantLayout asks for Result.Layout.
	WantLayout bool `json:"want_layout,omitempty"`
	// ReplaceMetadata gives a copy only the headers and metadata in Attrs, ReplaceTags only the tags in Attrs.
	ReplaceMetadata bool        `json:"replace_metadata,omitempty"`
	ReplaceTags     bool        `json:"replace_tags,omitempty"`
	Attrs           store.Attrs `json:"attrs,omitzero"`
	// Opened is called with each upload that was opened, before its first part is sent, so that a caller that may be killed
	// at any moment can record what would be left. It may be nil.
	Opened func(store.Upload) `json:"-"`
	// Root is a directory that a download must not leave: its target must lie below Root.Name(), which is absolute, and
	// nothing outside Root is written, renamed or removed, even if another process replaces a directory on the path with a
	// link. Nil allows any target.
	Root *os.Root `json:"-"`
}

// below returns where a download may write.
func (o Transfer) below() localfile.Below { return localfile.Below{Root: o.Root} }

// Result reports what a transfer did.
type Result struct {
	// Object is the stored object at the other end.
	Object store.Object
	// Size is that of the whole, in bytes. Kept of it came from an earlier run and was verified again. Moved went over the
	// network, repeated bytes counted each time.
	Size, Kept, Moved int64
	Parts             int
	Retries           int
	Elapsed           time.Duration
	Proof             Proof
	// Digests are those that Transfer.Digests asked for, in that order; for a copy, those of them that are known.
	Digests []checksum.Sum
	// Modified is the modification time of the local file, or of the object that was copied; zero for a stream.
	Modified time.Time
	// PartSize is that of all parts but the last, in bytes, of an object that this call stored in parts; 0 if they differ.
	// Layout are those parts, if Transfer.WantLayout asked for them: ten thousand at most.
	PartSize int64
	Layout   []store.Part
}

// Proof says how the bytes at both ends are known to be the same.
type Proof struct {
	// Verified is false if no checksum was there to compare; Text then says why.
	Verified bool
	// Sum is the checksum that both sides agree on.
	Sum checksum.Sum
	// Text is one clause for people, such as "CRC64NVME of the full object, checked by the store".
	Text string
}

// transfer is one running transfer, in any direction.
type transfer struct {
	// set once, before the first request
	c              *Client
	o              Transfer
	source, target string
	began          time.Time

	moved, kept atomic.Int64 // bytes
	safe        atomic.Int64 // bytes that are stored for good, including kept ones
	retries     atomic.Int64
	rate        atomic.Int64 // of the link, as it was written down last
	mute        atomic.Bool  // the record failed, and the user knows
	fleeting    bool         // nothing of it is kept if it fails; set before the first part is sent

	// of a copy
	sourceParts []int64 // sizes of the source's own parts; nil before the store was asked, and empty if they cannot be used
	unsummed    bool    // the store does not sum copied parts
	begun       bool    // the start event was sent
}

// begin starts a transfer. Size is -1 if it is not known.
func (c *Client) begin(source, target string, o Transfer) *transfer {
	return &transfer{c: c, o: o, source: source, target: target, began: time.Now()}
}

// started reports what is about to move; parts is 1 for a small object, 0 if it is not known.
func (t *transfer) started(size int64, parts int) {
	if t.begun { // a copy that continues in another way
		return
	}
	t.begun = true
	t.c.meter.Begin(size, parts)
	t.event(Event{Kind: EventStart, Size: size})
}

func (t *transfer) event(e Event) {
	if t.c.opts.Observe == nil {
		return
	}
	e.Time, e.Source, e.Target = time.Now(), t.source, t.target
	t.c.opts.Observe(e)
}

func (t *transfer) note(text string) { t.event(Event{Kind: EventNote, Text: text}) }

// keep counts bytes and parts of an earlier run that this one verified again.
func (t *transfer) keep(bytes int64, parts int) {
	if parts == 0 {
		return
	}
	t.kept.Add(bytes)
	t.safe.Add(bytes)
	t.c.meter.Kept(bytes, parts)
	t.event(Event{Kind: EventKept, Bytes: bytes})
}

// secured counts bytes that need not move again if the transfer is interrupted now.
func (t *transfer) secured(bytes int64) {
	t.safe.Add(bytes)
	t.c.meter.Safe(bytes)
}

// discarded takes back what was secured, if it is lost with the transfer.
func (t *transfer) discarded() { t.c.meter.Safe(-t.safe.Swap(0)) }

// done ends the transfer successfully.
func (t *transfer) done(r Result) Result {
	t.secured(r.Size - t.safe.Load())
	r.Kept, r.Moved = t.kept.Load(), t.moved.Load()
	r.Retries = int(t.retries.Load())
	r.Elapsed = time.Since(t.began)
	t.event(Event{Kind: EventDone, Size: r.Size, Result: &r})
	return r
}

// attrsKey returns a text that is equal for equal Attrs. It shows no secrets.
func attrsKey(a *store.Attrs) string {
	b, err := json.Marshal(a)
	if err != nil {
		panic("haul: internal error: attrs do not marshal: " + err.Error())
	}
	return string(b)
}

// tally counts bytes as they are read for sending, from front to back, and sums them if they have no sum yet. Its bytes are
// subtracted from the progress if the request fails.
type tally struct {
	io.ReaderAt
	t         *transfer
	f         *attempt // nil: not watched
	algorithm checksum.Algorithm
	h         hash.Hash       // of algorithm; nil: not summed
	done      <-chan struct{} // closed when the request ends early
	n         atomic.Int64
	// last is when bytes were last asked for, in nanoseconds after the client's birth.
	last atomic.Int64
}

// ReadAt reads and counts. Reading from the front again starts over.
func (y *tally) ReadAt(p []byte, off int64) (int, error) {
	n, err := y.ReaderAt.ReadAt(p, off)
	if y.h != nil {
		if off == 0 {
			y.h.Reset()
		}
		y.h.Write(p[:n])
	}
	y.t.c.limit.take(n, y.done)
	y.n.Add(int64(n))
	y.last.Store(int64(time.Since(y.t.c.born)))
	if y.f != nil {
		y.f.moved.Add(int64(n))
	}
	y.t.moved.Add(int64(n))
	y.t.c.meter.Moved(int64(n))
	y.t.c.meter.Done(int64(n))
	return n, err
}

// sum returns the sum of all that was read.
func (y *tally) sum() checksum.Sum { return checksum.Of(y.algorithm, y.h) }

// whole returns sum if all of size was read, as the caller that took it says.
func (y *tally) whole(size int64) (checksum.Sum, error) {
	if n := y.n.Load(); n < size {
		return checksum.Sum{}, &store.Error{Kind: store.Corrupt, Op: "UploadPart", Message: fmt.Sprintf("only %d of %d bytes were taken", n, size)}
	}
	return y.sum(), nil
}

// answer returns the time since the last bytes were handed over: the time the store took to answer, and sockets to empty.
func (y *tally) answer() time.Duration {
	last := time.Duration(y.last.Load())
	if last == 0 { // there was no byte
		return 0
	}
	return time.Since(y.t.c.born) - last
}

// settle makes the request's share of the progress equal to size: 0 after a failure, the part's size after success.
func (y *tally) settle(size int64) { y.t.c.meter.Done(size - y.n.Swap(size)) }
