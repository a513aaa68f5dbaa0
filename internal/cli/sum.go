package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"haul"
	"haul/checksum"
	"haul/internal/localfile"
	"haul/internal/ui"
	"haul/proof"
	"haul/store"
)

const sumLong = `haul sum tells the digests of files, of standard input (-), or of objects, in the forms in which S3 and its tools tell them: hex
as md5sum and ETags have it, and Base64 as S3's checksums. With --part-size also the composite ones, and the ETag, that an object
has which was uploaded in parts of that size.

An object is read by ranges in parallel, and goes nowhere; beside its digests stands what the store itself says of it, and whether
that agrees. Without --part-size it is compared in the parts that it was uploaded in, where the store tells their size.
To compare whole folders with what is stored, without a download: haul verify.`

// sumFlags are those of haul sum, as typed.
type sumFlags struct {
	attrs    attrFlags
	version  string
	digests  digestList
	partSize sizeFlag
}

func (f *sumFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.Var(&f.digests, "digest", "`LIST` of md5, sha256, sha1, crc64nvme, crc32c, crc32 (else md5,sha256,crc64nvme)")
	fs.Var(&f.partSize, "part-size", "also what an object in parts of that `SIZE` has, such as 8MiB")
	return fs
}

// sumRequest is a line of haul sum, understood.
type sumRequest struct {
	from     []location
	digests  []checksum.Algorithm
	partSize int64
	attrs    store.Attrs
}

func (a *app) sum() *cobra.Command {
	var f sumFlags
	cmd := &cobra.Command{
		Use:     "sum [flags] FILE|s3://BUCKET/KEY|-…",
		Short:   "Tell the digests of files, streams and objects, in S3's forms",
		Long:    sumLong,
		Example: "  haul sum NA12878.bam\n  haul sum --digest md5,crc32c --part-size 8MiB NA12878.bam\n  haul sum s3://lab/runs/NA12878.bam\n  samtools view -u in.cram | haul sum -",
		Args:    atLeastOne("sum", "one FILE, s3://BUCKET/KEY or -, or several"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		req, err := f.parse(args, disk{})
		if err != nil {
			return err
		}
		return a.runSum(ctx, req)
	})
	return cmd
}

// parse understands the line.
func (f *sumFlags) parse(args []string, d files) (r sumRequest, err error) {
	r.digests, r.partSize = f.digests.algorithms, int64(f.partSize)
	if len(r.digests) == 0 {
		r.digests = []checksum.Algorithm{checksum.MD5, checksum.SHA256, checksum.CRC64NVME}
	}
	objects := 0
	for _, word := range args {
		l, err := parseLocation(word)
		if err != nil {
			return r, err
		}
		switch l.kind {
		case remote:
			if l.ref.Key == "" {
				return r, usagef("%s names no object", word)
			}
			l.ref.Version = f.version
			objects++
		case local:
			mode, err := d.mode(word)
			if err != nil {
				return r, err
			}
			if mode.IsDir() {
				return r, usagef("%s is a directory; haul verify is about whole folders", word)
			}
			if !mode.IsRegular() {
				l.kind = stream
			}
		}
		if l.kind == stream && slices.ContainsFunc(r.from, func(o location) bool { return o.kind == stream && o.text == l.text }) {
			return r, usagef("%s can be read only once", word)
		}
		r.from = append(r.from, l)
	}
	if f.version != "" && (objects != 1 || len(args) > 1) {
		return r, usagef("--version-id is of one object")
	}
	r.attrs, err = f.attrs.attrs("", d.read)
	return r, err
}

// runSum tells of each, in their order, and sums as many at once as there are cores. One that fails does not keep the others from
// it.
func (a *app) runSum(ctx context.Context, r sumRequest) error {
	screen := a.screen(false)
	var c *haul.Client
	if slices.ContainsFunc(r.from, func(l location) bool { return l.kind == remote }) {
		st, err := a.connect.open(ctx)
		if err != nil {
			return err
		}
		c = haul.New(st, haul.Options{Observe: func(e haul.Event) {
			if e.Kind != haul.EventStart { // what is read goes nowhere
				screen.Observe(e)
			}
		}})
	}
	type answer struct {
		sums ui.Sums
		err  error
	}
	answers := make([]chan answer, len(r.from))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		for i, l := range r.from {
			g.Go(func() error {
				sums, err := a.sumOne(ctx, c, l, r)
				answers[i] <- answer{sums, err}
				return nil
			})
		}
		_ = g.Wait() // the errors are in the answers
	})
	var failed []error
	for _, one := range answers {
		got := <-one
		if got.err != nil {
			failed = append(failed, got.err)
			continue
		}
		screen.Sums(got.sums)
		if slices.ContainsFunc(got.sums.Store, func(s ui.StoreSum) bool { return !s.Agrees && s.Why == "" }) {
			failed = append(failed, fmt.Errorf("%s: %w", got.sums.Name, haul.ErrMismatch))
		}
	}
	if len(failed) == 1 {
		return failed[0]
	}
	return errors.Join(failed...)
}

func (a *app) sumOne(ctx context.Context, c *haul.Client, l location, r sumRequest) (ui.Sums, error) {
	if l.kind == remote {
		return sumObject(ctx, c, l.ref, r)
	}
	sums := ui.Sums{Name: l.text}
	f := proof.NewForming(r.digests, r.digests, r.partSize)
	var err error
	if l.kind == stream {
		err = a.sumStream(ctx, f, l)
	} else {
		err = sumFile(ctx, f, l.text)
	}
	if err == nil {
		sums.Forms, err = f.Forms()
	}
	return sums, err
}

func sumFile(ctx context.Context, f *proof.Forming, path string) error {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return err
	}
	defer src.Close() // only read from
	if err := f.Read(ctx, src, src.Size()); err != nil {
		return err
	}
	if err := src.Changed(); err != nil {
		return fmt.Errorf("%w: %w", haul.ErrSourceChanged, err)
	}
	return nil
}

func (a *app) sumStream(ctx context.Context, f *proof.Forming, l location) error {
	in, err := a.openSource(ctx, l.asStream())
	if err != nil {
		return err
	}
	defer in.Close() // only read from
	summed := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(f, &source{in, ctx.Err}, make([]byte, 1<<20))
		summed <- err
	}()
	select {
	case err := <-summed:
		return err
	case <-ctx.Done(): // a Read may go on for as long as it likes
		return context.Cause(ctx)
	}
}

// asStream makes a location that has a name one to be opened by it.
func (l location) asStream() location {
	if l.text != "-" && l.text != "/dev/stdin" {
		l.kind = local
	}
	return l
}

// sumObject reads an object, and compares it with what the store says of it.
func sumObject(ctx context.Context, c *haul.Client, ref store.Ref, r sumRequest) (ui.Sums, error) {
	sums := ui.Sums{Name: ref.String()}
	obj, err := c.Stat(ctx, ref, &r.attrs)
	if err != nil {
		return sums, err
	}
	told := toldBy(obj)
	full, composite, partSize := slices.Clone(r.digests), slices.Clone(r.digests), r.partSize
	parts := 0
	for _, t := range told {
		if t.Sum.Parts > 0 {
			parts = t.Sum.Parts
		}
	}
	if partSize == 0 && parts > 0 {
		partSize, composite = partSizeOf(ctx, c, obj, &r.attrs), nil
	}
	for _, t := range told {
		list := &full
		if t.Sum.Parts > 0 {
			list = &composite
		}
		if !slices.Contains(*list, t.Sum.Algorithm) {
			*list = append(*list, t.Sum.Algorithm)
		}
	}
	f := proof.NewForming(nil, composite, partSize)
	result, err := c.DownloadStream(ctx, ref, f, haul.Transfer{Digests: full, Attrs: r.attrs, IfMatch: obj.ETag})
	if err == nil {
		sums.Forms, err = f.Forms()
	}
	if err != nil {
		return sums, err
	}
	all := slices.Concat(result.Digests, sums.Composite)
	for _, t := range told {
		sums.Store = append(sums.Store, judged(t, all, partSize, r.partSize > 0))
	}
	sums.Full = result.Digests[:len(r.digests)]
	return sums, nil
}

// toldBy is what a store says of the bytes of an object.
func toldBy(obj store.Object) (told []ui.StoreSum) {
	for _, s := range obj.Sums {
		told = append(told, ui.StoreSum{What: string(s.Algorithm), Sum: s})
	}
	if tag, ok := checksum.FromETag(obj.ETag); ok {
		told = append(told, ui.StoreSum{What: "etag", Sum: tag})
	}
	return told
}

// partSizeOf gives the size of all parts of an object but the last, or 0 where it is not known.
func partSizeOf(ctx context.Context, c *haul.Client, obj store.Object, attrs *store.Attrs) int64 {
	parts, err := c.Layout(ctx, obj, attrs)
	if err != nil || len(parts) == 0 {
		return 0
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size != parts[0].Size {
			return 0
		}
	}
	return parts[0].Size
}

// judged compares one sum that a store keeps with those of the bytes. A guessed part size may make as many parts of another size.
func judged(t ui.StoreSum, ours []checksum.Sum, partSize int64, guessed bool) ui.StoreSum {
	for _, s := range ours {
		if s.Algorithm != t.Sum.Algorithm || s.Parts != t.Sum.Parts {
			continue
		}
		switch t.Agrees = s == t.Sum; {
		case t.Agrees:
		case guessed && t.Sum.Parts > 0:
			t.Why = "it is not that of parts of this size"
		case t.What == "etag":
			t.Why = "it is not that of these bytes; not every ETag is an MD5"
		}
		return t
	}
	t.Why = fmt.Sprintf("of %d parts, whose sizes are not known", t.Sum.Parts)
	if partSize > 0 {
		t.Why = fmt.Sprintf("of %d parts of another size", cmp.Or(t.Sum.Parts, 1))
	}
	return t
}
