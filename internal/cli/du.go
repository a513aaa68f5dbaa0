package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

const duLong = `haul du counts the objects and bytes below a prefix. Each line has bytes, objects, and a folder or a storage class; the last
line is the total. As in haul ls, a prefix is taken literally: s3://BUCKET/run also covers s3://BUCKET/run2. Noncurrent versions and
unfinished uploads are billed too, but are not listed and so not counted. Memory does not grow with the number of objects. If nothing
matches the prefix, the exit code is 3.`

// duFlags are those of haul du, as typed.
type duFlags struct {
	human bool
	depth int
	page  pageFlags
}

func (f *duFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Counting", pflag.ContinueOnError)
	fs.BoolVarP(&f.human, "human-readable", "h", false, "sizes in KiB, MiB, GiB")
	fs.IntVarP(&f.depth, "max-depth", "d", 0, "also a line for each folder, `N` levels deep")
	f.page.add(fs)
	return fs
}

// duRequest is a line of haul du, understood.
type duRequest struct {
	where store.Ref
	depth int
	attrs store.Attrs
}

func (a *app) du() *cobra.Command {
	var f duFlags
	cmd := &cobra.Command{
		Use:     "du [flags] s3://BUCKET[/PREFIX]",
		Short:   "Count objects and bytes, by folder and storage class",
		Long:    duLong,
		Example: "  haul du -h s3://lab/runs/\n  haul du -h --max-depth 1 s3://lab",
		Args:    exactlyOne("du", "s3://BUCKET or s3://BUCKET/PREFIX"),
	}
	cmd.Flags().Bool("help", false, "help for du") // -h is for people to read sizes by, as in du
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args[0], cmd.Flags())
		if err != nil {
			return err
		}
		c, err := a.client(ctx)
		if err != nil {
			return err
		}
		screen := a.screen(false)
		total, err := req.run(ctx, c, func(u ui.Usage) { screen.Usage(u, f.human) })
		if err == nil && total.Objects == 0 && req.where.Key != "" {
			return &missingError{fmt.Sprintf("no object key starts with %s", req.where)}
		}
		return err
	})
	return cmd
}

// parse understands the line.
func (f *duFlags) parse(word string, set *pflag.FlagSet) (r duRequest, err error) {
	if r.where, err = parseRemote(word); err != nil {
		return r, err
	}
	if f.depth < 0 {
		return r, usagef("--max-depth: it must not be below 0")
	}
	r.depth = f.depth
	r.attrs, err = f.page.attrs(set)
	return r, err
}

// run counts. It tells of folders as they end, then of storage classes where there are several, then of all. It relies on a
// listing in the order of the bytes of the keys, where all that is in a folder comes together.
func (r duRequest) run(ctx context.Context, c *haul.Client, tell func(ui.Usage)) (ui.Usage, error) {
	total := ui.Usage{Where: r.where}
	classes := map[string]*ui.Usage{}
	var open []*ui.Usage // the folders that the last key lies in, outermost first
	end := func(depth int) {
		for len(open) > depth {
			tell(*open[len(open)-1])
			open = open[:len(open)-1]
		}
	}
	for o, err := range c.List(ctx, r.where.Bucket, r.where.Key, &r.attrs) {
		if err != nil {
			return total, err
		}
		folders := r.folders(o.Key)
		same := 0
		for same < min(len(open), len(folders)) && open[same].Where.Key == folders[same] {
			same++
		}
		end(same)
		for _, f := range folders[same:] {
			open = append(open, &ui.Usage{Where: store.Ref{Bucket: r.where.Bucket, Key: f}})
		}
		class := o.StorageClass
		if class == "" {
			class = "STANDARD"
		}
		if classes[class] == nil {
			classes[class] = &ui.Usage{Where: r.where, Class: class}
		}
		for _, u := range append(open, classes[class], &total) {
			u.Objects++
			u.Bytes += o.Size
		}
	}
	end(0)
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		if len(classes) > 1 || class != "STANDARD" {
			tell(*classes[class])
		}
	}
	tell(total)
	return total, nil
}

// folders gives the folders below the prefix that a key lies in, outermost first, as deep as is asked for.
func (r duRequest) folders(key string) (all []string) {
	at := len(r.where.Key)
	for len(all) < r.depth {
		i := strings.IndexByte(key[at:], '/')
		if i < 0 {
			break
		}
		at += i + 1
		all = append(all, key[:at])
	}
	return all
}
