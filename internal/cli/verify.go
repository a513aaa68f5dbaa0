package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/proof"
)

const verifyLong = `haul verify checks that a data delivery is complete and intact without downloading it. It compares local files with the checksums
that the server recorded for the objects, and either of them with a list of checksums.

  haul verify DIR s3://BUCKET/DIR          compare each file with its object
  haul verify FILE s3://BUCKET/KEY         compare a file with an object (in either order)
  haul verify MANIFEST s3://BUCKET/DIR     check objects against a checksum list or haul receipt
  haul verify MANIFEST DIR                 check local files against a checksum list or haul receipt
  haul verify DIR                          check files against digest files in DIR, e.g. x.bam.md5
  haul verify s3://BUCKET/DIR              check objects against digest files under that prefix
  haul verify MANIFEST                     check the files next to the MANIFEST
  haul verify - s3://BUCKET/DIR            read the MANIFEST from standard input

A MANIFEST is a file or an object. haul detects its format: the output of md5sum, sha1sum, sha256sum or sha512sum (GNU or BSD style),
names followed by digests, any table (TSV, CSV, Markdown) or JSON with digests and file names, as provided by ENA, GDC, EGA, gen3, 10x
and sequencing providers, the output of Get-FileHash, certutil, FCIV, hashdeep and gsutil hash, a bare digest, or a haul receipt. Every
digest in a row is checked, and so is the size. A line that cannot be parsed is UNPROVABLE; the others are still checked. A bare digest
in S1.bam.md5sum or S1.md5 belongs to S1.bam. Leading folders that do not exist in the target are removed from names. Names that point
outside the target are not followed.

For each file, haul prints a verdict, the name of the expected file, and the place where it looked for it:
  OK          the file is present and verified. haul names the evidence: the server's checksum of the full object or of its parts;
              its ETag, if that is an MD5 or the MD5 of the parts' MD5s; the MD5 that rclone, s3cmd or haul saved in its
              metadata, which the uploader set and the server did not check; a digest or a receipt
  MISSING     the file is missing
  BAD         the size or the content differs; if there are checksums of parts, haul names the parts that differ
  UNPROVABLE  there is no checksum to verify the file against; haul prints the reason
  EXTRA       the file exists only in the target, or has no digest. Between two folders, this is a difference. With a manifest it
              is not, and only --verbose lists it (with a receipt, it is always listed); --extra changes that. Manifests
              themselves, and files such as x.md5, are not listed

A multipart ETag verifies a file if it matches. The part sizes come from the server or from the object's metadata; otherwise haul
tries those sizes used by common tools that give the number of parts in the ETag. If none of them matches, the file is
UNPROVABLE. If the ETag is a plain MD5, or the server reports the part sizes, a mismatch is BAD.

Without --download, haul trusts the checksums recorded when the object was stored. --download reads objects that are UNPROVABLE, BAD
according to an ETag, or OK according to metadata only, and compares them; it writes nothing to disk. --download=all reads every
object, and therefore also finds damage that happened after the object was stored.

--report FILE writes a report: problems first, then totals, the time, the source and target, and the checksums used. The exit code
is 6 if any file is BAD, else 3 if any is MISSING, else 7 if any is UNPROVABLE, else 1 if an EXTRA file counts as a difference.`

const verifyExample = `  haul verify run42 s3://lab/runs/42
  haul verify md5sum.txt s3://lab/runs/42 --report delivery.html
  haul verify receipt.jsonl s3://lab/runs/42
  haul verify --download=all md5sum.txt s3://lab/runs/42
  haul verify --download NA12878.bam s3://lab/runs/42/NA12878.bam
  haul verify filereport_read_run_PRJEB1787.tsv fastq/`

// verifyFlags are those of haul verify, as typed.
type verifyFlags struct {
	sidecars                bool
	download, extra, report string
	filterFlags
	attrs  attrFlags
	memory sizeFlag
}

func (f *verifyFlags) flags() []*pflag.FlagSet {
	fs := pflag.NewFlagSet("Verifying", pflag.ContinueOnError)
	fs.StringVar(&f.download, "download", "", "download and compare objects that the recorded checksums cannot verify (with `=all`, every object), without writing to disk")
	fs.Lookup("download").NoOptDefVal = "open"
	fs.BoolVar(&f.sidecars, "sidecars", false, "check the files of TARGET against digest files in SOURCE, such as x.bam.md5 or md5sum.txt")
	fs.StringVar(&f.extra, "extra", "", "apply `ACTION` to files only in the target or without a digest: fail or allow (default: fail for DIR s3://BUCKET/DIR, otherwise allow)")
	fs.StringVar(&f.report, "report", "", "write a report to `FILE`; its name must end in .html, .json or .csv")
	f.filterFlags.add(fs)
	fs.Var(&f.memory, "memory", "limit buffer memory to `SIZE` (default 128MiB)")
	return []*pflag.FlagSet{fs, f.attrs.readFlags(nil)}
}

func (a *app) verify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:     "verify [flags] SOURCE [TARGET]",
		Short:   "Check that a data delivery is complete and intact without downloading it",
		Long:    verifyLong,
		Example: verifyExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return command.Usagef("verify needs SOURCE and TARGET, or one DIR, s3://… or MANIFEST")
			}
			return nil
		},
	}
	return verb(a, cmd, f.flags(), func(args []string, _ *pflag.FlagSet) (command.VerifyRequest, error) {
		return f.parse(args, disk{})
	}, a.session.Verify)
}

// parse returns the request that the flags and arguments describe.
func (f *verifyFlags) parse(args []string, d files) (r command.VerifyRequest, err error) {
	r = command.VerifyRequest{Download: f.download, Sidecars: f.sidecars, Extra: f.extra, Report: f.report, Filter: f.filter, Memory: int64(f.memory)}
	for i, word := range args {
		l, err := parseLocation(word)
		if err != nil {
			return r, err
		}
		if l.Kind == command.Stream && (i > 0 || len(args) == 1 || f.sidecars) {
			return r, command.Usagef("only a list of digests can come from standard input: haul verify - s3://BUCKET/DIR, or haul verify - DIR")
		}
		r.Ends = append(r.Ends, l)
	}
	switch {
	case f.download != "" && f.download != "open" && f.download != "all":
		return r, command.Usagef("--download must be open or all (got %q)", f.download)
	case f.extra != "" && f.extra != "fail" && f.extra != "allow":
		return r, command.Usagef("--extra must be fail or allow (got %q)", f.extra)
	case f.report != "" && !proof.IsReport(f.report):
		return r, command.Usagef("--report: the name must end in .html, .json or .csv (got %s)", f.report)
	}
	r.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}
