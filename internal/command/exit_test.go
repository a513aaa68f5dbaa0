package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"haul.example/haul"
	"haul.example/haul/internal/journal"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

func TestExitCodes(t *testing.T) {
	of := func(k store.Kind) error { return fmt.Errorf("try: %w", &store.Error{Kind: k, Op: "PutObject"}) }
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{of(store.Network), 1},
		{of(store.Unavailable), 1},
		{of(store.Archived), 1},
		{of(store.WrongRegion), 1},
		{of(store.Invalid), 1},
		{of(store.TooLarge), 1},
		{&PartialError{first: of(store.Denied)}, 1},
		{&NotEmptiedError{&PartialError{first: of(store.Denied)}}, 1},
		{of(store.NotEmpty), 5},
		{&store.Error{Kind: store.Network, Err: syscall.EACCES}, 1},
		{&store.Error{Kind: store.Network, Err: syscall.EPIPE}, 1},
		{&UsageError{Text: "x"}, 2},
		{fmt.Errorf("a part size of 5 bytes: %w", store.Invalid), 2},
		{&MissingError{"x"}, 3},
		{of(store.NotFound), 3},
		{of(store.NoBucket), 3},
		{of(store.NoUpload), 3},
		{of(store.Denied), 4},
		{of(store.NoCredentials), 4},
		{of(store.Expired), 4},
		{of(store.ClockSkew), 4},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, 4},
		{of(store.Exists), 5},
		{of(store.Changed), 5},
		{fmt.Errorf("x: %w", fs.ErrExist), 5},
		{fmt.Errorf("x: %w", haul.ErrBusy), 5},
		{fmt.Errorf("x: %w", haul.ErrSourceChanged), 5},
		{fmt.Errorf("x: %w", haul.ErrMismatch), 6},
		{of(store.Corrupt), 6},
		{&haul.IncompleteUploadError{Err: of(store.Denied)}, 4},
		{&haul.PartialFileError{Err: of(store.Changed)}, 5},
		{&transferError{err: &haul.PartialFileError{Err: haul.ErrMismatch}}, 6},
		{&endedError{&Stopped{os.Interrupt}, of(store.Network)}, 130},
		{&haul.IncompleteUploadError{Err: &Stopped{syscall.SIGTERM}}, 143},
		{&Stopped{syscall.SIGHUP}, 129},
		{fmt.Errorf("write: %w", ErrReaderGone), 141},
	} {
		if got := ExitCode(c.err); got != c.code {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.code)
		}
		documented := slices.ContainsFunc(ExitCodes, func(s ExitStatus) bool { return s.Code == c.code || c.code > codeSignal })
		if !documented {
			t.Errorf("code %d is not documented", c.code)
		}
	}
}

func TestAdvice(t *testing.T) {
	a := &Session{Connection: Connection{Endpoint: "https://s3.example.org", Profile: "my lab", NoSignRequest: true, NoVerifySSL: true, Addressing: "path"}}
	const flags = " --endpoint-url https://s3.example.org --profile 'my lab' --no-sign-request --no-verify-ssl --addressing path"
	left := func(bytes int64, resumable bool) error {
		return &transferError{total: 10 << 20, err: &haul.IncompleteUploadError{
			Upload: store.Upload{Ref: store.Ref{Bucket: "lab", Key: "a b"}}, Bytes: bytes, Resumable: resumable,
			Err: &store.Error{Kind: store.Network, Op: "UploadPart", Hint: "hint"},
		}}
	}
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"resumable", left(5<<20, true), []string{
			"hint", "to resume, run the same command again: 5.0 of 10.0 MiB is already stored", "to discard it: haul uploads 's3://lab/a b' --abort" + flags,
		}},
		{"nothing kept", left(0, true), []string{
			"hint", "to retry, run the same command again; nothing is stored yet", "to discard it: haul uploads 's3://lab/a b' --abort" + flags,
		}},
		{"not resumable", left(5<<20, false), []string{
			"hint", "5.0 MiB of it remains on the server, and may be billed", "to discard it: haul uploads 's3://lab/a b' --abort" + flags,
		}},
		{"a download", &haul.PartialFileError{Path: "/d/.x y.haul-1", Bytes: 3 << 20, Err: errors.New("x")}, []string{
			"to resume, run the same command again: 3.0 MiB is already stored in /d/.x y.haul-1", "to discard it: rm '/d/.x y.haul-1'",
		}},
		{"no bucket", &store.Error{Kind: store.NoBucket, Ref: store.Ref{Bucket: "lab"}, Hint: "the store's"}, []string{
			"check the spelling; to make the bucket: haul mb s3://lab" + flags,
		}},
		{"unmounted", &mirror.EmptySourceError{}, []string{
			"check that the source is mounted, and check its spelling; to delete anyway: --allow-empty-source",
		}},
		{"unmounted since the plan", &mirror.EmptySourceError{Planned: true}, []string{
			"check that the source is mounted; if it is meant to be empty, make a new plan with --allow-empty-source",
		}},
		{"busy", fmt.Errorf("x: %w", haul.ErrBusy), []string{"wait for it, or stop it and run the same command again"}},
		{"stopped", &endedError{&Stopped{os.Interrupt}, &store.Error{Kind: store.Network, Hint: "hint"}}, nil},
	} {
		if got := a.Explain(c.err).Advice; !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// TestTreeDiscard: the command that discards what a run over many objects left names that alone, or there is none.
func TestTreeDiscard(t *testing.T) {
	a := &Session{Connection: Connection{Profile: "my lab"}}
	up := CopyRequest{Direction: UploadTree, To: Location{Kind: Remote, Ref: store.Ref{Bucket: "lab", Key: "d"}}}
	down := CopyRequest{Direction: DownloadTree, To: Location{Text: "down"}}
	refs := []store.Ref{{Bucket: "lab", Key: "d/a b"}, {Bucket: "lab", Key: "d/c"}}
	paths := []string{"/data/down/.a b.haul-1", "/data/down/x/.c.haul-2"}
	for _, c := range []struct {
		name    string
		req     CopyRequest
		left    mirror.Left
		discard string
		advice  string
	}{
		{"no upload", up, mirror.Left{}, "", ""},
		{"two uploads", up, mirror.Left{Uploads: 2, Refs: refs},
			"haul uploads 's3://lab/d/a b' --abort --profile 'my lab'; haul uploads s3://lab/d/c --abort --profile 'my lab'", ""},
		{"many uploads", up, mirror.Left{Uploads: 12, Refs: refs}, "",
			"to discard it, abort the 12 uploads of this run by key; list them, and those of others: haul uploads s3://lab/d/ --profile 'my lab'"},
		{"two files", down, mirror.Left{Files: 2, Paths: paths}, "rm '/data/down/.a b.haul-1' /data/down/x/.c.haul-2", ""},
		{"many files", down, mirror.Left{Files: 12, Paths: paths}, "",
			"to discard it, delete the 12 partial files of this run; list them, and those of others: find down -name '.*.haul-*'"},
	} {
		err := &treeError{req: c.req, summary: mirror.Summary{Left: c.left}, err: errors.New("x")}
		f := a.Explain(err)
		advice := c.advice
		if c.discard != "" {
			advice = "to discard it: " + c.discard
		}
		last := ""
		if n := len(f.Advice); n > 0 {
			last = f.Advice[n-1]
		}
		if f.Discard != c.discard || last != advice {
			t.Errorf("%s: %q, %q", c.name, f.Discard, last)
		}
	}
}

func TestMessages(t *testing.T) {
	a := New(System{})
	for want, err := range map[string]error{
		`no profile "x"`: &store.Error{Kind: store.Invalid, Op: "Open", Err: errors.New(`no profile "x"`)},
		"another haul is doing this transfer: process 7 on node3": fmt.Errorf("%w: %w", haul.ErrBusy, &journal.BusyError{PID: 7, Host: "node3"}),
		"stopped by Ctrl-C":                    &endedError{&Stopped{os.Interrupt}, errors.New("context canceled")},
		"x: GetObject s3://b/k: access denied": fmt.Errorf("x: %w", &store.Error{Kind: store.Denied, Op: "GetObject", Ref: store.Ref{Bucket: "b", Key: "k"}}),
	} {
		if got := a.Explain(err); got.Message != want {
			t.Errorf("%q, want %q", got.Message, want)
		}
	}
	if f := a.Explain(&UsageError{Text: "x"}); f.Kind != "usage" || !strings.Contains(f.Advice[0], "--help") {
		t.Errorf("usage: %+v", f)
	}
}
