package main

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// picture is HTML in place of a comment of a document.
type picture struct {
	ast.BaseBlock
	html string
}

var kindPicture = ast.NewNodeKind("Picture")

// Kind is of ast.Node.
func (*picture) Kind() ast.NodeKind { return kindPicture }

// Dump is of ast.Node.
func (p *picture) Dump(source []byte, level int) { ast.DumpHelper(p, source, level, nil, nil) }

// marker asks for a picture. Markdown elsewhere, as on GitHub, does not show it.
var marker = regexp.MustCompile(`^<!-- site: (\w+) (.+) -->\s*$`)

// draw replaces a comment by the picture that it asks for:
//
//	<!-- site: bars TITLE: COLUMN; COLUMN -->     these columns of the next table, all on one scale
//	<!-- site: panels TITLE: COLUMN; COLUMN -->   the same, each row on a scale of its own
//	<!-- site: links FILE FILE -->                results of the benchmark of links
//	<!-- site: grid FILE -->                      the results of TestRegret in internal/pace
//	<!-- site: cast FILE CHAPTERS -->             a recording, such as "demo.cast 1-3"
//
// Files are named below the checkout. Pictures are drawn from what is in the document or the file, and from nothing else.
func (d *document) draw(n *ast.HTMLBlock) error {
	text := string(n.Lines().Value(d.source))
	m := marker.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("HTML in the text: %s", text)
	}
	var drawn string
	var err error
	switch kind, arg := m[1], m[2]; kind {
	case "bars", "panels":
		drawn, err = d.drawTable(n, kind, arg)
	case "links":
		drawn, err = drawLinks(d.site.root, arg)
	case "grid":
		drawn, err = fromFile(d.site.root, arg, drawGrid)
	case "cast":
		file, chapters, _ := strings.Cut(arg, " ")
		drawn, err = fromFile(d.site.root, file, func(data []byte) (string, error) { return drawCast(data, chapters) })
	default:
		err = fmt.Errorf("must be bars, panels, links, grid or cast (got %q)", kind)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(text), err)
	}
	n.Parent().ReplaceChild(n.Parent(), n, &picture{html: drawn})
	return nil
}

func fromFile(root, name string, draw func([]byte) (string, error)) (string, error) {
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	return draw(data)
}

// drawTable draws columns of the table that follows.
func (d *document) drawTable(n ast.Node, kind, arg string) (string, error) {
	title, columns, ok := strings.Cut(arg, ": ")
	next := n.NextSibling()
	for next != nil && next.Kind() != extast.KindTable {
		next = next.NextSibling()
	}
	if !ok || next == nil {
		return "", fmt.Errorf("a title, columns and a table below are needed")
	}
	rows, err := d.measures(next, strings.Split(columns, "; "))
	if err != nil {
		return "", err
	}
	return drawBars(title, rows, barStyle{kind == "panels", "the table"}), nil
}

// measures reads the named columns of a table; the first column has the names of the rows.
func (d *document) measures(table ast.Node, columns []string) ([]measure, error) {
	var header []string
	var rows []measure
	for r := table.FirstChild(); r != nil; r = r.NextSibling() {
		var cells []string
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, strings.TrimSpace(d.text(c)))
		}
		if header == nil {
			header = cells
			continue
		}
		row := measure{name: cells[0]}
		for _, name := range columns {
			i := 0
			for i < len(header) && header[i] != name {
				i++
			}
			if i == len(header) {
				return nil, fmt.Errorf("the table has no column %q", name)
			}
			if b, ok := barOf(name, cells[i]); ok {
				row.bars = append(row.bars, b)
			}
		}
		if len(row.bars) > 0 {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("the columns have no numbers")
	}
	return rows, nil
}

// figure puts a drawing into the page: what is wider than the page scrolls by itself. The caption is HTML.
func figure(name, caption, drawing string) string {
	return fmt.Sprintf("<figure>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">%s</div>\n<figcaption>%s</figcaption>\n</figure>\n",
		esc(name), drawing, caption)
}

func esc(text string) string { return html.EscapeString(text) }
