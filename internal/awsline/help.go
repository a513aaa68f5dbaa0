package awsline

import (
	"fmt"
	"strings"
)

// Help lists the options of a verb, or the verbs.
func Help(verb string) string {
	var b strings.Builder
	c := command(verb)
	if c == nil {
		b.WriteString("haul supports these aws s3 commands:\n\n")
		for _, c := range Commands {
			fmt.Fprintf(&b, "  aws s3 %-8s %s\n", c.Name, c.Usage)
		}
		b.WriteString("\nMeaning, output and exit codes are the same as in the AWS CLI; doc/aws-compat.md lists all options.\n\nOptions of all commands:\n\n")
		writeOptions(&b, Globals)
		return strings.TrimSuffix(b.String(), "\n")
	}
	fmt.Fprintf(&b, "aws s3 %s [options] %s: haul supports these options:\n\n", c.Name, c.Usage)
	writeOptions(&b, c.Options)
	return strings.TrimSuffix(b.String(), "\n")
}

func writeOptions(b *strings.Builder, table []Option) {
	for _, o := range table {
		line := "  --" + o.Name + o.Words()
		if len(o.Choices) > 0 {
			line += " (" + strings.Join(o.Choices, ", ") + ")"
		}
		if o.Note != "" {
			line += ": " + o.Note
		}
		b.WriteString(line + "\n")
	}
}

// Words shows the words that follow an option.
func (o Option) Words() string {
	value := "VALUE"
	if o.Int {
		value = "NUMBER"
	}
	switch o.Takes {
	case One:
		return " " + value
	case Maybe:
		return " [" + value + "]"
	case Two:
		return " NAME VALUE"
	case Many:
		return " VALUE…"
	}
	return ""
}
