package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
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
  haul cp --endpoint-url https://minio.example.org NA12878.bam s3://lab/`

// copyFlags are those of haul cp, mv and sync, as typed.
type copyFlags struct {
	verb        string // empty for cp
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
	limits      limitFlags
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
	fs.Lookup("no-clobber").Hidden = f.verb == syncVerb // which refuses it, and says why
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
	fs.Lookup("checksum-mode").Hidden = true
	f.digest.add(fs)
	fs.Var(&f.partSize, "part-size", "`SIZE` of a part, such as 64MiB (default: chosen by the object's size)")
	if f.verb == "" {
		fs.Var(&f.expected, "expected-size", "approximate `SIZE` of a stream, if known, to choose a part size")
	}
	f.limits.add(fs)
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
	return append(groups, f.attrs.flags(), f.props.flags(), f.attrs.encryptionFlags())
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
		if a.session.Quiet && f.stats {
			return command.Usagef("--quiet does not go with --stats")
		}
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		return a.session.Copy(ctx, req)
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
		return command.Usagef("%s needs a SOURCE and a TARGET", name)
	case 1:
		return command.Usagef("%s needs a TARGET after %s", name, args[0])
	}
	return command.Usagef("%s takes one SOURCE to one TARGET, but got %d arguments; quote a name with spaces or wildcards", name, len(args))
}
