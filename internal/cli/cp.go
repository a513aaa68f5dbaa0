package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

const cpLong = `haul cp copies a file or object, or with --recursive a whole folder, in parts and in parallel. It verifies that what arrived is
what was sent.

  haul cp FILE s3://BUCKET/KEY               upload
  haul cp s3://BUCKET/KEY FILE               download
  haul cp - s3://BUCKET/KEY                  upload standard input, of any length
  haul cp s3://BUCKET/KEY -                  write an object to standard output
  haul cp s3://BUCKET/KEY s3://BUCKET/KEY    copy within the store
  haul cp -r DIR s3://BUCKET/DIR             upload the contents of a folder
  haul cp -r s3://BUCKET/DIR DIR             download everything below s3://BUCKET/DIR/
  haul cp -r s3://BUCKET/DIR s3://BUCKET/DIR copy everything below it

If the target is a folder (s3://BUCKET, s3://BUCKET/DIR/, an existing local directory, or any path that ends in /), the source's
name is added to it. Keys are taken literally: nothing in them is decoded. A pipe as source or target, such as <(…), >(…) or a
FIFO, is read or written sequentially.

Interrupted transfers resume: run the same command again. Parts that already arrived are verified, not sent again; downloads
resume the same way. If the source has changed, the transfer starts over. "haul uploads" lists the unfinished uploads that
interrupted transfers left in the store, and aborts them.

With --recursive, the contents of the source go into the target, as with the AWS CLI: DIR/a/b becomes s3://BUCKET/DIR/a/b.
Uploads follow symbolic links. Downloads follow none below the target folder, and a key that is not a valid file name here fails.
Failures are reported at once and do not stop the other transfers; the run then ends with exit code 1, also if a pipe, a device
or an unreadable file had to be skipped. Run the same command again to resume: large files that were interrupted continue, and
finished files are skipped if both ends are unchanged since that run.

Wildcards in a quoted source (* and ? within a name, ** across folders, also [a-c] and {a,b}) select what to copy. The path after
the last slash before the first wildcard is kept: 's3://BUCKET/run*/**/*.bam' DIR creates DIR/run7/x/y.bam.
--exclude and --include take patterns as the AWS CLI does: * also matches slashes, a pattern applies to the whole path below the
source, and the last pattern that matches decides.

Recursive copies know companion files. An index (.bai, .crai, .tbi, .fai, …) is transferred after its data, and on download its
modification time is later than that of the data. Manifests such as md5sum.txt follow all data. Markers such as CopyComplete.txt come
last, and only if nothing failed. R1 without R2, data without an index and an index without data are reported. --no-families turns
all of this off; --last names further markers.

The last line says what was verified, and how. --stats adds what the run used, and what limited it: the CPU, the disk, a stream,
the link, the store, or the number of connections.`

const cpExample = `  haul cp NA12878.bam s3://lab/runs/
  haul cp s3://lab/runs/NA12878.bam .
  haul cp -r run42 s3://lab/runs/run42
  samtools view -u in.cram | haul cp - s3://lab/x.bam
  haul cp s3://lab/x.bam - | samtools flagstat -
  haul cp --no-sign-request s3://1000genomes/README.analysis_history .
  haul cp --endpoint-url https://minio.example.org NA12878.bam s3://lab/`

// copyFlags are those of haul cp, mv and sync, as typed.
type copyFlags struct {
	verb        string // cp where empty
	attrs       attrFlags
	which       selectFlags
	compare     syncFlags
	props       propFlags
	recursive   bool
	dry         bool
	plan        string
	noOverwrite bool
	noFamilies  bool
	times       bool
	readTwice   bool
	verify      string
	noClobber   bool
	noResume    bool
	adopt       bool
	version     string
	partSize    sizeFlag
	expected    sizeFlag
	checksum    string
	concurrency int
	memory      sizeFlag
	bandwidth   sizeFlag
	patience    spanFlag
	stats       bool
	last        []string
	digest      digestFlags
}

// lastFlag adds --last.
func (f *copyFlags) lastFlag(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.last, "last", nil, "transfer files that match `PATTERN` last, and only if nothing failed, like markers (*.flag, ready.txt); may be repeated")
}

func (f *copyFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	if f.verb != syncVerb {
		fs.BoolVarP(&f.recursive, "recursive", "r", false, "everything in a folder, or below a prefix")
	}
	fs.BoolVar(&f.dry, "dryrun", false, "only print what would be done")
	fs.StringVar(&f.plan, "plan", "", "write a plan of what would be done to `FILE`, for haul apply, and do nothing else")
	fs.BoolVar(&f.noOverwrite, "no-overwrite", false, "skip targets that already exist")
	fs.BoolVar(&f.noClobber, "no-clobber", false, "fail if the target already exists")
	fs.BoolVar(&f.noFamilies, "no-families", false, "ignore companion files: transfer in any order, keep the times of indexes, and do not report missing companions")
	f.lastFlag(fs)
	fs.BoolVar(&f.times, "times", false, "on upload, store the file's time in the object's metadata; on download, restore it")
	fs.BoolVar(&f.readTwice, "read-twice", false, "download objects twice, and compare, if the store recorded nothing to verify them by (such as SSE-KMS objects without a checksum)")
	fs.BoolVar(&f.noResume, "no-resume", false, "start over, and leave no parts behind on failure")
	fs.BoolVar(&f.adopt, "adopt", false, "without a local record of an earlier run (it ran on another machine), resume the newest unfinished upload of that key")
	if f.verb != syncVerb {
		fs.StringVar(&f.version, "version-id", "", "`ID` of the source's version")
	}
	fs.StringVar(&f.checksum, "checksum-algorithm", "", "checksum algorithm, `NAME`: CRC64NVME, CRC32C, CRC32, SHA256, SHA1 or MD5 (default: the best that the store supports)")
	fs.StringVar(&f.verify, "checksum-mode", "", "accepted for compatibility, with `ENABLED`: downloads are always compared with the store's checksum")
	f.digest.add(fs)
	fs.Var(&f.partSize, "part-size", "`SIZE` of a part, such as 64MiB (default: chosen by the object's size)")
	if f.verb == "" {
		fs.Var(&f.expected, "expected-size", "approximate `SIZE` of a stream, if known, to choose a part size")
	}
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (default: adapts to the link)")
	fs.Var(&f.memory, "memory", "use at most `SIZE` of memory for buffers (default 128MiB)")
	fs.Var(&f.bandwidth, "bandwidth", "transfer at most `SIZE` per second, such as 200MB, uploads and downloads together")
	fs.Var(&f.patience, "patience", "give up after `TIME` without progress (default 5m)")
	fs.BoolVar(&f.stats, "stats", false, "at the end print what the run used, what limited it, and what would help")
	optional(fs, &f.attrs.payer, "request-payer", "requester", "as the `requester`, agree to pay for requests and traffic")
	return fs
}

// groups are all flags, as the help shows them.
func (f *copyFlags) groups() []*pflag.FlagSet {
	groups := []*pflag.FlagSet{f.flags(), f.which.flags(f.verb)}
	if f.verb == syncVerb {
		groups = append(groups, f.compare.flags())
	}
	return append(groups, f.attrs.flags(), f.props.flags(), f.attrs.keyFlags())
}

// copyRequest is a line of haul cp, mv or sync, understood.
type copyRequest struct {
	direction direction
	from, to  location
	options   haul.Options
	guess     bool // the content type of each file of a folder, or of each copy without its source's metadata
	// transfer holds the choices of one object, and tree those of many; transfer is in tree too.
	transfer mirror.TransferOptions
	tree     mirror.SyncOptions
	sync     bool
	// list is a file with the names of what is meant, - standard input, and empty none.
	list   string
	plan   string // a file to write what would be done to; empty is none
	region string // of the source's bucket
	stats  bool
	// receipt is a file to write what was transferred to; empty is none.
	receipt string
}

func (a *app) cp() *cobra.Command {
	return a.transfers(&copyFlags{}, &cobra.Command{
		Use:     "cp [flags] SOURCE TARGET",
		Short:   "Copy files or objects: upload, download, or within the store",
		Long:    cpLong,
		Example: cpExample,
		Args:    twoArgs,
	})
}

// transfers makes a command that copies or moves.
func (a *app) transfers(f *copyFlags, cmd *cobra.Command) *cobra.Command {
	a.command(cmd, f.groups(), func(ctx context.Context, args []string) error {
		if a.quiet && f.stats {
			return usagef("--quiet does not go with --stats")
		}
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		if req.region != "" {
			a.connect.regions = map[string]string{req.from.ref.Bucket: req.region}
		}
		switch {
		case req.direction.many():
			return a.runTree(ctx, req)
		case req.tree.DryRun:
			return a.runDry(ctx, req)
		}
		return a.runCopy(ctx, req)
	})
	return cmd
}

func twoArgs(cmd *cobra.Command, args []string) error {
	name := "cp"
	if cmd != nil {
		name = cmd.Name()
	}
	switch len(args) {
	case 2:
		return nil
	case 0:
		return usagef("%s needs a SOURCE and a TARGET", name)
	case 1:
		return usagef("%s needs a TARGET after %s", name, args[0])
	}
	return usagef("%s takes one SOURCE to one TARGET, but got %d arguments; quote a name with spaces or wildcards", name, len(args))
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
	defer context.AfterFunc(ctx, func() { screen.Note(stopping) })()

	if !req.wanted() {
		screen.Note("the filters exclude it; nothing was done")
		return nil
	}
	receipt, err := a.openReceipt(req.receipt, store.Identity(client.Store()))
	if err != nil {
		return err
	}
	if receipt != nil {
		receipt.source, receipt.target = req.recorded(req.from), req.recorded(req.to)
	}
	var result haul.Result
	task := req.task()
	err = screen.During(task, client.Progress, func() (err error) {
		result, err = a.move(ctx, client, req)
		return err
	})
	if err == nil {
		target := req.recorded(req.to)
		receipt.add(about{req.verb(), req.recorded(req.from), target, below("", target)}, result) // close gives its error
		receipt.end(1, true)
	}
	if rerr := receipt.close(); rerr != nil {
		return errors.Join(rerr, err)
	}
	switch {
	case err == nil:
		screen.Done(task, result)
		a.limits(task, client, req.stats, nil)
		return nil
	case req.tree.NoOverwrite && (errors.Is(err, store.Exists) || errors.Is(err, fs.ErrExist)):
		text := task.Target + " exists already; skipped"
		if receipt != nil {
			text += "; the receipt has no line about it"
		}
		screen.Note(text)
		return nil
	case req.tree.Archived == mirror.IgnoreArchived && errors.Is(err, store.Archived):
		return nil
	}
	a.limits(task, client, req.stats, err)
	return &transferError{total: client.Progress().Total, err: err}
}

// wanted reports whether the filters mean the one file or object; they are about its path below its folder.
func (r copyRequest) wanted() bool {
	if r.from.kind == local {
		abs, err := filepath.Abs(filepath.Dir(r.from.text))
		if err != nil {
			abs = ""
		}
		return r.tree.Select.Filter.Wants(filepath.ToSlash(abs), baseName(r.from.text))
	}
	return r.tree.Select.Filter.Wants("", baseKey(r.from.ref.Key))
}

// runDry tells what would be done with one file or object.
func (a *app) runDry(ctx context.Context, req copyRequest) error {
	screen := a.screen(false)
	if !req.wanted() {
		screen.Note("the filters exclude it; nothing would be done")
		return nil
	}
	if req.from.kind == local {
		fi, err := os.Stat(req.from.text)
		if err != nil {
			return err
		}
		screen.Planned(req.task(), fi.Size())
		return nil
	}
	st, err := a.connect.open(ctx)
	if err != nil {
		return err
	}
	attrs := req.transfer.Attrs
	if req.direction == copyObject {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	obj, err := haul.New(st, req.options).Store().Head(ctx, store.GetRequest{Ref: req.from.ref, Attrs: &attrs})
	if err != nil {
		return err
	}
	screen.Planned(req.task(), obj.Size)
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
	t := ui.Task{Verb: r.verb(), Dry: r.tree.DryRun, Source: r.from.shown("stdin"), Target: r.to.shown("stdout")}
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

// verb is the word for what is done to each object.
func (r copyRequest) verb() string {
	if r.tree.Move {
		return "move"
	}
	return r.direction.verb()
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
	if r.tree.Move {
		result, err := mirror.MoveOne(ctx, c, r.from.end(), r.to.end(), r.transfer)
		if err != nil && r.from.kind == local {
			if _, missing := (disk{}).mode(r.from.text); missing != nil {
				err = missing
			}
		}
		return result, err
	}
	switch r.direction {
	case upload:
		return c.Upload(ctx, r.from.text, r.to.ref, r.transfer.Upload())
	case download:
		return c.Download(ctx, r.from.ref, r.to.text, r.transfer.Download())
	case copyObject:
		return c.Copy(ctx, r.from.ref, r.to.ref, r.transfer.Copy())
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
func (e *transferError) Error() string { return ui.Reason(e.err) }

// Unwrap gives the cause.
func (e *transferError) Unwrap() error { return e.err }
