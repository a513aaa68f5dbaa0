// Command bench measures haul beside its peers and beside bare socket loops, on this machine, against an S3 endpoint that keeps nothing.
//
//	bench           rows: each tool at its defaults; CPU, wall time, memory, requests
//	bench links     haul alone on links of many rates and delays: its default run against the best fixed concurrency
//	bench tail      some requests slow, some stalled: time against a clean run, bytes moved
//	bench faults    some requests refused, some connections cut: the same
//	bench digest    haul alone: what an MD5 beside an upload costs
//
// The client has one core to itself, the endpoint another. README.md tells what each number means, and what is not measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"haul.example/haul/lab/bench/nullstore"
)

// options are the command line.
type options struct {
	mode   string
	haul   string
	dir    string // in memory
	out    string
	rounds int
	rows   string // pieces of names, with commas
	only   string // names of tools, with commas; empty is all
	paths  map[string]string
	size   int64 // of the big object
	small  int   // how many small ones
	quick  bool
	full   bool // all points of the grid of links
	seed   uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	err = b.measure(ctx)
	if closed := b.close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return b.report.publish(o.out)
}

func (b *bench) measure(ctx context.Context) error {
	switch b.mode {
	case "rows":
		return b.rowsMode(ctx)
	case "links":
		return b.linksMode(ctx)
	case "digest":
		return b.digestMode(ctx)
	}
	return b.trialsMode(ctx)
}

// parse reads the command line.
func parse() (options, error) {
	o := options{mode: "rows", paths: map[string]string{}}
	size := ""
	flag.StringVar(&o.haul, "haul", "../bin/haul", "the haul `program`")
	flag.StringVar(&o.dir, "dir", "/dev/shm", "`folder` in memory for sources and targets")
	flag.StringVar(&o.out, "out", "", "`folder` to write the results to, as text and JSON; else they are only shown")
	flag.IntVar(&o.rounds, "rounds", 0, "`number` of rounds (else 7 of rows and digest, 3 of tail and faults, 1 of links; fewer with -quick)")
	flag.StringVar(&o.rows, "rows", "", "only rows, links or cases whose name is, or has in it, one of these `words`, with commas between")
	flag.StringVar(&o.only, "tools", "", "only these `tools`, with commas between: haul, floor-go, floor-c, mc, s5cmd, rclone, aws (tail and faults: else haul alone)")
	flag.StringVar(&size, "size", "", "`size` of the big object (else 2GiB; links: 1GiB and 4GiB; tail, faults and digest: 1GiB)")
	flag.IntVar(&o.small, "small", 0, "`number` of small objects of 64 KiB (else 5000)")
	flag.BoolVar(&o.quick, "quick", false, "small sizes, few rounds: to see that everything works")
	flag.BoolVar(&o.full, "full", false, "links: all 36 points of the grid, and not 12 of them")
	flag.Uint64Var(&o.seed, "seed", 1, "`number` that chooses the requests that are harmed")
	flag.Func("tool", "where a tool is: `NAME=PROGRAM`; again for more (else looked up on the PATH)", func(text string) error {
		name, path, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			return fmt.Errorf("%q is not NAME=PROGRAM", text)
		}
		o.paths[name] = path
		return nil
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "bench [flags] [rows | links | tail | faults | digest]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		o.mode = flag.Arg(0)
	}
	switch o.mode {
	case "rows", "links", "tail", "faults", "digest":
	default:
		return o, fmt.Errorf("there is no mode %q", o.mode)
	}
	if flag.NArg() > 1 {
		return o, fmt.Errorf("flags come before %q", o.mode)
	}
	if size != "" {
		n, err := nullstore.ParseSize(size)
		if err != nil {
			return o, err
		}
		o.size = n
	}
	if o.only == "" && o.mode != "rows" || o.mode == "links" {
		o.only = "haul"
	}
	return o.defaults(), nil
}

func (o options) defaults() options {
	pick := func(full, quick int64) int64 {
		if o.quick {
			return quick
		}
		return full
	}
	if o.rounds == 0 {
		switch o.mode {
		case "rows", "digest":
			o.rounds = int(pick(7, 3))
		case "links":
			o.rounds = 1
		default:
			o.rounds = int(pick(3, 1))
		}
	}
	if o.size == 0 {
		switch o.mode {
		case "rows":
			o.size = pick(2<<30, 256<<20)
		case "tail", "faults", "digest":
			o.size = pick(1<<30, 256<<20)
		}
	}
	if o.small == 0 {
		o.small = int(pick(5000, 500))
	}
	return o
}

// wanted reports whether a row is asked for.
func (o options) wanted(name string) bool {
	if o.rows == "" {
		return true
	}
	for word := range strings.SplitSeq(o.rows, ",") {
		if strings.Contains(name, strings.TrimSpace(word)) {
			return true
		}
	}
	return false
}
