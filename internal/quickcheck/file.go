package quickcheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// checkedFile is one file that was checked.
type checkedFile struct {
	report  Report
	content seqfile.Content
	read    bool // content could be read
	// stored is when the object was stored, and made is the time of the file, also as the object's metadata have it.
	stored, made time.Time
}

func (p *Report) add(findings ...seqfile.Finding) {
	for _, f := range findings {
		p.Findings = append(p.Findings, f)
		switch {
		case f.Bad:
			p.Grade = Bad
		case p.Grade == OK:
			p.Grade = Warn
		}
	}
}

func (p *Report) unreadable(text string) {
	p.Grade, p.Findings = Unreadable, append(p.Findings, seqfile.Finding{Text: text})
}

// checkFile checks one file.
func (r *run) checkFile(ctx context.Context, e mirror.Entry) (checkedFile, error) {
	l := checkedFile{report: Report{Name: e.Address(), Kind: seqfile.KindOf(e.Rel), Grade: OK, Size: e.Size}, stored: e.Modified}
	if !seqfile.Checks(l.report.Kind) {
		l.report.Grade = Other
		return l, nil
	}
	if e.Why != nil {
		l.report.unreadable(e.Why.Error())
		return l, nil
	}
	if !r.wants(e.Rel) && seqfile.RoleOf(e.Rel) == seqfile.Index {
		return l, nil
	}
	var err error
	if e.Path != "" {
		err = l.file(e, r.o.Content)
	} else {
		err = l.object(ctx, r, e.Object)
	}
	switch {
	case err == nil:
		l.read = true
		l.report.add(l.content.Findings...)
		if l.report.Grade == OK {
			l.report.Unsure = l.content.Unsure
		}
	case errors.Is(err, store.Archived):
		l.report.add(seqfile.Finding{Text: "it is archived, and cannot be read until it is restored"})
	case ctx.Err() != nil, e.Path == "" && mirror.Hopeless(err):
		return l, err
	default:
		l.report.unreadable(fmt.Sprintf("it cannot be read: %v", err))
	}
	return l, nil
}

func (l *checkedFile) file(e mirror.Entry, o seqfile.Options) error {
	f, err := os.Open(e.Path)
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	l.made, l.report.Size = fi.ModTime(), fi.Size()
	l.content, err = seqfile.Check(l.report.Kind, f, fi.Size(), o)
	return err
}

// readerAt reads by a function.
type readerAt func(p []byte, off int64) (int, error)

// ReadAt reads.
func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }

func (l *checkedFile) object(ctx context.Context, r *run, obj store.Object) (err error) {
	read := readerAt(func(p []byte, off int64) (int, error) {
		got, err := r.c.ReadRange(ctx, obj, off, p, &r.o.Attrs)
		if err != nil {
			return 0, err
		}
		if at, ok := haul.FileTime(got); ok {
			l.made = at
		}
		return len(p), nil
	})
	l.content, err = seqfile.Check(l.report.Kind, read, obj.Size, r.o.Content)
	return err
}

// olderText reports an index that is older than its data. Of objects, the times of their files count if both keep them; otherwise those
// of the store, which only show which was stored first.
func olderText(index, data checkedFile) string {
	if !index.read || !data.read || index.report.Kind == seqfile.Dict {
		return ""
	}
	from, to, how := index.stored, data.stored, "it was stored before its data (by %s): it may belong to an earlier version, or was simply uploaded first"
	if !index.made.IsZero() && !data.made.IsZero() {
		from, to, how = index.made, data.made, "it is older than its data (by %s): it may belong to an earlier version, or was simply copied first"
	}
	if by := to.Sub(from); by >= time.Second { // less says nothing about which was finished first
		return fmt.Sprintf(how, amount.Took(by))
	}
	return ""
}
