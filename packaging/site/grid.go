package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// link is a simulated link and what TestRegret of internal/pace found on it.
type link struct {
	panel             string
	conn, total, wait int // MB/s, MB/s, ms
	regret            float64
}

// readGrid reads the lines of internal/pace/testdata/regret.tsv; the first has the names of the columns.
func readGrid(data []byte) ([]link, error) {
	var links []link
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		fields := strings.Split(line, "\t")
		if i == 0 {
			if line != "direction\tjitter\tGiB\tMB/s of a connection\tMB/s of the link\tms\tregret" {
				return nil, fmt.Errorf("unknown columns: %q", line)
			}
			continue
		}
		var n [3]int
		var err error
		for j := range n {
			var failed error
			n[j], failed = strconv.Atoi(fields[3+j])
			err = errors.Join(err, failed)
		}
		regret, failed := strconv.ParseFloat(fields[6], 64)
		if err = errors.Join(err, failed); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		panel := fields[0] + " of " + fields[2] + " GiB, connections "
		if fields[1] == "0" {
			panel += "all alike"
		} else {
			panel += "that differ"
		}
		links = append(links, link{panel, n[0], n[1], n[2], regret})
	}
	return links, nil
}

// The sizes of a cell and of what is around a panel, in pixels.
const (
	cellWidth, cellHeight = 37, 24
	gridLeft, gridTop     = 34, 62
	gridBelow             = 18
)

// drawGrid draws regrets as a table of colored numbers: a panel for each direction, size and kind of connections.
func drawGrid(data []byte) (string, error) {
	links, err := readGrid(data)
	if err != nil {
		return "", err
	}
	var panels []string
	sum, worst := 0.0, 0.0
	for _, l := range links {
		if !slices.Contains(panels, l.panel) {
			panels = append(panels, l.panel)
		}
		sum += l.regret
		worst = max(worst, l.regret)
	}
	perPanel := len(links) / len(panels)
	columns := perPanel / 3
	panelW, panelH := gridLeft+columns*cellWidth+panelGap, gridTop+3*cellHeight+gridBelow
	var b strings.Builder
	for i, name := range panels {
		drawGridPanel(&b, name, links, columns, [2]int{i % 2 * panelW, i / 2 * panelH})
	}
	summary := fmt.Sprintf("%d simulated transfers, %.3f on average, %.2f at most", len(links), sum/float64(len(links)), worst)
	svg := fmt.Sprintf("<svg class=\"grid\" role=\"img\" aria-label=%q viewBox=\"0 0 %d %d\" width=\"%[2]d\" height=\"%[3]d\">%s</svg>",
		"Regret on a grid of links: "+summary, 2*panelW-panelGap, (len(panels)+1)/2*panelH, b.String())
	return figure("Regret on a grid of links", "Regret: the time of a transfer with haul's defaults, over that with the best fixed number of connections. "+summary+
		". Rows: MB/s of a connection. Columns: MB/s of the link, and ms to the first byte.", svg), nil
}

func drawGridPanel(w *strings.Builder, name string, links []link, columns int, at [2]int) {
	x, y := at[0], at[1]
	fmt.Fprintf(w, "\n<text class=\"row\" x=\"%d\" y=\"%d\">%s</text>", x, y+15, esc(name))
	n := 0
	for _, l := range links {
		if l.panel != name {
			continue
		}
		column, row := n%columns, n/columns
		left, top := x+gridLeft+column*cellWidth, y+gridTop+row*cellHeight
		if row == 0 {
			if column%3 == 0 {
				fmt.Fprintf(w, "<text class=\"head\" x=\"%d\" y=\"%d\">%d</text>", left+3*cellWidth/2, y+35, l.total)
			}
			fmt.Fprintf(w, "<text class=\"head small\" x=\"%d\" y=\"%d\">%d</text>", left+cellWidth/2, y+gridTop-6, l.wait)
		}
		if column == 0 {
			fmt.Fprintf(w, "<text class=\"label\" x=\"%d\" y=\"%d\">%d</text>", x+gridLeft-8, top+17, l.conn)
		}
		fmt.Fprintf(w, "<rect class=%q x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/><text class=\"cell\" x=\"%d\" y=\"%d\">%.2f</text>",
			shade(l.regret), left+1, top+1, cellWidth-2, cellHeight-2, left+cellWidth/2, top+17, l.regret)
		n++
	}
}

// shade is the class of a color: the more regret, the darker.
func shade(regret float64) string {
	for i, limit := range []float64{1.02, 1.05, 1.1, 1.15} {
		if regret < limit {
			return "shade-" + strconv.Itoa(i)
		}
	}
	return "shade-4"
}
