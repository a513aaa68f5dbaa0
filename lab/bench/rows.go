package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/endpoint"
)

// Row is one kind of work, done by every tool in every round.
type Row struct {
	Name string `json:"name"`
	// Unit of CPU: seconds a GiB, or milliseconds an object or a start.
	Unit string `json:"unit"`
	// Per is what CPU seconds are multiplied by to get the unit.
	Per   float64             `json:"per"`
	Order []string            `json:"tools"`
	Runs  map[string][]Sample `json:"runs"` // by tool, one a round
	Notes []string            `json:"notes"`

	job job
}

func (b *bench) rowsOf() []*Row {
	perGiB := float64(1<<30) / float64(b.size)
	perObject := 1000 / float64(b.small)
	big := job{size: b.size}
	small := job{size: smallSize, many: b.small}
	all := []*Row{
		{Name: "up-http", Unit: "s/GiB", Per: perGiB, job: big},
		{Name: "up-https", Unit: "s/GiB", Per: perGiB, job: big},
		{Name: "down-http", Unit: "s/GiB", Per: perGiB, job: big},
		{Name: "down-https", Unit: "s/GiB", Per: perGiB, job: big},
		{Name: "small-up-http", Unit: "ms/object", Per: perObject, job: small},
		{Name: "small-down-http", Unit: "ms/object", Per: perObject, job: small},
		{Name: "start", Unit: "ms/start", Per: 1000},
	}
	all[0].job.up, all[1].job.up, all[4].job.up = true, true, true
	all[1].job.secure, all[3].job.secure = true, true
	// A whole name means that row alone: up-http is a piece of three.
	named := func(r *Row) bool { return contains(b.rows, r.Name) }
	if slices.ContainsFunc(all, named) {
		return slices.DeleteFunc(all, func(r *Row) bool { return !named(r) })
	}
	return slices.DeleteFunc(all, func(r *Row) bool { return !b.wanted(r.Name) })
}

// inputs is what the rows read; what they fetch is the same.
type inputs struct {
	file, folder string
	sum          checksum.Sum
	sums         []checksum.Sum
}

const (
	bigKey   = "big.bin"
	smallKey = "small/"
)

func (b *bench) rowsMode(ctx context.Context) (err error) {
	rows := b.rowsOf()
	if len(rows) == 0 {
		return errors.New("no row has such a name")
	}
	// Source, target and patterns; the small objects both ways.
	if err := b.need(2*b.size + 2*int64(b.small)*smallSize + 1<<29); err != nil {
		return err
	}
	declare := []string{"-object", bucket + "/" + bigKey + "=" + strconv.FormatInt(b.size, 10),
		"-object", bucket + "/" + smallKey + "=" + strconv.Itoa(b.small) + "x" + strconv.Itoa(smallSize)}
	s, err := b.startSink("fast", declare...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	checker, err := b.startSink("checking", "-check", "-pattern", "1MiB")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, checker.stop()) }()
	b.say("making the sources")
	in := inputs{file: filepath.Join(b.dir, "source"), folder: filepath.Join(b.dir, "sources")}
	if in.sum, err = b.source(ctx, s, bigKey, in.file); err != nil {
		return err
	}
	if in.sums, err = b.smallSources(ctx, s, in.folder); err != nil {
		return err
	}
	b.report.loaded()
	for _, r := range rows {
		b.report.Rows = append(b.report.Rows, r)
		if err := b.row(ctx, r, in, s, checker); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		b.say("%s\n%s", r.Name, r.table(b.tools))
	}
	return nil
}

// row checks every tool, and then measures all of them in turn: in their order, and in the next round the other way round.
func (b *bench) row(ctx context.Context, r *Row, in inputs, s, checker *sink) error {
	r.Runs = map[string][]Sample{}
	var able []*tool
	for _, t := range b.tools {
		err := b.check(ctx, r, t, in, s, checker)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errCannot) && t.Kind == floor: // the floors need not know everything
		case errors.Is(err, errCannot):
			r.note("%s is left out: %v", t.Name, err)
		case err != nil:
			r.note("%s failed: %v", t.Name, err)
		default:
			able = append(able, t)
			r.Order = append(r.Order, t.Name)
		}
		b.say("%s: checked %s", r.Name, t.Name)
	}
	for round := range b.rounds {
		for _, t := range able {
			sample, err := b.once(ctx, r, t, in, s)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return fmt.Errorf("%s, round %d: %w", t.Name, round+1, err)
			}
			r.Runs[t.Name] = append(r.Runs[t.Name], sample)
		}
		slices.Reverse(able)
		b.say("%s: round %d of %d", r.Name, round+1, b.rounds)
	}
	return nil
}

func (r *Row) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// once runs a tool on a row's work, with a fresh target that is gone afterwards.
func (b *bench) once(ctx context.Context, r *Row, t *tool, in inputs, s *sink) (Sample, error) {
	if r.Name == "start" {
		return b.starts(ctx, t)
	}
	j, err := b.jobOf(r, t, in)
	if err != nil {
		return Sample{}, err
	}
	sample, err := b.run(ctx, t, j, s)
	return sample, errors.Join(err, b.fresh())
}

// jobOf fills in where a job reads and writes.
func (b *bench) jobOf(r *Row, t *tool, in inputs) (job, error) {
	j := r.job
	switch {
	case j.up && j.many > 0:
		j.local, j.key = in.folder, "up-"+t.Name+"/"
	case j.up:
		j.local, j.key = in.file, "up-"+t.Name+".bin"
	case j.many > 0:
		j.local, j.key = b.targets(), smallKey
	default:
		j.local, j.key = b.target(), bigKey
	}
	return j, b.fresh()
}

// targets is the folder that is written to.
func (b *bench) targets() string { return filepath.Join(b.dir, "targets") }

// target is the big file in it.
func (b *bench) target() string { return filepath.Join(b.targets(), "target") }

// fresh makes it new, and makes haul forget runs that were broken off.
func (b *bench) fresh() error {
	if err := errors.Join(os.RemoveAll(b.targets()), os.RemoveAll(endpoint.StateDir(b.home))); err != nil {
		return err
	}
	return os.Mkdir(b.targets(), 0o700)
}

// starts measures how long a program takes to say its version: the mean of ten.
func (b *bench) starts(ctx context.Context, t *tool) (Sample, error) {
	if t.versionArgs == nil {
		return Sample{}, fmt.Errorf("it has no version: %w", errCannot)
	}
	var sum Sample
	const times = 10
	for range times {
		s, err := b.spend(ctx, time.Minute, append([]string{t.path}, t.versionArgs...), endpoint.Bare(b.home))
		if err != nil {
			return sum, err
		}
		sum.Wall += s.Wall / times
		sum.User += s.User / times
		sum.Sys += s.Sys / times
		sum.RSS = max(sum.RSS, s.RSS)
	}
	return sum, nil
}
