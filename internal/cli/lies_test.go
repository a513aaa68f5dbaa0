package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/cli"
	"haul.example/haul/internal/command"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// commands are whole commands; DIR is a folder, and s3://lab/run a prefix. Of those that only read, standard output is their answer.
var commands = []struct {
	reads bool
	args  string
}{
	{true, "ls s3://lab/run/"},
	{true, "ls s3://lab"},
	{true, "ls --recursive s3://lab/run/"},
	{true, "ls --summarize s3://lab/run/"},
	{true, "du s3://lab/run/"},
	{true, "du --max-depth 1 s3://lab/run/"},
	{true, "stat s3://lab/run/a"},
	{true, "cat s3://lab/run/a"},
	{true, "cp s3://lab/run/a -"},
	{true, "sum --plain s3://lab/run/a"},
	{true, "sum --plain s3://lab/run/"},
	{true, "verify DIR s3://lab/run/"},
	{true, "verify --download DIR s3://lab/run/"},
	{false, "cp --patience 20ms DIR/a s3://lab/run/a"},
	{false, "cp --patience 20ms s3://lab/run/a DIR/a"},
	{false, "cp --patience 20ms s3://lab/run/a s3://lab/copy/a"},
	{false, "cp --patience 20ms -r DIR s3://lab/run"},
	{false, "cp --patience 20ms -r s3://lab/run DIR"},
	{false, "mv --patience 20ms DIR/a s3://lab/moved/a"},
	{false, "mv --patience 20ms s3://lab/run/a DIR/moved"},
	{false, "mv --patience 20ms s3://lab/run/a s3://lab/moved/a"},
	{false, "mv --patience 20ms -r s3://lab/run s3://lab/moved"},
	{false, "mv --patience 20ms -r s3://lab/run DIR/moved"},
	{false, "sync --patience 20ms --delete DIR s3://lab/run"},
	{false, "sync --patience 20ms --delete --checksum s3://lab/run DIR"},
	{false, "rm s3://lab/run/a"},
	{false, "rm -r --yes s3://lab/run"},
	{false, "uploads --abort --yes s3://lab"},
}

// scene is a folder and a store.
type scene struct {
	dir     string
	memory  *storetest.Memory
	server  *s3server.Server
	files   map[string]string
	objects map[string]string
	uploads int
}

// newScene makes a folder and a store with some files in common, some that differ, and some of one side only.
func newScene(t *testing.T, dir string, seed uint64) *scene {
	r := rand.New(rand.NewPCG(seed, 2))
	kinds := []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums, storetest.IgnoredChecksums}
	m := storetest.New(storetest.Buckets("lab"), storetest.Takes(kinds[r.IntN(len(kinds))]))
	s := &scene{dir: dir, memory: m, server: s3server.Serve(nil, m, s3server.Page(2))}
	files := filepath.Join(dir, "files")
	for i, name := range []string{"a", "b", "d/c", "d/e", "f", "g"} {
		text, other := strings.Repeat(name+strconv.Itoa(i), 1+r.IntN(60)), ""
		switch r.IntN(3) {
		case 0:
			other = text
		case 1:
			other = strings.ToUpper(text) + "changed"
		}
		if name == "a" || r.IntN(3) > 0 {
			m.PutBytes(store.Ref{Bucket: "lab", Key: "run/" + name}, []byte(text))
		}
		if other == "" && name != "a" {
			continue
		}
		path := filepath.Join(files, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Error(err)
		}
	}
	m.PutBytes(store.Ref{Bucket: "lab", Key: "keep/x"}, []byte("keep"))
	if _, err := m.Create(context.Background(), store.Ref{Bucket: "lab", Key: "open"}, checksum.Scheme{}, nil); err != nil {
		t.Error(err)
	}
	s.look(t)
	return s
}

// look takes down what is there.
func (s *scene) look(t *testing.T) {
	s.objects, s.files, s.uploads = map[string]string{}, map[string]string{}, len(s.memory.OpenUploads())
	for _, key := range s.memory.Keys("lab", "") {
		s.objects[key] = string(s.memory.Bytes(store.Ref{Bucket: "lab", Key: key}))
	}
	root := filepath.Join(s.dir, "files")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := os.ReadFile(path)
		s.files[path[len(root)+1:]] = string(b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// times are what differs from one run of a command to the next.
var times = regexp.MustCompile(`; in [0-9.]+ m?s|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d`)

// run runs a command, and gives its exit code, what it printed, and whether it reported that some of it is not verified.
func (s *scene) run(t *testing.T, args string) (code int, printed string, doubt bool) {
	words := append(strings.Fields(strings.ReplaceAll(args, "DIR", filepath.Join(s.dir, "files"))), "--endpoint-url", s.server.URL)
	out, err := os.CreateTemp(s.dir, "out")
	if err != nil {
		t.Error(err)
		return -1, "", false
	}
	defer out.Close()
	messages, err := os.CreateTemp(s.dir, "err")
	if err != nil {
		t.Error(err)
		return -1, "", false
	}
	defer messages.Close()
	code = cli.Run(context.Background(), command.System{Stdin: os.Stdin, Stdout: out, Stderr: messages}, words)
	b, err := os.ReadFile(out.Name()) // a command closes its standard output
	said, err2 := os.ReadFile(messages.Name())
	if err := errors.Join(err, err2); err != nil {
		t.Error(err)
	}
	doubt = unverified.Match(slices.Concat(b, said))
	return code, times.ReplaceAllString(strings.ReplaceAll(string(b), s.dir, ""), ""), doubt
}

// unverified is how a command reports that nothing recorded by the store settles whether bytes are right.
var unverified = regexp.MustCompile("not verified|not every ETag is an MD5")

// TestCommandsAgainstLies: a command to which a server lies ends with 0 only where the same command, not lied to, does so with the same
// answer and leaves the same behind, or reports that it is not verified; and it never leaves what was neither there before nor meant to be. HAUL_LIES gives the number
// of runs, and HAUL_LIE_SEED the first seed.
func TestCommandsAgainstLies(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true", "HAUL_STATE_DIR": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	first, _ := strconv.ParseUint(os.Getenv("HAUL_LIE_SEED"), 10, 64)
	runs, err := strconv.Atoi(os.Getenv("HAUL_LIES"))
	if err != nil {
		runs = 150
	}
	base := t.TempDir()
	var all sync.WaitGroup
	room := make(chan struct{}, 64)
	for i := range runs {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			seed := first + uint64(i)
			dir := filepath.Join(base, strconv.FormatUint(seed, 10))
			if problem := lieToCommand(t, dir, seed); problem != "" {
				t.Errorf("%s\nagain by: HAUL_LIE_SEED=%d HAUL_LIES=1 go test -run '^TestCommandsAgainstLies$' ./internal/cli", problem, seed)
			}
			os.RemoveAll(dir)
		})
		if t.Failed() {
			break
		}
	}
	all.Wait()
}

// lieToCommand runs a command twice, once with lies, and reports what is wrong with what came of it.
func lieToCommand(t *testing.T, dir string, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	c := commands[r.IntN(len(commands))]
	honest, lied := newScene(t, filepath.Join(dir, "honest"), seed), newScene(t, filepath.Join(dir, "lied"), seed)
	defer honest.server.Close()
	defer lied.server.Close()
	before := *lied
	wantCode, want, _ := honest.run(t, c.args)
	honest.look(t)
	lies := &s3server.Lies{Seed: seed, One: 1 + r.IntN(8), Times: r.IntN(3)}
	lied.server.Lie(lies)
	code, got, doubt := lied.run(t, c.args)
	lied.server.Lie(nil)
	lied.look(t)
	sent := lies.Sent()
	if doubt && slices.ContainsFunc(sent, func(lie string) bool { return strings.HasSuffix(lie, ": zeros") || strings.HasSuffix(lie, ": flipped") }) {
		return "" // other bytes, whenever they are asked for, and a store that records nothing that would show it
	}
	problem := strayed("object", lied.objects, before.objects, honest.objects, code == 0) +
		strayed("file", lied.files, before.files, honest.files, code == 0)
	switch {
	case len(sent) == 0 && code != wantCode:
		problem += fmt.Sprintf("exit code %d, not %d, though nobody lied; ", code, wantCode)
	case code == 0 && wantCode != 0:
		problem += fmt.Sprintf("exit code 0, not %d; ", wantCode)
	case code == 0 && c.reads && got != want:
		problem += fmt.Sprintf("it printed %q, not %q; ", got, want)
	case code == 0 && lied.uploads != honest.uploads:
		problem += fmt.Sprintf("%d uploads are open, not %d; ", lied.uploads, honest.uploads)
	}
	for name, text := range before.objects {
		if _, kept := honest.objects[name]; !kept && strings.HasPrefix(c.args, "mv") && !slices.Contains(slices.Concat(values(lied.objects), values(lied.files)), text) {
			problem += name + " is nowhere any more; "
		}
	}
	if problem == "" {
		return ""
	}
	return fmt.Sprintf("haul %s: %sexit code %d; lies were\n\t%s", c.args, problem, code, strings.Join(sent, "\n\t"))
}

func values(m map[string]string) []string { return slices.Collect(maps.Values(m)) }

// strayed reports what is neither as it was nor as it should be; or, where all was done, not as it should be.
func strayed(what string, got, before, after map[string]string, done bool) string {
	for name := range maps.Collect(joined(got, before, after)) {
		text, there := got[name]
		want, wanted := after[name]
		was, had := before[name]
		if right := there == wanted && text == want; !right && (done || there != had || text != was) {
			return fmt.Sprintf("the %s %s has %.20q (there: %v), should have %.20q (%v), had %.20q (%v); ", what, name, text, there, want, wanted, was, had)
		}
	}
	return ""
}

func joined(all ...map[string]string) func(yield func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		for _, m := range all {
			for name := range m {
				if !yield(name, true) {
					return
				}
			}
		}
	}
}
