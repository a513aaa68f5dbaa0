package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const cpLong = `haul cp copies a file or an object or, with --recursive, a whole folder. It transfers the parts of large files in parallel, and
verifies that the data arrived intact.

  haul cp FILE s3://BUCKET/KEY               upload
  haul cp s3://BUCKET/KEY FILE               download
  haul cp - s3://BUCKET/KEY                  upload standard input (of any length)
  haul cp s3://BUCKET/KEY -                  write an object to standard output
  haul cp s3://BUCKET/KEY s3://BUCKET/KEY    copy server-side, without downloading
  haul cp lab:BUCKET/KEY aws:BUCKET/KEY      copy from one store to another (haul help stores)
  haul cp -r DIR s3://BUCKET/DIR             upload the contents of a folder
  haul cp -r s3://BUCKET/DIR DIR             download everything under s3://BUCKET/DIR/
  haul cp -r s3://BUCKET/DIR s3://BUCKET/DIR copy everything under s3://BUCKET/DIR/ server-side

If the target is a folder (s3://BUCKET, s3://BUCKET/DIR/, an existing local directory, or any path that ends in /), the source's
name is appended to it. Keys are taken literally; escape sequences in them are not decoded. If the source or target is a pipe, such
as <(…), >(…) or a FIFO, it is read or written sequentially.

To resume an interrupted transfer, run the same command again. Parts that already arrived are verified, not transferred again. If
the source has changed, the transfer starts over. "haul uploads" lists the unfinished uploads that interrupted transfers left in a
bucket, and can abort them.

What is copied from one store to another passes through the memory of this machine, never through a file. It is resumed as an upload
is, compared with the checksum that the source's store recorded before the copy appears, and verified in the target's store.

With --recursive, the contents of the source go into the target, as with the AWS CLI: DIR/a/b becomes s3://BUCKET/DIR/a/b.
Uploads follow symbolic links. Downloads never follow a symbolic link inside the target folder. A key that is not a valid local
file name is reported as a failure. A failure is reported immediately and does not stop the other transfers, but haul then exits
with code 1. It also exits with code 1 if it skipped a pipe, a device or an unreadable file. To resume, run the same command again:
it continues interrupted large files, and skips finished files unless the source or the target has changed since.

Wildcards in a quoted source (* and ? within a name, ** across folders, also [a-c] and {a,b}) select the files to copy. The target
keeps the part of each path that follows the last slash before the first wildcard: 's3://BUCKET/run*/**/*.bam' DIR creates
DIR/run7/x/y.bam.
--exclude and --include work as in the AWS CLI: * also matches slashes, a pattern must match the whole path relative to the source,
and the last pattern that matches applies.

Recursive copies handle companion files. An index (.bai, .crai, .tbi, .fai, …) is transferred after its data, and a downloaded
index gets a later modification time than its data. Manifests such as md5sum.txt are transferred after all data. Markers such as
CopyComplete.txt come last, and only if nothing failed. haul reports an R1 without an R2, data without an index, and an index
without data. --no-families turns all of this off; --last adds other marker files.

The last line of output states how the transfer was verified. --stats adds the resources used and the bottleneck: the CPU, the
disk, a stream, the network, the server, or the number of connections.`

const cpExample = `  haul cp NA12878.bam s3://lab/runs/
  haul cp -r run42 s3://lab/runs/run42
  samtools view -b in.cram | haul cp - s3://lab/x.bam
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
	between     bool // the source and the target are in two stores
}

// lastFlag adds --last.
func (f *copyFlags) lastFlag(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.last, "last", nil, "transfer files that match `PATTERN` last, and only if nothing failed: markers such as *.flag or ready.txt; may be repeated")
}

func (f *copyFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Transfer", pflag.ContinueOnError)
	if f.verb != syncVerb {
		recursiveFlag(fs, &f.recursive, "transfer everything in a folder or under a prefix")
	}
	dryFlag(fs, &f.dry, "print the planned operations without performing them")
	fs.StringVar(&f.plan, "plan", "", "transfer nothing; write a plan for haul apply to `FILE`")
	fs.BoolVar(&f.noOverwrite, "no-overwrite", false, "skip targets that already exist")
	fs.BoolVar(&f.noClobber, "no-clobber", false, "fail if the target already exists")
	fs.Lookup("no-clobber").Hidden = f.verb == syncVerb // which refuses it, and says why
	fs.BoolVar(&f.noFamilies, "no-families", false, "ignore companion files: transfer files in any order, leave the modification times of indexes alone, and do not report missing companions")
	f.lastFlag(fs)
	fs.BoolVar(&f.times, "times", false, "on upload, save the file's modification time in the object's metadata; on download, restore it")
	fs.BoolVar(&f.readTwice, "read-twice", false, "if the server has no checksum to verify an object against (such as an SSE-KMS object without one), download it twice and compare")
	fs.BoolVar(&f.noResume, "no-resume", false, "start over instead of resuming, and leave no parts behind on failure")
	fs.BoolVar(&f.adopt, "adopt", false, "if this machine has no record of an earlier run (because it ran elsewhere), resume the newest unfinished upload of the key")
	if f.verb != syncVerb {
		fs.StringVar(&f.version, "version-id", "", "copy version `ID` of the source")
	}
	fs.StringVar(&f.checksum, "checksum-algorithm", "", "use the checksum algorithm `NAME`: CRC64NVME, CRC32C, CRC32, SHA256, SHA1, SHA512, XXHASH3, XXHASH128, XXHASH64 or MD5 (default: the best that the server supports)")
	fs.StringVar(&f.verify, "checksum-mode", "", "accepted for compatibility, with `ENABLED`: downloads are always verified against the server's checksum")
	fs.Lookup("checksum-mode").Hidden = true
	f.digest.add(fs)
	fs.Var(&f.partSize, "part-size", "use parts of `SIZE`, such as 64MiB (default: chosen from the object's size)")
	if f.verb == "" {
		fs.Var(&f.expected, "expected-size", "choose the part size for a stream of about this `SIZE`")
	}
	f.limits.add(fs)
	fs.BoolVar(&f.stats, "stats", false, "print resource usage, the bottleneck, and suggestions at the end")
	optional(fs, &f.attrs.payer, "request-payer", "requester", "agree, as the `requester`, to pay for requests and data transfer")
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
		Short:   "Copy files or objects: upload, download, or copy server-side",
		Long:    cpLong,
		Example: cpExample,
		Args:    twoArgs,
	})
}

// transfers makes a command that copies or moves.
func (a *app) transfers(f *copyFlags, cmd *cobra.Command) *cobra.Command {
	cmd.PreRun = func(*cobra.Command, []string) { a.session.TwoStores = a.planned == nil }
	a.command(cmd, f.groups(), func(ctx context.Context, args []string) error {
		f.between = a.session.Between(f.props.source)
		if a.session.Quiet && f.stats {
			return command.Usagef("--quiet does not go with --stats")
		}
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		return a.start(ctx, func(ctx context.Context) error { return a.session.Copy(ctx, req) })
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
