package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// measure is a row of a table with its numbers.
type measure struct {
	name string
	bars []bar
}

// bar is the number of one cell, and its range where the cell has one.
type bar struct {
	name        string
	shown       string // the number as it is in the cell
	value       float64
	least, most float64 // 0 if there is no range
}

var (
	firstNumber = regexp.MustCompile(`(?:^|\s|\+)(\d[\d,]*(?:\.\d+)?)`)
	rangeOf     = regexp.MustCompile(`\((\d+(?:\.\d+)?)–(\d+(?:\.\d+)?)\)`)
)

// barOf reads a cell such as "1.02 (0.99–2.65)", "0.48 / 23", "mc 1.40" or "106 %".
func barOf(name, cell string) (bar, bool) {
	m := firstNumber.FindStringSubmatch(cell)
	if m == nil {
		return bar{}, false
	}
	b := bar{name: name, shown: m[1]}
	b.value, _ = strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64) // the pattern has only numbers
	if r := rangeOf.FindStringSubmatch(cell); r != nil {
		b.least, _ = strconv.ParseFloat(r[1], 64)
		b.most, _ = strconv.ParseFloat(r[2], 64)
	}
	return b, true
}

// The sizes of a panel, in pixels.
const (
	panelWidth = 372
	panelGap   = 16
	labelWidth = 124
	valueWidth = 52
	barHeight  = 20
	titleSpace = 24
)

// barStyle is how bars are drawn, and what from.
type barStyle struct {
	ownScale bool // each row has a scale of its own
	source   string
}

// drawBars draws a panel for each row, two beside each other. Every scale starts at 0.
func drawBars(title string, rows []measure, style barStyle) string {
	all := 0.0
	for _, r := range rows {
		all = max(all, most(r))
	}
	height := 0
	var b strings.Builder
	for i := 0; i < len(rows); i += 2 {
		tall := 0
		for j, r := range rows[i:min(i+2, len(rows))] {
			scale := all
			if style.ownScale {
				scale = most(r)
			}
			drawPanel(&b, r, scale, j*(panelWidth+panelGap), height)
			tall = max(tall, titleSpace+len(r.bars)*barHeight+panelGap)
		}
		height += tall
	}
	scale := "All bars have the same scale."
	if style.ownScale {
		scale = "Each row has a scale of its own."
	}
	svg := fmt.Sprintf("<svg class=\"bars\" role=\"img\" aria-label=%q viewBox=\"0 0 %d %d\" width=\"%[2]d\" height=\"%[3]d\">%s</svg>",
		esc(title+", as bars, from "+style.source), 2*panelWidth+panelGap, height-panelGap, b.String())
	return figure(title, esc(title)+". "+scale+" Drawn from "+style.source+".", svg)
}

func most(r measure) float64 {
	m := 0.0
	for _, b := range r.bars {
		m = max(m, b.value, b.most)
	}
	return m
}

func drawPanel(w *strings.Builder, r measure, scale float64, x, y int) {
	fmt.Fprintf(w, "\n<text class=\"row\" x=\"%d\" y=\"%d\">%s</text>", x, y+15, esc(r.name))
	width := func(v float64) float64 { return v / scale * (panelWidth - labelWidth - valueWidth) }
	for i, b := range r.bars {
		top := y + titleSpace + i*barHeight
		class := "other"
		if i == 0 {
			class = "first"
		}
		fmt.Fprintf(w, "\n<text class=\"label\" x=\"%d\" y=\"%d\">%s</text>", x+labelWidth-8, top+14, esc(b.name))
		fmt.Fprintf(w, "<rect class=%q x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", class, x+labelWidth, top+3, max(width(b.value), 1), barHeight-6)
		end := width(b.value)
		if b.most > b.least {
			fmt.Fprintf(w, "<path class=\"range\" d=\"M%.1f %dH%.1fm0-4v8M%.1f %dv8\"/>", float64(x+labelWidth)+width(b.least), top+barHeight/2,
				float64(x+labelWidth)+width(b.most), float64(x+labelWidth)+width(b.least), top+barHeight/2-4)
			end = width(b.most)
		}
		fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%d\">%s</text>", float64(x+labelWidth)+end+6, top+14, esc(b.shown))
	}
}
