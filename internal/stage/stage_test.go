//go:build unix

package stage_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// report keeps what a run says.
type report struct {
	mu    sync.Mutex
	notes []string
	heard func(string)
}

func (r *report) Note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, text)
	if r.heard != nil {
		r.heard(text)
	}
}

func (r *report) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.notes, "\n")
}

func (r *report) Moved(string, string, string, haul.Result)         {}
func (r *report) Failed(_, source, _ string, err error)             { r.Note(source + ": " + err.Error()) }
func (r *report) During(_ string, _ int64, work func() error) error { return work() }
func (r *report) Last(func()) func()                                { return func() {} }
func ref(key string) store.Ref                                      { return store.Ref{Bucket: "lab", Key: key} }
func input(key string) stage.Input                                  { return stage.Input{Source: mirror.Remote(ref(key))} }
func newStore(t *testing.T, o ...storetest.Option) *storetest.Memory {
	return storetest.New(append(o, storetest.Buckets("lab"))...)
}
func made(m *storetest.Memory, key string, size int64, seed uint64) {
	m.Make(ref(key), storetest.Generated(size, seed), storetest.Made{})
}

// request is one that says nothing, and keeps no logs.
func request(t *testing.T, words ...string) stage.Request {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { must(t, null.Close()) })
	return stage.Request{
		Command: words, Dir: t.TempDir(), From: t.TempDir(), Env: os.Environ(), Stdin: null, Stdout: null, Stderr: null, NoLogs: true,
		Report: &report{}, Address: func(string) (store.Ref, error) { return store.Ref{}, errors.New("no address") },
	}
}

func client(t *testing.T, m *storetest.Memory) *haul.Client {
	return haul.New(m, haul.Options{StateDir: t.TempDir()})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Sixty-four runs at once fetch one reference once.
func TestCacheOfMany(t *testing.T) {
	const size = 1 << 20
	m := newStore(t)
	made(m, "hg38.fa", size, 1)
	dir := t.TempDir()
	var g errgroup.Group
	for range 64 {
		q := request(t, "test", "-s", "hg38.fa")
		q.Inputs, q.Cache.Dir = []stage.Input{input("hg38.fa")}, dir
		c := client(t, m)
		g.Go(func() error {
			_, err := stage.Run(t.Context(), c, q)
			return err
		})
	}
	must(t, g.Wait())
	if got := m.Counts()[storetest.Get].Out; got != size {
		t.Errorf("%d bytes were fetched, want %d", got, size)
	}
}

// What was not used for the longest time leaves; what a run still has as an input does not.
func TestCacheRoom(t *testing.T) {
	m := newStore(t)
	for i, key := range []string{"a", "b", "c", "d"} {
		made(m, key, 1000, uint64(i))
	}
	dir := t.TempDir()
	c := client(t, m)
	use := func(key string, size int64, words ...string) *report {
		t.Helper()
		q := request(t, words...)
		q.Inputs, q.Cache = []stage.Input{input(key)}, stage.Cache{Dir: dir, Size: size}
		_, err := stage.Run(t.Context(), c, q)
		must(t, err)
		return q.Report.(*report)
	}
	fetched := func(key string, want bool) {
		t.Helper()
		if got := !strings.Contains(use(key, 3000, "true").said(), "0 downloaded"); got != want {
			t.Errorf("%s was fetched: %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"a", "b", "c", "a", "d"} { // b leaves
		use(key, 3000, "true")
	}
	fetched("a", false)
	fetched("c", false)
	fetched("d", false)
	fetched("b", true) // a leaves
	fetched("c", false)

	// All that is held has another name.
	keep := request(t, "true")
	keep.Inputs, keep.Cache, keep.Keep = []stage.Input{input("b"), input("c"), input("d")}, stage.Cache{Dir: dir, Size: 3000}, true
	_, err := stage.Run(t.Context(), c, keep)
	must(t, err)
	if said := use("a", 3000, "test", "-s", "a").said(); sharesNames(t, keep.Dir) && !strings.Contains(said, "continuing without the cache for s3://lab/a: the limit is 2.9 KiB") {
		t.Errorf("an entry in use left: %s", said)
	}
}

// sharesNames reports whether inputs are hard links here.
func sharesNames(t *testing.T, dir string) bool {
	names, err := filepath.Glob(filepath.Join(dir, "*", "files", "b"))
	must(t, err)
	fi, err := os.Stat(names[0])
	must(t, err)
	return fi.Mode().Perm() == 0o444
}

// A disk that cannot hold the inputs is found before anything is fetched; a cache on one is done without.
func TestFullDisk(t *testing.T) {
	small := mount(t, "1m")
	m := newStore(t)
	made(m, "big", 4<<20, 1)
	q := request(t, "test", "-s", "big")
	q.Inputs, q.Dir = []stage.Input{input("big")}, small
	_, err := stage.Run(t.Context(), client(t, m), q)
	if !errors.Is(err, localfile.ErrNoSpace) || m.Counts()[storetest.Get].Calls != 0 {
		t.Errorf("%v, after %d requests", err, m.Counts()[storetest.Get].Calls)
	}
	q.Dir, q.Cache.Dir = t.TempDir(), small
	_, err = stage.Run(t.Context(), client(t, m), q)
	must(t, err)
	if said := q.Report.(*report).said(); !strings.Contains(said, "continuing without the cache for s3://lab/big: ") {
		t.Errorf("it said: %s", said)
	}
}

// The end of ctx while outputs go up leaves them the grace to come to their own end.
func TestStopWhileUploading(t *testing.T) {
	m := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	m.Fault(storetest.Put).Key("out/a").Nth(1).Hook(cancel)
	q := request(t, "sh", "-c", "echo a > a")
	q.Outputs, q.Record = []stage.Output{{Pattern: "a", Target: ref("out/")}}, ref("out/")
	_, err := stage.Run(ctx, client(t, m), q)
	must(t, err)
	if ctx.Err() == nil || !m.Exists(ref("out/_SUCCESS")) {
		t.Errorf("ctx: %v; _SUCCESS: %v", ctx.Err(), m.Exists(ref("out/_SUCCESS")))
	}
	m.FaultsFired(t)
}

// Indexes go up after what they are about, and the mark of success last.
func TestOrder(t *testing.T) {
	m := newStore(t)
	var mu sync.Mutex
	var order []string
	for _, key := range []string{"a.bam", "a.bam.bai", "b.vcf.gz", "b.vcf.gz.tbi", "run.stdout", "run.stderr", "run.json", "_SUCCESS"} {
		m.Fault(storetest.Put).Key("out/" + key).Hook(func() {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, key)
		})
	}
	must(t, run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "for f in a.bam.bai a.bam b.vcf.gz.tbi b.vcf.gz; do echo $f > o/$f; done"}
		q.Outputs, q.Record, q.NoLogs = []stage.Output{{Pattern: "o/**", Target: ref("out/")}}, ref("out/"), false
	}))
	m.FaultsFired(t)
	at := func(key string) int { return slices.Index(order, key) }
	for _, pair := range [][2]string{{"a.bam", "a.bam.bai"}, {"b.vcf.gz", "b.vcf.gz.tbi"}, {"a.bam.bai", "run.stdout"}, {"b.vcf.gz.tbi", "run.stdout"}, {"run.stderr", "run.json"}, {"run.json", "_SUCCESS"}} {
		if at(pair[0]) >= at(pair[1]) {
			t.Errorf("%s went up after %s: %q", pair[0], pair[1], order)
		}
	}
}

// An output that cannot be read is no output that may be missing: the run has not succeeded.
func TestUnreadableOutput(t *testing.T) {
	m := newStore(t)
	err := run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "echo a > o/a; ln -s nowhere o/b"}
		q.Outputs, q.Record = []stage.Output{{Pattern: "o/**", Target: ref("out/")}}, ref("out/")
	})
	if err == nil || !strings.Contains(err.Error(), "o/b: the link leads nowhere") || m.Exists(ref("out/_SUCCESS")) || m.Exists(ref("out/a")) {
		t.Errorf("%v; %q", err, m.Keys("lab", ""))
	}
}

func run(t *testing.T, m *storetest.Memory, with func(*stage.Request)) error {
	q := request(t, "true")
	with(&q)
	_, err := stage.Run(t.Context(), client(t, m), q)
	return err
}

// What an earlier command made of the folders of inputs leads nowhere.
func TestTrap(t *testing.T) {
	m := newStore(t)
	made(m, "ref/a", 10, 1)
	outside := t.TempDir()
	q := request(t, "sh", "-c", fmt.Sprintf("test -h ref && exit 9; rm -r ref; ln -s %s ref; exit 1", outside))
	in := input("ref/")
	in.Folder = true
	q.Inputs = []stage.Input{in}
	c := client(t, m)
	for range 2 {
		_, err := stage.Run(t.Context(), c, q)
		if exit := new(stage.ExitError); !errors.As(err, &exit) || exit.Code != 1 {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(outside)
	if err != nil || len(left) > 0 {
		t.Errorf("outside is %v, %v", left, err)
	}
}

// A work folder that others can reach is not used.
func TestForeignFolder(t *testing.T) {
	m := newStore(t)
	q := request(t, "false")
	_, err := stage.Run(t.Context(), client(t, m), q)
	folder := new(stage.FolderError)
	if !errors.As(err, &folder) {
		t.Fatal(err)
	}
	must(t, os.Chmod(folder.Folder, 0o777))
	if _, err := stage.Run(t.Context(), client(t, m), q); err == nil || !strings.Contains(err.Error(), "others can reach it") {
		t.Errorf("a folder for all was used: %v", err)
	}
	must(t, os.RemoveAll(folder.Folder))
	must(t, os.Symlink(t.TempDir(), folder.Folder))
	if _, err := stage.Run(t.Context(), client(t, m), q); err == nil || !strings.Contains(err.Error(), "is not a folder") {
		t.Errorf("a link was used: %v", err)
	}
}

// An input that changes between the first look and its download is no input of this run.
func TestChanged(t *testing.T) {
	m := newStore(t)
	made(m, "a", 10, 1)
	m.Fault(storetest.Get).Key("a").Hook(func() { made(m, "a", 10, 2) })
	err := run(t, m, func(q *stage.Request) { q.Inputs = []stage.Input{input("a")} })
	if !errors.Is(err, store.Changed) {
		t.Error(err)
	}
}

// TestNotice has a metadata service whose tokens run out, and one that is not there.
func TestNotice(t *testing.T) {
	ready := make(chan struct{})
	tokens, looks := 0, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch token := fmt.Sprint("token", tokens); {
		case r.Method == http.MethodPut:
			tokens++
			_, _ = fmt.Fprint(w, "token", tokens)
		case r.Header.Get("X-aws-ec2-metadata-token") != token:
			t.Errorf("asked with %q in place of %s", r.Header.Get("X-aws-ec2-metadata-token"), token)
		case looks == 0: // there is no notice yet
			looks++
			w.WriteHeader(http.StatusNotFound)
		case looks == 1:
			looks++
			w.WriteHeader(http.StatusUnauthorized)
		default:
			<-ready
			_, _ = fmt.Fprint(w, `{"action":"stop","time":"2026-11-25T17:00:00Z"}`)
		}
	}))
	defer s.Close()
	m := newStore(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, exec.Command("mkfifo", pipe).Run())
	began := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(pipe)
		close(ready)
		began <- err
	}()
	var notice *stage.NoticeError
	err := run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "trap 'exit 0' TERM; echo > " + pipe + "; while :; do read x < .; done"}
		q.Metadata, q.Stderr = s.URL, q.Stdout
	})
	if !errors.As(err, &notice) || notice.Action != "stop" {
		t.Errorf("%v", err)
	}
	must(t, <-began)

	q := request(t, "cat")
	r, w, err := os.Pipe() // the command ends when haul has said what it hears
	must(t, err)
	defer r.Close()
	q.Stdin, q.Metadata = r, "http://127.0.0.1:1"
	q.Report = &report{heard: func(string) { _ = w.Close() }}
	_, err = stage.Run(t.Context(), client(t, m), q)
	must(t, err)
	if said := q.Report.(*report).said(); strings.Count(said, "Spot notices cannot be read yet: ") != 1 {
		t.Errorf("it said: %s", said)
	}
}

// Nothing is left of a run that succeeded, whatever rights the command gave its folders.
func TestTidy(t *testing.T) {
	m := newStore(t)
	dir := ""
	must(t, run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "mkdir -p a/b; touch a/b/c; chmod 500 a/b a"}
		dir = q.Dir
	}))
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Thousands of inputs and outputs are staged, kept, and gone on with as a few are.
func TestMany(t *testing.T) {
	const n = 2500
	m := newStore(t)
	long := strings.Repeat("long-", 40) // so that all together are more than a record's line can be
	for i := range n {
		made(m, fmt.Sprintf("in/%s%04d", long, i), 10, uint64(i))
	}
	in := input("in/")
	in.Folder = true
	q := request(t, "sh", "-c", "echo >> runs; cp in/* out/")
	q.Inputs, q.Outputs, q.Record = []stage.Input{in}, []stage.Output{{Pattern: "out/", Target: ref("out/")}}, ref("out/")
	ctx, cancel := context.WithCancel(t.Context())
	m.Fault(storetest.Put).Key("out/" + long + "1000").Hook(cancel)
	q.Grace = 1 // ns
	c := client(t, m)
	if _, err := stage.Run(ctx, c, q); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	puts := m.Counts()[storetest.Put].Calls
	q.Grace = 0
	rec, err := stage.Run(t.Context(), c, q)
	must(t, err)
	if said := q.Report.(*report).said(); len(rec.Outputs) != n || len(rec.Inputs) != n || !strings.Contains(said, "the command had succeeded") {
		t.Errorf("%d outputs, %d inputs; it said: %s", len(rec.Outputs), len(rec.Inputs), said)
	}
	if again := m.Counts()[storetest.Put].Calls - puts; again > n-puts+100 {
		t.Errorf("%d outputs were stored, then %d more", puts, again)
	}
}

// mount gives a small disk of its own, or skips.
func mount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "none", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a tmpfs here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// An entry whose fetcher did not live to write down what it is, is proved, and not fetched again. From another disk it is copied.
func TestCacheLeftOver(t *testing.T) {
	m := newStore(t)
	made(m, "a", 1<<20, 1)
	q := request(t, "sh", "-c", "test $(stat -c %s a) = 1048576 && echo x >> a") // a copy can be written to
	q.Inputs, q.Cache.Dir = []stage.Input{input("a")}, mount(t, "8m")
	c := client(t, m)
	for range 2 {
		_, err := stage.Run(t.Context(), c, q)
		must(t, err)
		sides, err := filepath.Glob(filepath.Join(q.Cache.Dir, "*", "*.json"))
		must(t, err)
		text, err := os.ReadFile(sides[0])
		must(t, err)
		must(t, os.WriteFile(sides[0], []byte(strings.Replace(string(text), `"whole":true`, `"whole":false`, 1)), 0o600))
	}
	if got := m.Counts()[storetest.Get].Out; got != 1<<20 {
		t.Errorf("%d bytes were fetched", got)
	}
}
