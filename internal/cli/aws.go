package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"haul.example/haul"
	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store/s3"
)

// The exit codes of aws, as its version 2 gives them.
const (
	awsOK      = 0
	awsFailed  = 1 // a transfer failed
	awsWarned  = 2 // something was left out
	awsConfig  = 253
	awsService = 254 // the store said no
	awsGeneral = 255
)

const awsUsage = `usage: aws [options] s3 VERB [parameters]
haul speaks for aws s3 here; "aws s3 help" lists the verbs, "aws s3 VERB help" the options of one.`

// awsWords gives the words after aws, where this process was called under that name, or as haul aws.
func awsWords(args []string) ([]string, bool) {
	switch {
	case len(args) == 0:
		return nil, false
	case isAWSName(filepath.Base(args[0])):
		return args[1:], true
	case len(args) > 1 && args[1] == "aws":
		return args[2:], true
	}
	return nil, false
}

func isAWSName(base string) bool {
	return base == "aws" || runtime.GOOS == "windows" && strings.EqualFold(base, "aws.exe")
}

// awsFace is one run of a line of aws.
type awsFace struct {
	sys      System
	stdout   *answers
	line     awsline.Line
	settings awsSettings
	connect  connection
	out      *ui.AWS
	store    *s3.Store
	client   *haul.Client

	failed, warned bool
}

// runAWS does what a line of aws says, and gives the exit code.
func runAWS(ctx context.Context, sys System, words []string) int {
	line, err := awsline.Parse(words, readExpanded)
	f := &awsFace{sys: sys, stdout: &answers{f: sys.Stdout}, line: line}
	f.out = ui.NewAWS(f.printing())
	switch {
	case err != nil:
		return f.end(ctx, err)
	case line.Service != "s3", line.Version, line.Globals.Has("cli-auto-prompt"):
		return f.handOn(words)
	case line.Help:
		for text := range strings.SplitSeq(awsline.Help(line.Verb), "\n") {
			f.out.Line(text)
		}
		return f.told(awsOK)
	}
	return f.told(f.end(ctx, f.run(ctx)))
}

// told gives the exit code, which is that of a failure where the answer could not be written.
func (f *awsFace) told(code int) int {
	if err := f.stdout.failure(); err != nil && code == awsOK {
		f.out.Refuse("", err.Error())
		return awsGeneral
	}
	return code
}

// readExpanded reads a file that a value names, ~ and variables included.
func readExpanded(path string) ([]byte, error) {
	path = os.ExpandEnv(path)
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(home, rest)
	}
	return os.ReadFile(path)
}

func (f *awsFace) printing() ui.AWSConfig {
	o := f.line.Options
	cfg := ui.AWSConfig{
		Stdout: f.stdout, Stderr: f.sys.Stderr, Quiet: o.Has("quiet"), OnlyErrors: o.Has("only-show-errors") || f.isStream(),
		NoProgress: o.Has("no-progress"), Multiline: o.Has("progress-multiline"), Debug: f.line.Globals.Has("debug"),
	}
	cfg.Every = time.Duration(o.Number("progress-frequency")) * time.Second
	return cfg
}

// isStream reports whether the line is about standard input or output.
func (f *awsFace) isStream() bool {
	for _, p := range f.line.Paths {
		if f.line.Verb == "cp" && p == "-" {
			return true
		}
	}
	return f.toStdout()
}

// toStdout tells a download to standard output by its name among the devices.
func (f *awsFace) toStdout() bool {
	return f.line.Verb == "cp" && f.line.Kind == awsline.Download && !f.line.Options.Has("recursive") && isStdout(f.line.Paths[1])
}

func (f *awsFace) run(ctx context.Context) error {
	if form := f.line.Globals.Text("cli-error-format"); form != "" && form != "legacy" {
		return &awsError{awsGeneral, "haul writes errors in the legacy format only, not as " + form}
	}
	switch f.line.Verb {
	case "cp", "mv", "sync":
		return f.transfer(ctx)
	case "rm":
		return f.rm(ctx)
	case "ls":
		return f.ls(ctx)
	case "mb":
		return f.mb(ctx)
	case "rb":
		return f.rb(ctx)
	case "website":
		return f.website(ctx)
	}
	return f.presign(ctx)
}

// awsError ends a run with a code of its own.
type awsError struct {
	code int
	text string
}

// Error gives the text.
func (e *awsError) Error() string { return e.text }

// fatalError ends a run over files.
type fatalError struct{ err error }

// Error gives the cause.
func (e *fatalError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *fatalError) Unwrap() error { return e.err }

// saidError was told already.
type saidError int

// Error names the code.
func (e saidError) Error() string { return fmt.Sprintf("ended with code %d", int(e)) }

// end tells why a run ended, and gives its exit code.
func (f *awsFace) end(ctx context.Context, err error) int {
	var usage *awsline.Error
	var other *awsError
	var words *usageError
	var fatal *fatalError
	var said saidError
	stopped := new(Stopped)
	switch {
	case errors.As(context.Cause(ctx), &stopped):
		if stopped.Signal != os.Interrupt {
			return stopped.code()
		}
		f.out.Cancelled()
		return awsFailed
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &usage):
		how := ""
		if usage.Usage {
			how = awsUsage
		}
		f.out.Refuse(how, usage.Text)
		return usage.Code
	case errors.As(err, &other):
		f.out.Refuse("", other.text)
		return other.code
	case errors.As(err, &words):
		f.out.Refuse("", words.text)
		return 252
	case errors.As(err, &fatal):
		f.out.Fatal(f.text(fatal.err))
		return awsFailed
	case err != nil:
		code, text := f.serviceText(err)
		f.out.Refuse("", text)
		return code
	case f.failed:
		return awsFailed
	case f.warned:
		return awsWarned
	}
	return awsOK
}

// open connects, by what the line, the environment and the config file say.
func (f *awsFace) open(ctx context.Context) error {
	var err error
	g := f.line.Globals
	profile := g.Text("profile")
	if profile == "" {
		profile = cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
	}
	if f.settings, err = readAWSSettings(profile); err != nil {
		return err
	}
	if f.settings.bad != nil && f.line.Kind != "" {
		return f.settings.bad
	}
	if f.settings.badTries != nil {
		return f.settings.badTries
	}
	conn := connection{
		endpoint: g.Text("endpoint-url"), region: g.Text("region"), profile: g.Text("profile"), caBundle: g.Text("ca-bundle"),
		noSign: g.Has("no-sign-request"), noVerify: g.Has("no-verify-ssl"),
		addressing: f.settings.addressing, accelerate: f.settings.accelerate, dualStack: f.settings.dualStack,
	}
	if f.settings.endpoint = cmp.Or(conn.endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), f.settings.endpoint); conn.addressing == "" || conn.addressing == "auto" {
		conn.addressing = addressingAt(f.settings.endpoint)
	}
	if conn.halfKeys() {
		return &awsError{awsGeneral, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"}
	}
	f.connect = conn
	cfg := conn.config()
	cfg.SignPayload = f.settings.signPayload
	if region := f.line.Options.Text("source-region"); region != "" && f.line.Kind == awsline.Copy {
		cfg.Regions = map[string]string{awsRef(f.line.Paths[0]).Bucket: region}
	}
	f.timeouts(&cfg)
	if f.store, err = s3.Open(ctx, cfg); err != nil {
		return err
	}
	f.out.Debug("endpoint and region: " + f.store.String())
	f.client = haul.New(f.store, haul.Options{
		MaxConcurrency: f.settings.concurrency, Bandwidth: f.settings.bandwidth, MaxTries: f.settings.tries, Observe: f.observe,
	})
	return nil
}

// addressingAt is where aws puts the bucket's name at an endpoint that was named: into the path, also on Amazon's own hosts, but for
// the one of Transfer Acceleration.
func addressingAt(endpoint string) string {
	if endpoint == "" || strings.Contains(endpoint, "://s3-accelerate.") {
		return "auto"
	}
	return "path"
}

// timeouts are those that the line asks for; 0 is none, as in aws.
func (f *awsFace) timeouts(cfg *s3.Config) {
	const never = 100 * 365 * 24 * time.Hour
	g := f.line.Globals
	for name, to := range map[string]*time.Duration{"cli-read-timeout": &cfg.StallTimeout, "cli-connect-timeout": &cfg.DialTimeout} {
		if !g.Has(name) {
			continue
		}
		if *to = time.Duration(g.Number(name)) * time.Second; *to <= 0 {
			*to = never
		}
	}
}

// observe writes the account of --debug.
func (f *awsFace) observe(e haul.Event) {
	switch e.Kind {
	case haul.EventRetry:
		f.out.Debug(fmt.Sprintf("%s to %s: retrying in %v: %v", e.Source, e.Target, e.Wait, e.Err))
	case haul.EventNote:
		f.out.Debug(fmt.Sprintf("%s to %s: %s", e.Source, e.Target, e.Text))
	case haul.EventKept:
		f.out.Debug(fmt.Sprintf("%s to %s: resuming: %d bytes of an earlier run are in place and verified", e.Source, e.Target, e.Bytes))
	case haul.EventDone:
		f.out.Debug(fmt.Sprintf("%s to %s: proof: %s", e.Source, e.Target, e.Result.Proof.Text))
	}
}

// awsResume is that nothing is gone on with, as in aws, unless HAUL_RESUME=1 is set.
func awsResume() haul.Resume {
	if wished("HAUL_RESUME") {
		return haul.ResumeAuto
	}
	return haul.ResumeNever
}

// wished reports whether a variable of the environment is set, and not to 0 or false.
func wished(name string) bool {
	v := os.Getenv(name)
	return v != "" && v != "0" && !strings.EqualFold(v, "false")
}

// aws only shows up in the help: Run takes such lines before any flag is read.
func (a *app) aws() *cobra.Command {
	return &cobra.Command{
		Use:   "aws [options] s3 VERB …",
		Short: "Run an aws s3 command, with the same meaning and output (also available under the name aws)",
		Long: "haul aws s3 … takes the lines of aws s3, with the same options, output and exit codes; so does haul under the name aws, which\n" +
			"\"haul install-aws DIR\" gives it. Other services are handed to the next real aws in PATH. doc/aws-compat.md lists all options.",
		Example:            "  haul aws s3 cp NA12878.bam s3://lab/runs/\n  haul aws s3 sync run42 s3://lab/runs/run42 --delete --dryrun",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return usagef("write haul aws … with all options after aws")
		},
	}
}

// osErrno gives the system's number of a local error.
func osErrno(err error) (syscall.Errno, bool) {
	var n syscall.Errno
	return n, errors.As(err, &n)
}
