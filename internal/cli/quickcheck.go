package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/quickcheck"
	"haul.example/haul/internal/ui"
)

const quickcheckLong = `haul quickcheck checks that sequencing files are of the type that their names say, and not truncated. It reads only a few kilobytes at
the beginning and the end of each, in a store by ranges, without a download.

  haul quickcheck FILE                       one file, with its index or its R1 or R2
  haul quickcheck DIR                        everything in a folder
  haul quickcheck s3://BUCKET/KEY            one object
  haul quickcheck s3://BUCKET/DIR            everything below s3://BUCKET/DIR/

BAD: the file is truncated, or of another type: a BAM or CRAM without its end-of-file block or without reference sequences (as in
samtools quickcheck, except for reads of Oxford Nanopore and PacBio), a header that does not match its checksum, BGZF or gzip that
ends midway, the wrong magic number, an index that is not one, or of another file. WARN: worth a look: an index older than its data,
a VCF.gz compressed with plain gzip, a last line without a newline, R1 without R2, a BAM without an index if others in its folder have
one, an index without data. A WARN fails the run only with --strict. UNREADABLE: a file or folder that could not be read. OK is
printed with --verbose only.

The middle of a file is not read. The end of plain gzip of over 64 KiB shows little: --verbose and --json mark these files ("unsure"),
and the last line counts them. Only reading everything is certain (gzip -t, haul verify, md5sum). Files other than BAM, CRAM, SAM, BCF,
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
	fs.BoolVarP(&f.unmapped, "unmapped", "u", false, "a BAM or CRAM without reference sequences is good")
	fs.BoolVar(&f.strict, "strict", false, "a WARN also fails the run")
	f.add(fs)
	f.page.add(fs)
	return fs
}

// quickcheckRequest is a line of haul quickcheck, understood.
type quickcheckRequest struct {
	where   []location
	strict  bool
	options quickcheck.Options
}

func (a *app) quickcheck() *cobra.Command {
	var f quickcheckFlags
	cmd := &cobra.Command{
		Use:     "quickcheck [flags] DIR|FILE|s3://BUCKET[/KEY]…",
		Short:   "Check sequencing files for truncation and wrong types",
		Long:    quickcheckLong,
		Example: quickcheckExample,
		Args:    atLeastOne("quickcheck", "a folder, a file, or s3://BUCKET/KEY"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		return a.runQuickcheck(ctx, req)
	})
	return cmd
}

// parse understands the line.
func (f *quickcheckFlags) parse(args []string, set *pflag.FlagSet, d files) (r quickcheckRequest, err error) {
	for _, word := range args {
		l, err := parseLocation(word)
		switch {
		case err != nil:
			return r, err
		case l.kind == stream:
			return r, usagef("a stream has no end to look at")
		case l.kind == local:
			if _, err := d.mode(l.text); err != nil {
				return r, err
			}
		}
		r.where = append(r.where, l)
	}
	r.strict = f.strict
	r.options.Filter, r.options.Content.Unmapped = f.filter, f.unmapped
	r.options.Attrs, err = f.page.attrs(set)
	return r, err
}

// runQuickcheck does it, one place after the other.
func (a *app) runQuickcheck(ctx context.Context, req quickcheckRequest) error {
	screen, began := a.screen(false), time.Now()
	var c *haul.Client
	look := func() haul.Progress { return haul.Progress{} }
	for _, l := range req.where {
		if l.kind == remote && c == nil {
			var err error
			if c, err = a.client(ctx); err != nil {
				return err
			}
			look = c.Progress
		}
	}
	var all quickcheck.Counts
	for _, l := range req.where {
		task := ui.Task{Verb: "quickcheck", Source: l.shown(""), Name: l.shown(""), Many: true}
		err := screen.During(task, look, func() error {
			before := all
			return quickcheck.Run(ctx, c, l.end(), req.options, func(r quickcheck.Report, n quickcheck.Counts) {
				all = before.Plus(n)
				screen.Checked(place(r.Name), r, all, r.Grade == quickcheck.Bad || r.Grade == quickcheck.Unreadable || req.strict)
			})
		})
		if err != nil {
			return err
		}
	}
	screen.CheckedAll(all, time.Since(began))
	return req.judge(all)
}

// place gives a path or address as results have it.
func place(name string) string {
	if l, err := parseLocation(name); err == nil && l.kind == local {
		return shown(name)
	}
	return name
}

// judge makes an error of what was found, where that is to be one.
func (r quickcheckRequest) judge(c quickcheck.Counts) error {
	switch {
	case c.Bad > 0 && c.Unreadable > 0:
		return fmt.Errorf("%s bad, and %d cannot be read; listed above", are(c.Bad, "file"), c.Unreadable)
	case c.Bad > 0:
		return fmt.Errorf("%s bad; listed above", are(c.Bad, "file"))
	case c.Unreadable > 0:
		return fmt.Errorf("%d cannot be read, so that nothing is known of what is in there; listed above", c.Unreadable)
	case r.strict && c.Warn+c.Gaps > 0:
		return fmt.Errorf("%s worth a look, and --strict makes that a failure; listed above", are(c.Warn+c.Gaps, "file"))
	case c.OK+c.Warn+c.Gaps == 0:
		return &missingError{"no file there has a name that quickcheck knows, so that nothing was looked at"}
	}
	return nil
}

func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}
