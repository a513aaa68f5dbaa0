package main

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"strings"
)

//go:embed assets
var assets embed.FS

var templates = template.Must(template.ParseFS(assets, "assets/*.html"))

// indexName is a file that every site has.
const indexName = "search-index.js"

// files returns all files of the site, by their paths.
func (s *site) files() (map[string][]byte, error) {
	files := maps.Clone(s.copies)
	for _, name := range []string{"style.css", "search.js", "icon.svg"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	index, err := s.searchIndex()
	if err != nil {
		return nil, err
	}
	files[indexName] = index
	for i, p := range s.pages {
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, "page.html", frame{site: s, page: p, nth: i}); err != nil {
			return nil, err
		}
		files[p.path] = b.Bytes()
	}
	return files, nil
}

// frame is what the template of pages sees.
type frame struct {
	site *site
	page *page
	nth  int // in the order of the navigation
}

// Title returns the title of the page.
func (f frame) Title() string {
	if f.page.source == "README.md" {
		return "haul: large files to and from S3"
	}
	return f.page.title + " – haul"
}

// Description returns the start of the text.
func (f frame) Description() string {
	for _, s := range f.page.sections {
		if s.Text != "" {
			text := s.Text
			if i := strings.LastIndex(text[:min(len(text), 160)], " "); len(text) > 160 && i > 0 {
				text = strings.ToValidUTF8(text[:i], "") + " …"
			}
			return text
		}
	}
	return ""
}

// Base leads from the page to the folder of the site: empty, or "../".
func (f frame) Base() string { return relative(f.page.path, "") }

// Body is the text.
func (f frame) Body() template.HTML { return f.page.body }

// Source is the document that the page is made from.
func (f frame) Source() string {
	if f.page.source == commandsSource {
		return ""
	}
	return f.page.source
}

// Contents returns the headings of a page that has at least three.
func (f frame) Contents() []section {
	var headings []section
	for _, s := range f.page.sections {
		if s.ID != "" && (s.Level == 2 || s.Level == 3) {
			headings = append(headings, s)
		}
	}
	if len(headings) < 3 {
		return nil
	}
	return headings
}

// navGroup is a titled list of links.
type navGroup struct {
	Title string
	Links []navLink
}

// navLink leads to a page.
type navLink struct {
	URL, Label string
	Here       bool
	Below      []navLink
}

// Navigation returns all links of the navigation, and those of the folder that the page is in.
func (f frame) Navigation() []navGroup {
	var groups []navGroup
	for _, g := range navigation {
		n := navGroup{Title: g.title}
		for _, e := range g.pages {
			l := f.link(f.site.bySource[e.source])
			for _, p := range f.site.pages {
				if p.folder == e.source && (f.page.folder == e.source || f.page.source == e.source) {
					l.Below = append(l.Below, f.link(p))
				}
			}
			n.Links = append(n.Links, l)
		}
		groups = append(groups, n)
	}
	return groups
}

func (f frame) link(p *page) navLink {
	return navLink{URL: relative(f.page.path, p.path), Label: p.label, Here: p == f.page}
}

// Before returns the page before this one in the navigation, and Next the one after it, as lists of at most one.
func (f frame) Before() []navLink { return f.neighbor(-1) }

// Next: see Before.
func (f frame) Next() []navLink { return f.neighbor(+1) }

func (f frame) neighbor(step int) []navLink {
	if i := f.nth + step; 0 <= i && i < len(f.site.pages) {
		return []navLink{f.link(f.site.pages[i])}
	}
	return nil
}
