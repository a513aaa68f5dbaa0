package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const batchLong = `haul batch runs the commands of a file, one a line, in one process: on the same connections, with one memory and bandwidth limit, and
many at the same time.

  haul batch FILE        run the commands in FILE
  haul batch -           run the commands on standard input

A line is a command of haul, with or without the word haul: cp, mv, sync or rm, with its flags. Words are quoted as in a shell; there
are no variables, and no wildcards outside quotes. Empty lines and lines that begin with # are ignored:

  # results of run 42
  cp calls.vcf.gz s3://lab/runs/42/
  sync --delete "qc plots" s3://lab/runs/42/qc
  rm s3://lab/runs/42/RUNNING

The lines run in no particular order. Do not write a line that needs the result of another: use two batches.

All lines are checked first. If one is not a valid command, nothing is done, and haul names the line (exit code 2). A command that fails
does not stop the others; its error names the line. At the end, one line counts what was done. haul exits with 0 if all commands
succeeded; with their exit code if all that failed have the same one; and otherwise with 1.

A command of an interrupted batch resumes like the command itself: run the same batch again. cp transfers complete objects again; sync
and cp --no-overwrite do not.

Flags of the connection, the output and the limits (--profile, --json, --bandwidth, …) belong to haul batch and hold for all lines. All lines
work with one store. Standard input and output cannot be a source or target.`

const batchExample = `  haul batch transfers.txt
  haul batch --bandwidth 200MB --json transfers.txt
  awk '{print "cp", $1, "s3://lab/" $2}' list.tsv | haul batch -`

// batchJobs is how many commands run at the same time: enough that small objects keep all connections busy.
const batchJobs = 64

func (a *app) batch() *cobra.Command {
	var limits limitFlags
	jobs := batchJobs
	fs := pflag.NewFlagSet("Running", pflag.ContinueOnError)
	fs.IntVar(&jobs, "jobs", batchJobs, "run `N` commands at the same time (default 64)")
	limits.add(fs)
	cmd := &cobra.Command{
		Use:     "batch [flags] FILE|-",
		Short:   "Run the cp, mv, sync and rm commands of a file, many at the same time",
		Long:    batchLong,
		Example: batchExample,
		Args:    exactlyOne("FILE"),
	}
	return verb(a, cmd, []*pflag.FlagSet{fs}, func(args []string, set *pflag.FlagSet) (command.BatchRequest, error) {
		o, err := limits.options(set)
		if err == nil && jobs < 1 {
			err = command.Usagef("--jobs: it must be at least 1")
		}
		return command.BatchRequest{File: args[0], Jobs: jobs, Options: o, Parse: parseBatched}, err
	}, a.session.Batch)
}

// parseBatched parses a command of a batch, and returns what runs it in s.
func parseBatched(s *command.Session, words []string) (run func(context.Context) error, err error) {
	if words[0] == "haul" {
		words = words[1:]
	}
	if len(words) == 0 {
		return nil, command.Usagef("a command is missing")
	}
	a := &app{session: s, planned: func(f func(context.Context) error) { run = f }, groups: map[*cobra.Command][]*pflag.FlagSet{}}
	one, ok := map[string]func() *cobra.Command{"cp": a.cp, "mv": a.mv, "sync": a.sync, "rm": a.rm}[words[0]]
	if !ok {
		return nil, command.Usagef("%s is not a command of a batch; it must be cp, mv, sync or rm", words[0])
	}
	root := &cobra.Command{Use: "haul", SilenceErrors: true, SilenceUsage: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.SetHelpFunc(func(*cobra.Command, []string) {})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &command.UsageError{Text: err.Error(), Instead: likeFlag(cmd, err)}
	})
	root.PersistentFlags().AddFlagSet(wholeBatch())
	root.AddCommand(one())
	root.SetArgs(joinOptional(words))
	err = root.Execute()
	helpWith(err, root, words)
	if err == nil && run == nil {
		err = command.Usagef("--help is not possible in a batch")
	}
	return run, err
}

// wholeBatch are the flags that every command has: alone refuses them in a line.
func wholeBatch() *pflag.FlagSet {
	a := &app{session: command.New(command.System{})} // its values are not used
	all := connectionFlags(&a.session.Connection)
	all.AddFlagSet(a.outputFlags())
	return all
}

// alone refuses what a command of a batch cannot have because it shares the process with others.
func alone(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch {
		case cmd.InheritedFlags().Lookup(f.Name) != nil, slices.Contains([]string{"concurrency", "memory", "bandwidth", "patience"}, f.Name):
			err = command.Usagef("--%s holds for the whole batch: give it to haul batch", f.Name)
		case slices.Contains([]string{"stats", "receipt", "plan", "source-endpoint-url", "source-profile", "source-no-sign-request"}, f.Name), f.Value.String() == "-":
			err = command.Usagef("--%s is not possible in a batch", f.Name)
		}
	})
	for _, arg := range args {
		if slices.Contains([]string{"-", "/dev/stdin", "/dev/stdout"}, arg) {
			err = command.Usagef("%s is not possible in a batch", arg)
		}
	}
	return err
}
