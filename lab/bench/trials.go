package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/nullstore"
)

// Trial is a tool's runs over a link with faults, in one direction.
type Trial struct {
	Case  string          `json:"case"`
	Shape nullstore.Shape `json:"shape"`
	Tool  string          `json:"tool"`
	Up    bool            `json:"up"`
	Size  int64           `json:"size"`
	// Runs, one a round, each with another seed. A run that failed has its reason in Failed, under its number from 0.
	Runs   []Sample       `json:"runs"`
	Failed map[int]string `json:"failed,omitempty"`
}

// casesOf gives the link of the mode: clean, and with each fault. The link is one for which twenty connections are needed.
func (b *bench) casesOf() []Trial {
	clean := nullstore.Shape{ConnRate: 25e6, LinkRate: 500e6, FirstByteMS: 30}
	with := func(name string, change func(*nullstore.Shape)) Trial {
		t := Trial{Case: name, Shape: clean}
		change(&t.Shape)
		return t
	}
	all := []Trial{
		with("clean", func(*nullstore.Shape) {}),
		with("3 % slow", func(s *nullstore.Shape) { s.Slow = 0.03 }),
		with("2 % stalled", func(s *nullstore.Shape) { s.Stall = 0.02 }),
	}
	if b.mode == "faults" {
		all = []Trial{
			all[0],
			with("10 % 503", func(s *nullstore.Shape) { s.Refuse = 0.10 }),
			with("5 % cut", func(s *nullstore.Shape) { s.Cut = 0.05 }),
			with("10 % 503, 5 % cut", func(s *nullstore.Shape) { s.Refuse, s.Cut = 0.10, 0.05 }),
		}
	}
	return slices.DeleteFunc(all, func(t Trial) bool { return t.Case != "clean" && !b.wanted(t.Case) })
}

func (b *bench) trialsMode(ctx context.Context) (err error) {
	s, in, err := b.shapedSink(b.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if in.sum, err = s.sumOf(ctx, sizedKey(b.size)); err != nil {
		return err
	}
	for _, t := range b.tools {
		for _, up := range []bool{true, false} {
			for _, c := range b.casesOf() {
				c.Tool, c.Up, c.Size, c.Failed = t.Name, up, b.size, map[int]string{}
				b.report.Trials = append(b.report.Trials, &c)
			}
		}
	}
	b.report.loaded()
	b.limit = 3 * time.Minute
	for round := range b.rounds {
		for _, c := range b.report.Trials {
			c.Shape.Seed = b.seed + uint64(round)
			if err := b.trial(ctx, c, in, s); err != nil {
				return fmt.Errorf("%s, %s: %w", c.Tool, c.Case, err)
			}
			last := len(c.Runs) - 1
			b.say("%s %s, %s: %.2f s %s", c.Tool, direction(c.Up), c.Case, c.Runs[last].Wall, c.Failed[last])
		}
	}
	return nil
}

// trial runs once. A tool that fails has a result, too.
func (b *bench) trial(ctx context.Context, c *Trial, in inputs, s *sink) error {
	i := slices.IndexFunc(b.tools, func(t *tool) bool { return t.Name == c.Tool })
	j := job{up: c.Up, size: c.Size}
	if err := s.shape(ctx, c.Shape); err != nil {
		return err
	}
	run, err := b.shaped(ctx, b.tools[i], j, in, s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = b.arrived(ctx, j, in, s)
	}
	if err != nil {
		c.Failed[len(c.Runs)] = err.Error()
	}
	c.Runs = append(c.Runs, run)
	return b.fresh()
}

// arrived looks at what arrived: all bytes of a download, and of an upload the size, and the sum that the client vouched for.
func (b *bench) arrived(ctx context.Context, j job, in inputs, s *sink) error {
	if !j.up {
		j.local = b.target()
		return checkDown(j, in)
	}
	objects, err := s.objects(ctx)
	if err != nil {
		return err
	}
	want, _, err := sumFile(in.file)
	if err != nil {
		return err
	}
	var size int64
	for _, o := range objects {
		size += o.Size
	}
	switch {
	case size != j.size:
		return fmt.Errorf("%d bytes arrived, and not %d", size, j.size)
	case len(objects) == 1 && objects[0].CRC64NVME != "" && objects[0].CRC64NVME != want.Base64():
		return fmt.Errorf("%s of %s arrived, and not %s", checksum.CRC64NVME, objects[0].CRC64NVME, want.Base64())
	}
	return nil
}

func trialsTable(trials []*Trial) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "tool\t\tlink\twall s\tof clean\tbytes/size\tCPU s/GiB\trequests\tconnections\tat once\tharmed\tfailed")
	var clean *Trial
	for _, c := range trials {
		if c.Case == "clean" {
			clean = c
		}
		var wall, ratio, bytes, cpu, reqs, conns, once []float64
		harmed := map[string]int64{}
		for i, s := range c.Runs {
			for f, n := range s.Stats.Faults {
				harmed[f] += n
			}
			if c.Failed[i] != "" {
				continue
			}
			wall = append(wall, s.Wall)
			if i < len(clean.Runs) && clean.Failed[i] == "" {
				ratio = append(ratio, s.Wall/clean.Runs[i].Wall)
			}
			bytes = append(bytes, float64(s.Bytes())/float64(c.Size))
			cpu = append(cpu, s.CPU()*float64(1<<30)/float64(c.Size))
			reqs = append(reqs, float64(requests(s)))
			conns = append(conns, float64(s.Stats.Connections))
			once = append(once, float64(s.Stats.PeakRequests))
		}
		var kinds []string
		for _, f := range slices.Sorted(maps.Keys(harmed)) {
			kinds = append(kinds, fmt.Sprintf("%d %s", harmed[f], f))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d of %d\n", c.Tool, direction(c.Up), c.Case, spreadOf(wall), spreadOf(ratio),
			spreadOf(bytes), short(spreadOf(cpu).median), number(reqs), number(conns), number(once),
			strings.Join(kinds, ", "), len(c.Failed), len(c.Runs))
	}
	_ = w.Flush() // into memory
	for _, c := range trials {
		for _, why := range c.Failed {
			fmt.Fprintf(&b, "note: %s %s, %s: %s\n", c.Tool, direction(c.Up), c.Case, why)
		}
	}
	return b.String()
}
