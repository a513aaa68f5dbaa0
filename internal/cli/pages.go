package cli

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// Page is the help of one command or topic as data, for manuals outside this program.
type Page struct {
	Path  string // such as "haul", "haul array plan" or "haul json"
	Topic bool   // a text to read; it has no Usage
	Short string
	Usage string
	// Text has an empty line between paragraphs. Lines with an indent of two are items: a word or a command, and after two spaces what it
	// means, which more deeply indented lines continue.
	Text     string
	Groups   []FlagGroup
	Commands []string // paths of the pages below this one
	Example  string   // commands, one a line, indented
}

// FlagGroup is a titled list of flags.
type FlagGroup struct {
	Title string
	Flags []Flag
}

// Flag is a flag as it is typed, such as "-o, --output FILE" or "--sse [TYPE]", and its text.
type Flag struct{ Form, Text string }

// Pages returns the pages of all commands and topics, that of haul first. Flags that every command has are on that one only.
func Pages() []Page {
	a := &app{session: command.New(command.System{})}
	root := a.root()
	a.groups[root] = a.common
	return a.pages(root)
}

func (a *app) pages(cmd *cobra.Command) []Page {
	p := Page{
		Path:    cmd.CommandPath(),
		Topic:   !cmd.Runnable(),
		Short:   cmd.Short,
		Text:    strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)),
		Groups:  groupsOf(a.groups[cmd]),
		Example: cmd.Example,
	}
	if !p.Topic {
		p.Usage = usageLine(cmd)
	}
	all := []Page{p}
	for _, c := range cmd.Commands() {
		below := a.pages(c)
		all[0].Commands = append(all[0].Commands, below[0].Path)
		all = append(all, below...)
	}
	return all
}

func groupsOf(sets []*pflag.FlagSet) []FlagGroup {
	var groups []FlagGroup
	for _, set := range sets {
		g := FlagGroup{Title: set.Name()}
		for _, f := range flagsOf([]*pflag.FlagSet{set}, nil) {
			form, text := describe(f)
			g.Flags = append(g.Flags, Flag{form, text})
		}
		groups = append(groups, g)
	}
	return groups
}
