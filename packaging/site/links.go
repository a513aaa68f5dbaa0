package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// relink leads a link between documents to the page of the other one, or to a copy of a file that is not a page. If the link shows the
// name of the document, it then shows the name of the page.
func (d *document) relink(l *ast.Link) error {
	to, fragment, _ := strings.Cut(string(l.Destination), "#")
	if to == "" || strings.Contains(to, ":") { // within the page, or elsewhere
		return nil
	}
	file := path.Join(path.Dir(d.page.source), to)
	target, isPage := d.site.bySource[file]
	at := "files/" + strings.TrimSuffix(file, ".txt") + ".txt" // which browsers show
	if isPage {
		at = target.path
		if shown := d.text(l); target.label != "" && (shown == to || shown == file) {
			l.RemoveChildren(l)
			l.AppendChild(l, ast.NewString([]byte(target.label)))
		}
	} else {
		data, err := os.ReadFile(filepath.Join(d.site.root, filepath.FromSlash(file)))
		if err != nil {
			return fmt.Errorf("link to %s: %w", to, err)
		}
		d.site.copies[at] = data
	}
	if fragment != "" {
		at += "#" + fragment
	}
	l.Destination = []byte(relative(d.page.path, at))
	return nil
}

// linkCommand links the name of a command to its page.
func (d *document) linkCommand(c *ast.CodeSpan) {
	for p := c.Parent(); p != nil; p = p.Parent() {
		switch p.Kind() {
		case ast.KindLink, ast.KindHeading:
			return
		}
	}
	name := strings.TrimSuffix(d.text(c), " --help")
	if topic, ok := strings.CutPrefix(name, "haul help "); ok {
		name = "haul " + topic
	}
	target, ok := d.site.byHelp[name]
	if !ok || name == "haul" {
		return
	}
	l := ast.NewLink()
	l.Destination = []byte(relative(d.page.path, target.path))
	c.Parent().ReplaceChild(c.Parent(), c, l)
	l.AppendChild(l, c)
}

// relative returns the address of a page, both below the site, as seen from another.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}
