package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

const sumLong = `haul sum prints the digests of files, of standard input (-), or of objects, in the forms that S3 and its tools use: hex as in
md5sum and ETags, and Base64 as in S3's checksums. With --part-size it also prints the composite checksums and the ETag of an object
that was uploaded in parts of that size.

An object is read by ranges in parallel, and not saved. Beside its digests haul prints what the store recorded, and whether that
agrees. Without --part-size the comparison uses the part sizes of the upload, if the store reports them.
A folder or prefix stands for everything in it. --plain writes lines that md5sum -c, sha1sum -c or sha256sum -c reads. To compare whole
folders with what is stored, without a download, use haul verify.`

// sumFlags are those of haul sum, as typed.
type sumFlags struct {
	attrs    attrFlags
	version  string
	digests  digestList
	partSize sizeFlag
	plain    bool
}

func (f *sumFlags) flags() *pflag.FlagSet {
	fs := f.attrs.readFlags(&f.version)
	fs.Var(&f.digests, "digest", "`LIST` of md5, sha256, sha1, crc64nvme, crc32c, crc32 (default md5,sha256,crc64nvme)")
	fs.BoolVar(&f.plain, "plain", false, "print lines like md5sum or sha256sum, of one digest: --digest md5 (the default), sha1 or sha256")
	fs.Var(&f.partSize, "part-size", "also the composite checksums and ETag of an object in parts of `SIZE`, such as 8MiB")
	return fs
}

// sumRequest is a line of haul sum, understood.
type sumRequest struct {
	from     []sumWord
	digests  []checksum.Algorithm
	partSize int64
	plain    bool
	attrs    store.Attrs
}

// sumWord is one name of the line, or of a folder.
type sumWord struct {
	location
	tree bool
	why  error // it cannot be summed
}

func (a *app) sum() *cobra.Command {
	var f sumFlags
	cmd := &cobra.Command{
		Use:     "sum [flags] FILE|DIR|s3://BUCKET[/KEY]|-…",
		Short:   "Print the digests of files, streams and objects, in the forms S3 uses",
		Long:    sumLong,
		Example: "  haul sum NA12878.bam\n  haul sum --digest md5,crc32c --part-size 8MiB NA12878.bam\n  haul sum --digest md5 --plain run42 > md5sum.txt\n  haul sum s3://lab/runs/NA12878.bam\n  samtools view -u in.cram | haul sum -",
		Args:    atLeastOne("sum", "one FILE, DIR, s3://BUCKET/KEY or -, or several"),
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
	r.digests, r.partSize, r.plain = f.digests.algorithms, int64(f.partSize), f.plain
	if err := f.one(); err != nil {
		return r, err
	}
	switch {
	case len(r.digests) == 0 && f.plain:
		r.digests = []checksum.Algorithm{checksum.MD5}
	case len(r.digests) == 0:
		r.digests = []checksum.Algorithm{checksum.MD5, checksum.SHA256, checksum.CRC64NVME}
	}
	objects := 0
	for _, word := range args {
		w, err := sumWordOf(word, d)
		if err != nil {
			return r, err
		}
		if w.kind == remote && !w.tree {
			w.ref.Version = f.version
			objects++
		}
		if w.kind == stream && slices.ContainsFunc(r.from, func(o sumWord) bool { return o.kind == stream && o.text == w.text }) {
			return r, usagef("%s can be read only once", word)
		}
		r.from = append(r.from, w)
	}
	if f.version != "" && (objects != 1 || len(args) > 1) {
		return r, usagef("--version-id is of one object")
	}
	r.attrs, err = f.attrs.attrs("", d.read)
	return r, err
}

// one refuses what makes no lines of one digest.
func (f *sumFlags) one() error {
	list := f.digests.algorithms
	switch {
	case !f.plain:
	case len(list) > 1, len(list) == 1 && !slices.Contains([]checksum.Algorithm{checksum.MD5, checksum.SHA1, checksum.SHA256}, list[0]):
		return usagef("--plain is of one digest: --digest md5, sha1 or sha256")
	case f.partSize > 0:
		return usagef("--plain is of all bytes, and --part-size of parts")
	}
	return nil
}

// sumWordOf understands one name. A file that is not there does not keep the others from being summed.
func sumWordOf(word string, d files) (w sumWord, err error) {
	if w.location, err = parseLocation(word); err != nil {
		return w, err
	}
	switch w.kind {
	case remote:
		w.tree = isFolder(w.ref.Key)
	case local:
		mode, err := d.mode(word)
		switch {
		case err != nil:
			w.why = err
		case mode.IsDir():
			w.tree = true
		case !mode.IsRegular():
			w.kind = stream
		}
	}
	return w, nil
}

func (a *app) sumOne(ctx context.Context, c *haul.Client, w sumWord, r sumRequest) (ui.Sums, error) {
	l := w.location
	switch {
	case w.why != nil:
		return ui.Sums{}, w.why
	case ctx.Err() != nil:
		return ui.Sums{}, context.Cause(ctx)
	case l.kind == remote:
		return sumObject(ctx, c, l.ref, r)
	}
	sums := ui.Sums{Name: l.text}
	f := proof.NewDigester(r.digests, r.digests, r.partSize)
	var err error
	if l.kind == stream {
		err = a.sumStream(ctx, f, l)
	} else {
		err = sumFile(ctx, f, l.text)
	}
	if err == nil {
		sums.Digests, err = f.Digests()
	}
	return sums, err
}

func sumFile(ctx context.Context, f *proof.Digester, path string) error {
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

func (a *app) sumStream(ctx context.Context, f *proof.Digester, l location) error {
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
	obj, err := c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &r.attrs})
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
	f := proof.NewDigester(nil, composite, partSize)
	result, err := c.DownloadStream(ctx, ref, f, haul.DownloadOptions{Digests: full, Attrs: r.attrs, IfMatch: obj.ETag})
	if err == nil {
		sums.Digests, err = f.Digests()
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
	parts, err := c.Store().Layout(ctx, obj, attrs)
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

// notMD5 is why an ETag that differs from the MD5 of the bytes is no mismatch.
const notMD5 = "it is not that of these bytes; not every ETag is an MD5"

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
			t.Why = notMD5
		}
		return t
	}
	t.Why = fmt.Sprintf("of %d parts, whose sizes are not known", t.Sum.Parts)
	if partSize > 0 {
		t.Why = fmt.Sprintf("of %d parts of another size", cmp.Or(t.Sum.Parts, 1))
	}
	return t
}
