package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul"
	"haul/internal/ui"
)

const cpLong = `haul cp moves a file or object, or with --recursive a whole folder, in parts and in parallel, and proves that what arrived
is what was sent.

  haul cp FILE s3://BUCKET/KEY               upload
  haul cp s3://BUCKET/KEY FILE               download
  haul cp - s3://BUCKET/KEY                  upload standard input, of any length
  haul cp s3://BUCKET/KEY -                  write an object to standard output, in order
  haul cp s3://BUCKET/KEY s3://BUCKET/KEY    copy within the store
  haul cp -r DIR s3://BUCKET/DIR             upload what is in a folder
  haul cp -r s3://BUCKET/DIR DIR             download what is below s3://BUCKET/DIR/
  haul cp -r s3://BUCKET/DIR s3://BUCKET/DIR copy what is below it

A target that is a folder (s3://BUCKET, s3://BUCKET/DIR/, an existing local directory, or any path that ends in /) takes
the source's own name. A key stands as it is typed: nothing in it is decoded. A pipe as source or target, such as <(…),
>(…) or a FIFO, is read or written in order.

A broken run goes on: type the same line again. What arrived before is proved anew and not moved again, the other way
round as well. A source that has changed meanwhile starts over. "haul uploads" lists what broken uploads left behind in
the store, and throws it away.

With --recursive, what is in the source comes into the target, as with the AWS CLI: DIR/a/b becomes s3://BUCKET/DIR/a/b.
Symbolic links are followed on the way up. On the way down no link is followed below the target folder, and a key that
can be no file there fails. What fails is named at once, and does not stop the others; the run then ends with exit
code 1, as it does where a pipe, a device or an unreadable file had to be skipped. The same line goes on with large files
that were broken off, and sends what was finished again.

The last line says what was proved, and how. With --stats, lines after it say what the run took, and what limited it: this
CPU, the disk, a stream, the link, the store, or the number of connections.`

const cpExample = `  haul cp NA12878.bam s3://lab/runs/
  haul cp s3://lab/runs/NA12878.bam .
  haul cp -r run42 s3://lab/runs/run42
  samtools view -u in.cram | haul cp - s3://lab/x.bam
  haul cp s3://lab/x.bam - | samtools flagstat -
  haul cp --no-sign-request s3://1000genomes/README.analysis_history .
  haul cp --endpoint-url https://minio.example.org NA12878.bam s3://lab/`

// copyFlags are those of haul cp, as typed.
type copyFlags struct {
	attrs       attrFlags
	recursive   bool
	noClobber   bool
	noResume    bool
	adopt       bool
	version     string
	partSize    sizeFlag
	expected    sizeFlag
	checksum    string
	concurrency int
	memory      sizeFlag
	patience    spanFlag
	stats       bool
}

func (f *copyFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	fs.BoolVarP(&f.recursive, "recursive", "r", false, "all that is in a folder, or below a prefix")
	fs.BoolVar(&f.noClobber, "no-clobber", false, "fail where the target exists already")
	fs.BoolVar(&f.noResume, "no-resume", false, "start clean, and leave nothing behind on failure")
	fs.BoolVar(&f.adopt, "adopt", false, "where no record of an earlier run is here (another machine), go on with the newest unfinished upload of that key")
	fs.StringVar(&f.version, "version-id", "", "`ID` of the source's version")
	fs.StringVar(&f.checksum, "checksum-algorithm", "", "`NAME` of the checksum: CRC64NVME, CRC32C, CRC32, SHA256, SHA1 or MD5 (else the best that the store checks)")
	fs.Var(&f.partSize, "part-size", "`SIZE` of a part, such as 64MiB (else chosen by the object's size)")
	fs.Var(&f.expected, "expected-size", "about the `SIZE` of a stream, where you know it, so that its parts fit")
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (else as many as the link rewards)")
	fs.Var(&f.memory, "memory", "at most that `SIZE` of memory for buffers (else 128MiB)")
	fs.Var(&f.patience, "patience", "go on trying for that `TIME` while no byte moves (else 5m)")
	fs.BoolVar(&f.stats, "stats", false, "say at the end what the run took, what limited it, and what would help")
	optional(fs, &f.attrs.payer, "request-payer", "requester", "agree, as `requester`, to pay for requests and traffic")
	return fs
}

// copyRequest is a line of haul cp, understood.
type copyRequest struct {
	direction direction
	from, to  location
	transfer  haul.Transfer
	options   haul.Options
	guess     bool // the content type of each file of a folder
	stats     bool
}

func (a *app) cp() *cobra.Command {
	var f copyFlags
	cmd := &cobra.Command{
		Use:     "cp [flags] SOURCE TARGET",
		Short:   "Move files or objects: up, down, or within the store",
		Long:    cpLong,
		Example: cpExample,
		Args:    twoArgs,
	}
	groups := []*pflag.FlagSet{f.flags(), f.attrs.flags(), f.attrs.keyFlags()}
	a.command(cmd, groups, func(ctx context.Context, args []string) error {
		if a.quiet && f.stats {
			return usagef("--quiet does not go with --stats")
		}
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		if req.direction.many() {
			return a.runTree(ctx, req)
		}
		return a.runCopy(ctx, req)
	})
	return cmd
}

func twoArgs(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 2:
		return nil
	case 0:
		return usagef("cp needs a SOURCE and a TARGET")
	case 1:
		return usagef("cp needs a TARGET after %s", args[0])
	}
	return usagef("cp moves one SOURCE to one TARGET, and there are %d words; quote a name with spaces", len(args))
}

// parse understands the line. Of the disk it looks at what local names are, and reads files with keys.
func (f *copyFlags) parse(args []string, set *pflag.FlagSet, d files) (copyRequest, error) {
	req, err := f.places(args, d)
	if err != nil {
		return req, err
	}
	if err := refuseIdle(set, req.direction); err != nil {
		return req, err
	}
	if f.noResume && f.adopt {
		return req, usagef("--no-resume and --adopt exclude each other")
	}
	if f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0 {
		return req, usagef("--concurrency: it must be at least 1")
	}
	t := haul.Transfer{PartSize: int64(f.partSize), ExpectedSize: int64(f.expected), NoClobber: f.noClobber}
	switch {
	case f.noResume:
		t.Resume = haul.ResumeNever
	case f.adopt:
		t.Resume = haul.ResumeAdopt
	}
	if t.Checksum, err = parseChecksum(f.checksum); err != nil {
		return req, err
	}
	if t.Attrs, err = f.attrs.attrs(req.typedName(), d.read); err != nil {
		return req, err
	}
	req.transfer = t
	req.options = haul.Options{Concurrency: f.concurrency, Memory: int64(f.memory)}
	req.options.Patience = f.patience.duration()
	req.stats = f.stats
	req.guess = req.direction == uploadTree && !f.attrs.noGuess
	return req, nil
}

// typedName is the name that the content type is guessed from: the file's where that tells something, else the key's.
func (r copyRequest) typedName() string {
	switch {
	case r.direction == upload && guessType(r.from.text) != "":
		return r.from.text
	case r.direction == upload, r.direction == uploadStream:
		return r.to.ref.Key
	}
	return ""
}

// places finds the direction, and gives the target its full name.
func (f *copyFlags) places(args []string, d files) (copyRequest, error) {
	var req copyRequest
	var err error
	if req.from, err = parseLocation(args[0]); err != nil {
		return req, err
	}
	if req.to, err = parseLocation(args[1]); err != nil {
		return req, err
	}
	switch {
	case req.from.kind != remote && req.to.kind != remote:
		return req, usagef("both %s and %s are local; an object is written s3://BUCKET/KEY", args[0], args[1])
	case f.recursive:
		err = req.trees(d)
	case req.from.kind == remote && req.from.ref.Key == "":
		return req, usagef("%s names no object; with --recursive all of the bucket is copied", args[0])
	case req.from.kind == remote && req.to.kind == remote:
		req.direction = copyObject
		req.to.ref, err = targetKey(req.to.ref, baseKey(req.from.ref.Key))
	case req.from.kind == remote:
		err = req.toLocal(d)
	default:
		err = req.fromLocal(d)
	}
	req.from.ref.Version = f.version
	return req, err
}

// fromLocal completes an upload.
func (r *copyRequest) fromLocal(d files) (err error) {
	r.direction = uploadStream
	if r.from.kind == stream {
		if isFolder(r.to.ref.Key) {
			return usagef("a stream has no name: write the whole key instead of %s", r.to.text)
		}
		return nil
	}
	mode, err := d.mode(r.from.text)
	switch {
	case err != nil:
		return err
	case mode.IsDir():
		return usagef("%s is a directory; with --recursive all that is in it is copied", r.from.text)
	case mode.IsRegular():
		r.direction = upload
	case isFolder(r.to.ref.Key):
		return usagef("%s is a stream and has no name to keep: write the whole key instead of %s", r.from.text, r.to.text)
	}
	r.to.ref, err = targetKey(r.to.ref, baseName(r.from.text))
	return err
}

// toLocal completes a download.
func (r *copyRequest) toLocal(d files) (err error) {
	r.direction = downloadStream
	if r.to.kind == stream {
		return nil
	}
	path, err := d.target(r.to.text, r.from.ref.Key)
	switch {
	case err != nil && isFolder(r.from.ref.Key):
		return usagef("%s is a folder; with --recursive what is below it is copied", r.from.text)
	case err != nil:
		return usagef("%v", err)
	}
	r.to.text = path
	if mode, err := d.mode(path); err != nil || mode.IsRegular() {
		r.direction = download // a target that cannot be looked at is the download's own error
	}
	return nil
}

// runCopy does it.
func (a *app) runCopy(ctx context.Context, req copyRequest) error {
	screen := a.screen(req.to.kind == stream)
	st, err := a.connect.open(ctx)
	if err != nil {
		return err
	}
	req.options.Observe = screen.Observe
	client := haul.New(st, req.options)
	defer context.AfterFunc(ctx, func() { screen.Note("ending in order; a second signal ends at once") })()

	var result haul.Result
	task := req.task()
	err = screen.During(task, client.Snapshot, func() (err error) {
		result, err = a.move(ctx, client, req)
		return err
	})
	if err != nil {
		a.limits(task, client, req.stats, err)
		return &transferError{total: client.Snapshot().Total, err: err}
	}
	screen.Done(task, result)
	a.limits(task, client, req.stats, nil)
	return nil
}

// limits says what limited a run that ended with err: with --stats also where it ended badly, but not before anything moved.
func (a *app) limits(t ui.Task, c *haul.Client, figures bool, err error) {
	s := c.Stats()
	if err == nil && (figures || a.verbose) || figures && s.Moved > 0 {
		a.out.Stats(t, s, figures)
	}
}

// task names the transfer for people.
func (r copyRequest) task() ui.Task {
	t := ui.Task{Verb: r.direction.verb(), Source: r.from.shown("stdin"), Target: r.to.shown("stdout")}
	switch {
	case r.from.kind == local:
		t.Name = baseName(r.from.text)
	case r.from.kind == remote:
		t.Name = baseKey(r.from.ref.Key)
	default:
		t.Name = baseKey(r.to.ref.Key)
	}
	return t
}

func (l location) shown(stdio string) string {
	switch l.kind {
	case stream:
		return stdio
	case remote:
		return l.ref.String()
	}
	return shown(l.text)
}

// move calls the heart.
func (a *app) move(ctx context.Context, c *haul.Client, r copyRequest) (haul.Result, error) {
	switch r.direction {
	case upload:
		return c.Upload(ctx, r.from.text, r.to.ref, r.transfer)
	case download:
		return c.Download(ctx, r.from.ref, r.to.text, r.transfer)
	case copyObject:
		return c.Copy(ctx, r.from.ref, r.to.ref, r.transfer)
	case uploadStream:
		return a.uploadStream(ctx, c, r)
	}
	return a.downloadStream(ctx, c, r)
}

// files is what parsing looks at on the disk.
type files interface {
	// mode follows links; a name that is not there is a *missingError.
	mode(path string) (os.FileMode, error)
	read(path string) ([]byte, error)
	// target is localfile.TargetPath.
	target(path, key string) (string, error)
}

// transferError goes with what is needed to say how to go on.
type transferError struct {
	total int64 // bytes
	err   error
}

// Error gives the cause.
func (e *transferError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *transferError) Unwrap() error { return e.err }
