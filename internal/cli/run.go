package cli

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

const runLong = `haul run downloads the inputs of a command, runs the command, and uploads its outputs. It suits jobs on machines that may be
reclaimed, such as Spot instances.

Its work folder is private, is created in --workdir or $TMPDIR, and is removed after success. The command runs there. A relative
COMMAND with a slash, such as ./call.sh, is looked up among the inputs first, then in the current directory. Standard input,
output, error and the exit code are the command's own; haul writes its own messages to standard error. The command's output is also
saved in run.stdout and run.stderr.

INPUTS: SOURCE, or SOURCE:NAME for another name in the work folder
  s3://BUCKET/KEY             downloaded under the last part of its key; with :DIR/ into that folder
  s3://BUCKET/DIR/            everything under it goes into the folder DIR, or NAME; also buckets and local folders
  's3://BUCKET/run*/**/*.bam' every match, with its path after the last slash before the first wildcard; in NAME if given
  FILE                        a local file is linked, not copied
The last colon separates SOURCE and NAME. If SOURCE itself contains colons, append one: s3://b/12:30.bam: becomes 12:30.bam. In
a list for --files-from (one SOURCE per line, or SOURCE, a tab and NAME) names are taken literally. In a sample sheet (CSV or TSV, with
or without Illumina's sections, or JSON) every cell or string s3://BUCKET/KEY is downloaded to s3/BUCKET/KEY, and replaced by that
absolute path in a copy of the sheet. If there is no such object, everything under s3://BUCKET/KEY/ is downloaded. A sheet without any
such cell is an error.

OUTPUTS: PATTERN:s3://…
  out.vcf.gz:s3://b/calls/    a target that ends in a slash is a prefix for the file's name; any other target is its key
  results/:s3://b/out/        everything in a folder
  'results/**:s3://b/out/'    every match, except inputs
Output folders are created before the command starts. Indexes (.bai, .tbi, …) are uploaded after their data, then the logs, then
run.json, which records the command, the versions of its inputs and the resources it used, and finally an empty _SUCCESS. These go
under --record, or else under the prefix of the first output (KEY.run/ if its target is a key). On the next run, if that record has
the same command line, program and inputs, and all outputs match it, haul does nothing.

In the command's arguments {in.0}, {in.1}, … stand for the paths of inputs (--in and --samplesheet, in the order given), {out} or {out.0}
for the fixed part of the first output's pattern, and {workdir} for the work folder. The environment has HAUL_IN_0, …, HAUL_OUT,
HAUL_OUT_0, … and HAUL_WORKDIR.

INTERRUPTION: on SIGTERM, Ctrl-C or SIGHUP, and with --spot on a Spot interruption notice, haul sends --signal to the command's
process group, and SIGKILL after --grace. Then the logs, run.json and the --on-interrupt files are uploaded under _partial/ beside
the record, without _SUCCESS. If the command had already succeeded, its uploads continue for up to --grace. SIGUSR1 and SIGUSR2 are
passed on to the command. After any kind of kill, run the same command again on the same machine to resume: inputs that are already
there are verified and kept, and the command starts over; if it had succeeded, only the missing outputs are uploaded.

EXIT CODE: the command's own; if a signal ended it, 128 plus the signal's number. If haul itself fails, it exits with a code from haul
help exit-codes. 126 means that the command could not be run, 127 that it was not found; 143 can also mean a Spot notice.

CACHE: --cache DIR keeps inputs for all runs on the machine, identified by bucket, key, ETag and size. Each is downloaded once, even if
several runs need it at the same time. Runs share a file through a reflink if the file system supports that (XFS, btrfs), else through
a hard link to a read-only file, else each run gets a copy. Several users can share DIR (mkdir -m 1777 DIR): each has a folder in it,
and other users' files are copied, and used only if they match the checksum that the server recorded. A command that makes a hard link
writable and writes to it corrupts the entry; the next run detects the changed size or time (with --cache-verify, the changed
content), and downloads the object again.`

const runExample = `  haul run --in s3://lab/x.bam --in s3://refs/hg38/:ref/ --out 'results/**:s3://lab/out/' -- \
    ./call.sh x.bam ref/hg38.fa
  haul run --cache /scratch/haul --in s3://lab/a.bam --out a.vcf:s3://lab/a.vcf -- bcftools …
  haul run --spot --grace 90s --on-interrupt 'checkpoint/**' --in s3://lab/x --out y:s3://lab/y -- \
    ./long.sh {in.0} {out}`

// runFlags are those of haul run, as typed.
type runFlags struct {
	words []runWord // of --in and the like, in their order
	list  string
	attrs attrFlags

	record, workdir, cache string
	keep, rerun, noLogs    bool
	spot, onFailure        bool
	verify                 bool
	cacheSize              sizeFlag
	signal                 string
	grace                  spanFlag
	limits                 limitFlags
}

// groups are all flags, as the help shows them.
func (f *runFlags) groups() []*pflag.FlagSet {
	in := pflag.NewFlagSet("Inputs", pflag.ContinueOnError)
	in.Var(&wordFlag{f, inWord}, inWord, "put the input `SOURCE[:NAME]` into the work folder: download an object, everything under a prefix that ends in a slash, or all matches of wildcards; link a local file or folder; may be repeated")
	in.Var(&wordFlag{f, sheetWord}, sheetWord, "download the sample sheet `SHEET[:NAME]`, and the objects that it lists; may be repeated")
	in.StringVar(&f.list, "files-from", "", "also provide the inputs in `LIST` (- is standard input): one SOURCE per line, or SOURCE, a tab and NAME")
	in.Var(&wordFlag{f, streamWord}, streamWord, "stream an object through a named pipe, as in `NAME=s3://…`; the command must read it once, sequentially; may be repeated")
	in.StringVar(&f.workdir, "workdir", "", "create the work folder in `DIR` (default $TMPDIR)")
	in.BoolVar(&f.keep, "keep-workdir", false, "keep the work folder even after success")
	in.StringVar(&f.cache, "cache", "", "cache inputs in `DIR`, for other runs on this machine")
	in.Var(&f.cacheSize, "cache-size", "limit your entries in the cache to `SIZE`; the least recently used are deleted first, but never entries that are in use")
	in.BoolVar(&f.verify, "cache-verify", false, "verify cached files against the server's checksum before each use")

	run := pflag.NewFlagSet("Command", pflag.ContinueOnError)
	run.StringVar(&f.signal, "signal", "TERM", "stop the command with the signal `NAME`")
	run.Var(&f.grace, "grace", "when interrupted, give the command `TIME` to stop (default 30s); the scheduler's own limit also applies (Slurm: 30 s, Spot: 2 minutes)")
	run.BoolVar(&f.spot, "spot", false, "watch for Spot interruption notices: query the instance metadata service (or AWS_EC2_METADATA_SERVICE_ENDPOINT, if set) every 5 s")
	run.Var(&wordFlag{f, interruptWord}, interruptWord, "when the run is interrupted, upload the files that match, as in `PATTERN[:s3://…]` (default: upload only the logs); may be repeated")
	run.BoolVar(&f.noLogs, "no-logs", false, "do not save the command's output; the command then writes directly to haul's own output, such as a terminal")
	run.BoolVar(&f.rerun, "rerun", false, "run the command even if its outputs already exist")

	out := pflag.NewFlagSet("Outputs", pflag.ContinueOnError)
	out.Var(&wordFlag{f, outWord}, outWord, "upload files, as in `PATTERN:s3://…`; fail if none match; may be repeated")
	out.Var(&wordFlag{f, optionalWord}, optionalWord, "like --out, but do not fail if no file matches `PATTERN:s3://…`")
	out.BoolVar(&f.onFailure, "out-on-failure", false, "upload outputs, logs and run.json even if the command failed, but no _SUCCESS")
	out.StringVar(&f.record, "record", "", "upload run.json, the logs and _SUCCESS under `s3://…` (default: beside the first output)")

	move := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	f.limits.add(move)
	optional(move, &f.attrs.payer, "request-payer", "requester", "agree to pay for requests and traffic as the `requester`")
	optional(move, &f.attrs.sse, "sse", "AES256", "encrypt outputs with encryption `KIND`: AES256 (the default), aws:kms or aws:kms:dsse")
	move.StringVar(&f.attrs.kmsKey, "sse-kms-key-id", "", "encrypt with the KMS key that has this `ID`")
	return []*pflag.FlagSet{in, run, out, move, f.attrs.flags()}
}

// The flags whose values are parsed together, in their order.
const (
	inWord        = "in"
	sheetWord     = "samplesheet"
	streamWord    = "in-stream"
	outWord       = "out"
	optionalWord  = "out-optional"
	interruptWord = "on-interrupt"
)

// runWord is the value of one of them.
type runWord struct{ flag, word string }

// wordFlag takes a word each time.
type wordFlag struct {
	to   *runFlags
	flag string
}

// Set takes it.
func (w *wordFlag) Set(word string) error {
	w.to.words = append(w.to.words, runWord{w.flag, word})
	return nil
}

func (w *wordFlag) Type() string { return "WORD" }

func (w *wordFlag) String() string { return "" }

// addTo adds what a word asks for to q.
func (w runWord) addTo(q *stage.Request, d files) error {
	switch w.flag {
	case inWord, sheetWord:
		in, err := parseInput(w.word, d)
		if in.Sheet = w.flag == sheetWord; err == nil && in.Sheet && (in.Folder || in.Pattern != "") {
			err = command.Usagef("--samplesheet: %s is not a sample sheet", w.word)
		}
		q.Inputs = append(q.Inputs, in)
		return err
	case streamWord:
		s, err := parseStream(w.word)
		q.Streams = append(q.Streams, s)
		return err
	case interruptWord:
		o, err := parseOutput(w.word)
		q.OnInterrupt = append(q.OnInterrupt, o)
		return err
	}
	o, err := parseOutput(w.word)
	if err == nil && o.Target.Bucket == "" {
		return command.Usagef("--%s: %q is not PATTERN:s3://BUCKET/KEY", w.flag, w.word)
	}
	o.Optional = w.flag == optionalWord
	q.Outputs = append(q.Outputs, o)
	return err
}

// cutName cuts off the name after the last colon; the colons of s3:// and of an access point's ARN do not count.
func cutName(word string) (source, name string) {
	from := 0
	if strings.HasPrefix(word, command.Scheme) {
		from = len(command.Scheme)
		if bucket := command.SplitAddress(word).Bucket; strings.HasPrefix(bucket, "arn:") {
			from += len(bucket)
		}
	} else if len(word) > 2 && word[1] == ':' && os.PathSeparator == '\\' {
		from = 2
	}
	i := strings.LastIndexByte(word[from:], ':')
	if i < 0 {
		return word, ""
	}
	return word[:from+i], word[from+i+1:]
}

// parseInput parses SOURCE and SOURCE:NAME.
func parseInput(word string, d files) (in stage.Input, err error) {
	if err := notForeign(word); err != nil { // its colon parts no name
		return in, err
	}
	source, name := cutName(word)
	in.Dest = name
	l, err := parseLocation(source)
	if err != nil {
		return in, err
	}
	if l.Kind == command.Stream {
		return in, command.Usagef("standard input belongs to the command and cannot be an input")
	}
	in.Source = l.End()
	wild := hasWildcards(l, d)
	switch {
	case l.Kind == command.Remote && wild:
		in.Source.Ref.Key, in.Pattern = mirror.SplitPattern(l.Ref.Key)
	case l.Kind == command.Remote:
		in.Folder = command.IsFolder(l.Ref.Key)
	case wild:
		in.Source.Path, in.Pattern = mirror.SplitPattern(l.Text)
		if in.Source.Path == "" {
			in.Source.Path = "."
		}
	default:
		mode, err := d.mode(l.Text)
		if in.Folder = mode.IsDir(); err != nil {
			return in, err
		}
	}
	return in, nil
}

func parseStream(word string) (stage.Stream, error) {
	name, rest, ok := strings.Cut(word, "="+command.Scheme)
	ref, err := parseRemote(command.Scheme + rest)
	if !ok || name == "" || err == nil && command.IsFolder(ref.Key) {
		return stage.Stream{}, command.Usagef("--in-stream: %q is not NAME=s3://BUCKET/KEY", word)
	}
	return stage.Stream{Name: name, Source: ref}, err
}

// parseOutput parses PATTERN:s3://…, and PATTERN alone.
func parseOutput(word string) (o stage.Output, err error) {
	i := strings.LastIndex(word, ":"+command.Scheme)
	if i < 0 {
		return stage.Output{Pattern: strings.TrimPrefix(word, "./")}, nil
	}
	o.Pattern = strings.TrimPrefix(word[:i], "./")
	o.Target, err = parseRemote(word[i+1:])
	return o, err
}

func (a *app) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:     "run [flags] -- COMMAND [ARG…]",
		Short:   "Download inputs, run a command on them, and upload its outputs",
		Long:    runLong,
		Example: runExample,
		Args: func(cmd *cobra.Command, args []string) error {
			switch at := cmd.ArgsLenAtDash(); {
			case len(args) == 0:
				return command.Usagef("run needs a COMMAND after --")
			case at != 0:
				return command.Usagef("%s is not a flag; the COMMAND comes after --", args[0])
			}
			return nil
		},
	}
	a.command(cmd, f.groups(), func(ctx context.Context, args []string) error {
		a.session.DataOnStdout = true
		req, err := f.parse(args, cmd.Flags())
		if err != nil {
			return err
		}
		o, err := f.limits.options(cmd.Flags())
		if err != nil {
			return err
		}
		if f.list != "" {
			more, err := a.listed(ctx, f.list)
			if err != nil {
				return err
			}
			req.Inputs = append(req.Inputs, more...)
		}
		return a.session.Run(ctx, req, o)
	})
	return cmd
}

// listed reads the inputs that a list names.
func (a *app) listed(ctx context.Context, name string) ([]stage.Input, error) {
	list, err := a.session.OpenList(ctx, name)
	if err != nil {
		return nil, err
	}
	defer list.Close() // only read from
	var all []stage.Input
	for p, err := range command.ReadPairs(list) {
		if err != nil {
			return nil, err
		}
		l, err := parseLocation(p.Source)
		if err != nil {
			return nil, err
		}
		if l.Kind == command.Stream {
			return nil, command.Usagef("--files-from: standard input cannot be an input")
		}
		all = append(all, stage.Input{Source: l.End(), Dest: p.Target, Folder: l.Kind == command.Remote && command.IsFolder(l.Ref.Key)})
	}
	return all, nil
}

// parse returns the request that the flags and arguments describe.
func (f *runFlags) parse(args []string, set *pflag.FlagSet) (stage.Request, error) {
	q := stage.Request{
		Command: args,
		Dir:     f.workdir, Keep: f.keep, Again: f.rerun, NoLogs: f.noLogs, OnFailure: f.onFailure, Grace: time.Duration(f.grace),
		Cache:   stage.Cache{Dir: f.cache, Size: int64(f.cacheSize), Verify: f.verify},
		Env:     os.Environ(),
		Version: strings.TrimPrefix(command.Version(), "haul "), Address: parseRemote,
	}
	if q.Dir == "" {
		q.Dir = os.TempDir()
	}
	var err error
	if q.From, err = os.Getwd(); err != nil {
		return q, err
	}
	for _, w := range f.words {
		if err := w.addTo(&q, disk{}); err != nil {
			return q, err
		}
	}
	switch {
	case f.cache == "" && (set.Changed("cache-size") || f.verify):
		return q, command.Usagef("--cache-size and --cache-verify need --cache")
	case f.onFailure && len(q.Outputs) == 0 && f.record == "":
		return q, command.Usagef("--out-on-failure needs --out or --record")
	}
	if q.Record, err = f.recordPrefix(q.Outputs); err != nil {
		return q, err
	}
	for _, o := range q.OnInterrupt {
		if o.Target.Bucket == "" && q.Record.Bucket == "" {
			return q, command.Usagef("--on-interrupt %s: the target is missing; write PATTERN:s3://…", o.Pattern)
		}
	}
	var ok bool
	if q.Signal, ok = stage.SignalNamed(strings.ToUpper(f.signal)); !ok {
		return q, command.Usagef("--signal: %q is not a signal name; write it like TERM, INT or USR1", f.signal)
	}
	if f.spot {
		if q.Metadata = os.Getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"); q.Metadata == "" {
			q.Metadata = "http://169.254.169.254"
		}
	}
	q.Transfer.Attrs, err = f.attrs.attrs("", disk{}.read)
	if !f.attrs.noGuess && q.Transfer.Attrs.Headers.ContentType == "" {
		q.ContentType = seqfile.ContentType
	}
	return q, err
}

// recordPrefix returns where the record goes.
func (f *runFlags) recordPrefix(outputs []stage.Output) (store.Ref, error) {
	if f.record != "" {
		ref, err := parseRemote(f.record)
		if ref.Key != "" {
			ref.Key = command.FolderKey(ref.Key)
		}
		return ref, err
	}
	if len(outputs) == 0 {
		return store.Ref{}, nil
	}
	o := outputs[0]
	_, pattern := mirror.SplitPattern(o.Pattern)
	switch {
	case command.IsFolder(o.Target.Key):
	case pattern != "", strings.HasSuffix(o.Pattern, "/"):
		o.Target.Key += "/"
	default:
		o.Target.Key += ".run/"
	}
	return o.Target, nil
}
