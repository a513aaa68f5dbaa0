package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"haul.example/haul/lab/bench/nullstore"
)

// Link is one kind of link, and how haul did on it, in one direction and with one size of object.
type Link struct {
	Name  string          `json:"name"`
	Shape nullstore.Shape `json:"shape"`
	Size  int64           `json:"size"`
	Up    bool            `json:"up"`
	// Limit is how long the link itself takes, in seconds.
	Limit float64 `json:"limit_s"`
	// Rounds of the default run and the best fixed concurrency that was found.
	Rounds []Found `json:"rounds"`
}

// Found is what one round found.
type Found struct {
	Default Sample `json:"default"`
	// Best is the concurrency whose run was the fastest, and Wall its time in seconds. 0 stands for the link's own limit: the default
	// run came so close to it that there was nothing to look for.
	Best int     `json:"best"`
	Wall float64 `json:"best_wall_s"`
	// Tried are the times of all fixed concurrencies, in seconds; those that were slower than the default run were cut short and are -1.
	Tried map[int]float64 `json:"tried"`
}

// regret is how much longer the default run took than the best fixed one.
func (f Found) regret() float64 { return f.Default.Wall / f.Wall }

// near is how close to the link's limit a run must be for the sweep to be left out.
const near = 1.03

func (b *bench) linksOf() []*Link {
	sizes := []int64{1 << 30, 4 << 30}
	if b.size > 0 {
		sizes = []int64{b.size}
	} else if b.quick {
		sizes = []int64{256 << 20}
	}
	conns, rates, delays := []float64{10e6, 25e6, 90e6}, []float64{100e6, 500e6, 1000e6, 2000e6}, []float64{1, 30, 100}
	var all []*Link
	for i, conn := range conns {
		for j, rate := range rates {
			for k, delay := range delays {
				// Each twelfth meets each pair of rates once, and each delay four times.
				if !b.full && k != (i+j)%len(delays) || b.quick && j%2 == 0 {
					continue
				}
				for _, size := range sizes {
					for _, up := range []bool{true, false} {
						all = append(all, newLink(nullstore.Shape{ConnRate: conn, LinkRate: rate, FirstByteMS: delay, Seed: b.seed}, size, up))
					}
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(l *Link) bool { return !b.wanted(l.Name) })
}

func newLink(s nullstore.Shape, size int64, up bool) *Link {
	l := &Link{Shape: s, Size: size, Up: up, Limit: float64(size)/s.LinkRate + s.FirstByteMS/1000}
	l.Name = fmt.Sprintf("conn%.0f-link%.0f-first%.0f-%dMiB-%s", s.ConnRate/1e6, s.LinkRate/1e6, s.FirstByteMS, size>>20, direction(up))
	return l
}

func direction(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func (b *bench) linksMode(ctx context.Context) (err error) {
	links := b.linksOf()
	if len(links) == 0 {
		return errors.New("no link has such a name")
	}
	var sizes []int64
	for _, l := range links {
		if !slices.Contains(sizes, l.Size) {
			sizes = append(sizes, l.Size)
		}
	}
	s, in, err := b.shapedSink(sizes...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	b.report.loaded()
	for _, l := range links {
		b.report.Links = append(b.report.Links, l)
		for range b.rounds {
			f, err := b.link(ctx, l, in, s)
			if err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
			l.Rounds = append(l.Rounds, f)
			b.say("%s: limit %.2f s, default %.2f s, best %.2f s with %d: %.2f", l.Name, l.Limit, f.Default.Wall, f.Wall, f.Best, f.regret())
		}
	}
	return nil
}

// shapedSink starts an endpoint with an object of each size, and makes a source that takes no room: it is all holes.
func (b *bench) shapedSink(sizes ...int64) (*sink, inputs, error) {
	in := inputs{file: filepath.Join(b.dir, "source")}
	if err := b.need(slices.Max(sizes) + 1<<29); err != nil {
		return nil, in, err
	}
	if err := os.WriteFile(in.file, nil, 0o600); err != nil {
		return nil, in, err
	}
	args := []string{}
	for _, n := range sizes {
		args = append(args, "-object", bucket+"/"+sizedKey(n)+"="+strconv.FormatInt(n, 10))
	}
	s, err := b.startSink("shaped", args...)
	return s, in, err
}

func sizedKey(size int64) string { return strconv.FormatInt(size, 10) + ".bin" }

// link does one round: the default run, and then fixed concurrencies, each for no longer than the best so far.
func (b *bench) link(ctx context.Context, l *Link, in inputs, s *sink) (Found, error) {
	if err := s.shape(ctx, l.Shape); err != nil {
		return Found{}, err
	}
	f := Found{Tried: map[int]float64{}}
	b.limit = 10 * time.Minute
	j := job{up: l.Up, size: l.Size}
	var err error
	if f.Default, err = b.shaped(ctx, b.tools[0], j, in, s); err != nil {
		return f, err
	}
	if f.Wall = l.Limit; f.Default.Wall <= near*l.Limit {
		return f, nil
	}
	f.Wall = f.Default.Wall
	for _, lanes := range sweep(l) {
		j.lanes = lanes
		b.limit = time.Duration(f.Wall * float64(time.Second))
		one, err := b.shaped(ctx, b.tools[0], j, in, s)
		switch {
		case ctx.Err() != nil:
			return f, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			f.Tried[lanes] = -1
			continue
		case err != nil:
			return f, err
		}
		f.Tried[lanes] = one.Wall
		if one.Wall < f.Wall {
			f.Best, f.Wall = lanes, one.Wall
		}
	}
	if f.Best == 0 { // none was faster
		f.Best = int(f.Default.Stats.PeakRequests)
	}
	return f, nil
}

// shaped runs a tool once over a shaped link; what it leaves behind when it is cut short goes, too.
func (b *bench) shaped(ctx context.Context, t *tool, j job, in inputs, s *sink) (Sample, error) {
	j.local, j.key = in.file, "up-"+t.Name+".bin"
	if !j.up {
		j.local, j.key = b.target(), sizedKey(j.size)
	}
	if err := errors.Join(b.fresh(), os.Truncate(in.file, j.size)); err != nil {
		return Sample{}, err
	}
	return b.run(ctx, t, j, s)
}

// sweep gives the concurrencies to try: around the number of requests that fill the link, the pause before each first byte included.
func sweep(l *Link) []int {
	const part = 8 << 20
	each := part / l.Shape.ConnRate // seconds
	need := l.Shape.LinkRate / l.Shape.ConnRate * (1 + l.Shape.FirstByteMS/1000/each)
	var all []int
	for _, times := range []float64{1.25, 1, 1.75, 0.6, 3} {
		n := min(max(int(math.Round(need*times)), 1), 512)
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

func linksTable(links []*Link) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "conn MB/s\tlink MB/s\tfirst byte ms\tMiB\t\tlimit s\tdefault s\tat once\tCPU s/GiB\tbest s\tbest N\tregret\tdefault/limit")
	for _, l := range links {
		if len(l.Rounds) == 0 {
			continue
		}
		of := func(value func(Found) float64) spread {
			var all []float64
			for _, f := range l.Rounds {
				all = append(all, value(f))
			}
			return spreadOf(all)
		}
		best := "–"
		if n := l.Rounds[0].Best; n > 0 {
			best = strconv.Itoa(n)
		}
		wall := of(func(f Found) float64 { return f.Default.Wall }).median
		fmt.Fprintf(w, "%.0f\t%.0f\t%.0f\t%d\t%s\t%s\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s\n", l.Shape.ConnRate/1e6, l.Shape.LinkRate/1e6, l.Shape.FirstByteMS,
			l.Size>>20, direction(l.Up), short(l.Limit), short(wall), of(func(f Found) float64 { return float64(f.Default.Stats.PeakRequests) }).median,
			short(of(func(f Found) float64 { return f.Default.CPU() }).median*float64(1<<30)/float64(l.Size)),
			short(of(func(f Found) float64 { return f.Wall }).median), best, short(of(Found.regret).median), short(wall/l.Limit))
	}
	_ = w.Flush() // into memory
	worst := map[int64]float64{}
	for _, l := range links {
		for _, f := range l.Rounds {
			worst[l.Size] = max(worst[l.Size], f.regret())
		}
	}
	for _, size := range slices.Sorted(maps.Keys(worst)) {
		fmt.Fprintf(&b, "the greatest regret for %d MiB: %.2f\n", size>>20, worst[size])
	}
	b.WriteString("best N –: the default run was within 3 % of the link's own limit; nothing faster was looked for, and the regret is against that limit\n")
	return b.String()
}
