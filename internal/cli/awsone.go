package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/awsline"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// one moves one file or object.
func (t *awsTransfer) one(ctx context.Context) error {
	switch {
	case t.from == "-" || t.to == "-":
		return t.stream(ctx)
	case t.line.Kind == awsline.Upload:
		return t.up(ctx)
	}
	ref := awsRef(t.from)
	if ref.Key == "" { // all that is in a bucket, of which nothing has that name
		return t.lookInto(ctx, ref)
	}
	if t.line.Kind == awsline.Download {
		return t.down(ctx, ref)
	}
	return t.copy(ctx, ref)
}

// lookInto finds out whether a bucket is there.
func (f *awsFace) lookInto(ctx context.Context, ref store.Ref) error {
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

// wants reports whether the filters mean the one file or object of a name in a folder.
func (f *awsFace) wants(folder, name string) bool {
	filter := awsFilter(f.line.Filters)
	return filter.Wants(folder, name)
}

// targetAt gives the key, or the path, that something called name gets at an address that may stand for a folder.
func targetAt(key, name string) string {
	if isFolder(key) {
		return key + name
	}
	return key
}

func (t *awsTransfer) up(ctx context.Context) error {
	file, to := t.abs(t.from), awsRef(t.to)
	fi, err := os.Stat(file)
	if err != nil {
		return &awsError{awsGeneral, t.text(err)}
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
		t.fail(task, errnoText(21, "is a directory", file))
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
			tr.Attrs.Headers.ContentType = guessType(file)
		}
		if t.tree.Move {
			_, err = mirror.MoveOne(ctx, t.client, mirror.Local(file), mirror.Remote(to), tr)
		} else {
			_, err = t.client.Upload(ctx, file, to, tr.Upload())
		}
		return err
	})
}

// unfit says in the words of aws why a file cannot be uploaded, or nothing.
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

// partSize is that of an upload of size bytes, as far as the config file chooses it: below its threshold all is one part.
func (f *awsFace) partSize(size int64) int64 {
	s := f.settings
	switch {
	case s.threshold > 0 && size < s.threshold:
		return max(size, 1)
	case s.threshold > 0 && s.partSize == 0:
		return 8 << 20 // the default of aws
	}
	return s.partSize
}

func (t *awsTransfer) task(source, target string) ui.Task {
	verb := map[awsline.PathKind]string{awsline.Upload: "upload", awsline.Download: "download", awsline.Copy: "copy"}[t.line.Kind]
	if t.tree.Move {
		verb = "move"
	}
	return ui.Task{Verb: verb, Source: source, Target: target}
}

// move does one transfer, or only tells of it, and writes what became of it.
func (t *awsTransfer) move(ctx context.Context, task ui.Task, do func() error) error {
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
		t.fail(task, t.why(err, task.Target))
	}
	return nil
}

// stopped says what could not be thrown away after Ctrl-C.
func (t *awsTransfer) stopped(err error) {
	var left *haul.IncompleteUploadError
	if errors.As(err, &left) && !left.Resumable {
		t.out.Warn("an unfinished upload of " + left.Upload.Ref.String() + " stays in the store, and may be billed; to discard it: " +
			abortLine(t.connect, left.Upload.Ref))
	}
}

// look finds the source of a download or copy.
func (t *awsTransfer) look(ctx context.Context, ref store.Ref) (store.Object, error) {
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

// archived leaves an object in an archive out of a dry run; else its transfer tells.
func (t *awsTransfer) archived(obj store.Object, verb string) bool {
	if !t.tree.DryRun || obj.StorageClass != "GLACIER" && obj.StorageClass != "DEEP_ARCHIVE" || t.tree.Archived == mirror.FailArchived {
		return false
	}
	if t.tree.Archived == mirror.SkipArchived {
		t.skipped(obj.Ref.String(), verb, store.Archived)
	}
	return true
}

func (t *awsTransfer) down(ctx context.Context, ref store.Ref) error {
	obj, err := t.look(ctx, ref)
	if err != nil {
		return err
	}
	name := baseKey(ref.Key)
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
	piped := isStreamTarget(file)
	if piped && t.tree.Move {
		t.fail(task, "a move to a pipe or device would delete the only copy; use cp")
		return nil
	}
	return t.move(ctx, task, func() error {
		tr := t.tree.Transfer
		if piped {
			return t.streamDown(ctx, ref, location{text: file})
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

func (t *awsTransfer) copy(ctx context.Context, ref store.Ref) error {
	obj, err := t.look(ctx, ref)
	if err != nil {
		return err
	}
	if !t.wants("", baseKey(ref.Key)) {
		return nil
	}
	to := awsRef(t.to)
	to.Key = targetAt(to.Key, baseKey(ref.Key))
	task := t.task(ref.String(), to.String())
	if t.archived(obj, task.Verb) {
		return nil
	}
	return t.move(ctx, task, func() error {
		tr := t.tree.Transfer
		tr.IfMatch = obj.ETag
		if t.guess && tr.ReplaceMetadata {
			tr.Attrs.Headers.ContentType = guessType(to.Key)
		}
		if t.tree.Move {
			_, err = mirror.MoveOne(ctx, t.client, mirror.Remote(ref), mirror.Remote(to), tr)
		} else {
			_, err = t.client.Copy(ctx, ref, to, tr.Copy())
		}
		return err
	})
}

// stream moves standard input or output.
func (t *awsTransfer) stream(ctx context.Context) error {
	var err error
	if t.line.Kind == awsline.Upload {
		to := awsRef(t.to)
		to.Key = targetAt(to.Key, "-")
		task := t.task("-", to.String())
		if t.tree.DryRun {
			t.out.WouldTransfer(task)
			return nil
		}
		tr := t.tree.Transfer
		var in *os.File
		if in, err = t.sys.in(); err == nil {
			if tr.ExpectedSize == 0 {
				tr.ExpectedSize = restOf(in)
			}
			_, err = t.client.UploadStream(ctx, &source{in, ctx.Err}, to, tr.Upload())
		}
		switch {
		case err == nil:
		case ctx.Err() != nil:
			t.stopped(err)
		default:
			t.fail(task, t.text(err))
		}
		return nil
	}
	ref := awsRef(t.from)
	task := t.task(ref.String(), "-")
	if t.tree.DryRun {
		t.out.WouldTransfer(task)
		return nil
	}
	if err = t.streamDown(ctx, ref, location{kind: stream}); err != nil && ctx.Err() == nil {
		text, ok := headText(err, "")
		if !ok {
			text = t.text(err)
		}
		t.fail(task, text)
	}
	return nil
}

// streamDown writes an object to standard output, or to what bears a name.
func (t *awsTransfer) streamDown(ctx context.Context, ref store.Ref, to location) error {
	open := func() (*os.File, error) { return openStream(ctx, to.text, os.O_WRONLY|os.O_APPEND) }
	if to.kind == stream {
		open = t.sys.out
	}
	out, err := open()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err = t.client.DownloadStream(ctx, ref, sink{out}, t.tree.Transfer.Download())
	return errors.Join(err, out.Close())
}
