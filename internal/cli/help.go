package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/ui"
)

const helpColumns = 110

// writeHelp writes the page of a command: what it does, its flags in groups, examples, and the exit codes.
func writeHelp(cmd *cobra.Command, groups []*pflag.FlagSet) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(about))
	if !cmd.Runnable() {
		_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
		return
	}
	fmt.Fprintf(&b, "\nUSAGE\n  %s\n", usageLine(cmd))
	writeCommands(&b, cmd)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(g.Name()))
		writeFlags(&b, g)
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nEXAMPLES\n%s\n", cmd.Example)
	}
	fmt.Fprintf(&b, "\nEXIT STATUS\n%s", exitHelp())
	if !cmd.HasParent() {
		b.WriteString("\n\"haul COMMAND --help\" lists the flags of a command.\n")
	}
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String()) // nobody is left to report it to
}

func usageLine(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return "haul COMMAND [flags] …"
	}
	return cmd.UseLine()
}

// writeCommands lists what is below cmd: commands first, then topics to read about.
func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	b.WriteString("\nCOMMANDS\n")
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			fmt.Fprintf(b, "  %-12s %s\n", c.Name(), c.Short)
		}
	}
	if cmd.HasHelpSubCommands() {
		b.WriteString("\nHELP TOPICS\n")
		for _, c := range cmd.Commands() {
			if c.IsAdditionalHelpTopicCommand() {
				fmt.Fprintf(b, "  haul help %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
}

// exitCodesTopic and jsonTopic are pages to read: haul help exit-codes, haul help json.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "The meaning of the exit codes",
		Long:  "Every haul command exits with one of these codes:\n\n" + exitHelp(),
	}
}

func jsonTopic() *cobra.Command {
	return &cobra.Command{Use: "json", Short: "The events of --json", Long: ui.JSONHelp}
}

// writeFlags lists flags, each with its value's name and its text, wrapped beside it.
func writeFlags(b *strings.Builder, fs *pflag.FlagSet) {
	const indent, most = 2, 30 // columns before a flag, and before its text at most
	type line struct{ flag, text string }
	var lines []line
	column := 0
	fs.VisitAll(func(f *pflag.Flag) {
		value, text := pflag.UnquoteUsage(f)
		l := line{"--" + f.Name, text}
		if f.Shorthand != "" {
			l.flag = "-" + f.Shorthand + ", " + l.flag
		}
		switch {
		case value != "" && f.NoOptDefVal != "":
			l.flag += " [" + value + "]"
		case value != "":
			l.flag += " " + value
		}
		lines = append(lines, l)
		if n := utf8.RuneCountInString(l.flag); n <= most {
			column = max(column, n)
		}
	})
	column += indent + 2
	for _, l := range lines {
		text := wrap(l.text, helpColumns-column)
		pad := column - indent - utf8.RuneCountInString(l.flag)
		if pad < 2 { // a long flag has its text below
			fmt.Fprintf(b, "  %s\n", l.flag)
		} else {
			fmt.Fprintf(b, "  %s%s%s\n", l.flag, strings.Repeat(" ", pad), text[0])
			text = text[1:]
		}
		for _, t := range text {
			fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", column), t)
		}
	}
}

// wrap breaks text into lines of at most columns.
func wrap(text string, columns int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) > columns:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}

// exitHelp is the EXIT STATUS section.
func exitHelp() string {
	var b strings.Builder
	for _, s := range command.ExitCodes {
		for i, line := range wrap(s.Text, helpColumns-7) {
			if i == 0 {
				fmt.Fprintf(&b, "  %3d  %s\n", s.Code, line)
			} else {
				fmt.Fprintf(&b, "       %s\n", line)
			}
		}
	}
	return b.String()
}
