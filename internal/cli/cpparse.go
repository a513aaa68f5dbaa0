package cli

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
)

// parse returns the request that the flags and arguments describe. It looks up local names on the disk, and reads files with keys.
func (f *copyFlags) parse(args []string, set *pflag.FlagSet, d files) (command.CopyRequest, error) {
	req, err := f.places(args, d)
	if err != nil {
		return req, err
	}
	if err := refuseIdle(set, req.Direction); err != nil {
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
	if t.Checksum, err = command.ParseChecksum(f.checksum); err != nil {
		return req, err
	}
	t.Digests, t.DigestFirst, t.WantLayout = f.digest.list.algorithms, f.digest.first, f.digest.receipt != ""
	req.Receipt = f.digest.receipt
	if err := f.props.parse(set, &t); err != nil {
		return req, err
	}
	if f.attrs.noGuess && (req.Direction == command.CopyObject || req.Direction == command.CopyTree) && !t.ReplaceMetadata {
		return req, command.Usagef("--no-guess-mime-type cannot be used for a copy that keeps the source's type")
	}
	if t.Attrs, err = f.attrs.attrs(typedName(&req, t.ReplaceMetadata), d.read); err != nil {
		return req, err
	}
	req.Transfer = t
	if req.Options, err = f.limits.options(set); err != nil {
		return req, err
	}
	req.Stats = f.stats
	req.GuessTypes = (req.Direction == command.UploadTree || req.Direction == command.CopyTree) && !f.attrs.noGuess
	req.FilesFrom, req.Source = f.which.from, f.props.source
	return req, f.addTree(set, &req)
}

// addTree adds the choices for many objects.
func (f *copyFlags) addTree(set *pflag.FlagSet, req *command.CopyRequest) error {
	req.Sync = f.verb == syncVerb
	o := &req.Tree
	o.Transfer = req.Transfer
	o.Transfer.NoClobber = f.noClobber
	o.Move, o.NoOverwrite, o.DryRun, o.NoFamilies = f.verb == mvVerb, f.noOverwrite, f.dry || f.plan != "", f.noFamilies
	o.Last = f.last
	req.Plan = f.plan
	if err := f.which.parse(set, &o.Options); err != nil {
		return err
	}
	if req.Sync {
		return f.compare.parse(set, o, f.times)
	}
	return nil
}

// check refuses choices that cannot be used together.
func (f *copyFlags) check(set *pflag.FlagSet, req command.CopyRequest) error {
	switch {
	case f.noResume && f.adopt:
		return command.Usagef("--no-resume and --adopt cannot be used together")
	case f.noFamilies && len(f.last) > 0:
		return command.Usagef("--no-families and --last cannot be used together")
	case f.noClobber && f.noOverwrite:
		return command.Usagef("--no-clobber and --no-overwrite cannot be used together")
	case f.noClobber && f.verb == syncVerb:
		return command.Usagef("--no-clobber cannot be used for sync, which replaces files; --no-overwrite skips existing targets")
	case f.plan != "" && (f.attrs.customer != (keyFlags{}) || f.attrs.copySource != (keyFlags{})):
		return command.Usagef("--plan goes with no key of your own, since that is never written down")
	case set.Changed("checksum-mode") && f.verify != "ENABLED":
		return command.Usagef("--checksum-mode must be ENABLED (got %q)", f.verify)
	case f.verb != syncVerb && req.Direction == command.UploadTree && set.Changed("page-size"),
		f.which.from != "" && set.Changed("page-size"):
		return command.Usagef("--page-size cannot be used without a listing")
	case f.verb != syncVerb && req.Direction == command.CopyTree && f.times:
		return command.Usagef("--times cannot be used for a copy within the store, which keeps metadata anyway")
	case f.between && f.props.props == "all":
		return command.Usagef("--copy-props all cannot be used for a copy from one store to another, which has no annotations")
	case f.verb == mvVerb && (req.Direction == command.UploadStream || req.Direction == command.DownloadStream):
		return command.Usagef("a stream cannot be moved; haul cp copies it")
	case f.verb == mvVerb && f.version != "":
		return command.Usagef("--version-id cannot be used for mv, which moves the current version")
	case req.Direction == command.CopyObject && !f.between && mirror.Same(req.From.Ref, req.To.Ref) && f.verb == mvVerb:
		return command.Usagef("%s would be moved onto itself", req.From.Ref)
	case req.Direction == command.CopyObject && !f.between && mirror.Same(req.From.Ref, req.To.Ref) && f.version == "" &&
		!slices.ContainsFunc(changesObject, set.Changed):
		return command.Usagef("%s would be copied onto itself; that only makes sense with another storage class, encryption, metadata or the like", req.From.Ref)
	}
	return f.digest.check(req, f.dry || f.plan != "")
}

// changesObject are the flags that make sense of a copy of an object onto itself.
var changesObject = []string{
	"storage-class", "metadata", "tags", "content-type", "content-encoding", "content-disposition", "content-language", "cache-control",
	"expires", "acl", "grants", "website-redirect", "sse", "sse-kms-key-id", "sse-c", "sse-c-key", "metadata-directive", "copy-props",
	"checksum-algorithm",
}

// typedName returns the name to guess the content type from: that of the file if it is of a known type, else the key. A copy keeps
// the type of its source, unless metadata are replaced.
func typedName(r *command.CopyRequest, replace bool) string {
	switch {
	case r.Direction == command.CopyObject && replace:
		return r.To.Ref.Key
	case r.Direction == command.UploadFile && seqfile.ContentType(r.From.Text) != "":
		return r.From.Text
	case r.Direction == command.UploadFile, r.Direction == command.UploadStream:
		return r.To.Ref.Key
	}
	return ""
}

// places returns a request with its direction and its complete ends.
func (f *copyFlags) places(args []string, d files) (command.CopyRequest, error) {
	var req command.CopyRequest
	var err error
	if req.From, err = parseLocation(args[0]); err != nil {
		return req, err
	}
	if req.To, err = parseLocation(args[1]); err != nil {
		return req, err
	}
	switch {
	case req.From.Kind != command.Remote && req.To.Kind != command.Remote:
		return req, bothLocal(args[0], args[1])
	case !f.which.raw && f.verb != syncVerb && hasWildcards(req.From, d):
		err = f.pattern(&req, d)
	case f.recursive, f.verb == syncVerb, f.which.from != "":
		err = completeTree(&req, d)
	case req.From.Kind == command.Remote && req.From.Ref.Key == "":
		return req, command.Usagef("%s is a bucket, not an object; with --recursive everything in it is copied", args[0])
	case req.From.Kind == command.Remote && req.To.Kind == command.Remote:
		req.Direction = command.CopyObject
		req.To.Ref, err = targetKey(req.To.Ref, command.BaseKey(req.From.Ref.Key))
	case req.From.Kind == command.Remote:
		err = toLocal(&req, d)
	default:
		err = fromLocal(&req, d, f.verb == mvVerb)
	}
	req.From.Ref.Version = f.version
	return req, err
}

// bothLocal refuses two paths. One of them may have been meant as an address in a store that has no such name.
func bothLocal(from, to string) error {
	for _, word := range []string{from, to} {
		if name, _, found := strings.Cut(word, ":"); found && len(name) > 1 && !strings.ContainsAny(name, `/\.`) {
			return command.Usagef("both %s and %s are local, and config.toml names no store %s; an object is written s3://BUCKET/KEY (see haul help stores)", from, to, name)
		}
	}
	return command.Usagef("both %s and %s are local; an object is written s3://BUCKET/KEY", from, to)
}

// pattern completes a line whose source has wildcards.
func (f *copyFlags) pattern(req *command.CopyRequest, d files) error {
	if f.which.from != "" {
		return command.Usagef("--files-from and wildcards in the source cannot be used together")
	}
	sel := &req.Tree.Select
	if req.From.Kind == command.Remote {
		req.From.Ref.Key, sel.Pattern = mirror.SplitPattern(req.From.Ref.Key)
	} else {
		var root string
		root, sel.Pattern = mirror.SplitPattern(filepath.ToSlash(req.From.Text))
		req.From.Text = filepath.FromSlash(cmp.Or(root, "."))
	}
	return completeTree(req, d)
}

// fromLocal completes an upload. A file that is to be moved may be missing: then an interrupted run may have moved it.
func fromLocal(r *command.CopyRequest, d files, move bool) (err error) {
	r.Direction = command.UploadStream
	if r.From.Kind == command.Stream {
		if command.IsFolder(r.To.Ref.Key) {
			return command.Usagef("a stream has no name: write the whole key instead of %s", r.To.Text)
		}
		return nil
	}
	mode, err := d.mode(r.From.Text)
	var missing *command.MissingError
	switch {
	case move && errors.As(err, &missing):
		r.Direction = command.UploadFile
	case err != nil:
		return err
	case mode.IsDir():
		return command.Usagef("%s is a directory; with --recursive everything in it is copied", r.From.Text)
	case mode.IsRegular():
		r.Direction = command.UploadFile
	case command.IsFolder(r.To.Ref.Key):
		return command.Usagef("%s is a stream and has no name to keep: write the whole key instead of %s", r.From.Text, r.To.Text)
	}
	r.To.Ref, err = targetKey(r.To.Ref, filepath.Base(r.From.Text))
	return err
}

// toLocal completes a download.
func toLocal(r *command.CopyRequest, d files) (err error) {
	r.Direction = command.DownloadStream
	if r.To.Kind == command.Stream {
		return nil
	}
	if command.IsStdout(r.To.Text) {
		r.To.Kind = command.Stream
		return nil
	}
	path, err := d.target(r.To.Text, r.From.Ref.Key)
	switch {
	case err != nil && command.IsFolder(r.From.Ref.Key):
		return command.Usagef("%s is a folder; with --recursive everything below it is copied", r.From.Text)
	case err != nil:
		return command.Usagef("%v", err)
	}
	r.To.Text = path
	if mode, err := d.mode(path); err != nil || mode.IsRegular() && !command.IsStreamTarget(path) {
		r.Direction = command.DownloadFile // a target that cannot be looked at is the download's own error
	}
	return nil
}

// completeTree completes a line with --recursive.
func completeTree(r *command.CopyRequest, d files) error {
	if r.From.Kind == command.Stream || r.To.Kind == command.Stream {
		return command.Usagef("a stream is not a folder, and cannot be copied with --recursive")
	}
	switch {
	case r.From.Kind == command.Remote && r.To.Kind == command.Remote:
		r.Direction = command.CopyTree
		return nil
	case r.From.Kind == command.Remote:
		r.Direction = command.DownloadTree
		if mode, err := d.mode(r.To.Text); err == nil && !mode.IsDir() {
			return command.Usagef("%s is a file, but must be a folder", r.To.Text)
		}
		return nil // a folder that is not there is made
	}
	r.Direction = command.UploadTree
	mode, err := d.mode(r.From.Text)
	if err == nil && !mode.IsDir() {
		return command.Usagef("%s is a file, but must be a folder; haul cp copies one file without --recursive", r.From.Text)
	}
	return err
}
