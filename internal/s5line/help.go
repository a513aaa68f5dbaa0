package s5line

import (
	"fmt"
	"strings"
)

// Help returns the help of a command, or of s5cmd itself.
func Help(verb string) string {
	var b strings.Builder
	v := verbOf(verb)
	if v == nil {
		b.WriteString("haul speaks for s5cmd here. The commands:\n\n")
		for _, v := range Verbs {
			fmt.Fprintf(&b, "  %-16s%s\n", v.Name, v.Short)
		}
		b.WriteString("\nGlobal flags, before the command:\n\n")
		writeFlags(&b, Globals)
		b.WriteString("\n\"s5cmd COMMAND --help\" lists the flags of one command.")
		return b.String()
	}
	fmt.Fprintf(&b, "s5cmd %s - %s\n\nUsage:\n  s5cmd [global flags] %s [flags] %s\n\nFlags:\n", v.Name, v.Short, v.Name, v.Usage)
	writeFlags(&b, v.Flags)
	return strings.TrimSuffix(b.String(), "\n")
}

func writeFlags(b *strings.Builder, flags []Flag) {
	for _, f := range flags {
		if f.Hidden {
			continue
		}
		text := "  --" + f.Name
		if f.Short != "" {
			text += ", -" + f.Short
		}
		b.WriteString(text + f.Words() + "\n")
	}
}

// Words returns what follows the flag, with a space before it.
func (f Flag) Words() string {
	switch f.Takes {
	case Nothing:
		return ""
	case Choice:
		return " " + strings.Trim(strings.Join(f.Choices, "|"), "|")
	case Text:
		return " TEXT"
	case Number:
		return " N"
	case Duration:
		return " 90m"
	case List:
		return " PATTERN"
	}
	return " " + string(f.Takes)
}
