package awscli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// refusal is why a command ended without transfers. With a Code it has a structure, which --cli-error-format can ask for; without, it
// is plain text in every format.
type refusal struct {
	Code, Message string
	sentence      string // what the format "enhanced" writes; empty is made of both
}

// paramValidation is the Code of commands that could not mean anything.
const paramValidation = "ParamValidation"

// errorFormats are those that haul knows; any other is "enhanced", as in aws.
var errorFormats = []string{"legacy", "json", "yaml", "text", "table"}

// refuse prints a refusal.
func (f *face) refuse(r refusal) {
	format := strings.ToLower(f.errorFormat())
	switch {
	case r.Code == "":
		f.out.Refuse(r.Message)
	case !slices.Contains(errorFormats, format):
		f.out.Refuse(cmp.Or(r.sentence, fmt.Sprintf("An error occurred (%s): %s", r.Code, r.Message)))
	case format == "legacy":
		f.out.Refuse(cmp.Or(r.sentence, r.Message))
	default:
		f.out.Report(r.formatted(format))
	}
}

// errorFormat returns the format of errors that the command, the environment or the profile asks for.
func (f *face) errorFormat() string {
	if format := cmp.Or(f.line.Globals.Text("cli-error-format"), os.Getenv("AWS_CLI_ERROR_FORMAT")); format != "" {
		return format
	}
	profile, _, _ := readProfile("AWS_CONFIG_FILE", "config", cmp.Or(f.profile(), "default")) // an unreadable file is its own refusal
	return profile["cli_error_format"]
}

// formatted returns a refusal in a format other than sentences.
func (r refusal) formatted(format string) string {
	switch format {
	case "json":
		return "{\n    \"Code\": " + jsonText(r.Code) + ",\n    \"Message\": " + jsonText(r.Message) + "\n}\n"
	case "yaml":
		return "Code: " + yamlText(r.Code) + "\nMessage: " + yamlText(r.Message) + "\n"
	case "text":
		return r.Code + "\t" + r.Message + "\n"
	}
	return r.table()
}

// yamlText returns a string of YAML, in quotes if it would mean something else without.
func yamlText(s string) string {
	plain := s != "" && s == strings.TrimSpace(s) && !strings.ContainsAny(s, "\n\t\"'\\#{}[]&*!|>%@`,?") &&
		!strings.Contains(s, ": ") && !strings.HasSuffix(s, ":") && !strings.HasPrefix(s, "-") && strings.ContainsFunc(s, func(r rune) bool { return r > '9' })
	if plain {
		return s
	}
	return jsonText(s) // which is YAML, too
}

func jsonText(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// table returns a refusal as a table of one row, whose first column has one space less at its end, as in aws.
func (r refusal) table() string {
	message := strings.Join(strings.Fields(r.Message), " ")
	columns := []int{max(len("Code"), utf8.RuneCountInString(r.Code)) + 3, max(len("Message"), utf8.RuneCountInString(message)) + 4}
	inner := columns[0] + 1 + columns[1]
	line := "+" + strings.Repeat("-", columns[0]) + "+" + strings.Repeat("-", columns[1]) + "+\n"
	row := func(a, b string) string { return "|" + a + "|" + b + "|\n" }
	left := func(s string, width int) string {
		return "  " + s + strings.Repeat(" ", width-2-utf8.RuneCountInString(s))
	}
	return strings.Repeat("-", inner+2) + "\n|" + centered("error", inner) + "|\n" +
		line + row(centered("Code", columns[0]), centered("Message", columns[1])) +
		line + row(left(r.Code, columns[0]), left(message, columns[1])) + line
}

func centered(s string, width int) string {
	left := (width - len(s)) / 2
	return strings.Repeat(" ", left) + s + strings.Repeat(" ", width-len(s)-left)
}
