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

const runLong = `haul run downloads the inputs of a command, runs the command, and uploads its outputs. It is designed for machines that can be
interrupted, such as Spot instances.

The command runs in a private work folder, which haul creates in --workdir or $TMPDIR and removes after success. A relative COMMAND
with a slash, such as ./call.sh, is looked up first among the inputs, then in the current directory. Standard input, standard output,
standard error and the exit code belong to the command; haul writes its own messages to standard error. The command's output is also
saved in run.stdout and run.stderr.

INPUTS: SOURCE, or SOURCE:NAME to use another name in the work folder
  s3://BUCKET/KEY             saved under the last part of its key; with :DIR/, in that folder
  s3://BUCKET/DIR/            everything under it is saved in the folder DIR, or NAME; the same for a
                              bucket or a local folder
  's3://BUCKET/run*/**/*.bam' every match is saved under the part of its path that follows the last
                              slash before the first wildcard; in the folder NAME, if given
  FILE                        a local file is linked, not copied
The last colon separates SOURCE and NAME. If SOURCE itself contains colons, append one: s3://b/12:30.bam: is saved as
12:30.bam. In a list for --files-from (one SOURCE per line, or SOURCE, a tab and NAME), names are taken literally. In a
sample sheet (CSV or TSV, with or without Illumina's sections, or JSON), the object in every cell or string of the form
s3://BUCKET/KEY is downloaded to s3/BUCKET/KEY, and a copy of the sheet contains its absolute path instead. If there is
no such object, everything under s3://BUCKET/KEY/ is downloaded. A sheet without any such cell is an error.

OUTPUTS: PATTERN:s3://…
  out.vcf.gz:s3://b/calls/    if the target ends in a slash, the file's name is appended to it;
                              otherwise the target is the file's key
  results/:s3://b/out/        everything in a folder
  'results/**:s3://b/out/'    every match, except inputs
Output folders are created before the command starts. Indexes (.bai, .tbi, …) are uploaded after their data, then the logs, then
run.json, which records the command, the versions of its inputs and the resources it used, and finally an empty _SUCCESS. The logs, run.json and
_SUCCESS go under --record, or else under the prefix of the first output (KEY.run/ if its target is a key). On the next run, if
run.json has the same command line, program and inputs, and all outputs match it, haul does nothing.

In the command's arguments, {in.0}, {in.1}, … stand for the paths of inputs (--in and --samplesheet, in the order given), {out} or {out.0}
for the fixed part of the first output's pattern, and {workdir} for the work folder. These environment variables are set: HAUL_IN_0, …, HAUL_OUT,
HAUL_OUT_0, … and HAUL_WORKDIR.

INTERRUPTION: on SIGTERM, Ctrl-C, SIGHUP or, with --spot, a Spot interruption notice, haul sends the signal from --signal to the
command's process group, and SIGKILL after --grace. Then the logs, run.json and the --on-interrupt files are uploaded under _partial/
next to the record, without _SUCCESS. If the command had already succeeded, its uploads continue for up to --grace. SIGUSR1 and SIGUSR2 are
passed on to the command. To resume after any kind of interruption, run the same command again on the same machine: inputs that are
already there are verified and kept, and the command starts over; if it had succeeded, only the missing outputs are uploaded.

EXIT CODE: that of the command; if a signal ended the command, 128 plus the signal's number. If haul itself fails, it exits with one of
the codes in "haul help exit-codes": 126 means that the command could not be run, 127 that it was not found. 143 can also mean a Spot
notice.

CACHE: --cache DIR keeps inputs for all runs on the machine, identified by bucket, key, ETag and size. Each is downloaded once, even if
several runs need it at the same time. Runs share a file through a reflink if the file system supports that (XFS, Btrfs), or else
through a hard link to a read-only file; otherwise each run gets a copy. Several users can share DIR (mkdir -m 1777 DIR): each has a
folder in it. Other users' files are copied, and used only if they match the checksum that the server recorded. A command that makes a
hard link writable and writes to it corrupts the cache entry; the next run detects the changed size or time (with --cache-verify, the
changed content), and downloads the object again.`

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
	in.Var(&wordFlag{f, inWord, "SOURCE[:NAME]"}, inWord, "download an object, everything under a prefix that ends in a slash, or all matches of a wildcard pattern into the work folder (local files and folders are linked); may be repeated")
	in.Var(&wordFlag{f, sheetWord, "SHEET[:NAME]"}, sheetWord, "download a sample sheet and the objects it lists; may be repeated")
	in.StringVar(&f.list, "files-from", "", "also use the inputs listed in `LIST` (- for standard input): one SOURCE per line, or SOURCE, a tab and NAME")
	in.Var(&wordFlag{f, streamWord, "NAME=s3://…"}, streamWord, "stream an object through the named pipe NAME; the command must read it once, from start to end; may be repeated")
	in.StringVar(&f.workdir, "workdir", "", "create the work folder in `DIR` (default: $TMPDIR)")
	in.BoolVar(&f.keep, "keep-workdir", false, "do not delete the work folder after success")
	in.StringVar(&f.cache, "cache", "", "cache inputs in `DIR` for other runs on this machine")
	in.Var(&f.cacheSize, "cache-size", "limit your share of the cache to `SIZE`: delete the least recently used inputs that are not in use")
	in.BoolVar(&f.verify, "cache-verify", false, "verify cached files against the server's checksum before each use")

	run := pflag.NewFlagSet("Command", pflag.ContinueOnError)
	run.StringVar(&f.signal, "signal", "TERM", "when interrupted, send the command the signal `NAME` (default TERM)")
	run.Var(&f.grace, "grace", "after SIGINT, SIGTERM or a Spot notice, give the command `TIME` to stop (default 30s); a scheduler's limit still applies (Slurm: 30 s, Spot: 2 minutes)")
	run.BoolVar(&f.spot, "spot", false, "check every 5 s for a Spot interruption notice in the instance metadata (AWS_EC2_METADATA_SERVICE_ENDPOINT overrides the address)")
	run.Var(&wordFlag{f, interruptWord, "PATTERN[:s3://…]"}, interruptWord, "when interrupted, upload the files that match PATTERN (default: only the logs); may be repeated")
	run.BoolVar(&f.noLogs, "no-logs", false, "do not save the command's output; the command then writes directly to haul's own output, such as a terminal")
	run.BoolVar(&f.rerun, "rerun", false, "run the command even if its outputs already exist")

	out := pflag.NewFlagSet("Outputs", pflag.ContinueOnError)
	out.Var(&wordFlag{f, outWord, "PATTERN:s3://…"}, outWord, "upload files that match PATTERN; fail if none do; may be repeated")
	out.Var(&wordFlag{f, optionalWord, "PATTERN:s3://…"}, optionalWord, "like --out, but do not fail if no files match")
	out.BoolVar(&f.onFailure, "out-on-failure", false, "upload outputs, logs and run.json, but no _SUCCESS, if the command failed")
	out.StringVar(&f.record, "record", "", "upload the run record (run.json), the logs and _SUCCESS under `s3://…` (default: next to the first output)")

	move := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	f.limits.add(move)
	optional(move, &f.attrs.payer, "request-payer", "requester", "agree, as the `requester`, to pay for requests and data transfer")
	optional(move, &f.attrs.sse, "sse", "AES256", "use server-side encryption `TYPE` for outputs: AES256 (default), aws:kms or aws:kms:dsse")
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

// wordFlag takes a word each time. Its form is how the help shows the word.
type wordFlag struct {
	to         *runFlags
	flag, form string
}

// Set takes it.
func (w *wordFlag) Set(word string) error {
	w.to.words = append(w.to.words, runWord{w.flag, word})
	return nil
}

func (w *wordFlag) Type() string { return w.form }

func (w *wordFlag) String() string { return "" }

// inStores replaces the names of stores in the addresses.
func (f *runFlags) inStores(s *command.Session) (err error) {
	for i := range f.words {
		w := &f.words[i]
		separator := map[string]string{streamWord: "=", outWord: ":", optionalWord: ":", interruptWord: ":"}[w.flag]
		if w.word, err = s.Address(w.word, separator); err != nil {
			return err
		}
	}
	f.record, err = s.Address(f.record, "")
	return err
}

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
		if err := f.inStores(a.session); err != nil {
			return err
		}
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
