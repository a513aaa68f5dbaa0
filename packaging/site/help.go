package main

import (
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"

	"haul.example/haul/internal/cli"
	"haul.example/haul/packaging/helptext"
)

// helpPath returns the page of a command: commands/haul-array-plan.html for "haul array plan".
func helpPath(command string) string {
	return "commands/" + strings.ReplaceAll(command, " ", "-") + ".html"
}

// typed returns the command that shows a page: that of a topic is "haul help exit-codes".
func typed(c cli.Page) string {
	if c.Topic {
		return strings.Replace(c.Path, " ", " help ", 1)
	}
	return c.Path
}

// renderHelp sets the pages of commands, and of the list of them.
func (s *site) renderHelp(pages []cli.Page) error {
	short := map[string]string{}
	for _, c := range pages {
		short[c.Path] = c.Short
	}
	for _, c := range pages {
		p := s.byHelp[c.Path]
		v := helpView{Page: c, site: s, short: short, at: p.path}
		var b strings.Builder
		if err := templates.ExecuteTemplate(&b, "help.html", v); err != nil {
			return err
		}
		p.body = template.HTML(b.String())
	}
	list := s.bySource[commandsSource]
	list.title = "Commands"
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, "commands.html", helpView{Page: pages[0], site: s, short: short, at: list.path, all: pages}); err != nil {
		return err
	}
	list.body = template.HTML(b.String())
	return nil
}

// helpView is what the templates of help pages see.
type helpView struct {
	Page  cli.Page
	site  *site
	short map[string]string // what commands are about, by path
	at    string            // the page, below the site
	all   []cli.Page
}

// ref is a link to the page of a command.
type ref struct{ URL, Name, Short string }

func (v helpView) ref(command string) ref {
	return ref{relative(v.at, helpPath(command)), v.site.byHelp[command].title, v.short[command]}
}

// Title returns the title of the page.
func (v helpView) Title() string { return typed(v.Page) }

// Below returns the commands of a command.
func (v helpView) Below() []ref {
	var refs []ref
	for _, c := range v.Page.Commands {
		refs = append(refs, v.ref(c))
	}
	return refs
}

// Commands returns all commands, and those that they consist of, but not the topics.
func (v helpView) Commands() []ref { return v.refs(false) }

// Topics returns the topics.
func (v helpView) Topics() []ref { return v.refs(true) }

func (v helpView) refs(topics bool) []ref {
	var refs []ref
	for _, c := range v.all {
		if c.Topic == topics && c.Path != "haul" {
			refs = append(refs, v.ref(c.Path))
		}
	}
	return refs
}

// Common returns the page of haul, which has the flags of all commands.
func (v helpView) Common() string { return relative(v.at, helpPath("haul")) }

// Arguments returns the usage without the name of the command.
func (v helpView) Arguments() string { return strings.TrimPrefix(v.Page.Usage, v.Page.Path) }

// flagGroup is a titled list of flags.
type flagGroup struct {
	ID, Title string
	Flags     []cli.Flag
}

// Groups returns the flags.
func (v helpView) Groups() []flagGroup {
	var groups []flagGroup
	ids := slugs{}
	for _, g := range v.Page.Groups {
		groups = append(groups, flagGroup{"flags-" + string(ids.Generate([]byte(g.Title), 0)), g.Title, g.Flags})
	}
	return groups
}

// part is prose, a list of items, or verbatim lines.
type part struct {
	Prose template.HTML
	Items []item
	Code  template.HTML
}

type item struct {
	Term string
	Text template.HTML
}

// Text returns the parts of the page's text; items that follow each other make one list.
func (v helpView) Text() []part {
	var parts []part
	for _, b := range helptext.Blocks(v.Page.Text) {
		switch {
		case len(b.Lines) > 0:
			parts = append(parts, part{Code: template.HTML(codeBlock(dedent(b.Lines)))})
		case b.Term == "":
			parts = append(parts, part{Prose: v.linked(b.Text)})
		case len(parts) > 0 && len(parts[len(parts)-1].Items) > 0:
			last := &parts[len(parts)-1]
			last.Items = append(last.Items, item{b.Term, v.linked(b.Text)})
		default:
			parts = append(parts, part{Items: []item{{b.Term, v.linked(b.Text)}}})
		}
	}
	return parts
}

// Example returns the examples.
func (v helpView) Example() template.HTML {
	return template.HTML(codeBlock(dedent(strings.Split(v.Page.Example, "\n"))))
}

// nameInText is the name of a command or topic in prose, which has no quotes, or of a flag.
var nameInText = regexp.MustCompile(`\bhaul (help )?[a-z][-a-z0-9]+( [a-z]+)?|--[a-z][-a-z0-9]*`)

// linked writes prose in which the names of other commands lead to their pages, and flags are code.
func (v helpView) linked(text string) template.HTML {
	var b strings.Builder
	last := 0
	for _, at := range nameInText.FindAllStringIndex(text, -1) {
		b.WriteString(html.EscapeString(text[last:at[0]]))
		b.WriteString(v.name(text[at[0]:at[1]]))
		last = at[1]
	}
	b.WriteString(html.EscapeString(text[last:]))
	return template.HTML(b.String())
}

func (v helpView) name(shown string) string {
	if strings.HasPrefix(shown, "--") {
		return "<code>" + shown + "</code>"
	}
	words := shown
	for words != "haul" { // the last words may be of the sentence
		name := strings.Replace(words, "haul help ", "haul ", 1)
		if v.site.byHelp[name] != nil && name != v.Page.Path {
			return fmt.Sprintf("<a href=%q>%s</a>%s", relative(v.at, helpPath(name)), words, shown[len(words):])
		}
		words = words[:strings.LastIndexByte(words, ' ')]
	}
	return shown
}

// dedent joins lines without the indent that all of them have.
func dedent(lines []string) string {
	least := -1
	for _, l := range lines {
		if indent := len(l) - len(strings.TrimLeft(l, " ")); l != "" && (least < 0 || indent < least) {
			least = indent
		}
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l[min(len(l), max(least, 0)):] + "\n")
	}
	return b.String()
}
