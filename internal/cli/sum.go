package cli

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/command"
)

const sumLong = `haul sum prints the digests of files, of standard input (-), or of objects, in the encodings that S3 and its tools use: hex as in
md5sum and ETags, and Base64 as in S3's checksums. With --part-size, it also prints the composite checksums and the ETag of an object
that was uploaded in parts of that size.

haul downloads objects in parallel, without saving them. After the digests of an object, it prints the checksums that the server
recorded, and whether they match. Without --part-size, the comparison uses the part sizes of the upload, if the server reports them.
If the argument is a folder or prefix, haul prints the digests of everything in it. The output of --plain can be read by md5sum -c,
sha1sum -c, sha256sum -c or sha512sum -c. To compare whole folders with their objects without downloading them, use haul verify.`

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
	fs.Var(&f.digests, "digest", "compute the digests in `LIST`: md5, sha256, sha1, sha512, crc64nvme, crc32c, crc32, xxhash3, xxhash128, xxhash64 (default md5,sha256,crc64nvme)")
	fs.BoolVar(&f.plain, "plain", false, "print lines like those of md5sum or sha256sum, for one digest: --digest md5 (the default), sha1, sha256 or sha512")
	fs.Var(&f.partSize, "part-size", "also print the composite checksums and ETag of an object uploaded in parts of `SIZE`, such as 8MiB")
	return fs
}

func (a *app) sum() *cobra.Command {
	var f sumFlags
	cmd := &cobra.Command{
		Use:     "sum [flags] FILE|DIR|s3://BUCKET[/KEY]|-…",
		Short:   "Print the digests of files, streams and objects, in the encodings S3 uses",
		Long:    sumLong,
		Example: "  haul sum NA12878.bam\n  haul sum --digest md5,crc32c --part-size 8MiB NA12878.bam\n  haul sum --digest md5 --plain run42 > md5sum.txt\n  haul sum s3://lab/runs/NA12878.bam\n  samtools view -u in.cram | haul sum -",
		Args:    atLeastOne("one FILE, DIR, s3://BUCKET/KEY or -, or several"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, _ *pflag.FlagSet) (command.SumRequest, error) {
		return f.parse(args, disk{})
	}, a.session.Sum)
}

// parse returns the request that the flags and arguments describe.
func (f *sumFlags) parse(args []string, d files) (r command.SumRequest, err error) {
	r.Digests, r.PartSize, r.Plain = f.digests.algorithms, int64(f.partSize), f.plain
	if err := f.one(); err != nil {
		return r, err
	}
	switch {
	case len(r.Digests) == 0 && f.plain:
		r.Digests = []checksum.Algorithm{checksum.MD5}
	case len(r.Digests) == 0:
		r.Digests = []checksum.Algorithm{checksum.MD5, checksum.SHA256, checksum.CRC64NVME}
	}
	objects := 0
	for _, word := range args {
		w, err := sumWordOf(word, d)
		if err != nil {
			return r, err
		}
		if w.Kind == command.Remote && !w.Tree {
			w.Ref.Version = f.version
			objects++
		}
		if w.Kind == command.Stream && slices.ContainsFunc(r.From, func(o command.SumSource) bool { return o.Kind == command.Stream && o.Text == w.Text }) {
			return r, command.Usagef("%s can be read only once", word)
		}
		r.From = append(r.From, w)
	}
	if f.version != "" && (objects != 1 || len(args) > 1) {
		return r, command.Usagef("--version-id applies to one object")
	}
	r.Attrs, err = f.attrs.attrs("", d.read)
	return r, err
}

// one refuses what makes no lines of one digest.
func (f *sumFlags) one() error {
	list := f.digests.algorithms
	switch {
	case !f.plain:
	case len(list) > 1, len(list) == 1 && !slices.Contains([]checksum.Algorithm{checksum.MD5, checksum.SHA1, checksum.SHA256, checksum.SHA512}, list[0]):
		return command.Usagef("--plain prints one digest: --digest md5, sha1, sha256 or sha512")
	case f.partSize > 0:
		return command.Usagef("--plain cannot be used with --part-size")
	}
	return nil
}

// sumWordOf parses one name. A file that does not exist does not stop the others.
func sumWordOf(word string, d files) (w command.SumSource, err error) {
	if w.Location, err = parseLocation(word); err != nil {
		return w, err
	}
	switch w.Kind {
	case command.Remote:
		w.Tree = command.IsFolder(w.Ref.Key)
	case command.Local:
		mode, err := d.mode(word)
		switch {
		case err != nil:
			w.Err = err
		case mode.IsDir():
			w.Tree = true
		case !mode.IsRegular():
			w.Kind = command.Stream
		}
	}
	return w, nil
}
