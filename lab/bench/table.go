package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// spread is a median and its range.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return spread{(s[(n-1)/2] + s[n/2]) / 2, s[0], s[n-1]}
}

func (s spread) String() string {
	if math.IsNaN(s.median) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.median), short(s.least), short(s.most))
}

// short writes a number with three figures.
func short(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// number writes the median of counts.
func number(values []float64) string {
	s := spreadOf(values)
	if math.IsNaN(s.median) {
		return "–"
	}
	return fmt.Sprintf("%.0f", s.median)
}

// over gives a value of each run.
func over(runs []Sample, value func(Sample) float64) []float64 {
	out := make([]float64, len(runs))
	for i, s := range runs {
		out[i] = value(s)
	}
	return out
}

func (r *Row) cpu(s Sample) float64 { return s.CPU() * r.Per }

// wall is in seconds, or in milliseconds where the row is about starting.
func (r *Row) wall(s Sample) float64 {
	if r.Name == "start" {
		return s.Wall * 1000
	}
	return s.Wall
}

// table is the row as people read it.
func (r *Row) table(tools []*tool) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	wallUnit := "s"
	if r.Name == "start" {
		wallUnit = "ms"
	}
	fmt.Fprintf(w, "%s\tCPU %s\tuser\tsys\twall %s\tRSS MiB\trequests\tconnections\tat once\tMiB moved\tendpoint CPU\n", r.Name, r.Unit, wallUnit)
	for _, t := range tools {
		runs := r.Runs[t.Name]
		if len(runs) == 0 {
			continue
		}
		median := func(f func(Sample) float64) float64 { return spreadOf(over(runs, f)).median }
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%s\n", t.Name, spreadOf(over(runs, r.cpu)),
			short(median(func(s Sample) float64 { return s.User * r.Per })),
			short(median(func(s Sample) float64 { return s.Sys * r.Per })),
			spreadOf(over(runs, r.wall)),
			short(median(func(s Sample) float64 { return s.RSS })),
			median(func(s Sample) float64 { return float64(requests(s)) }),
			median(func(s Sample) float64 { return float64(s.Stats.Connections) }),
			median(func(s Sample) float64 { return float64(s.Stats.PeakRequests) }),
			median(func(s Sample) float64 { return float64(s.Bytes()) / (1 << 20) }),
			short(median(func(s Sample) float64 { return s.Stats.CPU * r.Per })))
	}
	_ = w.Flush() // into memory
	for _, line := range r.ratios(tools) {
		b.WriteString(line + "\n")
	}
	for _, n := range r.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}

func requests(s Sample) int64 {
	var n int64
	for v := range maps.Values(s.Stats.Requests) {
		n += v
	}
	return n
}

// ratios compares haul with the peer that used the least CPU, with the fastest, and with each floor: round by round.
func (r *Row) ratios(tools []*tool) []string {
	var lines []string
	add := func(label string, t *tool) {
		line := fmt.Sprintf("haul / %s (%s): CPU %s, wall %s", t.Name, label, r.against(t, r.cpu), r.against(t, r.wall))
		if t.Kind == peer {
			line += fmt.Sprintf(", RSS %s", r.against(t, func(s Sample) float64 { return s.RSS }))
		}
		lines = append(lines, line)
	}
	if len(r.Runs["haul"]) == 0 {
		return nil
	}
	byCPU, byWall := r.best(tools, r.cpu), r.best(tools, r.wall)
	if byCPU != nil {
		add("the peer with the least CPU", byCPU)
	}
	if byWall != nil && byWall != byCPU {
		add("the fastest peer", byWall)
	}
	for _, t := range tools {
		if t.Kind == floor && len(r.Runs[t.Name]) > 0 {
			add("floor", t)
		}
	}
	return lines
}

// best gives the peer with the least median of a value, or nil.
func (r *Row) best(tools []*tool, value func(Sample) float64) *tool {
	var peers []*tool
	for _, t := range tools {
		if t.Kind == peer && len(r.Runs[t.Name]) > 0 {
			peers = append(peers, t)
		}
	}
	if len(peers) == 0 {
		return nil
	}
	return slices.MinFunc(peers, func(a, b *tool) int {
		return cmp.Compare(spreadOf(over(r.Runs[a.Name], value)).median, spreadOf(over(r.Runs[b.Name], value)).median)
	})
}

// against gives the ratio of haul to a tool, in each round.
func (r *Row) against(t *tool, value func(Sample) float64) spread {
	var ratios []float64
	for i, s := range r.Runs["haul"] {
		if i < len(r.Runs[t.Name]) {
			ratios = append(ratios, value(s)/value(r.Runs[t.Name][i]))
		}
	}
	return spreadOf(ratios)
}
