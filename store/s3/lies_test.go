package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// world is a store, and a server on it that lies.
type world struct {
	*storetest.Memory
	*s3server.Server
	s    *s3.Store
	open store.Upload // with two parts
	want map[string][]byte
}

const inLab = "lab"

func at(key string) store.Ref { return store.Ref{Bucket: inLab, Key: key} }

// tried is one call, whose error is nil if the store says that it was done; wrong says why that is not true.
type tried struct {
	err   error
	wrong string
}

// calls has a call of each method of store.Store that asks the server.
var calls = map[string]func(context.Context, *world) tried{
	"Get": func(ctx context.Context, w *world) tried {
		tag := w.Object(at("run/big")).ETag
		b, err := w.s.Get(ctx, store.GetRequest{Ref: at("run/big"), IfMatch: tag})
		if err != nil {
			return tried{err: err}
		}
		defer b.Close()
		got, err := io.ReadAll(b)
		sum := md5.Sum(got)
		return verdict(err, bytes.Equal(got, w.want["run/big"]) || hex.EncodeToString(sum[:]) != tag && b.Object.ETag == tag, "other bytes with the right ETag")
	},
	"Head": func(ctx context.Context, w *world) tried {
		o, err := w.s.Head(ctx, store.GetRequest{Ref: at("run/big"), IfMatch: w.Object(at("run/big")).ETag})
		return verdict(err, o.Size == int64(len(w.want["run/big"])), o)
	},
	"Layout": func(ctx context.Context, w *world) tried {
		parts, err := w.s.Layout(ctx, w.Object(at("run/parted")), nil)
		var sizes []int64
		for _, p := range parts {
			sizes = append(sizes, p.Size)
		}
		return verdict(err, slices.Equal(sizes, []int64{10, 10, 5}), sizes)
	},
	"Put": func(ctx context.Context, w *world) tried {
		body := []byte("new bytes")
		o, err := w.s.Put(ctx, store.PutRequest{Ref: at("new"), Body: section(body), Sum: checksum.Bytes(checksum.CRC64NVME, body)})
		done := w.Exists(at("new")) && bytes.Equal(w.Memory.Bytes(at("new")), body)
		return verdict(err, done || o.Sum(checksum.CRC64NVME).IsZero(), o)
	},
	"Create": func(ctx context.Context, w *world) tried {
		u, err := w.s.Create(ctx, at("new"), checksum.Scheme{}, nil)
		return verdict(err, slices.ContainsFunc(w.OpenUploads(), func(o storetest.Open) bool { return o.ID == u.ID && o.Key == "new" }), u)
	},
	"PutPart": func(ctx context.Context, w *world) tried {
		body := []byte("part three")
		p, err := w.s.PutPart(ctx, store.PutPartRequest{Upload: w.open, Number: 3, Body: section(body), Sum: checksum.Bytes(checksum.CRC64NVME, body)})
		_, parts, merr := w.Memory.Parts(ctx, w.open, nil)
		return verdict(err, merr == nil && len(parts) == 3 || p.Sum.IsZero(), p)
	},
	"Parts": func(ctx context.Context, w *world) tried {
		_, parts, err := w.s.Parts(ctx, w.open, nil)
		_, want, _ := w.Memory.Parts(ctx, w.open, nil)
		return verdict(err, reflect.DeepEqual(parts, want), parts)
	},
	"Complete": func(ctx context.Context, w *world) tried {
		_, parts, _ := w.Memory.Parts(ctx, w.open, nil)
		o, err := w.s.Complete(ctx, store.CompleteRequest{Upload: w.open, Parts: parts, Size: 20})
		return verdict(err, w.Exists(at("run/open")), o)
	},
	"Abort": func(ctx context.Context, w *world) tried {
		err := w.s.Abort(ctx, w.open, nil)
		return verdict(err, len(w.OpenUploads()) == 0, "")
	},
	"Uploads": func(ctx context.Context, w *world) tried {
		var got []string
		var err error
		for u, uerr := range w.s.Uploads(ctx, inLab, "run/") {
			if err = uerr; err == nil {
				got = append(got, u.ID)
			}
		}
		return verdict(err, slices.Equal(got, []string{w.open.ID}), got)
	},
	"Copy": func(ctx context.Context, w *world) tried {
		from := w.Object(at("run/big"))
		o, err := w.s.Copy(ctx, store.CopyRequest{From: from.Ref, IfMatch: from.ETag, To: at("copy")})
		return verdict(err, w.Exists(at("copy")) || o.ETag != from.ETag, o)
	},
	"CopyPart": func(ctx context.Context, w *world) tried {
		p, err := w.s.CopyPart(ctx, store.CopyPartRequest{From: at("run/big"), Range: store.Range{Length: 10}, Upload: w.open, Number: 3})
		_, parts, merr := w.Memory.Parts(ctx, w.open, nil)
		return verdict(err, merr == nil && len(parts) == 3, p)
	},
	"Tags": func(ctx context.Context, w *world) tried {
		tags, err := w.s.Tags(ctx, at("run/big"), nil)
		return verdict(err, maps.Equal(tags, map[string]string{"a": "b"}), tags)
	},
	"List": func(ctx context.Context, w *world) tried {
		got, err := listAll(w.s.List(ctx, inLab, "run/", "", nil))
		var keys []string
		for _, o := range got {
			keys = append(keys, o.Key)
		}
		return verdict(err, slices.Equal(keys, w.Keys(inLab, "run/")), keys)
	},
	"Level": func(ctx context.Context, w *world) tried {
		var names []string
		var err error
		for page, lerr := range w.s.Level(ctx, inLab, "run/", "", nil) {
			err = lerr
			for _, e := range page {
				names = append(names, e.Name())
			}
		}
		slices.Sort(names)
		return verdict(err, slices.Equal(names, []string{"run/big", "run/d/", "run/e/", "run/parted"}), names)
	},
	"Delete": func(ctx context.Context, w *world) tried {
		err := w.s.Delete(ctx, at("run/big"), nil)
		return verdict(err, !w.Exists(at("run/big")), "")
	},
	"DeleteMany": func(ctx context.Context, w *world) tried {
		refs := []store.Ref{at("run/big"), at("run/d/1"), at("run/d/2")}
		each, err := w.s.DeleteMany(ctx, refs, nil)
		for i, ref := range refs {
			if err == nil && each[i] == nil && w.Exists(ref) {
				return tried{wrong: fmt.Sprintf("%s is still there", ref)}
			}
		}
		return tried{err: err}
	},
	"Buckets": func(ctx context.Context, w *world) tried {
		var got []string
		var err error
		for b, berr := range w.s.Buckets(ctx, store.BucketQuery{PageSize: 2}) {
			if err = berr; err == nil {
				got = append(got, b.Name)
			}
		}
		return verdict(err, slices.Equal(got, []string{inLab, "other", "third"}), got)
	},
	"Bucket": func(ctx context.Context, w *world) tried {
		_, err := w.s.Bucket(ctx, inLab)
		return tried{err: err}
	},
	"MakeBucket": func(ctx context.Context, w *world) tried {
		err := w.s.MakeBucket(ctx, store.NewBucket{Name: "made"})
		return verdict(err, w.HasBucket("made"), "")
	},
	"DeleteBucket": func(ctx context.Context, w *world) tried {
		err := w.s.DeleteBucket(ctx, "third")
		return verdict(err, !w.HasBucket("third"), "")
	},
	"SetWebsite": func(ctx context.Context, w *world) tried {
		err := w.s.SetWebsite(ctx, inLab, store.Website{Index: "index.html"})
		return verdict(err, w.Website(inLab).Index == "index.html", "")
	},
}

func verdict(err error, good bool, got any) tried {
	if err == nil && !good {
		return tried{wrong: fmt.Sprintf("%+v", got)}
	}
	return tried{err: err}
}

// TestCallsAreAll: every method of a store that asks the server is lied to.
func TestCallsAreAll(t *testing.T) {
	silent := []string{"Limits", "Scheme", "TakesLateSums"}
	methods := reflect.TypeFor[store.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if _, ok := calls[name]; !ok && !slices.Contains(silent, name) {
			t.Errorf("no lie is told to %s", name)
		}
	}
}

// lieRuns is how many runs a test of lies makes: HAUL_LIES, or a few.
func lieRuns(t *testing.T, few int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("HAUL_LIES")); err == nil {
		return n
	}
	return few
}

// TestLies: whatever a server answers in place of the truth, no call is called done that is not, and none hangs. The
// environment variable HAUL_LIES gives the number of runs, and HAUL_LIE_SEED the first seed.
func TestLies(t *testing.T) {
	setKeys(t)
	first, _ := strconv.ParseUint(os.Getenv("HAUL_LIE_SEED"), 10, 64)
	runs := lieRuns(t, 600)
	names := slices.Sorted(maps.Keys(calls))
	var all sync.WaitGroup
	room := make(chan struct{}, 16)
	for i := range runs {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			seed := first + uint64(i)
			r := rand.New(rand.NewPCG(seed, 1))
			name := names[r.IntN(len(names))]
			if problem := lieTo(t, name, seed, r); problem != "" {
				t.Errorf("%s: %s\nagain by: HAUL_LIE_SEED=%d HAUL_LIES=1 go test -run '^TestLies$' ./store/s3", name, problem, seed)
			}
		})
		if t.Failed() {
			break
		}
	}
	all.Wait()
}

// lieTo makes one call in a world of its own, and says what is wrong with how it ended.
func lieTo(t *testing.T, name string, seed uint64, r *rand.Rand) string {
	w := newWorld(t, r.IntN(2) == 0)
	defer w.Close()
	lies := &s3server.Lies{Seed: seed, One: 1 + r.IntN(3), Times: r.IntN(3)}
	w.Lie(lies)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	keys := len(w.Keys(inLab, ""))
	got := calls[name](ctx, w)
	var e *store.Error
	switch {
	case ctx.Err() != nil:
		return fmt.Sprintf("it hangs; lies were %q", lies.Sent())
	case got.wrong != "":
		return fmt.Sprintf("it is called done, and %s; lies were %q", got.wrong, lies.Sent())
	case got.err != nil && len(lies.Sent()) == 0 && !errors.Is(got.err, store.Network): // a busy machine has those of its own
		return fmt.Sprintf("without any lie: %v", got.err)
	case got.err != nil && !errors.As(got.err, &e):
		return fmt.Sprintf("%T is no store.Error: %v", got.err, got.err)
	case !strings.HasPrefix(name, "Delete") && len(w.Keys(inLab, "")) < keys:
		return "objects are gone"
	}
	return ""
}

// newWorld makes a world; its store speaks to the server directly, or else through the SDK, as it does if there is a proxy.
func newWorld(t *testing.T, direct bool) *world {
	m := storetest.New(storetest.Buckets(inLab, "other", "third"), storetest.Limits(store.Limits{MinPart: 1, MaxPart: 1 << 20, MaxPut: 1 << 20, MaxParts: 100}))
	w := &world{Memory: m, Server: s3server.Serve(nil, m, s3server.Page(2)), want: map[string][]byte{}}
	for _, key := range []string{"run/big", "run/d/1", "run/d/2", "run/e/1", "other/x"} {
		w.want[key] = []byte(strings.Repeat(key, 100))
		m.PutBytes(at(key), w.want[key])
	}
	m.PutBytes(at("run/parted"), bytes.Repeat([]byte("ACGTN"), 5), 10, 10)
	ctx := context.Background()
	var err error
	if _, err = m.Copy(ctx, store.CopyRequest{From: at("run/big"), To: at("run/big"), Attrs: &store.Attrs{Metadata: map[string]string{"x": "y"}, Tags: map[string]string{"a": "b"}}}); err != nil {
		t.Error(err)
	}
	if w.open, err = m.Create(ctx, at("run/open"), crc64, nil); err != nil {
		t.Error(err)
	}
	for n, b := range []string{"part one..", "part two.."} {
		if _, err = m.PutPart(ctx, store.PutPartRequest{Upload: w.open, Number: n + 1, Body: section([]byte(b)), Sum: checksum.Bytes(checksum.CRC64NVME, []byte(b))}); err != nil {
			t.Error(err)
		}
	}
	config := s3.Config{Endpoint: w.URL, StallTimeout: 20 * time.Second}
	if !direct {
		config.Endpoint = "http://" + strings.TrimPrefix(w.URL, "http://127.0.0.1:") + ".lies.example.org"
		proxy.Lock()
		proxy.answer = passOn
		proxy.Unlock()
	}
	if w.s, err = s3.Open(ctx, config); err != nil {
		t.Error(err)
	}
	return w
}

// passOn is a proxy that passes a request for PORT.lies.example.org on to that port here, and the answer back, byte by byte.
func passOn(w http.ResponseWriter, r *http.Request) {
	port, _, _ := strings.Cut(r.Host, ".")
	server, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer server.Close()
	r.Close = true
	if err := r.Write(server); err != nil {
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.Copy(client, server)
}
