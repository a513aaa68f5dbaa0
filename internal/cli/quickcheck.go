package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const quickcheckLong = `haul quickcheck checks that sequencing files have the type that their names imply, and are not truncated. It reads only a few
kilobytes at the beginning and the end of each; of objects, it reads only these ranges.

  haul quickcheck FILE                       check one file, with its index or its R1 or R2
  haul quickcheck DIR                        check everything in a folder
  haul quickcheck s3://BUCKET/KEY            check one object
  haul quickcheck s3://BUCKET/DIR            check everything under s3://BUCKET/DIR/

BAD: the file is truncated, or of another type: a BAM or CRAM without its end-of-file block, a header that does not match its
checksum, BGZF or gzip that ends midway, the wrong magic number, an index that is not one, or that belongs to another file. WARN:
the file deserves a look: a BAM or CRAM without reference sequences (which samtools quickcheck calls bad; not if the reads are of
Oxford Nanopore or PacBio, nor with --unmapped), an index older than its data, a VCF.gz compressed with plain gzip, a last line
without a newline, R1 without R2, a BAM without an index if others in its folder have one, an index without data. A WARN fails the
run only with --strict. Of files with the same WARN, three are printed and the others counted, unless --verbose or --strict is
given. UNREADABLE: a file or folder that could not be read. OK is printed with --verbose only.

The middle of a file is not read. The end of a plain gzip file of over 64 KiB shows little: --verbose and --json mark these files
("unsure"), and the last line counts them. Only a tool that reads the whole file is certain (gzip -t, haul verify, md5sum). Files other than BAM, CRAM, SAM, BCF,
VCF, FASTQ (also .ora), FASTA, their indexes, POD5, SRA, Crypt4GH or gzip, by name, are ignored; if there are no such files, the exit
code is 3. Exit code 1 means that something is BAD or UNREADABLE.`

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
	fs.BoolVar(&f.strict, "strict", false, "fail the run if a file is WARN")
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
			return r, command.Usagef("a stream has no end that could be checked")
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
