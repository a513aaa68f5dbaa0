package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/ui"
)

// helpColumns is the width of help pages.
const helpColumns = 100

// mostFlags is how many flags of its own a command may have for --help to list them all; of more it lists those in usualFlags.
const mostFlags = 12

// usualFlags are those that --help lists of a command with many, by the path of the command. Those under "" are of all commands.
var usualFlags = map[string][]string{
	"": {"endpoint-url", "no-sign-request", "profile", "region", "json", "quiet", "verbose"},
	"haul cp": {"recursive", "dryrun", "exclude", "include", "no-overwrite", "storage-class", "metadata", "sse", "digest", "receipt",
		"concurrency", "bandwidth", "stats"},
	"haul mv":   {"recursive", "dryrun", "exclude", "include", "no-overwrite", "storage-class", "sse", "receipt", "concurrency", "bandwidth"},
	"haul sync": {"delete", "dryrun", "exclude", "include", "checksum", "size-only", "no-overwrite", "max-delete", "storage-class", "receipt", "concurrency", "bandwidth"},
	"haul run": {"in", "in-stream", "out", "out-optional", "samplesheet", "cache", "cache-size", "workdir", "keep-workdir", "spot", "grace", "on-interrupt",
		"record", "rerun"},
	"haul array plan":   {"shards", "output", "sync", "cut", "exclude", "include", "part-size", "storage-class", "sse"},
	"haul array submit": {"slurm", "batch", "k8s", "print", "wait", "only", "partition", "time", "mem", "sbatch", "image", "queue"},
}

// writeHelp writes the page of a command. With all, it has the whole text and all flags in groups, else what fits a screen.
func writeHelp(cmd *cobra.Command, groups, common []*pflag.FlagSet, all bool) {
	var b strings.Builder
	about := strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short))
	if !cmd.Runnable() {
		_, _ = io.WriteString(cmd.OutOrStdout(), about+"\n")
		return
	}
	if !all {
		about = opening(about)
	}
	fmt.Fprintf(&b, "%s\n\nUSAGE\n  %s\n", reflow(about), usageLine(cmd))
	writeCommands(&b, cmd)
	switch {
	case all:
		for _, g := range slices.Concat(groups, common) {
			writeFlags(&b, g.Name(), flagsOf([]*pflag.FlagSet{g}, nil))
		}
	case cmd.HasParent():
		own := flagsOf(groups, nil)
		if len(own) > mostFlags {
			own = flagsOf(groups, usualFlags[cmd.CommandPath()])
		}
		writeFlags(&b, "Flags", own)
		writeFlags(&b, "Global flags", flagsOf(common, usualFlags[""]))
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nEXAMPLES\n%s\n", cmd.Example)
	}
	more := fmt.Sprintf("For all flags and details: %s --help-all. ", cmd.CommandPath())
	switch {
	case all:
		more = ""
	case !cmd.HasParent():
		more = "For flags: haul COMMAND --help, or --help-all. "
	}
	fmt.Fprintf(&b, "\n%sFor exit codes: haul help exit-codes.\n", more)
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String()) // nobody is left to report it to
}

// opening returns the first paragraph of a text, and the forms of the command if they follow it, indented.
func opening(text string) string {
	first, rest, _ := strings.Cut(text, "\n\n")
	if forms, _, _ := strings.Cut(rest, "\n\n"); strings.HasPrefix(forms, "  ") {
		return first + "\n\n" + forms
	}
	return first
}

// reflow breaks the lines of paragraphs again; a paragraph with an indented line stays as it is.
func reflow(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if !strings.HasPrefix(p, " ") && !strings.Contains(p, "\n ") {
			paragraphs[i] = strings.Join(wrap(p, helpColumns), "\n")
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// flagsOf returns the flags of groups that are not hidden: those with these names, in their order, or all if names is nil.
func flagsOf(groups []*pflag.FlagSet, names []string) []*pflag.Flag {
	var all []*pflag.Flag
	for _, g := range groups {
		g.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && (names == nil || slices.Contains(names, f.Name)) {
				all = append(all, f)
			}
		})
	}
	if names != nil {
		slices.SortStableFunc(all, func(a, b *pflag.Flag) int { return slices.Index(names, a.Name) - slices.Index(names, b.Name) })
	}
	return all
}

// helpAll takes --help-all out of args: --help stands in its place, but for haul help COMMAND, which needs none.
func helpAll(args []string) ([]string, bool) {
	i := slices.Index(args, "--help-all")
	if i < 0 || slices.Contains(args[:i], "--") {
		return args, false
	}
	args = slices.Clone(args)
	if args[i] = "--help"; args[0] == "help" {
		args = slices.Delete(args, i, i+1)
	}
	return args, true
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

// exitCodesTopic, jsonTopic, storesTopic and environmentTopic are pages to read: haul help exit-codes, haul help json, ….
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  "Every haul command exits with one of these codes:\n\n" + exitHelp(),
	}
}

func jsonTopic() *cobra.Command {
	return &cobra.Command{Use: "json", Short: "The events that --json prints", Long: ui.JSONHelp}
}

func storesTopic() *cobra.Command {
	return &cobra.Command{Use: "stores", Short: "Names for stores, in config.toml", Long: storesHelp}
}

func environmentTopic() *cobra.Command {
	return &cobra.Command{Use: "environment", Short: "Environment variables", Long: environmentHelp}
}

const environmentHelp = `HAUL_NAME sets the default of the flag --name, in capital letters and with _ for -: HAUL_BANDWIDTH=200MB, HAUL_STORE=lab,
HAUL_NO_PROGRESS=true. What you type comes first. A variable whose flag a command does not have, or has no use for, is ignored.
Flags that delete or overwrite, or that name what is deleted or overwritten, must be typed; their variables are an error.

  HAUL_STATE_DIR   the folder of the records of unfinished transfers (default: haul in $XDG_STATE_HOME or ~/.local/state)
  HAUL_CONFIG      the file with the names of stores (see haul help stores)

haul also reads the AWS_* variables that the AWS CLI reads, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY. haul run sets HAUL_IN_0, HAUL_OUT,
HAUL_OUT_0 and HAUL_WORKDIR for its command; they set no flags.`

const storesHelp = `If you use more than one store, name them in haul/config.toml in $XDG_CONFIG_HOME or ~/.config (on Windows in %AppData%). HAUL_CONFIG
names another file.

  [stores.lab]
  endpoint = "https://minio.example.org"
  profile = "lab"
  ca = "/etc/ssl/lab.pem"

  [stores.public]
  region = "us-east-1"
  no_sign_request = true

lab:BUCKET/KEY is then s3://BUCKET/KEY in that store, in every argument that is an address:

  haul cp x.bam lab:runs/42/
  haul ls public:1000genomes/

haul prints such addresses as you typed them. Plans, receipts and lists contain s3:// addresses; --store NAME says which store
they mean: haul apply --store lab plan.jsonl.

cp, mv and sync also copy from one store to another; every other command works with one store:

  haul sync lab:runs/42 aws:archive/42
  haul cp --source-endpoint-url https://minio.example.org --source-profile lab s3://runs/x.bam s3://archive/
  haul cp --source-no-sign-request s3://1000genomes/README.analysis_history lab:mirror/

--source-endpoint-url, --source-profile, --source-region and --source-no-sign-request describe the source's store; all other flags
describe the target's. --ca-bundle and --no-verify-ssl apply to both.

The keys are endpoint, region, profile, ca, addressing (auto, path, virtual), and no_sign_request, no_verify_ssl, accelerate, dualstack (true
or false). A flag overrides its key, and a key overrides the AWS_* variables. haul does not accept secrets in the file: they
belong in ~/.aws, and profile names them. For a local file whose name starts like that, write ./lab:x. haul doctor lists the stores.`

// writeFlags writes a section of flags, each with the name of its value, and its text wrapped beside it.
func writeFlags(b *strings.Builder, title string, flags []*pflag.Flag) {
	const indent, most = 2, 30 // columns before a flag, and before its text at most
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", strings.ToUpper(title))
	type line struct{ flag, text string }
	var lines []line
	column := 0
	for _, f := range flags {
		var l line
		l.flag, l.text = describe(f)
		lines = append(lines, l)
		if n := utf8.RuneCountInString(l.flag); n <= most {
			column = max(column, n)
		}
	}
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

// describe returns a flag as it is typed, such as "-o, --output FILE" or "--sse [TYPE]", and its text.
func describe(f *pflag.Flag) (form, text string) {
	value, text := pflag.UnquoteUsage(f)
	form = "--" + f.Name
	if f.Shorthand != "" {
		form = "-" + f.Shorthand + ", " + form
	}
	switch {
	case value != "" && f.NoOptDefVal != "":
		form += " [" + value + "]"
	case value != "":
		form += " " + value
	}
	return form, text
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

// exitHelp lists the exit codes.
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
