package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"haul.example/haul/checksum"
)

// bench is one run of the driver.
type bench struct {
	options
	home       string // of the tools
	dir        string // everything lies here, and goes with it
	clientCore int    // -1: any
	serverCore int
	limit      time.Duration // of one run of a tool
	tools      []*tool
	report     *report
}

func newBench(ctx context.Context, o options) (_ *bench, err error) {
	b := &bench{options: o, clientCore: -1, serverCore: -1, limit: 5 * time.Minute, report: newReport(ctx, o)}
	if b.haul, err = filepath.Abs(o.haul); err != nil {
		return nil, err
	}
	if all := cores(); len(all) > 1 {
		b.clientCore, b.serverCore = all[0], all[len(all)-1]
	} else {
		b.note("client and endpoint share what cores there are")
	}
	if b.dir, err = os.MkdirTemp(o.dir, "haul-bench-*"); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) prepare(ctx context.Context) (err error) {
	b.home = filepath.Join(b.dir, "home")
	if err := os.Mkdir(b.home, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"sink", "floor"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(b.dir, name), "haul.example/haul/lab/bench/"+name)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s, from inside the lab: %w\n%s", name, err, out)
		}
	}
	if b.tools, err = b.findTools(ctx); err != nil {
		return err
	}
	b.report.Tools = b.tools
	return nil
}

// close removes all files.
func (b *bench) close() error { return os.RemoveAll(b.dir) }

// say tells what is going on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

// note tells it, and puts it into the report.
func (b *bench) note(format string, args ...any) {
	b.say(format, args...)
	b.report.Notes = append(b.report.Notes, fmt.Sprintf(format, args...))
}

// need asks for that much memory, in which all files lie.
func (b *bench) need(bytes int64) error {
	disk, memory, err := room(b.dir)
	if err != nil {
		return err
	}
	const spare = 1 << 30
	if min(disk, memory) < bytes+spare {
		return fmt.Errorf("%d MiB are needed in %s, %d MiB are free; -size and -small make it less",
			(bytes+spare)>>20, b.options.dir, min(disk, memory)>>20)
	}
	return nil
}

const smallSize = 64 << 10

// source fetches an object of the endpoint into a file, and gives its sum.
func (b *bench) source(ctx context.Context, s *sink, key, path string) (checksum.Sum, error) {
	sum, err := s.sumOf(ctx, key)
	if err != nil {
		return sum, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return sum, err
	}
	return sum, errors.Join(s.fetch(ctx, key, f), f.Close())
}

// smallSources makes a folder of small files, and gives the sums.
func (b *bench) smallSources(ctx context.Context, s *sink, dir string) ([]checksum.Sum, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	sums := make([]checksum.Sum, b.small)
	for i := range sums {
		var err error
		if sums[i], err = b.source(ctx, s, smallKey+smallName(i), filepath.Join(dir, smallName(i))); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

func smallName(i int) string { return fmt.Sprintf("%05d", i) }
