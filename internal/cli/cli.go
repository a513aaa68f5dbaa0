// Package cli is the face of haul under its own name: it parses a command line into a request, has package command run it, and
// returns the exit code.
//
// One file has one command: its help, its flags, and the function that turns them into a request. Cobra's flags are known here and
// nowhere else. The streams and the exit of the process are main's.
package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// app is one command line.
type app struct {
	session    *command.Session
	onlyErrors bool             // --only-show-errors
	log        string           // --log
	common     []*pflag.FlagSet // that every command has
	groups     map[*cobra.Command][]*pflag.FlagSet
	helpAll    bool // --help-all
	understood bool // the flags were parsed, and the command was started
	// planned takes what would run the command, in place of running it; nil if the command is not one of a batch.
	planned func(run func(context.Context) error)
}

// Run runs the command that args name, without the name of the program, and returns the exit code. A ctx that ends with the cause
// *command.Stopped stops it cleanly.
func Run(ctx context.Context, sys command.System, args []string) int {
	a := &app{session: command.New(sys)}
	root := a.root()
	args, a.helpAll = helpAll(args)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		plainUsages(root)
	}
	root.SetArgs(joinOptional(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		if err = a.session.CloseLog(); err != nil {
			a.understood = true
		}
	} else {
		defer a.session.CloseLog() // what failed is reported, not this
	}
	if err == nil {
		if err = a.session.Stdout.Err(); err != nil {
			a.understood = true
		}
	}
	if err == nil {
		return 0
	}
	var usage *command.UsageError
	if !a.understood && !errors.As(err, &usage) {
		err = &command.UsageError{Text: err.Error()} // cobra's own errors
	}
	helpWith(err, root, args)
	err = command.Interrupted(ctx, err)
	code := command.ExitCode(err)
	if code != command.CodePipe {
		if n := len(args); n > 0 && (args[n-1] == "-" || args[n-1] == "/dev/stdout") {
			a.session.DataOnStdout = true
		}
		a.session.Screen().Fail(a.session.Explain(err))
	}
	return code
}

const rootExample = `  haul cp NA12878.bam s3://lab/runs/
  haul cp s3://lab/runs/NA12878.bam .
  haul cp -r run42 s3://lab/runs/run42
  samtools view -b in.cram | haul cp - s3://lab/x.bam
  haul cp --endpoint-url https://minio.example.org NA12878.bam s3://lab/`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "haul",
		Short:         "Move big files to and from S3 in parallel, resume by default, and verify every transfer",
		Long:          "haul moves big files to and from Amazon S3 and S3-compatible servers, in parallel. It resumes interrupted transfers, and\nverifies that the data arrived intact.",
		Example:       rootExample,
		Version:       command.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.Usagef("unknown command %q", args[0])
			}
			cmd.SetOut(a.session.System.Stderr)
			return errors.Join(cmd.Help(), command.Usagef("a command is missing, such as: haul cp FILE s3://BUCKET/KEY"))
		},
	}
	root.SetOut(a.session.Stdout)
	root.SetErr(a.session.System.Stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &command.UsageError{Text: err.Error(), Instead: likeFlag(cmd, err)}
	})
	root.CompletionOptions.DisableDefaultCmd = true
	a.groups = map[*cobra.Command][]*pflag.FlagSet{}
	a.common = []*pflag.FlagSet{connectionFlags(&a.session.Connection), a.outputFlags()}
	for _, g := range a.common {
		root.PersistentFlags().AddFlagSet(g)
	}
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd, a.groups[cmd], a.common, a.helpAll) })
	root.AddCommand(a.cp(), a.mv(), a.sync(), a.batch(), a.apply(), a.verify(), a.ls(), a.rm(), a.mb(), a.rb(), a.cat(), a.stat(), a.du(), a.presign(), a.website(), a.sum(), a.receipt())
	root.AddCommand(a.quickcheck(), a.run(), a.array(), a.aws(), a.s5cmd())
	for _, p := range programs() {
		root.AddCommand(a.install(p))
	}
	root.AddCommand(a.uploads(), a.doctor(), a.version(), a.completion(), exitCodesTopic(), jsonTopic(), storesTopic(), environmentTopic())
	return root
}

func (a *app) outputFlags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Output", pflag.ContinueOnError)
	fs.BoolVarP(&a.session.Quiet, "quiet", "q", false, "print only errors, and transfers that could not be verified")
	fs.BoolVar(&a.onlyErrors, "only-show-errors", false, "the same as --quiet, as in the AWS CLI")
	fs.Lookup("only-show-errors").Hidden = true
	fs.BoolVar(&a.session.NoProgress, "no-progress", false, "show no progress")
	fs.BoolVar(&a.session.JSON, "json", false, "print one JSON object per line on standard output (see haul help json)")
	fs.StringVar(&a.log, "log", "", "append what happens to `FILE`, one JSON object per line: starts, retries, results, failures (see haul help json)")
	fs.BoolVarP(&a.session.Verbose, "verbose", "v", false, "also print each object, its start and retries, and what limited the speed")
	fs.StringVar((*string)(&a.session.Color), "color", "auto", "color results and warnings: auto (on a terminal, unless NO_COLOR is set), always or never")
	return fs
}

// command sets the flags of cmd, in groups that its help shows, and the function that runs it.
func (a *app) command(cmd *cobra.Command, groups []*pflag.FlagSet, run func(context.Context, []string) error) {
	for _, g := range groups {
		cmd.Flags().AddFlagSet(g)
	}
	cmd.Flags().SortFlags = false
	a.groups[cmd] = groups
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := fromEnvironment(cmd.Flags()); err != nil {
			return err
		}
		a.session.Quiet = a.session.Quiet || a.onlyErrors
		if c := a.session.Color; c != command.ColorAuto && c != command.ColorAlways && c != command.ColorNever {
			return command.Usagef("--color must be auto, always or never (got %q)", string(c))
		}
		if a.session.Quiet && (a.session.JSON || a.session.Verbose) {
			return command.Usagef("--quiet goes with neither --json nor --verbose")
		}
		if a.planned != nil {
			if err := alone(cmd, args); err != nil {
				return err
			}
		} else if err := a.session.ReadStores(!slices.Contains(storeless, cmd.Name())); err != nil {
			return err
		}
		args, err := a.prepared(args, cmd.ArgsLenAtDash())
		if err != nil {
			return err
		}
		a.understood = true
		return run(cmd.Context(), args)
	}
}

// storeless are the commands that an invalid config.toml does not stop.
var storeless = []string{"doctor", "version", "completion", "install-aws", "install-s5cmd"}

// prepared opens the log, and returns args with s3:// in place of the names of stores. From dash on, they belong to another program.
func (a *app) prepared(args []string, dash int) (_ []string, err error) {
	args = slices.Clone(args)
	for i := range args {
		if dash >= 0 && i >= dash {
			break
		}
		if args[i], err = a.session.Address(args[i], ""); err != nil {
			return nil, err
		}
	}
	if a.log == "" {
		return args, nil
	}
	if err := a.session.OpenLog(a.log); err != nil {
		a.understood = true
		return nil, err
	}
	return args, nil
}

// verb sets the flags of cmd and runs what parse makes of them.
func verb[T any](a *app, cmd *cobra.Command, groups []*pflag.FlagSet, parse func([]string, *pflag.FlagSet) (T, error), run func(context.Context, T) error) *cobra.Command {
	a.command(cmd, groups, func(ctx context.Context, args []string) error {
		r, err := parse(args, cmd.Flags())
		if err != nil {
			return err
		}
		return a.start(ctx, func(ctx context.Context) error { return run(ctx, r) })
	})
	return cmd
}

// start runs a command, or plans it.
func (a *app) start(ctx context.Context, run func(context.Context) error) error {
	if a.planned != nil {
		a.planned(run)
		return nil
	}
	return run(ctx)
}

// connectionFlags are those of every command that opens a store.
func connectionFlags(c *command.Connection) *pflag.FlagSet {
	fs := pflag.NewFlagSet("Connection", pflag.ContinueOnError)
	fs.StringVar(&c.Store, "store", "", "use the store `NAME` of config.toml for s3:// addresses; NAME:BUCKET/KEY does the same for one address (see haul help stores)")
	fs.StringVar(&c.Endpoint, "endpoint-url", "", "use the endpoint `URL` (default: from the environment or profile, or Amazon S3)")
	fs.StringVar(&c.Region, "region", "", "use `REGION`, such as eu-west-1 (default: AWS_REGION or the profile's region)")
	fs.StringVar(&c.Profile, "profile", "", "use the profile `NAME` from ~/.aws (default: AWS_PROFILE)")
	fs.BoolVar(&c.NoSignRequest, "no-sign-request", false, "do not sign requests (for public data)")
	fs.StringVar(&c.CABundle, "ca-bundle", "", "trust the CA certificates in `FILE` (default: AWS_CA_BUNDLE)")
	fs.BoolVar(&c.NoVerifySSL, "no-verify-ssl", false, "do not verify the server's certificate")
	fs.StringVar(&c.Addressing, "addressing", "auto", "use the bucket addressing `STYLE` auto, path or virtual")
	fs.BoolVar(&c.Accelerate, "accelerate", false, "use S3 Transfer Acceleration (Amazon only; the bucket must allow it)")
	fs.BoolVar(&c.DualStack, "dualstack", false, "use endpoints that support IPv6 as well as IPv4 (Amazon only)")
	return fs
}
