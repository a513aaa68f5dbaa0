package cli

import (
	"bytes"
	"context"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/array"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
)

const arrayPlanLong = `haul array plan finds the files to transfer, as haul cp --recursive would, and splits them into shards of about equal size and object
count. It transfers nothing.

Manifests such as md5sum.txt, and markers such as CopyComplete.txt that signal a complete folder, are not part of any shard: haul array finish
transfers them, markers last (--last adds other marker files). Missing R2, index and data files are reported. --no-families turns
all of this off.

  haul array plan --shards N DIR s3://BUCKET/DIR -o PLAN               upload: all tasks must have access to DIR
  haul array plan --shards N s3://BUCKET/DIR DIR -o PLAN               download: all tasks must have access to DIR
  haul array plan --shards N s3://BUCKET/DIR s3://BUCKET/DIR -o PLAN   copy server-side
  haul array plan --shards N LIST TARGET -o PLAN                       sources listed in a file (or -, standard input)

Each line of LIST is a path or an s3:// address, optionally followed by a tab and the name below TARGET; by default, the last part of
the source is used. All addresses must be in one bucket. With --sync, only new and changed files are transferred, as with haul sync.

An object larger than --cut is split into ranges of parts for several shards: haul array plan starts its upload, or creates its hidden
file next to the target. The upload or file remains, and its parts are billed, until haul array finish completes it, or discards it
with --abort.

PLAN is a folder that all tasks can access, or an s3:// prefix; it contains names, sizes and upload IDs, but no credentials.`

// arrayPlanFlags are those of haul array plan, as typed.
type arrayPlanFlags struct {
	copyFlags
	shards int
	out    string
	sync   bool
	cut    sizeFlag
}

func (f *arrayPlanFlags) planFlags() []*pflag.FlagSet {
	fs := pflag.NewFlagSet("Plan", pflag.ContinueOnError)
	fs.IntVar(&f.shards, "shards", 0, "split the transfer into `N` shards, one for each task")
	fs.StringVarP(&f.out, "output", "o", "", "write the plan to the folder or s3:// prefix `PLAN`")
	fs.Var(&f.cut, "cut", "split objects larger than `SIZE` among shards (default 1GiB)")
	fs.BoolVar(&f.sync, "sync", false, "skip unchanged files, as haul sync does; nothing is deleted")
	fs.BoolVar(&f.compare.sizeOnly, "size-only", false, "with --sync: compare sizes only")
	fs.BoolVar(&f.compare.exact, "exact-timestamps", false, "with --sync: on download, also transfer files whose times differ in either direction")
	fs.BoolVar(&f.compare.checksum, "checksum", false, "with --sync: compare files of the same size by their checksums, without downloading them")
	fs.BoolVar(&f.noFamilies, "no-families", false, "ignore companion files: put manifests and markers into shards, leave the modification times of indexes alone, and do not report missing companions")
	f.lastFlag(fs)
	fs.BoolVar(&f.times, "times", false, "on upload, save the file's modification time in the object's metadata; on download, restore it")
	fs.StringVar(&f.checksum, "checksum-algorithm", "", "use the checksum algorithm `NAME`: CRC64NVME, CRC32C, CRC32, SHA256, SHA1, SHA512, XXHASH3, XXHASH128, XXHASH64 or MD5 (default: the best that the server supports)")
	fs.Var(&f.partSize, "part-size", "use parts of `SIZE`, such as 64MiB (default: chosen from the object's size)")
	optional(fs, &f.attrs.payer, "request-payer", "requester", "agree, as the `requester`, to pay for requests and data transfer")
	optional(fs, &f.attrs.sse, "sse", "AES256", "use server-side encryption `TYPE`: AES256 (default), aws:kms or aws:kms:dsse")
	fs.StringVar(&f.attrs.kmsKey, "sse-kms-key-id", "", "encrypt with the KMS key that has this `ID`")
	return []*pflag.FlagSet{fs, f.which.flags(""), f.attrs.flags(), f.props.flags()}
}

func (a *app) arrayPlan() *cobra.Command {
	var f arrayPlanFlags
	cmd := &cobra.Command{
		Use:     "plan --shards N [flags] SOURCE|LIST TARGET -o PLAN",
		Short:   "Split a transfer into shards",
		Long:    arrayPlanLong,
		Example: "  haul array plan --shards 100 /data/run42 s3://lab/run42 -o s3://lab/plans/run42\n  ls /data/*.bam | haul array plan --shards 32 - s3://lab/bams/ -o plan",
		Args:    twoArgs,
	}
	a.command(cmd, f.planFlags(), func(ctx context.Context, args []string) error {
		r, err := a.parseArrayPlan(&f, args, cmd.Flags())
		if err != nil {
			return err
		}
		plan, err := parsePlan(f.out)
		if err != nil {
			return err
		}
		return a.session.PlanArray(ctx, r, plan)
	})
	return cmd
}

// parseArrayPlan returns the request that the flags and arguments describe. It reads the list, if there is one.
func (a *app) parseArrayPlan(f *arrayPlanFlags, args []string, set *pflag.FlagSet) (array.Request, error) {
	r := array.Request{Sync: f.sync, Shards: f.shards, Cut: int64(f.cut)}
	switch {
	case f.shards < 1 || f.shards > array.MaxShards:
		return r, command.Usagef("--shards is missing: the number of shards, from 1 to %d", array.MaxShards)
	case f.out == "":
		return r, command.Usagef("-o PLAN is missing: the folder or s3:// prefix for the plan")
	}
	for _, name := range []string{"size-only", "exact-timestamps", "checksum"} {
		if set.Changed(name) && !f.sync {
			return r, command.Usagef("--%s needs --sync", name)
		}
	}
	source, pairs, err := a.arrayList(args[0])
	if err != nil {
		return r, err
	}
	f.recursive = true
	if f.sync {
		f.verb = syncVerb
		if pairs != nil || f.which.from != "" {
			return r, command.Usagef("--sync takes a folder or a prefix, not a list")
		}
	}
	if pairs != nil {
		f.which.raw = true // the names in it stand as they are
	}
	req, err := f.parse([]string{source, args[1]}, set, disk{})
	if err != nil {
		return r, err
	}
	if a.session.Between(req.Source) {
		return r, command.Usagef("an array copies within one store: a plan has no names of stores")
	}
	if req.Source.Region != "" {
		a.session.Connection.Regions = map[string]string{req.From.Ref.Bucket: req.Source.Region}
	}
	r.From, r.To, r.Options = req.From.End(), req.To.End(), req.Tree
	if req.GuessTypes {
		r.Options.ContentType = seqfile.ContentType
	}
	if req.FilesFrom != "" {
		text, err := os.ReadFile(req.FilesFrom)
		if err != nil {
			return r, err
		}
		pairs = command.ReadPairs(bytes.NewReader(text))
	}
	r.Options.Select.Pairs = pairs
	return r, nil
}

// arrayList reads a LIST, in place of a folder or a prefix: the source is then what its names are below. Without, the pairs are nil.
func (a *app) arrayList(word string) (source string, pairs iter.Seq2[mirror.Pair, error], err error) {
	var text []byte
	switch fi, serr := os.Stat(word); {
	case strings.HasPrefix(word, command.Scheme), word != "-" && (serr != nil || !fi.Mode().IsRegular()):
		return word, nil, nil
	case word == "-":
		text, err = io.ReadAll(a.session.System.Stdin)
	default:
		text, err = os.ReadFile(word)
	}
	if err != nil {
		return "", nil, err
	}
	if bytes.IndexByte(text[:min(len(text), 4096)], 0) >= 0 {
		return "", nil, command.Usagef("%s is not a list of names; to transfer one big file, put its name in a list: ls %s | haul array plan … -", word, command.ShellWord(word))
	}
	all, source, err := readArrayList(bytes.NewReader(text), word)
	if err != nil {
		return "", nil, err
	}
	return source, func(yield func(mirror.Pair, error) bool) {
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}, nil
}

// readArrayList reads paths or addresses, finds what they are below, and refuses two that would have one target.
func readArrayList(from io.Reader, list string) (all []mirror.Pair, root string, err error) {
	targets := map[string]string{}
	for p, err := range command.ReadPairs(from) {
		if err != nil {
			return nil, "", err
		}
		if err := notForeign(p.Source); err != nil {
			return nil, "", err
		}
		below, last := ".", filepath.Base(p.Source)
		if strings.HasPrefix(p.Source, command.Scheme) {
			ref, err := parseS3(p.Source)
			if err != nil {
				return nil, "", err
			}
			if command.IsFolder(ref.Key) {
				return nil, "", command.Usagef("%s: %s is a folder; a list names objects", list, p.Source)
			}
			below, last, p.Source = command.Scheme+ref.Bucket, path.Base(ref.Key), ref.Key
		}
		if root == "" {
			root = below
		}
		if root != below {
			return nil, "", command.Usagef("%s: all names must be local paths or in one bucket (got both %s and %s)", list, root, below)
		}
		if p.Target == "" {
			p.Target = last
		}
		if other, ok := targets[p.Target]; ok {
			return nil, "", command.Usagef("%s: %s and %s would both become %s; add a target name after a tab", list, other, p.Source, p.Target)
		}
		targets[p.Target] = p.Source
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, "", command.Usagef("%s lists no files", list)
	}
	return all, root, nil
}
