package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const duLong = `haul du counts the objects and bytes under a prefix. Each line shows the bytes, the number of objects, and a folder or a storage class;
the last line is the total. As in haul ls, a prefix is taken literally: s3://BUCKET/run also matches s3://BUCKET/run2. Noncurrent
versions and unfinished uploads are billed too, but are not counted, because they are not listed. Memory use does not grow with the number
of objects. If nothing matches the prefix, the exit code is 3.`

// duFlags are those of haul du, as typed.
type duFlags struct {
	human bool
	depth int
	page  pageFlags
}

func (f *duFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Counting", pflag.ContinueOnError)
	fs.BoolVarP(&f.human, "human-readable", "h", false, "print sizes in KiB, MiB, GiB")
	fs.IntVarP(&f.depth, "max-depth", "d", 0, "also print a line for each folder, down to `N` levels")
	f.page.add(fs)
	return fs
}

func (a *app) du() *cobra.Command {
	var f duFlags
	cmd := &cobra.Command{
		Use:     "du [flags] s3://BUCKET[/PREFIX]",
		Short:   "Count objects and bytes, by folder and storage class",
		Long:    duLong,
		Example: "  haul du -h s3://lab/runs/\n  haul du -h --max-depth 1 s3://lab",
		Args:    exactlyOne("s3://BUCKET or s3://BUCKET/PREFIX"),
	}
	cmd.Flags().Bool("help", false, "help for du") // -h is for people to read sizes by, as in du
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, set *pflag.FlagSet) (command.UsageRequest, error) {
		return f.parse(args[0], set)
	}, a.session.Usage)
}

// parse returns the request that the flags and arguments describe.
func (f *duFlags) parse(word string, set *pflag.FlagSet) (r command.UsageRequest, err error) {
	if r.Where, err = parseRemote(word); err != nil {
		return r, err
	}
	if f.depth < 0 {
		return r, command.Usagef("--max-depth: it must not be negative")
	}
	r.Depth, r.Human = f.depth, f.human
	r.Attrs, err = f.page.attrs(set)
	return r, err
}
