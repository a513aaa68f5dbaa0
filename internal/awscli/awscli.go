// Package awscli is the face of haul under the name aws, or as haul aws: it takes the commands of aws s3, with the options, the output
// and the exit codes of the AWS CLI.
//
//	package awsline reads the words by the grammar of aws
//	another service than s3, --version and the prompt go to the next real aws in PATH
//	the profile's settings and the options become a request of package command, or a call of package haul
//	results, warnings and errors are printed in the words of aws, by ui.AWS
//
// doc/aws-compat.md lists all options, and what is not as in the AWS CLI.
package awscli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store/s3"
)

// The exit codes of the AWS CLI, version 2.
const (
	codeOK      = 0
	codeFailed  = 1 // a transfer failed
	codeWarned  = 2 // something was skipped
	codeUsage   = 252
	codeConfig  = 253
	codeService = 254 // the store returned an error
	codeGeneral = 255
)

const usageText = `usage: aws [options] s3 VERB [parameters]
haul speaks for aws s3 here; "aws s3 help" lists the verbs, "aws s3 VERB help" the options of one.`

// lineRefusal returns the refusal of a line that cannot be read.
func lineRefusal(e *awsline.Error) refusal {
	r := refusal{Message: e.Text}
	if e.Code == codeUsage {
		r.Code = paramValidation
	}
	if e.Usage {
		r.Message += "\n\n" + usageText
	}
	return r
}

// Words returns the words after aws, if a process with these arguments was called under that name, or as haul aws.
func Words(args []string) ([]string, bool) { return command.CalledAs("aws", args) }

// face is one command of aws.
type face struct {
	sys      command.System
	stdout   *command.Stdout
	line     awsline.Line
	settings settings
	connect  command.Connection
	out      *ui.AWS
	store    *s3.Store
	client   *haul.Client

	failed, warned bool
}

// Run runs a command of aws, without the word aws, and returns the exit code.
func Run(ctx context.Context, sys command.System, words []string) int {
	line, err := awsline.Parse(words, readExpanded)
	f := &face{sys: sys, stdout: command.NewStdout(sys.Stdout), line: line}
	f.out = ui.NewAWS(f.printing())
	switch {
	case err != nil:
		return f.fail(ctx, err)
	case line.Service != "s3", line.Version, line.Globals.Has("cli-auto-prompt"):
		return f.passThrough(words)
	case line.Help:
		for text := range strings.SplitSeq(awsline.Help(line.Verb), "\n") {
			f.out.Line(text)
		}
		return f.exitCode(codeOK)
	}
	return f.exitCode(f.fail(ctx, f.run(ctx)))
}

// exitCode returns code, which is that of a failure if the output could not be written.
func (f *face) exitCode(code int) int {
	if err := f.stdout.Err(); err != nil && code == codeOK {
		f.out.Refuse(err.Error())
		return codeGeneral
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

func (f *face) printing() ui.AWSConfig {
	o := f.line.Options
	cfg := ui.AWSConfig{
		Stdout: f.stdout, Stderr: f.sys.Stderr, Quiet: o.Has("quiet"), OnlyErrors: o.Has("only-show-errors") || f.isStream(),
		NoProgress: o.Has("no-progress"), Multiline: o.Has("progress-multiline"), Debug: f.line.Globals.Has("debug"),
	}
	cfg.Every = time.Duration(o.Number("progress-frequency")) * time.Second
	return cfg
}

// isStream reports whether the line is about standard input or output.
func (f *face) isStream() bool {
	for _, p := range f.line.Paths {
		if f.line.Verb == "cp" && p == "-" {
			return true
		}
	}
	return f.toStdout()
}

// toStdout reports whether the line is a download to a device that is standard output.
func (f *face) toStdout() bool {
	return f.line.Verb == "cp" && f.line.Kind == awsline.Download && !f.line.Options.Has("recursive") && command.IsStdout(f.line.Paths[1])
}

func (f *face) run(ctx context.Context) error {
	switch f.line.Verb {
	case "cp", "mv", "sync":
		return f.runTransfer(ctx)
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

// codedError ends a run with an exit code of its own.
type codedError struct {
	code int
	text string
}

// Error returns the text.
func (e *codedError) Error() string { return e.text }

// fatalError ends a run over files.
type fatalError struct{ err error }

// Error returns the cause.
func (e *fatalError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *fatalError) Unwrap() error { return e.err }

// printedError was printed already.
type printedError int

// Error names the code.
func (e printedError) Error() string { return fmt.Sprintf("ended with code %d", int(e)) }

// fail prints why a run failed, if err is not nil, and returns its exit code.
func (f *face) fail(ctx context.Context, err error) int {
	var usage *awsline.Error
	var other *codedError
	var words *command.UsageError
	var fatal *fatalError
	var printed printedError
	stopped := new(command.Stopped)
	switch {
	case errors.As(context.Cause(ctx), &stopped):
		if stopped.Signal != os.Interrupt {
			return stopped.Code()
		}
		f.out.Cancelled()
		return codeFailed
	case errors.As(err, &printed):
		return int(printed)
	case errors.As(err, &usage):
		f.refuse(lineRefusal(usage))
		return usage.Code
	case errors.As(err, &other):
		f.out.Refuse(other.text)
		return other.code
	case errors.As(err, &words):
		f.refuse(refusal{Code: paramValidation, Message: words.Text})
		return codeUsage
	case errors.As(err, &fatal):
		f.out.Fatal(f.text(fatal.err))
		return codeFailed
	case err != nil:
		code, r := f.serviceRefusal(err)
		f.refuse(r)
		return code
	case f.failed:
		return codeFailed
	case f.warned:
		return codeWarned
	}
	return codeOK
}

// profile returns the name of the profile that the line or the environment chooses, or "".
func (f *face) profile() string {
	return cmp.Or(f.line.Globals.Text("profile"), os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
}

// open connects, by the line, the environment and the config file.
func (f *face) open(ctx context.Context) error {
	var err error
	g := f.line.Globals
	if f.settings, err = readSettings(f.profile()); err != nil {
		return err
	}
	f.settings.setVariables()
	if f.settings.bad != nil && f.line.Kind != "" {
		return f.settings.bad
	}
	if f.settings.badTries != nil {
		return f.settings.badTries
	}
	conn := command.Connection{
		Endpoint: g.Text("endpoint-url"), Region: g.Text("region"), Profile: g.Text("profile"), CABundle: g.Text("ca-bundle"),
		NoSignRequest: g.Has("no-sign-request"), NoVerifySSL: g.Has("no-verify-ssl"),
		Addressing: f.settings.addressing, Accelerate: f.settings.accelerate, DualStack: f.settings.dualStack,
	}
	conn.Endpoint = cmp.Or(conn.Endpoint, f.settings.endpoint)
	if f.settings.endpoint = conn.Endpoint; conn.Addressing == "" || conn.Addressing == "auto" {
		conn.Addressing = command.AddressingAt(conn.Endpoint)
	}
	if conn.CABundle == "" && os.Getenv("AWS_CA_BUNDLE") == "" && f.settings.caBundle == "" {
		conn.CABundle = os.Getenv("REQUESTS_CA_BUNDLE")
	}
	if conn.HalfKeys() {
		return &codedError{codeGeneral, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"}
	}
	f.connect = conn
	cfg := conn.Config()
	cfg.SignPayload = f.settings.signPayload
	if region := f.line.Options.Text("source-region"); region != "" && f.line.Kind == awsline.Copy {
		cfg.Regions = map[string]string{command.SplitAddress(f.line.Paths[0]).Bucket: region}
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

// timeouts sets those that the line asks for; 0 is none, as in aws.
func (f *face) timeouts(cfg *s3.Config) {
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

// observe prints what --debug shows.
func (f *face) observe(e haul.Event) {
	switch e.Kind {
	case haul.EventRetry:
		f.out.Debug(fmt.Sprintf("%s to %s: retrying in %v: %v", e.Source, e.Target, e.Wait, e.Err))
	case haul.EventNote:
		f.out.Debug(fmt.Sprintf("%s to %s: %s", e.Source, e.Target, e.Text))
	case haul.EventKept:
		f.out.Debug(fmt.Sprintf("%s to %s: resuming: %d bytes of an earlier run are already stored and verified", e.Source, e.Target, e.Bytes))
	case haul.EventDone:
		f.out.Debug(fmt.Sprintf("%s to %s: proof: %s", e.Source, e.Target, e.Result.Proof.Text))
	}
}

// osErrno returns the system's number of a local error.
func osErrno(err error) (syscall.Errno, bool) {
	var n syscall.Errno
	return n, errors.As(err, &n)
}
