package s5cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// job is one command: that of the process, or one line of run.
type job struct {
	face *face
	line s5line.Line
	// stdin reports that standard input is free for pipe.
	stdin  bool
	failed atomic.Bool
}

// do runs one command, and returns its exit code.
func (f *face) do(ctx context.Context, line s5line.Line) int {
	j := &job{face: f, line: line, stdin: true}
	return j.do(ctx)
}

func (j *job) do(ctx context.Context) int {
	err := j.verb(ctx)
	stopped := ctx.Err() != nil
	if errors.Is(err, command.ErrReaderGone) {
		return command.CodePipe
	}
	if err != nil && !stopped {
		j.fail(err)
	}
	ok := err == nil && !j.failed.Load() && !stopped
	if j.line.Verb != "run" && j.line.Verb != "version" {
		j.face.count(j.line.Verb, ok)
	}
	if !ok {
		return codeFailed
	}
	return codeOK
}

func (j *job) verb(ctx context.Context) error {
	switch j.line.Verb {
	case "cp", "mv":
		return j.copy(ctx)
	case "sync":
		return j.sync(ctx)
	case "rm":
		return j.remove(ctx)
	case "ls":
		return j.list(ctx)
	case "du":
		return j.usage(ctx)
	case "cat":
		return j.cat(ctx)
	case "head":
		return j.head(ctx)
	case "pipe":
		return j.pipe(ctx)
	case "run":
		return j.run(ctx)
	case "mb", "rb":
		return j.bucket(ctx)
	case "presign":
		return j.presign(ctx)
	case "bucket-version":
		return j.versioning(ctx)
	case "version":
		j.face.out.Line("v2.3.0-haul")
		return nil
	}
	return errors.New("haul runs no SQL queries on objects; use the real s5cmd for select, or download the object")
}

// fail prints why the command failed.
func (j *job) fail(err error) { j.failAt(j.line.Command(), err) }

// failAt prints why something failed; about names it, as messages do.
func (j *job) failAt(about string, err error) {
	j.failed.Store(true)
	j.face.out.Failed(about, j.line.Verb, reason(err))
}

// operation is the verb in results: sync copies.
func (j *job) operation() string {
	if j.line.Verb == "sync" {
		return "cp"
	}
	return j.line.Verb
}

// url parses an argument.
func (j *job) url(i int) (s5line.URL, error) {
	text := ""
	if i < len(j.line.Args) {
		text = j.line.Args[i]
	}
	u, err := s5line.ParseURL(text, j.line.Flags.On("raw"))
	u.Version, u.AllVersions = j.line.Flags.Text("version-id"), j.line.Flags.On("all-versions")
	switch {
	case err != nil:
		return u, err
	case !u.Remote && (u.Version != "" || u.AllVersions):
		return u, errors.New(`"all-versions", and "version-id" flags can only be used with remote objects`)
	case u.AllVersions && u.Version != "":
		return u, errors.New(`it is not allowed to combine "all-versions" and "version-id" flags`)
	}
	return u, nil
}

// one parses the only argument; more or none is an error with that text.
func (j *job) one(wrong string) (s5line.URL, error) {
	if len(j.line.Args) != 1 {
		return s5line.URL{}, errors.New(wrong)
	}
	return j.url(0)
}

func ref(u s5line.URL) store.Ref { return store.Ref{Bucket: u.Bucket, Key: u.Path, Version: u.Version} }

// attrs returns what is stored with each object, or sent with each request.
func (j *job) attrs() (store.Attrs, error) {
	f := j.line.Flags
	a := store.Attrs{
		Headers: store.Headers{
			ContentType: f.Text("content-type"), ContentEncoding: f.Text("content-encoding"), ContentDisposition: f.Text("content-disposition"),
			CacheControl: f.Text("cache-control"),
		},
		ACL: f.Text("acl"), Metadata: f.Map("metadata"), RequestPayer: j.face.globals.Text("request-payer"),
	}
	if f.Has("sse") {
		a.Encryption = store.Encryption{SSE: f.Text("sse"), KMSKeyID: f.Text("sse-kms-key-id")}
	}
	if j.line.Verb != "ls" { // where it is a switch
		a.StorageClass = f.Text("storage-class")
	}
	if text := f.Text("expires"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return a, err
		}
		a.Headers.Expires = at.UTC().Format(http.TimeFormat)
	}
	return a, nil
}

// transferOptions returns the options of each transfer.
func (j *job) transferOptions() (mirror.TransferOptions, error) {
	t := command.FaceTransfer()
	var err error
	if t.Attrs, err = j.attrs(); err != nil {
		return t, err
	}
	t.PartSize = int64(j.line.Flags.Number("part-size", 0)) << 20
	t.ReplaceMetadata = !strings.EqualFold(j.line.Flags.Text("metadata-directive"), "COPY")
	return t, nil
}

// regions are those of the buckets that the command names.
func (j *job) regions(from, to s5line.URL) map[string]string {
	var m map[string]string
	add := func(u s5line.URL, flag string) {
		if region := j.line.Flags.Text(flag); region != "" && u.Remote {
			if m == nil {
				m = map[string]string{}
			}
			m[u.Bucket] = region
		}
	}
	add(to, "destination-region")
	add(from, "source-region")
	return m
}

// statLocal looks up a local file. One that does not exist is a missingError.
func statLocal(path string) (os.FileInfo, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &missingError{path}
	}
	return fi, err
}

// missingError reports that a file or an object does not exist.
type missingError struct{ name string }

// Error is in the words of s5cmd.
func (e *missingError) Error() string { return fmt.Sprintf("given object %s not found", e.name) }

var errNoObject = errors.New("no object found")
