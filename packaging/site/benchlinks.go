package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// benchLinks is what is drawn of a results file of `make bench BENCH=links`.
type benchLinks struct {
	Links []struct {
		Name  string `json:"name"`
		Shape struct {
			Conn  float64 `json:"conn_rate"` // bytes a second
			Link  float64 `json:"link_rate"`
			First int     `json:"first_byte_ms"`
		} `json:"shape"`
		Up     bool `json:"up"`
		Rounds []struct {
			Default struct {
				Wall float64 `json:"wall_s"`
			} `json:"default"`
			Best float64 `json:"best_wall_s"`
		} `json:"rounds"`
	} `json:"links"`
}

// drawLinks draws the regret on each link of some results files, whose names have a space between them: the median of the rounds, and
// their range. A link that is in several files is taken from the last.
func drawLinks(root, files string) (string, error) {
	var order []string
	bars := map[string]map[string]bar{}
	for file := range strings.FieldsSeq(files) {
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return "", err
		}
		var r benchLinks
		if err := json.Unmarshal(data, &r); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		for _, l := range r.Links {
			if len(l.Rounds) == 0 {
				return "", fmt.Errorf("%s: %s was not measured", file, l.Name)
			}
			name := fmt.Sprintf("%.0f MB/s a connection, link %.0f MB/s, %d ms", l.Shape.Conn/1e6, l.Shape.Link/1e6, l.Shape.First)
			if bars[name] == nil {
				bars[name] = map[string]bar{}
				order = append(order, name)
			}
			var regrets []float64
			for _, f := range l.Rounds {
				regrets = append(regrets, f.Default.Wall/f.Best)
			}
			direction := "download"
			if l.Up {
				direction = "upload"
			}
			bars[name][direction] = medianBar(direction, regrets)
		}
	}
	var rows []measure
	for _, name := range order {
		rows = append(rows, measure{name, []bar{bars[name]["upload"], bars[name]["download"]}})
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("no links")
	}
	return drawBars("Regret measured on shaped links, 1 GiB", rows, barStyle{source: "the results files"}), nil
}

// medianBar returns the median of at least one value, and their range.
func medianBar(name string, values []float64) bar {
	slices.Sort(values)
	n := len(values)
	m := (values[(n-1)/2] + values[n/2]) / 2
	return bar{name: name, shown: fmt.Sprintf("%.2f", m), value: m, least: values[0], most: values[n-1]}
}
