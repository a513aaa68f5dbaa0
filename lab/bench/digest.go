package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"haul.example/haul/lab/bench/nullstore"
	"haul.example/haul/lab/endpoint"
)

// DigestCase is what an MD5 beside an upload costs over one link: the MD5 alone, the upload alone, and both at once, in turn.
type DigestCase struct {
	Name  string          `json:"name"`
	Shape nullstore.Shape `json:"shape"`
	Size  int64           `json:"size"`
	// MD5, Upload and Both have a run each round.
	MD5    []Sample `json:"md5"`
	Upload []Sample `json:"upload"`
	Both   []Sample `json:"both"`
}

// digestCases: a link that is slower than an MD5, one of 10 Gbit/s, which is faster, and one that takes whatever the cores give.
// Haul may use all cores.
func (b *bench) digestCases() (all []*DigestCase) {
	for _, c := range []*DigestCase{
		{Name: "link of 250 MB/s", Shape: nullstore.Shape{ConnRate: 50e6, LinkRate: 250e6, FirstByteMS: 10}},
		{Name: "link of 1.25 GB/s", Shape: nullstore.Shape{ConnRate: 100e6, LinkRate: 1250e6, FirstByteMS: 10}},
		{Name: "link without a limit"},
	} {
		if b.wanted(c.Name) {
			c.Size = b.size
			all = append(all, c)
		}
	}
	return all
}

func (b *bench) digestMode(ctx context.Context) (err error) {
	b.clientCore, b.serverCore = -1, -1 // an MD5 takes a core of its own
	s, in, err := b.shapedSink(b.size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := os.Truncate(in.file, b.size); err != nil {
		return err
	}
	b.report.loaded()
	b.report.Digests = b.digestCases()
	for round := range b.rounds {
		for _, c := range b.report.Digests {
			if err := b.digestRound(ctx, c, in, s); err != nil {
				return fmt.Errorf("%s, round %d: %w", c.Name, round+1, err)
			}
			b.say("%s: md5 %.2f s, upload %.2f s, both %.2f s", c.Name, c.MD5[round].Wall, c.Upload[round].Wall, c.Both[round].Wall)
		}
	}
	return nil
}

// digestRound runs the three, the one of most interest in the middle.
func (b *bench) digestRound(ctx context.Context, c *DigestCase, in inputs, s *sink) error {
	if err := s.shape(ctx, c.Shape); err != nil {
		return err
	}
	env := s.at(false).Env(b.home)
	for _, one := range []struct {
		to   *[]Sample
		args []string
	}{
		{&c.MD5, []string{"sum", "--digest", "md5", in.file}},
		{&c.Both, []string{"cp", "--digest", "md5", in.file, "s3://" + bucket + "/both.bin"}},
		{&c.Upload, []string{"cp", in.file, "s3://" + bucket + "/alone.bin"}},
	} {
		if err := errors.Join(s.reset(ctx), os.RemoveAll(endpoint.StateDir(b.home))); err != nil {
			return err
		}
		sample, err := b.spend(ctx, 5*time.Minute, append([]string{filepath.Clean(b.haul)}, one.args...), env)
		if err != nil {
			return err
		}
		*one.to = append(*one.to, sample)
	}
	return nil
}

func digestTable(cases []*DigestCase) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "link\tmd5 alone s\tupload alone s\tboth s\tboth / the larger\tCPU of both s/GiB")
	for _, c := range cases {
		var ratio, cpu []float64
		for i, s := range c.Both {
			ratio = append(ratio, s.Wall/max(c.MD5[i].Wall, c.Upload[i].Wall))
			cpu = append(cpu, s.CPU()*float64(1<<30)/float64(c.Size))
		}
		wall := func(runs []Sample) spread { return spreadOf(over(runs, func(s Sample) float64 { return s.Wall })) }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, wall(c.MD5), wall(c.Upload), wall(c.Both), spreadOf(ratio), spreadOf(cpu))
	}
	_ = w.Flush() // into memory
	return b.String()
}
