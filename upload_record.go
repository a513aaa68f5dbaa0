package haul

import (
	"context"
	"fmt"
	"time"

	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/localfile"
)

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
