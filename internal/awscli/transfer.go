package awscli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// transfer is one command of cp, mv or sync.
type transfer struct {
	*face
	from, to string // as typed
	tree     mirror.SyncOptions
	guess    bool

	mu sync.Mutex // guards failed and warned
}

// runTransfer runs cp, mv and sync.
func (f *face) runTransfer(ctx context.Context) error {
	t := &transfer{face: f, from: f.line.Paths[0], to: f.line.Paths[1]}
	if f.toStdout() {
		t.to = "-"
	}
	if err := t.options(); err != nil {
		return err
	}
	many := f.line.Verb == "sync" || f.line.Options.Has("recursive")
	if f.line.Kind == awsline.Upload && t.from != "-" {
		if _, err := os.Stat(t.from); errors.Is(err, os.ErrNotExist) {
			return &codedError{codeGeneral, fmt.Sprintf("The user-provided path %s does not exist.", t.from)}
		}
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	t.addSettings()
	if t.line.Unsorted() && t.line.Options.Text("case-conflict") == "warn" { // a warning without a place in the exit code, as in aws
		t.out.Warn("Recursive copies/moves from an S3 Express directory bucket to a case-insensitive local filesystem may result in undefined " +
			"behavior if there are S3 object key names that differ only by case. To disable this warning, set the `--case-conflict` " +
			"parameter to `ignore`.")
	}
	if many {
		return t.many(ctx)
	}
	return t.one(ctx)
}

// options sets what the line says of each object.
func (t *transfer) options() error {
	o := t.line.Options
	attrs, err := t.attrs()
	if err != nil {
		return err
	}
	tr := command.FaceTransfer()
	tr.Attrs, tr.NoClobber = attrs, o.Has("no-overwrite")
	if tr.Checksum, err = command.ParseChecksum(o.Text("checksum-algorithm")); err != nil {
		return err
	}
	if o.Has("expected-size") {
		if _, err := fmt.Sscan(o.Text("expected-size"), &tr.ExpectedSize); err != nil || tr.ExpectedSize < 0 {
			return &codedError{codeGeneral, "invalid literal for int() with base 10: '" + o.Text("expected-size") + "'"}
		}
	}
	replace, props := o.Text("metadata-directive"), o.Text("copy-props")
	tr.ReplaceMetadata = replace == "REPLACE" || replace == "" && props == "none"
	tr.ReplaceTags = replace == "" && (props == "none" || props == "metadata-directive")
	switch { // as aws does; --metadata-directive switches --copy-props off
	case replace != "":
	case props == "all":
		tr.Annotations = store.CopyAnnotations
	default:
		tr.Annotations = store.ExcludeAnnotations
	}
	t.guess = !o.Has("no-guess-mime-type") && attrs.Headers.ContentType == ""
	t.tree = mirror.SyncOptions{
		Options: mirror.Options{
			Transfer: tr, Move: t.line.Verb == "mv", DryRun: o.Has("dryrun"), NoOverwrite: o.Has("no-overwrite"),
			CaseConflict: caseConflict(o.Text("case-conflict")), NoFamilies: true,
		},
		Rules:  mirror.Rules{SizeOnly: o.Has("size-only"), ExactTimes: o.Has("exact-timestamps"), NoOverwrite: o.Has("no-overwrite")},
		Delete: o.Has("delete"), AllowEmptySource: true,
	}
	s := &t.tree.Select
	s.EmptyOK, s.NoFollow = true, o.Has("no-follow-symlinks") && !o.Has("follow-symlinks")
	s.Filter = filterOf(t.line.Filters)
	switch {
	case o.Has("force-glacier-transfer"):
		t.tree.Archived = mirror.FailArchived
	case o.Has("ignore-glacier-warnings"):
		t.tree.Archived = mirror.IgnoreArchived
	}
	return t.refuseAccessPoints()
}

// refuseAccessPoints refuses access points if the line wants to know whether they lead to one bucket: only Amazon's control service
// knows.
func (t *transfer) refuseAccessPoints() error {
	if !t.line.Options.Has("validate-same-s3-paths") && !strings.EqualFold(os.Getenv("AWS_CLI_S3_MV_VALIDATE_SAME_S3_PATHS"), "true") {
		return nil
	}
	if t.line.Verb == "mv" && t.line.Kind == awsline.Copy && (indirect(t.from) || indirect(t.to)) {
		return &codedError{codeGeneral, "haul cannot know which buckets access points lead to; name the buckets themselves, or use the real aws"}
	}
	return nil
}

// indirect reports whether an address is an access point, by its ARN or its alias.
func indirect(address string) bool {
	ref := command.SplitAddress(address)
	return strings.HasPrefix(ref.Bucket, "arn:") || strings.HasSuffix(ref.Bucket, "-s3alias") || strings.HasSuffix(ref.Bucket, "--op-s3")
}

func caseConflict(choice string) mirror.CaseConflict {
	if choice == "" {
		return mirror.IgnoreCase
	}
	return mirror.CaseConflict(choice)
}

func filterOf(all []awsline.Filter) (f mirror.Filter) {
	for _, one := range all {
		if one.Include {
			f.Include(one.Pattern)
		} else {
			f.Exclude(one.Pattern)
		}
	}
	return f
}

// attrs returns what is stored with each object.
func (f *face) attrs() (store.Attrs, error) {
	o := f.line.Options
	a := store.Attrs{
		Headers: store.Headers{
			ContentType: o.Text("content-type"), ContentEncoding: o.Text("content-encoding"), ContentLanguage: o.Text("content-language"),
			ContentDisposition: o.Text("content-disposition"), CacheControl: o.Text("cache-control"),
		},
		StorageClass: o.Text("storage-class"), ACL: o.Text("acl"), Redirect: o.Text("website-redirect"), RequestPayer: o.Text("request-payer"),
		PageSize: o.Number("page-size"),
		Encryption: store.Encryption{
			SSE: o.Text("sse"), KMSKeyID: o.Text("sse-kms-key-id"),
			Customer:   store.CustomerKey{Algorithm: o.Text("sse-c"), Key: store.Secret(o.Text("sse-c-key"))},
			CopySource: store.CustomerKey{Algorithm: o.Text("sse-c-copy-source"), Key: store.Secret(o.Text("sse-c-copy-source-key"))},
		},
	}
	if a.StorageClass == "STANDARD" && f.line.Kind != awsline.Copy { // which takes an object out of another class, and may be onto itself
		a.StorageClass = ""
	}
	var err error
	if a.Headers.Expires, err = command.ParseDate(fromEpoch(o.Text("expires"))); err != nil {
		return a, err
	}
	if a.Grants, err = command.ParseGrants(o["grants"]); err != nil {
		return a, err
	}
	if o.Has("metadata") {
		if a.Metadata, err = parseMetadata(o.Text("metadata")); err != nil {
			return a, err
		}
	}
	a.Tags = pairs(o["tags"])
	return a, nil
}

// fromEpoch makes a date of seconds since 1970, as aws takes any number.
func fromEpoch(text string) string {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// pairs makes a map of alternating names and values.
func pairs(words []string) map[string]string {
	if len(words) == 0 {
		return nil
	}
	m := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		m[words[i]] = words[i+1]
	}
	return m
}

// parseMetadata reads NAME=VALUE,… or a JSON object; a name with several values, which aws takes for a list, is refused.
func parseMetadata(text string) (map[string]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		items := command.SplitCommas(text)
		for i, item := range items {
			if i == 0 || strings.Contains(item, "=") {
				continue
			}
			name, first, _ := strings.Cut(items[i-1], "=")
			list := "'" + first + "'"
			for _, more := range items[i:] {
				if strings.Contains(more, "=") {
					break
				}
				list += ", '" + more + "'"
			}
			return nil, command.Usagef("Parameter validation failed:\nInvalid type for parameter %s, value: [%s], type: <class 'list'>, valid types: <class 'str'>", name, list)
		}
	}
	return command.ParseMetadata(text)
}

// addSettings adds what the config file says.
func (t *transfer) addSettings() {
	t.tree.Transfer.PartSize = t.settings.partSize
	if t.settings.whenRequired && t.tree.Transfer.Checksum == checksum.None {
		t.tree.Transfer.Checksum = checksum.MD5
	}
	if t.guess {
		t.tree.ContentType = seqfile.ContentType
	}
}

// many transfers a folder or prefix.
func (t *transfer) many(ctx context.Context) error {
	if t.line.Kind == awsline.Upload {
		if fi, err := os.Stat(t.from); err == nil && !fi.IsDir() {
			t.warnSkipped(t.abs(t.from)+string(filepath.Separator), "File does not exist.")
			return nil
		}
	}
	if t.line.Kind == awsline.Download {
		if fi, err := os.Stat(t.to); err == nil && !fi.IsDir() {
			return &codedError{codeGeneral, fmt.Sprintf("[Errno 20] Not a directory: '%s'", t.to)}
		}
	}
	r := command.TreeRequest{From: endOf(t.from), To: endOf(t.to), Sync: t.line.Verb == "sync", Options: t.tree}
	err := t.out.During(t.client.Progress, func() error {
		_, err := r.Run(ctx, t.client, t.observeObject)
		return err
	})
	part := new(mirror.IncompleteError)
	if err != nil && !errors.As(err, &part) {
		return &fatalError{err}
	}
	if part.Withheld > 0 {
		t.warn(part.Error())
	}
	return nil
}

func endOf(word string) mirror.End {
	if strings.HasPrefix(word, command.Scheme) {
		return mirror.Remote(command.SplitAddress(word))
	}
	return mirror.Local(word)
}

// observeObject prints what became of one object of many.
func (t *transfer) observeObject(e mirror.Event) {
	now := e.Now
	t.out.Remaining(now.Found-now.Unchanged, now.Done+now.Failed+now.Skipped, now.All)
	task := ui.Task{Verb: e.Verb, Source: t.shown(e.Source), Target: t.shown(e.Target)}
	switch e.Kind {
	case mirror.Done:
		t.out.Transferred(task)
	case mirror.Deleted:
		task.Target = ""
		t.out.Transferred(task)
	case mirror.Planned:
		if e.Verb == "delete" {
			task.Target = ""
		}
		t.out.WouldTransfer(task)
	case mirror.Failed:
		t.failedOne(task, e)
	case mirror.Skipped:
		t.skipped(e.Source, e.Verb, e.Err)
	case mirror.Warned:
		if errors.Is(e.Err, mirror.ErrBeneath) || errors.As(e.Err, new(*mirror.EmptySourceError)) {
			t.out.Warn(e.Err.Error()) // aws does as much, and ends with 0
			return
		}
		t.warn(e.Err.Error())
	case mirror.Unchanged:
		t.out.Debug(fmt.Sprintf("%s: left as it is: %s", e.Source, e.Why))
	}
}

func (t *transfer) failedOne(task ui.Task, e mirror.Event) {
	if clean := path.Clean(e.Entry.Rel); t.line.Kind == awsline.Download && (clean == ".." || strings.HasPrefix(clean, "../")) {
		t.warnSkipped(e.Entry.Rel, "File references a parent directory.")
		return
	}
	if t.line.Kind == awsline.Download && strings.HasSuffix(e.Entry.Rel, "/") { // a folder here, and it has bytes
		file := filepath.Join(t.abs(t.to), filepath.FromSlash(e.Entry.Rel)) + string(filepath.Separator)
		task.Target = t.shown(file)
		t.failTask(task, errnoText(int(syscall.ENOTDIR), syscall.ENOTDIR.Error(), file))
		return
	}
	t.failTask(task, t.why(e.Err, e.Target))
}

// why returns why a transfer failed; of a missing folder on the way to a file, with the path of the file.
func (t *transfer) why(err error, target string) string {
	if t.line.Kind == awsline.Download && errors.Is(err, syscall.ENOTDIR) {
		return errnoText(int(syscall.ENOTDIR), syscall.ENOTDIR.Error(), t.abs(target))
	}
	return t.text(err)
}

func (t *transfer) failTask(task ui.Task, why string) {
	t.mu.Lock()
	t.failed = true
	t.mu.Unlock()
	t.out.Failed(task, why)
}

func (t *transfer) warn(text string) {
	t.mu.Lock()
	t.warned = true
	t.mu.Unlock()
	t.out.Warn(text)
}

func (t *transfer) warnSkipped(what, why string) { t.warn("Skipping file " + what + ". " + why) }

// skipped prints why a file or object is skipped. What kind a file is, is looked up again.
func (t *transfer) skipped(source, verb string, err error) {
	if errors.Is(err, store.Archived) {
		t.warnSkipped(source, fmt.Sprintf("Object is of storage class GLACIER. Unable to perform %s operations on GLACIER objects. "+
			"Restore it first; --ignore-glacier-warnings and --force-glacier-transfer are for such objects.", verb))
		return
	}
	if strings.HasPrefix(source, command.Scheme) {
		t.warnSkipped(source, err.Error())
		return
	}
	abs := t.abs(source)
	fi, statErr := os.Stat(source)
	switch {
	case statErr != nil:
		t.warnSkipped(abs, "File does not exist.")
	case !fi.Mode().IsRegular() && !fi.IsDir():
		t.warnSkipped(abs, specialFile)
	case fi.IsDir() && !errors.Is(err, os.ErrPermission):
		t.warnSkipped(abs, err.Error())
	default:
		t.warnSkipped(abs, "File/Directory is not readable.")
	}
}

const specialFile = "File is character special device, block special device, FIFO, or socket."

func (f *face) abs(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}

// shown returns a path as aws prints it: the folder relative to the working directory, then the name.
func (f *face) shown(file string) string {
	if file == "" || file == "-" || strings.HasPrefix(file, command.Scheme) {
		return file
	}
	cwd, err := os.Getwd()
	if err != nil {
		return file
	}
	abs, separator := f.abs(file), string(filepath.Separator)
	if strings.HasSuffix(file, separator) {
		abs += separator
	}
	dir, base := filepath.Split(abs)
	rel, err := filepath.Rel(cwd, filepath.Clean(dir))
	if err != nil {
		return f.abs(file)
	}
	return rel + separator + base
}
