package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/journal"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// bothEnds are those of the three kinds of runs, with the same files in the source.
func bothEnds(t *testing.T, m *storetest.Memory, files tree) map[string][2]mirror.End {
	put(m, tree{})
	for name, text := range files {
		m.PutBytes(at("from/"+name), []byte(text))
	}
	return map[string][2]mirror.End{
		"upload":   {mirror.Local(files.write(t)), mirror.Remote(at("up/"))},
		"download": {mirror.Remote(at("from/")), mirror.Local(filepath.Join(t.TempDir(), "down"))},
		"copy":     {mirror.Remote(at("from/")), mirror.Remote(at("copy/"))},
	}
}

// write replaces what is at one end of a run.
func write(t *testing.T, m *storetest.Memory, e mirror.End, name, text string) {
	t.Helper()
	if e.Path == "" {
		m.PutBytes(at(e.Ref.Key+name), []byte(text))
		return
	}
	if err := os.WriteFile(filepath.Join(e.Path, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, m *storetest.Memory, e mirror.End) tree {
	t.Helper()
	if e.Path == "" {
		return stored(m, e.Ref.Key)
	}
	return read(t, e.Path)
}

// TestInterruptedTreesResume: what an interrupted run has finished is left out, as long as both ends are as it left them, the options
// are the same, and nobody asks for a clean start.
func TestInterruptedTreesResume(t *testing.T) {
	files := tree{}
	for i := range 60 {
		files[fmt.Sprintf("f%02d", i)] = fmt.Sprint("text of ", i)
	}
	for name, change := range map[string]struct {
		then   func(t *testing.T, m *storetest.Memory, from, to mirror.End, done string)
		again  func(o *mirror.Options)
		copied func(finished, all int) int
	}{
		"nothing": {copied: func(finished, all int) int { return all - finished }},
		"a source": {
			then: func(t *testing.T, m *storetest.Memory, from, _ mirror.End, done string) {
				write(t, m, from, done, "another t ")
			},
			copied: func(finished, all int) int { return all - finished + 1 },
		},
		"a target": {
			then: func(t *testing.T, m *storetest.Memory, _, to mirror.End, done string) {
				write(t, m, to, done, "overwritt")
			},
			copied: func(finished, all int) int { return all - finished + 1 },
		},
		"a target is gone": {
			then: func(t *testing.T, m *storetest.Memory, _, to mirror.End, done string) {
				if to.Path != "" {
					if err := os.Remove(filepath.Join(to.Path, done)); err != nil {
						t.Fatal(err)
					}
				} else if err := m.Delete(t.Context(), at(to.Ref.Key+done), nil); err != nil {
					t.Fatal(err)
				}
			},
			copied: func(finished, all int) int { return all - finished + 1 },
		},
		"options": {
			again:  func(o *mirror.Options) { o.Transfer.Attrs.StorageClass = "STANDARD_IA" },
			copied: func(_, all int) int { return all },
		},
		"a clean start": {
			again:  func(o *mirror.Options) { o.Transfer.Resume = haul.ResumeNever },
			copied: func(_, all int) int { return all },
		},
	} {
		for kind := range bothEnds(t, storetest.New(), files) {
			m := storetest.New()
			e := bothEnds(t, m, files)[kind]
			t.Run(name+"/"+kind, func(t *testing.T) {
				c := client(t, m, haul.Options{Concurrency: 1})
				ctx, stop := context.WithCancelCause(t.Context())
				finished := []string{}
				_, err := mirror.Tree(ctx, c, e[0], e[1], mirror.Options{Observe: func(e mirror.Event) {
					if e.Kind == mirror.Done {
						if finished = append(finished, filepath.Base(e.Source)); len(finished) == 5 {
							stop(errors.New("interrupted"))
						}
					}
				}})
				if err == nil || len(finished) < 5 || len(finished) == len(files) {
					t.Fatalf("the first run: %v, %d finished", err, len(finished))
				}
				want := files
				if change.then != nil {
					change.then(t, m, e[0], e[1], finished[0])
					want = content(t, m, e[0])
				}
				o := mirror.Options{}
				if change.again != nil {
					change.again(&o)
				}
				s, err := mirror.Tree(t.Context(), c, e[0], e[1], o)
				if err != nil || s.Done != change.copied(len(finished), len(files)) || s.Done+s.Unchanged != len(files) {
					t.Errorf("the second run: %+v, %v; the first finished %d", s.Counts, err, len(finished))
				}
				if got := content(t, m, e[1]); !mapsEqual(got, want) {
					t.Errorf("the target is %q, want %q", got, want)
				}
				if name != "nothing" {
					return
				}
				if s, err = mirror.Tree(t.Context(), c, e[0], e[1], o); err != nil || s.Done != len(files) {
					t.Errorf("a run after one that ended well: %+v, %v", s.Counts, err)
				}
			})
		}
	}
}

func mapsEqual(a, b tree) bool {
	return slices.Equal(a.names(), b.names()) && !slices.ContainsFunc(a.names(), func(name string) bool { return a[name] != b[name] })
}

// TestFailedObjectsAreTriedAlone: after a run in which an object failed, only that is done; and a receipt's verification covers the rest.
func TestFailedObjectsAreTriedAlone(t *testing.T) {
	files := tree{"a": "1", "b": "2", "c": "3"}
	m := storetest.New()
	for kind, e := range bothEnds(t, m, files) {
		t.Run(kind, func(t *testing.T) {
			c := client(t, m, haul.Options{})
			switch kind {
			case "upload":
				m.Fault(storetest.Put).Key("up/b").Error(store.Denied)
			case "download":
				m.Fault(storetest.Get).Key("from/b").Error(store.Denied)
			default:
				m.Fault(storetest.Copy).Key("copy/b").Error(store.Denied)
			}
			s, err := mirror.Tree(t.Context(), c, e[0], e[1], mirror.Options{})
			var part *mirror.IncompleteError
			if !errors.As(err, &part) || s.Done != 2 || s.Failed != 1 {
				t.Fatalf("the first run: %+v, %v", s.Counts, err)
			}
			verified := 0
			s, err = mirror.Tree(t.Context(), c, e[0], e[1], mirror.Options{
				Verify: func(mirror.Standing) bool { return true },
				Observe: func(e mirror.Event) {
					if e.Kind == mirror.Unchanged && e.Result.Proof.Verified {
						verified++
					}
				},
			})
			if err != nil || s.Done != 1 || s.Unchanged != 2 || verified != 2 {
				t.Errorf("the second run: %+v, %v; %d verified", s.Counts, err, verified)
			}
		})
	}
}

// TestMovesThatWereKilled: a move that was killed after its deletion, and is called again, is done; one whose source was never there, or
// whose target is another by now, is not.
func TestMovesThatWereKilled(t *testing.T) {
	missing := func(err error) bool { return errors.Is(err, fs.ErrNotExist) || store.KindOf(err) == store.NotFound }
	m := storetest.New()
	for kind, e := range bothEnds(t, m, tree{"x": "text"}) {
		one := func(e mirror.End) mirror.End {
			if e.Path != "" {
				return mirror.Local(filepath.Join(e.Path, "x"))
			}
			return mirror.Remote(at(e.Ref.Key + "x"))
		}
		from, to := one(e[0]), one(e[1])
		t.Run(kind, func(t *testing.T) {
			put(m, tree{"from/x": "text"})
			c := client(t, m, haul.Options{})
			if err := mirror.MoveAndDie(t.Context(), c, from, to, mirror.TransferOptions{}); err != nil {
				t.Fatal(err)
			}
			other := to
			if other.Path != "" {
				other.Path += "2"
			} else {
				other.Ref.Key += "2"
			}
			if _, err := mirror.MoveOne(t.Context(), c, from, other, mirror.TransferOptions{}); !missing(err) {
				t.Errorf("another move of what is not there: %v", err)
			}
			r, err := mirror.MoveOne(t.Context(), c, from, to, mirror.TransferOptions{})
			if err != nil || !r.Proof.Verified || r.Size != 4 {
				t.Errorf("the same move: %+v, %v", r, err)
			}
			if _, err := mirror.MoveOne(t.Context(), c, from, to, mirror.TransferOptions{}); !missing(err) {
				t.Errorf("a third time: %v", err)
			}
		})
	}
}

// TestTreesOfMovesThatWereKilled: the same of many, found by a listing or named by a list.
func TestTreesOfMovesThatWereKilled(t *testing.T) {
	files := tree{"a": "1", "b": "2"}
	for _, listed := range []bool{true, false} {
		m := storetest.New()
		for kind, e := range bothEnds(t, m, files) {
			t.Run(fmt.Sprint(kind, " listed ", listed), func(t *testing.T) {
				for name, text := range files {
					m.PutBytes(at("from/"+name), []byte(text))
				}
				c := client(t, m, haul.Options{})
				o := mirror.Options{Move: true}
				if !listed {
					o.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
						_ = yield(mirror.Pair{Source: "a"}, nil) && yield(mirror.Pair{Source: "b"}, nil)
					}
				}
				if err := mirror.TreeAndDie(t.Context(), c, e[0], e[1], o); err != nil {
					t.Fatal(err)
				}
				s, err := mirror.Tree(t.Context(), c, e[0], e[1], o)
				if err != nil || s.Failed != 0 {
					t.Errorf("the same run: %+v, %v", s, err)
				}
				if got := content(t, m, e[1]); !mapsEqual(got, files) {
					t.Errorf("the target is %q", got)
				}
				if s, err := mirror.Tree(t.Context(), c, e[0], e[1], o); err == nil && (kind != "upload" || !listed) {
					t.Errorf("a third time: %+v, %v", s, err)
				}
			})
		}
	}
}

// TestRunJournalOfVersion1 keeps journals readable.
func TestRunJournalOfVersion1(t *testing.T) {
	type header struct {
		Version int       `json:"haul_run_journal"`
		Verb    string    `json:"verb"`
		Source  string    `json:"source"`
		Target  string    `json:"target"`
		Began   time.Time `json:"began"`
	}
	m := storetest.New()
	put(m, tree{"from/a": "1", "from/b": "2"})
	m.Fault(storetest.Copy).Key("to/b").Error(store.Denied)
	c := client(t, m, haul.Options{})
	if _, err := mirror.Copy(t.Context(), c, at("from"), at("to"), mirror.Options{}); err == nil {
		t.Fatal("no object failed")
	}
	dir, err := journal.Dir(c.Options().StateDir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for h, err := range journal.List[header](filepath.Join(dir, "runs")) {
		if n++; err != nil || h.Version != 1 || h.Verb != "copy" || h.Source != at("from/").String() || h.Target != at("to/").String() || h.Began.IsZero() {
			t.Errorf("the header is %+v, %v", h, err)
		}
	}
	if n != 1 {
		t.Errorf("there are %d journals", n)
	}
}
