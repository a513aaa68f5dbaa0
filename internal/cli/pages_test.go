package cli_test

import (
	"slices"
	"strings"
	"testing"

	"haul.example/haul/internal/cli"
)

// TestPages: every command and topic has a page, and every page is reached from that of haul.
func TestPages(t *testing.T) {
	pages := cli.Pages()
	paths := map[string]bool{}
	below := map[string]bool{"haul": true}
	for _, p := range pages {
		paths[p.Path] = true
		for _, c := range p.Commands {
			below[c] = true
		}
		if p.Short == "" || p.Text == "" || p.Topic != (p.Usage == "") {
			t.Errorf("%s: %+v", p.Path, p)
		}
	}
	for _, path := range []string{"haul", "haul cp", "haul array plan", "haul completion", "haul json", "haul exit-codes"} {
		if !paths[path] || !below[path] {
			t.Errorf("%s: has a page: %v; is named by another: %v", path, paths[path], below[path])
		}
	}
	if len(paths) != len(pages) || len(below) != len(pages) {
		t.Errorf("%d pages, %d paths, %d named", len(pages), len(paths), len(below))
	}
	i := slices.IndexFunc(pages, func(p cli.Page) bool { return p.Path == "haul cp" })
	for _, g := range pages[i].Groups {
		for _, f := range g.Flags {
			if strings.Contains(f.Text, "`") || !strings.HasPrefix(f.Form, "-") || strings.Contains(f.Form, "checksum-mode") {
				t.Errorf("%s: %+v", g.Title, f)
			}
		}
	}
	if title := pages[0].Groups[0].Title; title != "Connection" {
		t.Errorf("the first flags of haul are %s", title)
	}
}
