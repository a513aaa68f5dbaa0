//go:build unix

package stage_test

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"haul.example/haul"
	"haul.example/haul/internal/stage"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A run's own logs are never written into an input, which may be a link to somebody's file.
func TestInputNamedAsLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.stdout")
	must(t, os.WriteFile(file, []byte("kept"), 0o600))
	err := run(t, newStore(t), func(q *stage.Request) {
		q.NoLogs = false
		q.Command = []string{"true"}
		q.Inputs = []stage.Input{{Source: mirror.Local(file)}}
	})
	if !errors.Is(err, store.Invalid) {
		t.Errorf("%v, want store.Invalid", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "kept" {
		t.Errorf("the input is now %q, %v", text, err)
	}
}

// A command that removes, or renames, a stream that it does not read ends its run as any other.
func TestStreamRemoved(t *testing.T) {
	for _, words := range [][]string{{"rm", "x"}, {"mv", "x", "y"}, {"true"}} {
		m := newStore(t)
		made(m, "x", 1000, 1)
		must(t, run(t, m, func(q *stage.Request) {
			q.Command = words
			q.Streams = []stage.Stream{{Name: "x", Source: ref("x")}}
		}))
	}
}

// A command that removes its own logs has ended well all the same.
func TestLogsRemoved(t *testing.T) {
	m := newStore(t)
	must(t, run(t, m, func(q *stage.Request) {
		q.NoLogs = false
		q.Record = ref("rec/")
		q.Command = []string{"rm", "run.stdout", "run.stderr"}
	}))
	if !m.Exists(ref("rec/_SUCCESS")) {
		t.Error("there is no mark of success")
	}
}

// That an output may lack does not make a later run needless in which it may not.
func TestRequiredLater(t *testing.T) {
	m := newStore(t)
	for _, optional := range []bool{true, false} {
		err := run(t, m, func(q *stage.Request) {
			q.Record = ref("rec/")
			q.Outputs = []stage.Output{{Pattern: "out", Target: ref("out"), Optional: optional}}
		})
		if optional && err != nil || !optional && !errors.Is(err, store.NotFound) {
			t.Errorf("optional %v: %v", optional, err)
		}
	}
}

// A stream that came damaged fails its run also where the command does not wait for its end.
func TestStreamDamaged(t *testing.T) {
	for range 20 {
		m := newStore(t)
		m.Make(ref("x"), storetest.Generated(100_000, 1), storetest.Made{})
		m.Fault(storetest.Get).CorruptByte().Always()
		err := run(t, m, func(q *stage.Request) {
			q.Command = []string{"sh", "-c", "head -c 100000 x >/dev/null"}
			q.Streams = []stage.Stream{{Name: "x", Source: ref("x")}}
		})
		if !errors.Is(err, haul.ErrMismatch) {
			t.Fatalf("%v, want haul.ErrMismatch", err)
		}
	}
}

// That nothing vouches for the bytes of a stream is said.
func TestStreamUnproved(t *testing.T) {
	m := newStore(t, storetest.Takes(storetest.NoChecksums))
	made(m, "x", 1000, 1)
	var said *report
	must(t, run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "cat x >/dev/null"}
		q.Streams = []stage.Stream{{Name: "x", Source: ref("x")}}
		said = q.Report.(*report)
	}))
	if !strings.Contains(said.said(), "x could not be verified") {
		t.Error(said.said())
	}
}

// Words that are no UTF-8, and differ, are not the same line.
func TestOtherBytes(t *testing.T) {
	m := newStore(t)
	dir, from := t.TempDir(), t.TempDir()
	for _, word := range []string{"\xff", "\xfe"} {
		must(t, run(t, m, func(q *stage.Request) {
			q.Dir, q.From, q.Keep = dir, from, true
			q.Command = []string{"sh", "-c", `printf %s "$0" >out`, word}
			q.Outputs = []stage.Output{{Pattern: "out", Target: ref("out")}}
		}))
		if got := string(m.Bytes(ref("out"))); got != word {
			t.Errorf("%q made %q", word, got)
		}
	}
}

// SIGUSR1, which schedulers send before they end a job, ends no run that has no command to pass it on to.
func TestUserSignal(t *testing.T) {
	m := newStore(t)
	made(m, "a", 10, 1)
	must(t, run(t, m, func(q *stage.Request) {
		q.Inputs = []stage.Input{input("a")}
		q.Report.(*report).heard = func(string) {
			came := make(chan os.Signal, 1)
			signal.Notify(came, syscall.SIGUSR1)
			defer signal.Stop(came)
			must(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
			<-came // else a busy machine delivers it when there is a command
		}
	}))
}

// The size of a cache is a bound in a folder of any name.
func TestCacheFolder(t *testing.T) {
	m := newStore(t)
	dir := filepath.Join(t.TempDir(), "[a] cache")
	for i, key := range []string{"a", "b", "c"} {
		made(m, key, 1000, uint64(i))
		must(t, run(t, m, func(q *stage.Request) {
			q.Inputs, q.Cache = []stage.Input{input(key)}, stage.Cache{Dir: dir, Size: 2000}
		}))
	}
	entries, err := os.ReadDir(folderOf(dir))
	must(t, err)
	n := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// Who may store and not delete can run what was not run before.
func TestMayNotDelete(t *testing.T) {
	m := newStore(t)
	m.Fault(storetest.Delete).Error(store.Denied).Always()
	m.Fault(storetest.DeleteMany).Error(store.Denied).Always()
	must(t, run(t, m, func(q *stage.Request) { q.Record = ref("rec/") }))
}

// Why outputs of a command that failed cannot be stored is said, and the rest of it kept.
func TestFailedOutputs(t *testing.T) {
	m := newStore(t)
	err := run(t, m, func(q *stage.Request) {
		q.Command = []string{"sh", "-c", "ln -s nowhere o/b; exit 1"}
		q.OnFailure, q.Record = true, ref("rec/")
		q.Outputs = []stage.Output{{Pattern: "o/", Target: ref("out/")}}
	})
	if exit := new(stage.ExitError); !errors.As(err, &exit) || !strings.Contains(err.Error(), "leads nowhere") || !m.Exists(ref("rec/run.json")) {
		t.Errorf("%v; %q", err, m.Keys("lab", ""))
	}
}
