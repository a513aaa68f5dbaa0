package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const quickcheckLong = `haul quickcheck checks that sequencing files have the type that their names imply, and are not truncated. It reads only a few
kilobytes at the beginning and the end of each; of an object, it downloads only these ranges.

  haul quickcheck FILE                       check one file, with its index or its R1 or R2
  haul quickcheck DIR                        check everything in a folder
  haul quickcheck s3://BUCKET/KEY            check one object
  haul quickcheck s3://BUCKET/DIR            check everything under s3://BUCKET/DIR/

BAD means that the file is truncated or has another type: a BAM or CRAM without its end-of-file block, a header that does not match
its checksum, BGZF or gzip data that ends midway, a wrong magic number, an index that is not an index or that belongs to another
file. WARN means that the file should be looked at: a BAM or CRAM without reference sequences (BAD in samtools quickcheck; not
reported for Oxford Nanopore and PacBio reads, or with --unmapped), an index older than its data, a VCF.gz compressed with plain gzip,
a last line without a newline, an R1 without an R2, a BAM without an index if others in its folder have one, an index without data.
With --strict, a WARN also counts as a failure. Of files with the same WARN, three are listed and the others counted, unless --verbose
or --strict is given. UNREADABLE means that a file or folder could not be read. OK is printed only with --verbose.

haul does not read the middle of a file. In a plain gzip file larger than 64 KiB, truncation cannot be detected reliably: --verbose and
--json mark such files as "unsure", and the last line counts them. To be certain, use a tool that reads the whole file (gzip -t, haul
verify, md5sum). Only files whose names look like BAM, CRAM, SAM, BCF, VCF, FASTQ (also .ora), FASTA, their indexes, POD5, SRA, Crypt4GH
or gzip are checked; if there are none, the exit code is 3. Exit code 1 means that a file is BAD or UNREADABLE.`

const quickcheckExample = `  haul quickcheck run42
  haul quickcheck s3://lab/runs/42
  haul quickcheck --unmapped --strict s3://lab/ubam/
  haul quickcheck --json s3://lab/runs | jq -r 'select(.check.grade == "bad") | .source'`

// quickcheckFlags are those of haul quickcheck, as typed.
type quickcheckFlags struct {
	filterFlags
	unmapped, strict bool
	page             pageFlags
}

func (f *quickcheckFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Checking", pflag.ContinueOnError)
	fs.BoolVarP(&f.unmapped, "unmapped", "u", false, "accept BAM and CRAM files without reference sequences")
	fs.BoolVar(&f.strict, "strict", false, "treat WARN as a failure")
	f.add(fs)
	f.page.add(fs)
	return fs
}

func (a *app) quickcheck() *cobra.Command {
	var f quickcheckFlags
	cmd := &cobra.Command{
		Use:     "quickcheck [flags] DIR|FILE|s3://BUCKET[/KEY]…",
		Short:   "Check sequencing files for truncation and wrong types",
		Long:    quickcheckLong,
		Example: quickcheckExample,
		Args:    atLeastOne("a folder, a file, or s3://BUCKET/KEY"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, set *pflag.FlagSet) (command.QuickcheckRequest, error) {
		return f.parse(args, set, disk{})
	}, a.session.Quickcheck)
}

// parse returns the request that the flags and arguments describe.
func (f *quickcheckFlags) parse(args []string, set *pflag.FlagSet, d files) (r command.QuickcheckRequest, err error) {
	for _, word := range args {
		l, err := parseLocation(word)
		switch {
		case err != nil:
			return r, err
		case l.Kind == command.Stream:
			return r, command.Usagef("a stream cannot be checked, because its end cannot be read first")
		case l.Kind == command.Local:
			if _, err := d.mode(l.Text); err != nil {
				return r, err
			}
		}
		r.Where = append(r.Where, l)
	}
	r.Strict = f.strict
	r.Options.Filter, r.Options.Content.Unmapped = f.filter, f.unmapped
	r.Options.Attrs, err = f.page.attrs(set)
	return r, err
}
