package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

const catLong = `haul cat writes objects to standard output, one after the other: each is downloaded in parts, several at once, and verified at its
end, as by haul cp s3://BUCKET/KEY -. The first failure ends the run; output that was already written is not taken back.`

// catFlags are those of haul cat, as typed.
type catFlags struct {
	attrs       attrFlags
	version     string
	concurrency int
	memory      sizeFlag
	patience    spanFlag
}

func (f *catFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.IntVar(&f.concurrency, "concurrency", 0, "`N` parts at once (default: adapts to the link)")
	fs.Var(&f.memory, "memory", "use at most `SIZE` of memory for buffers (default 128MiB)")
	fs.Var(&f.patience, "patience", "give up after `TIME` without progress (default 5m)")
	return fs
}

// catRequest is a line of haul cat, understood.
type catRequest struct {
	refs     []store.Ref
	transfer haul.DownloadOptions
	options  haul.Options
}

func (a *app) cat() *cobra.Command {
	var f catFlags
	cmd := &cobra.Command{
		Use:     "cat [flags] s3://BUCKET/KEY…",
		Short:   "Write objects to standard output",
		Long:    catLong,
		Example: "  haul cat s3://lab/runs/42/log.txt\n  haul cat s3://lab/reads_L001.fastq.gz s3://lab/reads_L002.fastq.gz | zcat | wc -l",
		Args:    atLeastOne("cat", "one s3://BUCKET/KEY or several"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, cmd.Flags(), disk{})
		if err != nil {
			return err
		}
		return a.runCat(ctx, req)
	})
	return cmd
}

// parse understands the line.
func (f *catFlags) parse(args []string, set *pflag.FlagSet, d files) (r catRequest, err error) {
	for _, word := range args {
		ref, err := parseObject(word)
		if err != nil {
			return r, err
		}
		ref.Version = f.version
		r.refs = append(r.refs, ref)
	}
	if f.version != "" && len(args) > 1 {
		return r, usagef("--version-id is of one object, and there are %d", len(args))
	}
	if f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0 {
		return r, usagef("--concurrency: it must be at least 1")
	}
	r.options = haul.Options{Concurrency: f.concurrency, Memory: int64(f.memory), Patience: f.patience.duration()}
	r.transfer.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}

// runCat writes the objects.
func (a *app) runCat(ctx context.Context, r catRequest) (err error) {
	a.catting = true
	screen := a.screen(true)
	st, err := a.connect.open(ctx)
	if err != nil {
		return err
	}
	r.options.Observe = screen.Observe
	c := haul.New(st, r.options)
	defer a.noteStop(ctx)()
	out, err := a.sys.out()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	defer context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })()
	for _, ref := range r.refs {
		if err := a.catOne(ctx, c, ref, sink{out}, r.transfer); err != nil {
			return err
		}
	}
	return nil
}

// catOne writes one object. Only what could not be proved is told, unless more was asked for.
func (a *app) catOne(ctx context.Context, c *haul.Client, ref store.Ref, out io.Writer, o haul.DownloadOptions) error {
	screen := a.screen(true)
	task := ui.Task{Verb: download.verb(), Source: ref.String(), Target: "stdout", Name: baseKey(ref.Key)}
	var result haul.Result
	err := screen.During(task, c.Progress, func() (err error) {
		result, err = c.DownloadStream(ctx, ref, out, o)
		return err
	})
	switch {
	case err != nil:
		return err
	case a.verbose || a.json:
		screen.Done(task, result)
	case !result.Proof.Verified:
		screen.Note(fmt.Sprintf("%s: not verified: %s", ref, result.Proof.Text))
	}
	return nil
}
