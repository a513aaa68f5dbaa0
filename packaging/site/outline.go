package main

import (
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// section is a heading and the text below it, up to the next heading.
type section struct {
	Level int // of the heading, from 1; 0 for text before any
	ID    string
	Title string
	Text  string
}

// parted are elements whose text is apart from that of others.
var parted = []string{"p", "li", "td", "th", "dt", "dd", "pre", "summary", "figcaption", "div"}

// sectionsOf returns the sections of a page.
func sectionsOf(body string) ([]section, error) {
	nodes, err := html.ParseFragment(strings.NewReader(body), &html.Node{Type: html.ElementNode, Data: "main", DataAtom: atom.Main})
	if err != nil {
		return nil, err
	}
	sections := []section{{}}
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		last := &sections[len(sections)-1]
		switch {
		case n.Type == html.TextNode:
			last.Text += n.Data
		case n.Type != html.ElementNode:
		case len(n.Data) == 2 && n.Data[0] == 'h' && '1' <= n.Data[1] && n.Data[1] <= '4':
			sections = append(sections, section{Level: int(n.Data[1] - '0'), ID: attribute(n, "id"), Title: plainText(n)})
			return
		case n.Data == "svg" || n.Data == "style":
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if slices.Contains(parted, n.Data) {
			sections[len(sections)-1].Text += " "
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	for i := range sections {
		sections[i].Text = strings.Join(strings.Fields(sections[i].Text), " ")
	}
	return sections, nil
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func plainText(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(plainText(c))
	}
	return b.String()
}

// searchIndex is a script, since pages that are files cannot read others: the sections of all pages as [address, page, heading, text].
func (s *site) searchIndex() ([]byte, error) {
	rows := [][4]string{}
	for _, p := range s.pages {
		for _, c := range p.sections {
			address := p.path
			if c.Level > 1 && c.ID != "" {
				address += "#" + c.ID
			}
			if c.Title == p.title {
				c.Title = ""
			}
			if c.Title != "" || c.Text != "" {
				rows = append(rows, [4]string{address, p.title, c.Title, c.Text})
			}
		}
	}
	data, err := json.Marshal(rows)
	return append(append([]byte("haulIndex("), data...), ")\n"...), err
}
