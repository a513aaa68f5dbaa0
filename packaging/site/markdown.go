package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders a document, and returns its title too.
func (s *site) markdown(p *page, source []byte) (string, template.HTML, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&blocks{}, 1))),
	)
	context := parser.NewContext(parser.WithIDs(slugs{}))
	tree := md.Parser().Parse(text.NewReader(source), parser.WithContext(context))
	d := document{site: s, page: p, source: source, tree: tree}
	if err := d.change(); err != nil {
		return "", "", err
	}
	if d.title == "" {
		return "", "", errors.New("no heading at its start")
	}
	var b bytes.Buffer
	if err := md.Renderer().Render(&b, source, tree); err != nil {
		return "", "", err
	}
	body := strings.ReplaceAll(b.String(), "<th></th>", "<td></td>") // a cell without text is no heading
	return d.title, template.HTML(body), nil
}

// document is one tree that is changed before it is rendered.
type document struct {
	site   *site
	page   *page
	source []byte
	tree   ast.Node
	title  string
}

// change makes the document fit the site: links lead to pages, pictures are drawn, and the list of its own headings, which each page has
// beside the text here, is removed.
func (d *document) change() error {
	if h, ok := d.tree.FirstChild().(*ast.Heading); ok && h.Level == 1 {
		d.title = d.text(h)
	}
	d.removeContents()
	var all []ast.Node
	err := ast.Walk(d.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			all = append(all, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range all {
		switch n := n.(type) {
		case *ast.Link:
			err = errors.Join(err, d.relink(n))
		case *ast.CodeSpan:
			if utf8.RuneCountInString(d.text(n)) <= shortCode {
				n.SetAttributeString("class", []byte("short-code"))
			}
			d.linkCommand(n)
		case *ast.HTMLBlock:
			err = errors.Join(err, d.draw(n))
		case *ast.RawHTML:
			err = errors.Join(err, fmt.Errorf("HTML in the text: %s", n.Segments.Value(d.source)))
		}
	}
	return err
}

// removeContents removes the list of links to headings of the page, and the heading "Contents" above it.
func (d *document) removeContents() {
	for n := d.tree.FirstChild(); n != nil; n = n.NextSibling() {
		list, ok := n.(*ast.List)
		if !ok || !ofHeadings(list) {
			continue
		}
		if h, ok := list.PreviousSibling().(*ast.Heading); ok && d.text(h) == "Contents" {
			d.tree.RemoveChild(d.tree, h)
		}
		d.tree.RemoveChild(d.tree, list)
		return
	}
}

// ofHeadings reports whether each item of a list starts with a link into the page.
func ofHeadings(list *ast.List) bool {
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		link, ok := item.FirstChild().FirstChild().(*ast.Link)
		if !ok || !bytes.HasPrefix(link.Destination, []byte("#")) {
			return false
		}
	}
	return true
}

// text returns the text of a node without its markup.
func (d *document) text(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Segment.Value(d.source))
			if c.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		default:
			b.WriteString(d.text(c))
		}
	}
	return b.String()
}

// slugs gives headings the IDs that GitHub gives them.
type slugs map[string]int

// Generate is of parser.IDs.
func (s slugs) Generate(value []byte, _ ast.NodeKind) []byte {
	plain := strings.NewReplacer("`", "", "*", "").Replace(string(value))
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(plain))
	n := s[id]
	s[id]++
	if n > 0 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return []byte(id)
}

// Put is of parser.IDs.
func (s slugs) Put(value []byte) { s[string(value)]++ }

// blocks renders what goldmark would render otherwise: code, tables that scroll by themselves, pictures.
type blocks struct{ tables int }

// RegisterFuncs is of renderer.NodeRenderer.
func (b *blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	code := func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(codeBlock(string(n.Lines().Value(source))))
		}
		return ast.WalkSkipChildren, nil
	}
	r.Register(ast.KindCodeBlock, code)
	r.Register(ast.KindFencedCodeBlock, code)
	r.Register(kindPicture, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(n.(*picture).html)
		}
		return ast.WalkSkipChildren, nil
	})
	table := extension.NewTableHTMLRenderer()
	table.RegisterFuncs(scrolling{r, &b.tables})
}

// scrolling registers the functions of tables, and puts tables into boxes that scroll.
type scrolling struct {
	to     renderer.NodeRendererFuncRegisterer
	tables *int // counts them
}

// Register is of renderer.NodeRendererFuncRegisterer.
func (s scrolling) Register(kind ast.NodeKind, f renderer.NodeRendererFunc) {
	if kind != extast.KindTable {
		s.to.Register(kind, f)
		return
	}
	s.to.Register(kind, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			*s.tables++
			_, _ = fmt.Fprintf(w, `<div class="wide columns-%d" tabindex="0" role="region" aria-label="Table %d">`, n.FirstChild().ChildCount(), *s.tables)
		}
		status, err := f(w, source, n, entering)
		if !entering {
			_, _ = w.WriteString("</div>\n")
		}
		return status, err
	})
}

const (
	shortCode = 28 // up to so many columns, code in a line does not wrap
	wideCode  = 76 // from so many columns on, lines of code do not fit beside the navigation
)

// codeBlock writes code. Prompts, and the comments at the ends of commands, are set off. Where these comments make the lines too long, each
// comes above its command. What a terminal shows wraps as there.
func codeBlock(code string) string {
	lines := strings.Split(strings.TrimRight(code, "\n"), "\n")
	console, explained, wide := false, 0, false
	for _, line := range lines {
		console = console || strings.HasPrefix(line, "$ ")
		if strings.Contains(line, trailingComment) {
			explained++
		}
		wide = wide || utf8.RuneCountInString(line) > wideCode
	}
	class, above := "", wide && explained > 0
	switch {
	case console:
		class = ` class="console"`
	case above:
		class = ` class="explained" tabindex="0"`
	case wide:
		class = ` tabindex="0"` // it scrolls
	}
	var b strings.Builder
	b.WriteString("<pre" + class + "><code>")
	for i, line := range lines {
		if above {
			writeExplained(&b, line, lines[max(i-1, 0)])
		} else {
			writeCode(&b, line)
		}
	}
	b.WriteString("</code></pre>\n")
	return b.String()
}

const trailingComment = "  # "

// cutComment splits a line into a command and the comment at its end.
func cutComment(line string) (command, comment string) {
	if strings.HasPrefix(line, "# ") {
		return "", line
	}
	if i := strings.Index(line, trailingComment); i >= 0 {
		return line[:i], line[i:]
	}
	return line, ""
}

func writeCode(b *strings.Builder, line string) {
	if rest, ok := strings.CutPrefix(line, "$ "); ok {
		b.WriteString(`<span class="prompt">$ </span>`)
		line = rest
	}
	command, comment := cutComment(line)
	b.WriteString(html.EscapeString(command))
	if comment != "" {
		b.WriteString(`<span class="comment">` + html.EscapeString(comment) + "</span>")
	}
	b.WriteByte('\n')
}

// writeExplained writes the comment of a command above it. A command without one is set off from the command before it.
func writeExplained(b *strings.Builder, line, before string) {
	command, comment := cutComment(line)
	code := html.EscapeString(strings.TrimRight(command, " ")) + "\n"
	last, _ := cutComment(before)
	switch {
	case line == "":
		return // what follows is set off as it is
	case comment != "":
		b.WriteString(`<span class="comment">` + html.EscapeString(strings.TrimSpace(comment)) + "\n</span>")
		if command == "" {
			return
		}
	case (last != "" || before == "") && before != line && !strings.HasPrefix(line, " ") && !strings.HasSuffix(last, "\\"):
		code = `<span class="alone">` + code + "</span>"
	}
	b.WriteString(code)
}
