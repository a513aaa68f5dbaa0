package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// inSmallParts lets a store of S3 take parts of a few bytes.
type inSmallParts struct{ *s3.Store }

func (inSmallParts) Limits(string) store.Limits { return store.Limits{MinPart: 1, MaxParts: 100} }

// setting is a folder, a store, and what they are to be when a verb has done its work.
type setting struct {
	*storetest.Memory
	c       *haul.Client
	takes   storetest.Checksums
	dir     string
	objects tree // below run/ and keep/
	files   tree
	// as they should be in the end
	stored, local tree
	moved         map[string]string // names that were moved, with their content: it must be somewhere
	whole         bool              // folder and prefix are the same
}

// verbs are whole verbs. Each says what is to be there in the end, and then does it; what it gives as a result it judges itself.
var verbs = map[string]func(context.Context, *setting) error{
	"up": func(ctx context.Context, s *setting) error {
		maps.Copy(s.stored, prefixed("run/", s.files))
		_, err := mirror.Up(ctx, s.c, s.dir, at("run"), small)
		return err
	},
	"down": func(ctx context.Context, s *setting) error {
		maps.Copy(s.local, s.inRun())
		_, err := mirror.Down(ctx, s.c, at("run"), s.dir, small)
		return err
	},
	"download": func(ctx context.Context, s *setting) error {
		s.local["a"] = s.objects["run/a"]
		_, err := s.c.Download(ctx, at("run/a"), filepath.Join(s.dir, "a"), small.Transfer.Download())
		return err
	},
	"upload": func(ctx context.Context, s *setting) error {
		s.stored["run/a"] = s.files["a"]
		_, err := s.c.Upload(ctx, filepath.Join(s.dir, "a"), at("run/a"), small.Transfer.Upload())
		return err
	},
	"reader at": func(ctx context.Context, s *setting) error {
		s.stored["run/a"] = s.files["a"]
		_, err := s.c.UploadReaderAt(ctx, strings.NewReader(s.files["a"]), int64(len(s.files["a"])), at("run/a"), small.Transfer.Upload())
		return err
	},
	"writer at": func(ctx context.Context, s *setting) error {
		f, err := os.CreateTemp("", "lies")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		r, err := s.c.DownloadWriterAt(ctx, at("run/a"), f, small.Transfer.Download())
		if err != nil {
			return err
		}
		got, err := os.ReadFile(f.Name())
		if err == nil && r.Proof.Verified && string(got) != s.objects["run/a"] {
			err = fmt.Errorf("%w: other bytes are verified", errUntrue)
		}
		return err
	},
	"sync up": func(ctx context.Context, s *setting) error {
		maps.DeleteFunc(s.stored, func(key, _ string) bool { return strings.HasPrefix(key, "run/") })
		maps.Copy(s.stored, prefixed("run/", s.files))
		_, err := mirror.Sync(ctx, s.c, mirror.Local(s.dir), mirror.Remote(at("run")), mirror.SyncOptions{Options: small, Delete: true})
		return err
	},
	"sync down": func(ctx context.Context, s *setting) error {
		s.local = s.inRun()
		_, err := mirror.Sync(ctx, s.c, mirror.Remote(at("run")), mirror.Local(s.dir), mirror.SyncOptions{Options: small, Delete: true})
		return err
	},
	"move up": func(ctx context.Context, s *setting) error {
		maps.Copy(s.stored, prefixed("run/", s.files))
		s.moved, s.local = s.files, tree{}
		o := small
		o.Move = true
		_, err := mirror.Up(ctx, s.c, s.dir, at("run"), o)
		return err
	},
	"move down": func(ctx context.Context, s *setting) error {
		s.moved = s.inRun()
		maps.Copy(s.local, s.moved)
		maps.DeleteFunc(s.stored, func(key, _ string) bool { return strings.HasPrefix(key, "run/") })
		o := small
		o.Move = true
		_, err := mirror.Down(ctx, s.c, at("run"), s.dir, o)
		return err
	},
	"move": func(ctx context.Context, s *setting) error {
		s.moved = s.inRun()
		maps.DeleteFunc(s.stored, func(key, _ string) bool { return strings.HasPrefix(key, "run/") })
		maps.Copy(s.stored, prefixed("moved/", s.moved))
		// Not in small parts: then not every store verifies the copy.
		_, err := mirror.Copy(ctx, s.c, at("run"), at("moved"), mirror.Options{Move: true})
		return err
	},
	"copy": func(ctx context.Context, s *setting) error {
		maps.Copy(s.stored, prefixed("copy/", s.inRun()))
		_, err := mirror.Copy(ctx, s.c, at("run"), at("copy"), small)
		return err
	},
	"remove": func(ctx context.Context, s *setting) error {
		maps.DeleteFunc(s.stored, func(key, _ string) bool { return strings.HasPrefix(key, "run/") })
		keys := func(yield func(string, error) bool) {
			for o, err := range s.c.List(ctx, storetest.Bucket, "run/", nil) {
				if !yield(o.Key, err) {
					return
				}
			}
		}
		var all error
		for _, err := range s.c.DeleteAll(ctx, storetest.Bucket, keys, nil) {
			all = errors.Join(all, err)
		}
		return all
	},
	"list": func(ctx context.Context, s *setting) error {
		return s.same(ctx, s.c.List(ctx, storetest.Bucket, "run/", nil), s.Keys(storetest.Bucket, "run/"))
	},
	"abort": func(ctx context.Context, s *setting) error {
		for u, err := range s.c.Uploads(ctx, storetest.Bucket, "") {
			if err == nil {
				err = s.c.Store().Abort(ctx, u, nil)
			}
			if err != nil {
				return err
			}
		}
		if n := len(s.OpenUploads()); n > 0 {
			return fmt.Errorf("%w: %d uploads are still open", errUntrue, n)
		}
		return nil
	},
	"verify": func(ctx context.Context, s *setting) error {
		entries := func(e mirror.End) iter.Seq2[mirror.Entry, error] {
			o := mirror.Options{}
			o.Select.EmptyOK = true
			return mirror.Entries(ctx, s.c, e, o)
		}
		sum, err := proof.Verify(ctx, s.c, proof.Tree(entries(mirror.Local(s.dir))), entries(mirror.Remote(at("run"))), proof.Options{})
		switch {
		case err != nil:
			return err
		case (sum.Whole() == "yes") != s.whole && sum.Whole() != "open" && !s.whole:
			return fmt.Errorf("%w: verify says %+v", errUntrue, sum)
		}
		return nil
	},
}

// errUntrue is a result that is not true.
var errUntrue = errors.New("untrue")

// same compares what a listing gives.
func (s *setting) same(_ context.Context, list iter.Seq2[store.Object, error], want []string) error {
	var got []string
	for o, err := range list {
		if err != nil {
			return err
		}
		got = append(got, o.Key)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%w: %q are listed, not %q", errUntrue, got, want)
	}
	return nil
}

func prefixed(prefix string, t tree) tree {
	out := tree{}
	for name, text := range t {
		out[prefix+name] = text
	}
	return out
}

func (s *setting) inRun() tree {
	out := tree{}
	for key, text := range s.objects {
		if name, ok := strings.CutPrefix(key, "run/"); ok {
			out[name] = text
		}
	}
	return out
}

// TestVerbsAgainstLies: a verb to which a server lies does its whole work or fails, and in no case leaves behind what was neither
// there before nor meant to be. HAUL_LIES gives the number of runs, and HAUL_LIE_SEED the first seed.
func TestVerbsAgainstLies(t *testing.T) {
	setAWS(t)
	first, _ := strconv.ParseUint(os.Getenv("HAUL_LIE_SEED"), 10, 64)
	runs, err := strconv.Atoi(os.Getenv("HAUL_LIES"))
	if err != nil {
		runs = 150
	}
	names := slices.Sorted(maps.Keys(verbs))
	base := t.TempDir()
	var all sync.WaitGroup
	room := make(chan struct{}, 24)
	for i := range runs {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			seed := first + uint64(i)
			dir := filepath.Join(base, strconv.FormatUint(seed, 10))
			r := rand.New(rand.NewPCG(seed, 1))
			name := names[r.IntN(len(names))]
			if problem := lieTo(t, name, dir, r, seed); problem != "" {
				t.Errorf("%s: %s\nagain by: HAUL_LIE_SEED=%d HAUL_LIES=1 go test -run '^TestVerbsAgainstLies$' ./mirror", name, problem, seed)
			}
			os.RemoveAll(dir)
		})
		if t.Failed() {
			break
		}
	}
	all.Wait()
}

// setAWS gives the environment of a user with keys and nothing else.
func setAWS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// lieTo runs a verb, and says what is wrong with what came of it.
func lieTo(t *testing.T, name, dir string, r *rand.Rand, seed uint64) string {
	s, srv := newSetting(t, dir, r)
	defer srv.Close()
	lies := &s3server.Lies{Seed: seed, One: 1 + r.IntN(8), Times: r.IntN(3)}
	srv.Lie(lies)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := verbs[name](ctx, s)
	srv.Lie(nil)
	sent := strings.Join(lies.Sent(), "\n\t")
	if ctx.Err() != nil || errors.Is(err, errUntrue) {
		return fmt.Sprintf("%v; lies were\n\t%s", err, sent)
	}
	var part *mirror.IncompleteError // of a move that keeps what is not verified
	unverified := s.takes == storetest.IgnoredChecksums && strings.HasPrefix(name, "move") && errors.As(err, &part)
	if err != nil && len(lies.Sent()) == 0 && !unverified && !errors.Is(err, store.Network) { // a busy machine has those of its own
		return fmt.Sprintf("without any lie: %v", err)
	}
	objects, files := stored(s.Memory, ""), read(t, s.dir)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(path.Base(name), ".") })
	problem := odd("object", objects, s.objects, s.stored, err == nil) + odd("file", files, s.files, s.local, err == nil)
	for name, text := range s.moved {
		if files[name] != text && objects["run/"+name] != text && objects["moved/"+name] != text {
			problem += fmt.Sprintf("%s is nowhere any more; ", name)
		}
	}
	if problem != "" {
		return fmt.Sprintf("%send with %v; lies were\n\t%s", problem, err, sent)
	}
	return ""
}

// odd says what is neither as it was nor as it should be; or, where all was done, not as it should be.
func odd(what string, got, before, after tree, done bool) string {
	for _, all := range []tree{got, before, after} {
		for name := range all {
			text, there := got[name]
			want, wanted := after[name]
			was, had := before[name]
			if right := there == wanted && text == want; !right && (done || there != had || text != was) {
				return fmt.Sprintf("the %s %s has %.20q (there: %v), should have %.20q (%v), had %.20q (%v); ", what, name, text, there, want, wanted, was, had)
			}
		}
	}
	return ""
}

// newSetting makes a folder and a store with some files in common, some that differ, and some of one side only.
func newSetting(t *testing.T, dir string, r *rand.Rand) (*setting, *s3server.Server) {
	kinds := []storetest.Checksums{storetest.AllChecksums, storetest.MD5Checksums, storetest.IgnoredChecksums}
	takes := kinds[r.IntN(len(kinds))]
	m := storetest.New(storetest.Buckets(storetest.Bucket), storetest.Takes(takes), storetest.Limits(store.Limits{MinPart: 1, MaxParts: 100}))
	srv := s3server.Serve(nil, m, s3server.Page(2))
	s := &setting{Memory: m, takes: takes, dir: filepath.Join(dir, "files"), objects: tree{}, files: tree{}}
	for i, name := range []string{"a", "b", "d/c", "d/e", "f", "g"} {
		text := strings.Repeat(name+strconv.Itoa(i), 1+r.IntN(60))
		switch r.IntN(4) {
		case 0:
			s.objects["run/"+name] = text
		case 1:
			s.files[name] = text
		case 2:
			s.objects["run/"+name], s.files[name] = text, text
		default:
			s.objects["run/"+name], s.files[name] = text, strings.ToUpper(text)+"changed"
		}
	}
	s.objects["run/a"], s.files["a"] = strings.Repeat("object", 30), strings.Repeat("file", 40)
	s.objects["keep/x"] = "keep"
	s.whole = maps.Equal(s.inRun(), s.files)
	put(m, s.objects)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Error(err)
	}
	s.files.writeTo(t, s.dir)
	if _, err := m.Create(context.Background(), at("open"), checksum.Scheme{}, nil); err != nil {
		t.Error(err)
	}
	s.stored, s.local = maps.Clone(s.objects), maps.Clone(s.files)
	st, err := s3.Open(context.Background(), s3.Config{Endpoint: srv.URL})
	if err != nil {
		t.Error(err)
	}
	s.c = haul.New(inSmallParts{st}, haul.Options{StateDir: filepath.Join(dir, "state"), Patience: 20 * time.Millisecond})
	return s, srv
}
