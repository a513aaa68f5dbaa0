package ui

import (
	"fmt"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Deletions reports deleted objects. One goroutine uses it.
type Deletions struct {
	s *Screen
	// dry: nothing is deleted, only reported.
	dry bool
}

// Deletions begins a run of deletions, or of a dry run of them.
func (s *Screen) Deletions(dry bool) *Deletions { return &Deletions{s, dry} }

// Deleted reports that an object is gone, or would be.
func (d *Deletions) Deleted(ref store.Ref) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	r := record{Event: string(mirror.Deleted), Verb: "delete", Source: ref.String(), Object: refRecord(ref)}
	if d.dry {
		r.Event = string(mirror.Planned)
	}
	d.s.log(r)
	switch {
	case d.s.cfg.JSON:
		d.s.json(r)
	case d.s.cfg.Quiet:
	case d.dry:
		d.s.line(d.s.out, "(dryrun) delete: "+Printable(ref.String()))
	default:
		d.s.line(d.s.out, "delete: "+Printable(ref.String()))
	}
}

// NotDeleted reports why an object was not deleted.
func (d *Deletions) NotDeleted(ref store.Ref, err error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	r := record{Event: "failed", Object: refRecord(ref), Error: Reason(err), Kind: string(store.KindOf(err))}
	d.s.log(r)
	if d.s.cfg.JSON {
		d.s.json(r)
	}
	d.s.line(d.s.cfg.Stderr, fmt.Sprintf("haul: failed: %s: %s", Printable(ref.String()), Printable(Reason(err))))
}

// Total ends the run.
func (d *Deletions) Total(deleted, failed int, needed time.Duration) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	elapsed := round(needed.Seconds())
	switch {
	case d.s.cfg.JSON:
		counts := objectCounts{Done: &deleted, Failed: &failed}
		if d.dry {
			counts.Done, counts.Planned = new(int), &deleted
		}
		d.s.json(record{Event: "summary", Elapsed: &elapsed, objectCounts: &counts})
	case d.s.cfg.Quiet:
	case d.dry:
		d.s.line(d.s.out, fmt.Sprintf("would delete %s; nothing was deleted", objects(deleted)))
	default:
		text := fmt.Sprintf("deleted %s in %s", objects(deleted), amount.Took(needed))
		if failed > 0 {
			text += fmt.Sprintf("; %s failed (listed above)", grouped(failed))
		}
		d.s.line(d.s.out, text)
	}
}

func refRecord(ref store.Ref) *objectRecord {
	return &objectRecord{Bucket: ref.Bucket, Key: ref.Key, Version: ref.Version}
}
