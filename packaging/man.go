package main

import (
	"fmt"
	"strings"

	"haul.example/haul/internal/cli"
	"haul.example/haul/packaging/helptext"
)

// manPages returns a man page for each command and topic: commands in section 1, topics in section 7.
func manPages(r release) []member {
	var all []member
	pages := cli.Pages()
	section, short := map[string]int{}, map[string]string{}
	for _, p := range pages {
		section[p.Path], short[p.Path] = 1, p.Short
		if p.Topic {
			section[p.Path] = 7
		}
	}
	for _, p := range pages {
		m := manPage{section: section, short: short}
		m.write(p, r)
		path := fmt.Sprintf("man/man%d/%s.%[1]d", section[p.Path], manName(p.Path))
		all = append(all, member{path, []byte(m.String()), 0o644})
	}
	return all
}

// manName returns the name of the page of a command: haul-array-plan for haul array plan.
func manName(path string) string { return strings.ReplaceAll(path, " ", "-") }

// manPage is the text of a page in the macros of man(7), while it is written.
type manPage struct {
	strings.Builder
	section map[string]int    // of all pages, by path
	short   map[string]string // what they are about, by path
}

func (m *manPage) write(p cli.Page, r release) {
	name := manName(p.Path)
	m.printf(".TH %s %d %s \"haul %s\" \"haul manual\"\n", roff(strings.ToUpper(name)), m.section[p.Path], r.time.Format("2006-01-02"), roff(r.version))
	m.printf(".nh\n.ad l\n") // commands and names are not broken at hyphens, nor stretched
	m.printf(".SH NAME\n%s \\- %s\n", roff(name), roff(p.Short))
	if p.Usage != "" {
		rest := strings.TrimSpace(strings.TrimPrefix(p.Usage, p.Path))
		m.printf(".SH SYNOPSIS\n\\fB%s\\fR %s\n", roff(p.Path), roff(rest))
	}
	m.printf(".SH DESCRIPTION\n")
	m.text(p.Text)
	if len(p.Commands) > 0 {
		m.printf(".SH COMMANDS\n")
		for _, path := range p.Commands {
			m.printf(".TP\n%s\n", m.link(path))
			m.lines(m.short[path])
		}
	}
	m.flags(p)
	if p.Example != "" {
		m.printf(".SH EXAMPLES\n")
		m.verbatim(strings.Split(p.Example, "\n"))
	}
	m.seeAlso(p)
}

// flags writes the flags of a command. Those of all commands stand in the page of haul.
func (m *manPage) flags(p cli.Page) {
	if p.Topic {
		return
	}
	m.printf(".SH OPTIONS\n")
	for _, g := range p.Groups {
		if len(p.Groups) > 1 {
			m.printf(".SS %s\n", roff(g.Title))
		}
		for _, f := range g.Flags {
			m.printf(".TP\n")
			for i, word := range strings.Split(f.Form, " ") { // -o, --output FILE
				font := "I"
				if strings.HasPrefix(word, "-") {
					font = "B"
				}
				if i > 0 {
					m.printf(" ")
				}
				bare := strings.TrimSuffix(word, ",")
				m.printf("\\f%s%s\\fR%s", font, roff(bare), word[len(bare):])
			}
			m.printf("\n")
			m.lines(f.Text)
		}
	}
	if p.Path != "haul" {
		if len(p.Groups) > 0 {
			m.printf(".PP\n")
		}
		m.printf("For the flags that all commands have, such as \\fB%s\\fR and\n\\fB%s\\fR, see %s.\n", roff("--endpoint-url"), roff("--json"), m.link("haul"))
	}
}

func (m *manPage) seeAlso(p cli.Page) {
	var links []string
	for path := p.Path; strings.Contains(path, " "); {
		path = path[:strings.LastIndexByte(path, ' ')]
		links = append([]string{m.link(path)}, links...)
	}
	if !p.Topic {
		links = append(links, m.link("haul exit-codes"), m.link("haul json"))
	}
	m.printf(".SH SEE ALSO\n%s\n", strings.Join(links, ",\n"))
}

func (m *manPage) link(path string) string {
	return fmt.Sprintf("\\fB%s\\fR(%d)", roff(manName(path)), m.section[path])
}

// text writes paragraphs and lists, as cli.Page describes them.
func (m *manPage) text(text string) {
	for i, b := range helptext.Blocks(text) {
		switch {
		case len(b.Lines) > 0:
			m.printf(".PP\n")
			m.verbatim(b.Lines)
		case b.Term != "":
			m.printf(".TP\n\\fB%s\\fR\n", roff(b.Term))
			m.lines(b.Text)
		default:
			if i > 0 { // a paragraph needs no macro at the start of a section
				m.printf(".PP\n")
			}
			m.lines(b.Text)
		}
	}
}

// verbatim writes lines as they are.
func (m *manPage) verbatim(lines []string) {
	m.printf(".EX\n")
	for _, line := range lines {
		m.printf("%s\n", roff(line))
	}
	m.printf(".EE\n")
}

// lines writes prose in lines of at most 78 bytes where words allow that.
func (m *manPage) lines(text string) {
	line := ""
	end := func() {
		if strings.HasSuffix(strings.TrimRight(line, `)"`), ".") {
			line += `\&` // else some sentences would be followed by two spaces
		}
		m.printf("%s\n", line)
	}
	for _, word := range strings.Fields(text) {
		word = roff(word)
		if line != "" && len(line)+1+len(word) > 78 {
			end()
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	end()
}

func (m *manPage) printf(format string, args ...any) { fmt.Fprintf(m, format, args...) }

// roff escapes text, so that it is printed as it is: a minus stays a minus that can be pasted.
func roff(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case i == 0 && (r == '.' || r == '\''):
			b.WriteString(`\&`)
			fallthrough
		default:
			switch r {
			case '\\':
				b.WriteString(`\e`)
			case '-':
				b.WriteString(`\-`)
			case '\'':
				b.WriteString(`\(aq`)
			case '"':
				b.WriteString(`\(dq`)
			case '`':
				b.WriteString(`\(ga`)
			case '^':
				b.WriteString(`\(ha`)
			case '~':
				b.WriteString(`\(ti`)
			default:
				if r > 126 {
					fmt.Fprintf(&b, `\[u%04X]`, r)
				} else {
					b.WriteRune(r)
				}
			}
		}
	}
	return b.String()
}
