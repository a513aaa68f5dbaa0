package awscli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// one transfers one file or object.
func (t *transfer) one(ctx context.Context) error {
	switch {
	case t.from == "-" || t.to == "-":
		return t.stream(ctx)
	case t.line.Kind == awsline.Upload:
		return t.up(ctx)
	}
	ref := command.SplitAddress(t.from)
	if ref.Key == "" { // all that is in a bucket, of which nothing has that name
		return t.checkBucket(ctx, ref)
	}
	if t.line.Kind == awsline.Download {
		return t.down(ctx, ref)
	}
	return t.copy(ctx, ref)
}

// checkBucket finds out whether a bucket exists.
func (f *face) checkBucket(ctx context.Context, ref store.Ref) error {
	attrs, err := f.attrs()
	if err != nil {
		return err
	}
	for _, err := range f.client.List(ctx, ref.Bucket, ref.Key, &attrs) {
		if err != nil {
			return &fatalError{err}
		}
		break
	}
	return nil
}

// wants reports whether the filters include the one file or object of that name in a folder.
func (f *face) wants(folder, name string) bool {
	filter := filterOf(f.line.Filters)
	return filter.Wants(folder, name)
}

// targetAt returns the key of something called name at a key that may stand for a folder.
func targetAt(key, name string) string {
	if command.IsFolder(key) {
		return key + name
	}
	return key
}

func (t *transfer) up(ctx context.Context) error {
	file, to := t.abs(t.from), command.SplitAddress(t.to)
	fi, err := os.Stat(file)
	if err != nil {
		return &codedError{codeGeneral, t.text(err)}
	}
	link, err := os.Lstat(file)
	if err == nil && link.Mode()&fs.ModeSymlink != 0 && t.tree.Select.NoFollow {
		return nil
	}
	name := filepath.Base(file)
	if fi.IsDir() {
		name, file = "", file+string(filepath.Separator)
	}
	to.Key = targetAt(to.Key, name)
	task := t.task(t.shown(file), to.String())
	if fi.IsDir() {
		t.failTask(task, errnoText(21, "is a directory", file))
		return nil
	}
	if why := unfit(file, fi); why != "" {
		t.warnSkipped(file, why)
		return nil
	}
	if !t.wants(filepath.ToSlash(filepath.Dir(file)), name) {
		return nil
	}
	return t.move(ctx, task, func() error {
		tr := t.tree.Transfer
		tr.PartSize = t.partSize(fi.Size())
		if t.guess {
			tr.Attrs.Headers.ContentType = seqfile.ContentType(file)
		}
		if t.tree.Move {
			_, err = mirror.MoveOne(ctx, t.client, mirror.Local(file), mirror.Remote(to), tr)
		} else {
			_, err = t.client.Upload(ctx, file, to, tr.Upload())
		}
		return err
	})
}

// unfit returns why a file cannot be uploaded, in the words of aws, or "".
func unfit(file string, fi fs.FileInfo) string {
	if !fi.Mode().IsRegular() {
		return specialFile
	}
	f, err := os.Open(file)
	if err != nil {
		return "File/Directory is not readable."
	}
	_ = f.Close() // nothing was read
	return ""
}

// partSize returns that of an upload of size bytes if the config file sets it: below its threshold, all is one part.
func (f *face) partSize(size int64) int64 {
	s := f.settings
	switch {
	case s.threshold > 0 && size < s.threshold:
		return max(size, 1)
	case s.threshold > 0 && s.partSize == 0:
		return 8 << 20 // the default of aws
	}
	return s.partSize
}

func (t *transfer) task(source, target string) ui.Task {
	verb := map[awsline.PathKind]string{awsline.Upload: "upload", awsline.Download: "download", awsline.Copy: "copy"}[t.line.Kind]
	if t.tree.Move {
		verb = "move"
	}
	return ui.Task{Verb: verb, Source: source, Target: target}
}

// move runs one transfer, or only prints it, and prints what became of it.
func (t *transfer) move(ctx context.Context, task ui.Task, do func() error) error {
	if t.tree.DryRun {
		t.out.WouldTransfer(task)
		return nil
	}
	t.out.Remaining(1, 0, true)
	err := t.out.During(t.client.Progress, do)
	t.out.Remaining(1, 1, true)
	switch {
	case err == nil:
		t.out.Transferred(task)
	case ctx.Err() != nil:
		t.stopped(err)
	case t.tree.NoOverwrite && (errors.Is(err, store.Exists) || errors.Is(err, fs.ErrExist)):
	case errors.Is(err, store.Archived) && t.tree.Archived == mirror.IgnoreArchived:
	case errors.Is(err, store.Archived) && t.tree.Archived == mirror.SkipArchived:
		t.skipped(task.Source, task.Verb, err)
	default:
		t.failTask(task, t.why(err, task.Target))
	}
	return nil
}

// stopped prints what could not be discarded after Ctrl-C.
func (t *transfer) stopped(err error) {
	var left *haul.IncompleteUploadError
	if errors.As(err, &left) && !left.Resumable {
		t.out.Warn("an unfinished upload of " + left.Upload.Ref.String() + " stays in the store, and may be billed; to discard it: " +
			t.connect.AbortLine(left.Upload.Ref))
	}
}

// headSource looks up the source of a download or copy.
func (t *transfer) headSource(ctx context.Context, ref store.Ref) (store.Object, error) {
	attrs := t.tree.Transfer.Attrs
	if t.line.Kind == awsline.Copy {
		attrs.Encryption.Customer = attrs.Encryption.CopySource
	}
	obj, err := t.client.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: &attrs})
	if text, ok := headText(err, ref.Key); ok {
		return obj, &fatalError{errors.New(text)}
	}
	if err != nil {
		return obj, &fatalError{err}
	}
	return obj, nil
}

// archived skips an archived object in a dry run; else its transfer finds out.
func (t *transfer) archived(obj store.Object, verb string) bool {
	if !t.tree.DryRun || obj.StorageClass != "GLACIER" && obj.StorageClass != "DEEP_ARCHIVE" || t.tree.Archived == mirror.FailArchived {
		return false
	}
	if t.tree.Archived == mirror.SkipArchived {
		t.skipped(obj.Ref.String(), verb, store.Archived)
	}
	return true
}

func (t *transfer) down(ctx context.Context, ref store.Ref) error {
	obj, err := t.headSource(ctx, ref)
	if err != nil {
		return err
	}
	name := command.BaseKey(ref.Key)
	if !t.wants("", name) {
		return nil
	}
	file := t.abs(t.to)
	fi, err := os.Stat(file)
	if err == nil && fi.IsDir() || strings.HasSuffix(t.to, string(filepath.Separator)) {
		file += string(filepath.Separator) + name
	}
	task := t.task(ref.String(), t.shown(file))
	if t.archived(obj, task.Verb) {
		return nil
	}
	piped := command.IsStreamTarget(file)
	if piped && t.tree.Move {
		t.failTask(task, "a move to a pipe or device would delete the only copy; use cp")
		return nil
	}
	return t.move(ctx, task, func() error {
		tr := t.tree.Transfer
		if piped {
			return t.streamDown(ctx, ref, command.Location{Text: file})
		}
		if t.tree.Move {
			_, err = mirror.MoveOne(ctx, t.client, mirror.Remote(ref), mirror.Local(file), tr)
		} else {
			o := tr.Download()
			o.Listed = &obj
			_, err = t.client.Download(ctx, ref, file, o)
		}
		return err
	})
}

func (t *transfer) copy(ctx context.Context, ref store.Ref) error {
	obj, err := t.headSource(ctx, ref)
	if err != nil {
		return err
	}
	if !t.wants("", command.BaseKey(ref.Key)) {
		return nil
	}
	to := command.SplitAddress(t.to)
	to.Key = targetAt(to.Key, command.BaseKey(ref.Key))
	task := t.task(ref.String(), to.String())
	if t.archived(obj, task.Verb) {
		return nil
	}
	return t.move(ctx, task, func() error {
		tr := t.tree.Transfer
		tr.IfMatch = obj.ETag
		if t.guess && tr.ReplaceMetadata {
			tr.Attrs.Headers.ContentType = seqfile.ContentType(to.Key)
		}
		if t.tree.Move {
			_, err = mirror.MoveOne(ctx, t.client, mirror.Remote(ref), mirror.Remote(to), tr)
		} else {
			_, err = t.client.Copy(ctx, ref, to, tr.Copy())
		}
		return err
	})
}

// stream transfers standard input or output.
func (t *transfer) stream(ctx context.Context) error {
	upload := t.line.Kind == awsline.Upload
	var to, ref store.Ref
	var task ui.Task
	if upload {
		to = command.SplitAddress(t.to)
		to.Key = targetAt(to.Key, "-")
		task = t.task("-", to.String())
	} else {
		ref = command.SplitAddress(t.from)
		task = t.task(ref.String(), "-")
	}
	if t.tree.DryRun {
		t.out.WouldTransfer(task)
		return nil
	}
	stdio := command.Location{Kind: command.Stream}
	var err error
	if upload {
		_, err = t.sys.UploadStream(ctx, t.client, stdio, to, t.tree.Transfer.Upload())
	} else {
		err = t.streamDown(ctx, ref, stdio)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		t.stopped(err)
	default:
		text, ok := headText(err, "")
		if upload || !ok {
			text = t.text(err)
		}
		t.failTask(task, text)
	}
	return nil
}

// streamDown writes an object to standard output, or to a stream that has a name.
func (t *transfer) streamDown(ctx context.Context, ref store.Ref, to command.Location) error {
	_, err := t.sys.DownloadStream(ctx, t.client, ref, to, t.tree.Transfer.Download())
	return err
}
