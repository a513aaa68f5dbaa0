// Package cli turns a command line into calls of package haul, and their outcome into an exit code.
//
// One file holds one command: its flags, the pure function that understands them as a request, and the call. Flags,
// environment and config are read here and nowhere else; everything is printed through package ui. Run is the whole
// program but for the process's own streams and its exit, which are main's.
package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/ui"
)

// System is what a process has.
type System struct {
	Stdin, Stdout, Stderr *os.File
	// Args are the name of the program and its arguments; nil is os.Args.
	Args []string
}

// app is one run of the program.
type app struct {
	sys     System
	stdout  *answers // where no bytes of objects go
	connect connection
	quiet   bool
	errors  bool // --only-show-errors, which is --quiet under the name that the AWS CLI has for it
	still   bool // no progress is shown
	json    bool
	verbose bool

	common     []*pflag.FlagSet // that every command has
	understood bool             // the line was, and the command began
	catting    bool             // standard output is for the bytes of objects
	out        *ui.Screen       // nil until the flags are known
}

// Run does what the process's own command line says, and gives the exit code. A ctx that ends with cause *Stopped ends the
// run in order.
func Run(ctx context.Context, sys System) int {
	line := sys.Args
	if line == nil {
		line = os.Args
	}
	if words, ok := awsWords(line); ok {
		return runAWS(ctx, sys, words)
	}
	a := &app{sys: sys, stdout: &answers{f: sys.Stdout}}
	root := a.root()
	args := line[1:]
	root.SetArgs(joinOptional(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		if err = a.stdout.failure(); err != nil {
			a.understood = true
		}
	}
	if err == nil {
		return codeOK
	}
	var usage *usageError
	if !a.understood && !errors.As(err, &usage) {
		err = &usageError{text: err.Error()} // cobra's own errors
	}
	if stopped := new(Stopped); errors.As(context.Cause(ctx), &stopped) {
		err = &endedError{stopped, err}
	}
	code := exitCode(err)
	if code != codePipe {
		toStdout := a.catting || len(args) > 0 && (args[len(args)-1] == "-" || args[len(args)-1] == "/dev/stdout")
		a.screen(toStdout).Fail(a.explain(err))
	}
	return code
}

// endedError is what came of a run that a signal ended.
type endedError struct {
	stopped *Stopped
	err     error
}

// Error names the signal; the rest only follows from it.
func (e *endedError) Error() string { return e.stopped.Error() }

// Unwrap gives both.
func (e *endedError) Unwrap() []error { return []error{e.stopped, e.err} }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "haul",
		Short:         "Move big files to and from S3 in parallel, resume by default, and verify what arrived",
		Long:          "haul moves big files to and from Amazon S3 and every S3-compatible store, in parallel parts. It resumes interrupted transfers,\nand verifies that what arrived is what was sent.",
		Example:       cpExample,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q; haul --help lists the commands", args[0])
			}
			cmd.SetOut(a.sys.Stderr)
			return errors.Join(cmd.Help(), usagef("a command is missing, such as: haul cp FILE s3://BUCKET/KEY"))
		},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.sys.Stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{text: err.Error()} })
	root.CompletionOptions.HiddenDefaultCmd = false
	a.common = []*pflag.FlagSet{a.connect.flags(), a.outputFlags()}
	for _, g := range a.common {
		root.PersistentFlags().AddFlagSet(g)
	}
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd, nil) })
	root.AddCommand(a.cp(), a.mv(), a.sync(), a.apply(), a.verify(), a.ls(), a.rm(), a.mb(), a.rb(), a.cat(), a.stat(), a.du(), a.presign(), a.website(), a.sum(), a.receipt())
	root.AddCommand(a.quickcheck(), a.run(), a.array(), a.aws(), a.installAWS())
	root.AddCommand(a.uploads(), a.version(), exitCodesTopic(), jsonTopic())
	return root
}

func (a *app) outputFlags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Output", pflag.ContinueOnError)
	fs.BoolVarP(&a.quiet, "quiet", "q", false, "print only errors, and results that could not be verified")
	fs.BoolVar(&a.errors, "only-show-errors", false, "the same as --quiet")
	fs.BoolVar(&a.still, "no-progress", false, "show no progress")
	fs.BoolVar(&a.json, "json", false, "print one JSON object per line on standard output (see haul help json)")
	fs.BoolVarP(&a.verbose, "verbose", "v", false, "also print starts, retries, details, and what limited the run")
	return fs
}

// command gives cmd its flags, in groups that its help shows, and what it does.
func (a *app) command(cmd *cobra.Command, groups []*pflag.FlagSet, run func(context.Context, []string) error) {
	for _, g := range groups {
		cmd.Flags().AddFlagSet(g)
	}
	cmd.Flags().SortFlags = false
	groups = append(groups, a.common...)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd, groups) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.quiet = a.quiet || a.errors
		if a.quiet && (a.json || a.verbose) {
			return usagef("--quiet goes with neither --json nor --verbose")
		}
		a.understood = true
		return run(cmd.Context(), args)
	}
}

// screen gives the one Screen of the run.
func (a *app) screen(stdoutIsData bool) *ui.Screen {
	if a.out == nil {
		cfg := ui.Config{Stdout: a.stdout, Stderr: a.sys.Stderr, StdoutIsData: stdoutIsData, Quiet: a.quiet, NoProgress: a.still, JSON: a.json, Verbose: a.verbose}
		cfg.Terminal = ui.TerminalOf(a.sys.Stderr)
		if os.Getenv("TERM") == "dumb" {
			cfg.Terminal = nil
		}
		a.out = ui.New(cfg)
	}
	return a.out
}
