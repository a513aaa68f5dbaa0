package main

import (
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul/internal/cli"
)

// group is a titled part of the navigation.
type group struct {
	title string
	pages []entry
}

// entry is a document in the navigation, with the name that it has there.
type entry struct{ source, label string }

// navigation has the documents in the order in which they are listed. Those of the folder of a README.md are below it.
var navigation = []group{
	{"Start", []entry{
		{"README.md", "What haul is"},
		{"doc/tutorial.md", "Your first five minutes"},
	}},
	{"haul for", []entry{
		{"doc/bioinformatician.md", "Bioinformaticians"},
		{"doc/pipeline-engineer.md", "Pipeline engineers"},
		{"doc/sequencing-core.md", "Sequencing cores"},
	}},
	{"Use", []entry{
		{"doc/guide.md", "Guide by task"},
		{commandsSource, "Commands"},
		{"doc/recipes/README.md", "Recipes"},
		{"doc/aws-compat.md", "In place of aws s3"},
		{"doc/s5cmd-compat.md", "In place of s5cmd"},
	}},
	{"Reference", []entry{
		{"doc/SEMANTICS.md", "What haul promises"},
		{"doc/receipt.md", "Receipts"},
	}},
	{"Measured", []entry{
		{"doc/comparison.md", "Comparison"},
		{"doc/performance.md", "Performance"},
		{"doc/scale.md", "A petabyte"},
		{"lab/bench/README.md", "The benchmark"},
	}},
	{"Project", []entry{
		{"CHANGELOG.md", "Changes"},
		{"CONTRIBUTING.md", "Contributing"},
		{"doc/DESIGN.md", "Design"},
		{"doc/adr/README.md", "Decisions"},
		{"packaging/recipes/README.md", "Package recipes"},
	}},
}

// commandsSource stands for the list of commands, which is made from their help.
const commandsSource = "commands/README.md"

// page is a page of the site.
type page struct {
	source string // its document, slash-separated, below the checkout; empty if it is made from the help of a command
	path   string // below the site
	folder string // the source of the page that lists it; empty if the navigation does
	label  string // in the navigation
	title  string
	body   template.HTML
	// sections are those of the body, the text above the first heading first.
	sections []section
}

// site is all that the pages are made from.
type site struct {
	root     string
	pages    []*page           // in the order of the navigation
	bySource map[string]*page  // documents
	byHelp   map[string]*page  // commands and topics, by their path such as "haul cp"
	copies   map[string][]byte // files of the checkout that documents link to and that are not pages, by their path below the site
}

// read reads and renders all pages.
func read(root string) (*site, error) {
	s := &site{root: root, bySource: map[string]*page{}, byHelp: map[string]*page{}, copies: map[string][]byte{}}
	for _, g := range navigation {
		for _, e := range g.pages {
			if err := s.list(e); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range s.pages {
		if p.source != "" && p.source != commandsSource {
			if err := s.renderDocument(p); err != nil {
				return nil, fmt.Errorf("%s: %w", p.source, err)
			}
		}
	}
	if err := s.renderHelp(cli.Pages()); err != nil {
		return nil, err
	}
	for _, p := range s.pages {
		var err error
		if p.sections, err = sectionsOf(string(p.body)); err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
	}
	return s, nil
}

// list adds the pages of an entry: its own, and those of its folder.
func (s *site) list(e entry) error {
	s.add(&page{source: e.source, path: pagePath(e.source), label: e.label})
	if e.source == commandsSource {
		for _, topics := range []bool{false, true} {
			for _, c := range cli.Pages() {
				if c.Topic == topics {
					p := &page{path: helpPath(c.Path), folder: commandsSource, label: typed(c), title: typed(c)}
					s.add(p)
					s.byHelp[c.Path] = p
				}
			}
		}
		return nil
	}
	folder, name := path.Split(e.source)
	if name != "README.md" || !strings.HasPrefix(folder, "doc/") {
		return nil
	}
	more, err := fs.Glob(os.DirFS(s.root), folder+"*.md")
	if err != nil {
		return err
	}
	for _, source := range more {
		if source != e.source {
			s.add(&page{source: source, path: pagePath(source), folder: e.source})
		}
	}
	return nil
}

func (s *site) add(p *page) {
	s.pages = append(s.pages, p)
	if p.source != "" {
		s.bySource[p.source] = p
	}
}

// pagePath returns where the page of a document is: doc/SEMANTICS.md is semantics.html, doc/adr/README.md is adr/index.html.
func pagePath(source string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(source, "doc/"), ".md")
	if path.Base(name) == "README" {
		name = path.Join(path.Dir(name), "index")
	}
	return strings.ToLower(name) + ".html"
}

// renderDocument sets title and body of the page of a document.
func (s *site) renderDocument(p *page) error {
	text, err := os.ReadFile(filepath.Join(s.root, filepath.FromSlash(p.source)))
	if err != nil {
		return err
	}
	p.title, p.body, err = s.markdown(p, text)
	if p.label == "" {
		p.label = p.title
	}
	return err
}
