package haul

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/oldformat"
	"haul.example/haul/store"
)

// recordVersion grows when a field of a record changes its meaning or is removed.
const recordVersion = 2

// record is what is recorded about an unfinished transfer, before its first part moves. It holds no secret.
type record struct {
	// Format is the recordVersion; records of version 1 have none.
	Format   int       `json:"haul_journal"`
	Kind     direction `json:"kind"`
	Identity string    `json:"store"`
	Path     []byte    `json:"path"` // absolute; a name of a file may be no UTF-8
	Ref      store.Ref `json:"object"`
	Began    time.Time `json:"began"`
	Choices  choices   `json:"choices"`

	// of an upload
	PartSize    int64                 `json:"part_size,omitempty"`
	UploadID    string                `json:"upload_id,omitempty"`
	Scheme      checksum.Scheme       `json:"scheme"`
	Fingerprint localfile.Fingerprint `json:"fingerprint"`
	// LostSince is when an upload was first requested whose ID was never received; zero if there is none. No UploadID says
	// that no ID was received at all.
	LostSince time.Time `json:"lost_since,omitzero"`
	// Host and PID are of the process that does a transfer that cannot be resumed.
	Host string `json:"host,omitempty"`
	PID  int    `json:"pid,omitempty"`

	// From is the source of a copy from another store, and FromIdentity that store.
	From         store.Ref `json:"from,omitzero"`
	FromIdentity string    `json:"from_store,omitempty"`

	// of a download, and of a copy from another store
	Temp      []byte             `json:"temp,omitempty"`
	Size      int64              `json:"size,omitempty"`
	ETag      string             `json:"etag,omitempty"`
	Version   string             `json:"version,omitempty"`
	Algorithm checksum.Algorithm `json:"algorithm,omitempty"`
}

// UnmarshalJSON reads a record of this version or an earlier one.
func (r *record) UnmarshalJSON(text []byte) error {
	type plain record
	if err := json.Unmarshal(oldformat.Rename(text), (*plain)(r)); err != nil {
		return err
	}
	if r.Format > recordVersion {
		return fmt.Errorf("the record is of version %d, and this haul reads %d", r.Format, recordVersion)
	}
	r.Format = recordVersion
	return nil
}

// choices are the options that Resume needs.
type choices struct {
	PartSize  int64              `json:"part_size,omitempty"`
	Checksum  checksum.Algorithm `json:"checksum,omitempty"`
	NoClobber bool               `json:"no_clobber,omitempty"`
	Times     bool               `json:"times,omitempty"`
	Attrs     store.Attrs        `json:"attrs"`

	Digests     []checksum.Algorithm `json:"digests,omitempty"`
	DigestFirst bool                 `json:"digest_first,omitempty"`
}

// entry is one finished range of a download, one part of a copy from another store, or how far a digest has come. (The parts of an
// upload of a file need none: the store lists them, and the file can be read again.)
type entry struct {
	Offset int64        `json:"offset"`
	Length int64        `json:"length"`
	Sum    checksum.Sum `json:"sum"`
	// ETag is that of the part in the upload, and Sent the sum of its bytes by the upload's scheme.
	ETag string       `json:"etag,omitempty"`
	Sent checksum.Sum `json:"sent,omitzero"`
	// State is that of a hash of this algorithm after the first Offset bytes; an entry without bytes and State voids all
	// earlier ones.
	Digest checksum.Algorithm `json:"digest,omitempty"`
	State  []byte             `json:"state,omitempty"`
	// Rate is what the link moves, in bytes a second, if it is the link that bounds the transfer; such an entry has nothing else.
	Rate int64 `json:"rate,omitempty"`
}

type direction string

const (
	uploading   direction = "upload"
	downloading direction = "download"
	// streamed and copied transfers are not resumed: their records only say what is left to abort.
	streamed direction = "stream"
	copied   direction = "copy"
	// fromStore is a copy from another store, which is resumed.
	fromStore direction = "copy-from"
)

type recordLog = journal.Log[record, entry]

// openLog finds the record of this transfer, and locks it against other processes. A nil log without an error means that no
// record can be kept here; the user has been notified.
func (t *transfer) openLog(ctx context.Context, name string) (*recordLog, error) {
	dir, err := journal.Dir(t.c.opts.StateDir)
	if err == nil {
		var l *recordLog
		err = t.c.dispatch.WithFile(ctx, t, func() (err error) {
			l, err = journal.Open[record, entry](dir, name)
			return err
		})
		if err == nil {
			return l, nil
		}
	}
	var busy *journal.BusyError
	if errors.As(err, &busy) {
		return nil, fmt.Errorf("%w: %w", ErrBusy, busy)
	}
	t.Note(fmt.Sprintf("no record can be kept, so an interrupted run would start over: %v", err))
	return nil, nil
}

// recordName returns a name that differs for different transfers.
func (t *transfer) recordName(d direction, path string, ref store.Ref) string {
	return strings.Join([]string{string(d), t.c.identity, path, ref.Bucket, ref.Key, ref.Version}, "\x00")
}

// recorded reports whether an earlier run of this transfer may have left a record.
func (t *transfer) recorded(name string) bool {
	dir, err := journal.Dir(t.c.opts.StateDir)
	return err == nil && journal.Exists(dir, name)
}

func (t *transfer) choices() choices {
	return choices{
		PartSize: t.o.partSize, Checksum: t.o.checksum, NoClobber: t.o.noClobber, Times: t.o.times, Attrs: t.o.attrs,
		Digests: t.o.digests, DigestFirst: t.o.digestFirst,
	}
}

// unfit returns in words why the record does not fit this call; empty if it does.
func (t *transfer) unfit(r record) string {
	switch {
	case r.Kind != downloading && t.o.partSize != 0 && t.o.partSize != r.PartSize:
		return "it used another part size"
	case t.o.checksum != checksum.None && r.Kind != downloading && t.o.checksum != r.Scheme.Algorithm:
		return "it used another checksum"
	case r.Kind != downloading && t.o.digestFirst && !r.Choices.DigestFirst:
		return "its metadata has no MD5"
	case r.Kind != downloading && attrsKey(&t.o.attrs) != attrsKey(&r.Choices.Attrs):
		return "its options were others"
	}
	return ""
}

// append writes a line to the record.
func (t *transfer) append(l *recordLog, e entry) {
	if l == nil {
		return
	}
	if err := l.Append(e); err != nil && t.mute.CompareAndSwap(false, true) {
		t.Note(fmt.Sprintf("progress can no longer be recorded, so an interrupted run would repeat it: %v", err))
	}
}

// noteRate writes down what the link moves, if that is known and new, so that a resumed transfer has no more in flight from its start
// than an interruption may lose.
func (t *transfer) noteRate(l *recordLog) {
	rate, before := t.c.dispatch.Pace.Rate(), t.rate.Load()
	if l == nil || rate <= 0 || before > 0 && rate > before-before/4 && rate < before+before/4 || !t.rate.CompareAndSwap(before, rate) {
		return
	}
	t.append(l, entry{Rate: rate})
}

// expectRate starts with what an earlier run wrote down.
func (t *transfer) expectRate(l *recordLog) {
	for _, e := range slices.Backward(entries(l)) {
		if e.Rate > 0 {
			t.c.dispatch.Pace.Expect(e.Rate)
			return
		}
	}
}

// entries returns the lines that earlier runs wrote.
func entries(l *recordLog) []entry {
	if l == nil {
		return nil
	}
	return l.Entries()
}

// forget removes a record; a failure here only costs the next run a look.
func (t *transfer) forget(l *recordLog) {
	if l == nil {
		return
	}
	if err := l.Forget(); err != nil {
		t.Note(fmt.Sprintf("the record of this transfer could not be removed: %v", err))
	}
}

// keepRecord opens the record. A run that is never resumed has one too, so that a later one finds what is left of it if it
// is killed; but it does without if records cannot be kept.
func (u *upload) keepRecord(ctx context.Context) (err error) {
	if u.from == nil {
		u.leftover = u.remember(ctx, streamed)
		return nil
	}
	if u.o.resume != ResumeNever {
		u.log, err = u.openLog(ctx, u.logName())
		return err
	}
	if dir, err := journal.Dir(u.c.opts.StateDir); err == nil {
		u.log, _ = journal.Open[record, entry](dir, u.logName())
	}
	return nil
}

// writeDown updates the record, unless it is current.
func (u *upload) writeDown() {
	if u.leftover != nil {
		u.leftover.write()
	}
	if u.log == nil {
		return
	}
	write := u.log.Begin
	if earlier, ok := u.log.Header(); ok && earlier.UploadID == u.up.ID && u.up.ID != "" {
		if earlier.Scheme == u.up.Scheme {
			return
		}
		write = u.log.Amend // the store lists it with another scheme than it was opened with
	}
	if err := write(u.record()); err != nil {
		u.Note(fmt.Sprintf("no record can be kept, so an interrupted run would start over: %v", err))
		u.log.Close()
		u.log = nil
	}
}

func (u *upload) record() record {
	r := record{
		Format:   recordVersion,
		Identity: u.c.identity, Ref: u.up.Ref, Began: time.Now(), PartSize: u.layout.PartSize,
		Choices: u.choices(), UploadID: u.up.ID, Scheme: u.up.Scheme, LostSince: u.lostSince,
	}
	u.from.pin(&r)
	return r
}

// logName is that of the record of this upload.
func (u *upload) logName() string {
	kind, path := u.from.name()
	return u.recordName(kind, path, u.up.Ref)
}

// origin is where the bytes of an upload come from that can be resumed.
type origin interface {
	// name returns what the record is found by, beside the object.
	name() (direction, string)
	// pin records the state that the source is in.
	pin(*record)
	// unlike returns in words why the state is not the recorded one; empty if it is. It is doubtful if something about the source has
	// changed that may have been its bytes.
	unlike(record) (why string, doubtful bool)
	modified() time.Time
}

// fileOrigin is a file.
type fileOrigin struct{ *localfile.Source }

func (f fileOrigin) name() (direction, string) { return uploading, f.Path() }

func (f fileOrigin) modified() time.Time { return f.ModTime() }

func (f fileOrigin) pin(r *record) {
	r.Kind, r.Path, r.Fingerprint = uploading, []byte(f.Path()), f.Fingerprint()
}

func (f fileOrigin) unlike(r record) (why string, doubtful bool) {
	now := f.Fingerprint()
	if !r.Fingerprint.Same(now) {
		why = "the source has changed since"
	}
	return why, r.Fingerprint.CTime != 0 && r.Fingerprint.CTime != now.CTime
}
