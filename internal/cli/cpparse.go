package cli

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/mirror"
)

// parse understands the line. Of the disk it looks at what local names are, and reads files with keys.
func (f *copyFlags) parse(args []string, set *pflag.FlagSet, d files) (copyRequest, error) {
	req, err := f.places(args, d)
	if err != nil {
		return req, err
	}
	if err := refuseIdle(set, req.direction); err != nil {
		return req, err
	}
	if err := f.check(set, req); err != nil {
		return req, err
	}
	t := mirror.TransferOptions{PartSize: int64(f.partSize), ExpectedSize: int64(f.expected), NoClobber: f.noClobber || f.noOverwrite, Times: f.times, ReadTwice: f.readTwice}
	switch {
	case f.noResume:
		t.Resume = haul.ResumeNever
	case f.adopt:
		t.Resume = haul.ResumeAdopt
	}
	if t.Checksum, err = checksumWish(f.checksum); err != nil {
		return req, err
	}
	t.Digests, t.DigestFirst, t.WantLayout = f.digest.list.algorithms, f.digest.first, f.digest.receipt != ""
	req.receipt = f.digest.receipt
	if err := f.props.parse(set, &t); err != nil {
		return req, err
	}
	if f.attrs.noGuess && (req.direction == copyObject || req.direction == copyTree) && !t.ReplaceMetadata {
		return req, usagef("--no-guess-mime-type cannot be used for a copy that keeps the source's type")
	}
	if t.Attrs, err = f.attrs.attrs(req.typedName(t.ReplaceMetadata), d.read); err != nil {
		return req, err
	}
	req.transfer = t
	req.options = haul.Options{Concurrency: f.concurrency, Memory: int64(f.memory), Bandwidth: int64(f.bandwidth)}
	req.options.Patience = f.patience.duration()
	req.stats = f.stats
	req.guess = (req.direction == uploadTree || req.direction == copyTree) && !f.attrs.noGuess
	req.list, req.region = f.which.from, f.props.sourceRegion
	return req, f.trees(set, &req)
}

// trees understands what is about many objects.
func (f *copyFlags) trees(set *pflag.FlagSet, req *copyRequest) error {
	req.sync = f.verb == syncVerb
	o := &req.tree
	o.Transfer = req.transfer
	o.Transfer.NoClobber = f.noClobber
	o.Move, o.NoOverwrite, o.DryRun, o.NoFamilies = f.verb == mvVerb, f.noOverwrite, f.dry || f.plan != "", f.noFamilies
	o.Last = f.last
	req.plan = f.plan
	if err := f.which.parse(set, &o.Options); err != nil {
		return err
	}
	if req.sync {
		return f.compare.parse(set, o, f.times)
	}
	return nil
}

// check refuses choices that cannot be used together.
func (f *copyFlags) check(set *pflag.FlagSet, req copyRequest) error {
	switch {
	case f.noResume && f.adopt:
		return usagef("--no-resume and --adopt cannot be used together")
	case f.noFamilies && len(f.last) > 0:
		return usagef("--no-families and --last cannot be used together")
	case f.noClobber && f.noOverwrite:
		return usagef("--no-clobber and --no-overwrite cannot be used together")
	case f.noClobber && f.verb == syncVerb:
		return usagef("--no-clobber cannot be used for sync, which replaces files; --no-overwrite skips existing targets")
	case f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0:
		return usagef("--concurrency: it must be at least 1")
	case f.plan != "" && (f.attrs.customer != (keyFlags{}) || f.attrs.copySource != (keyFlags{})):
		return usagef("--plan goes with no key of your own, since that is never written down")
	case f.digest.check(req, f.dry || f.plan != "") != nil:
		return f.digest.check(req, f.dry || f.plan != "")
	case f.bandwidth.limit() != nil:
		return f.bandwidth.limit()
	case set.Changed("checksum-mode") && f.verify != "ENABLED":
		return usagef("--checksum-mode must be ENABLED (got %q)", f.verify)
	case f.verb != syncVerb && req.direction == uploadTree && set.Changed("page-size"),
		f.which.from != "" && set.Changed("page-size"):
		return usagef("--page-size cannot be used without a listing")
	case f.verb != syncVerb && req.direction == copyTree && f.times:
		return usagef("--times cannot be used for a copy within the store, which keeps metadata anyway")
	case f.verb == mvVerb && (req.direction == uploadStream || req.direction == downloadStream):
		return usagef("a stream cannot be moved; haul cp copies it")
	case f.verb == mvVerb && f.version != "":
		return usagef("--version-id cannot be used for mv, which moves the current version")
	case req.direction == copyObject && mirror.Same(req.from.ref, req.to.ref) && f.verb == mvVerb:
		return usagef("%s would be moved onto itself", req.from.ref)
	case req.direction == copyObject && mirror.Same(req.from.ref, req.to.ref) && f.version == "" &&
		!slices.ContainsFunc(changesObject, set.Changed):
		return usagef("%s would be copied onto itself; that only makes sense with another storage class, encryption, metadata or the like", req.from.ref)
	}
	return nil
}

// changesObject are the flags that make sense of a copy of an object onto itself.
var changesObject = []string{
	"storage-class", "metadata", "tags", "content-type", "content-encoding", "content-disposition", "content-language", "cache-control",
	"expires", "acl", "grants", "website-redirect", "sse", "sse-kms-key-id", "sse-c", "sse-c-key", "metadata-directive", "copy-props",
	"checksum-algorithm",
}

// typedName is the name that the content type is guessed from: the file's where that tells something, else the key's. A copy
// has its source's type, unless it gets none of that.
func (r copyRequest) typedName(replace bool) string {
	switch {
	case r.direction == copyObject && replace:
		return r.to.ref.Key
	case r.direction == upload && guessType(r.from.text) != "":
		return r.from.text
	case r.direction == upload, r.direction == uploadStream:
		return r.to.ref.Key
	}
	return ""
}

// places finds the direction, and gives the target its full name.
func (f *copyFlags) places(args []string, d files) (copyRequest, error) {
	var req copyRequest
	var err error
	if req.from, err = parseLocation(args[0]); err != nil {
		return req, err
	}
	if req.to, err = parseLocation(args[1]); err != nil {
		return req, err
	}
	switch {
	case req.from.kind != remote && req.to.kind != remote:
		return req, usagef("both %s and %s are local; an object is written s3://BUCKET/KEY", args[0], args[1])
	case !f.which.raw && f.verb != syncVerb && hasWildcards(req.from, d):
		err = f.pattern(&req, d)
	case f.recursive, f.verb == syncVerb, f.which.from != "":
		err = req.trees(d)
	case req.from.kind == remote && req.from.ref.Key == "":
		return req, usagef("%s is a bucket, not an object; with --recursive everything in it is copied", args[0])
	case req.from.kind == remote && req.to.kind == remote:
		req.direction = copyObject
		req.to.ref, err = targetKey(req.to.ref, baseKey(req.from.ref.Key))
	case req.from.kind == remote:
		err = req.toLocal(d)
	default:
		err = req.fromLocal(d, f.verb == mvVerb)
	}
	req.from.ref.Version = f.version
	return req, err
}

// pattern completes a line whose source has wildcards.
func (f *copyFlags) pattern(req *copyRequest, d files) error {
	if f.which.from != "" {
		return usagef("--files-from and wildcards in the source cannot be used together")
	}
	sel := &req.tree.Select
	if req.from.kind == remote {
		req.from.ref.Key, sel.Pattern = mirror.SplitPattern(req.from.ref.Key)
	} else {
		var root string
		root, sel.Pattern = mirror.SplitPattern(filepath.ToSlash(req.from.text))
		req.from.text = filepath.FromSlash(cmp.Or(root, "."))
	}
	return req.trees(d)
}

// fromLocal completes an upload. A file that is to be moved may be missing: then an interrupted run may have moved it.
func (r *copyRequest) fromLocal(d files, move bool) (err error) {
	r.direction = uploadStream
	if r.from.kind == stream {
		if isFolder(r.to.ref.Key) {
			return usagef("a stream has no name: write the whole key instead of %s", r.to.text)
		}
		return nil
	}
	mode, err := d.mode(r.from.text)
	var missing *missingError
	switch {
	case move && errors.As(err, &missing):
		r.direction = upload
	case err != nil:
		return err
	case mode.IsDir():
		return usagef("%s is a directory; with --recursive everything in it is copied", r.from.text)
	case mode.IsRegular():
		r.direction = upload
	case isFolder(r.to.ref.Key):
		return usagef("%s is a stream and has no name to keep: write the whole key instead of %s", r.from.text, r.to.text)
	}
	r.to.ref, err = targetKey(r.to.ref, baseName(r.from.text))
	return err
}

// toLocal completes a download.
func (r *copyRequest) toLocal(d files) (err error) {
	r.direction = downloadStream
	if r.to.kind == stream {
		return nil
	}
	if isStdout(r.to.text) {
		r.to.kind = stream
		return nil
	}
	path, err := d.target(r.to.text, r.from.ref.Key)
	switch {
	case err != nil && isFolder(r.from.ref.Key):
		return usagef("%s is a folder; with --recursive everything below it is copied", r.from.text)
	case err != nil:
		return usagef("%v", err)
	}
	r.to.text = path
	if mode, err := d.mode(path); err != nil || mode.IsRegular() && !isStreamTarget(path) {
		r.direction = download // a target that cannot be looked at is the download's own error
	}
	return nil
}
