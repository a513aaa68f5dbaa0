package mirror_test

import (
	"context"
	"errors"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// folding is a store that takes several names for one.
type folding struct {
	*storetest.Memory
	fold func(store.Ref) store.Ref
}

func (f folding) Head(ctx context.Context, r store.GetRequest) (store.Object, error) {
	asked := r.Ref
	r.Ref = f.fold(r.Ref)
	o, err := f.Memory.Head(ctx, r)
	o.Bucket, o.Key = asked.Bucket, asked.Key
	return o, err
}

func (f folding) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	r.Ref = f.fold(r.Ref)
	return f.Memory.Get(ctx, r)
}

func (f folding) Copy(ctx context.Context, r store.CopyRequest) (store.Object, error) {
	r.From, r.To = f.fold(r.From), f.fold(r.To)
	return f.Memory.Copy(ctx, r)
}

func (f folding) Delete(ctx context.Context, ref store.Ref, a *store.Attrs) error {
	return f.Memory.Delete(ctx, f.fold(ref), a)
}

// folds are stores that take both names for one.
var folds = []struct {
	name     string
	from, to store.Ref
	fold     func(store.Ref) store.Ref
}{
	{"slashes", at("k"), at("/k"), foldKey(func(key string) string { return path.Clean("/" + key)[1:] })},
	{"slashes in the middle", at("a//k"), at("a/k"), foldKey(path.Clean)},
	{"dots", at("a/./k"), at("a/k"), foldKey(path.Clean)},
	{"a slash at the end", at("a/k/"), at("a/k"), foldKey(path.Clean)},
	{"case", at("Reads.BAM"), at("reads.bam"), foldKey(strings.ToLower)},
	{"composed letters", at("re\u0301sume\u0301"), at("r\u00e9sum\u00e9"), foldKey(func(key string) string { return strings.ReplaceAll(key, "e\u0301", "\u00e9") })},
	{"percent signs", at("a%20b"), at("a b"), foldKey(func(key string) string { return strings.ReplaceAll(key, "%20", " ") })},
	{"an access point", store.Ref{Bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/lab", Key: "k"}, at("k"),
		func(r store.Ref) store.Ref { r.Bucket = storetest.Bucket; return r }},
	{"a folder linked to another", at("latest/k"), at("run7/k"), foldKey(func(key string) string { return strings.Replace(key, "latest/", "run7/", 1) })},
}

func foldKey(fold func(string) string) func(store.Ref) store.Ref {
	return func(r store.Ref) store.Ref { r.Key = fold(r.Key); return r }
}

// TestMoveOntoAnotherName: where both names of a move are one object, it stays, however young it is and whatever the move changes.
func TestMoveOntoAnotherName(t *testing.T) {
	for _, f := range folds {
		for _, options := range [][]storetest.Option{nil, {storetest.Versioned()}} {
			for _, age := range []time.Duration{0, 1500 * time.Millisecond, 100 * time.Hour} {
				for what, tr := range map[string]mirror.TransferOptions{
					"nothing":       {},
					"metadata":      {ReplaceMetadata: true, Attrs: store.Attrs{Metadata: map[string]string{"a": "b"}}},
					"storage class": {Attrs: store.Attrs{StorageClass: "STANDARD_IA"}},
				} {
					synctest.Test(t, func(t *testing.T) {
						m := storetest.New(options...)
						c := client(t, folding{m, f.fold}, haul.Options{})
						m.PutBytes(f.fold(f.from), []byte("the only copy"))
						time.Sleep(age)
						_, err := mirror.MoveOne(t.Context(), c, mirror.Remote(f.from), mirror.Remote(f.to), tr)
						if !errors.Is(err, mirror.ErrKept) || !m.Exists(f.fold(f.to)) {
							t.Errorf("%s, %v old, changing %s: the object is there: %v, %v", f.name, age, what, m.Exists(f.fold(f.to)), err)
						}
					})
				}
			}
		}
	}
}

// TestMoveBetweenTwoObjects: the same names on a store that takes them for two are moved, over an equal object of the same second, too.
func TestMoveBetweenTwoObjects(t *testing.T) {
	for _, f := range folds {
		for _, age := range []time.Duration{0, 100 * time.Hour} {
			for _, overwrites := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					m := storetest.New(storetest.Buckets(storetest.Bucket, f.from.Bucket))
					c := client(t, m, haul.Options{})
					m.PutBytes(f.from, []byte("bytes"))
					if overwrites {
						m.PutBytes(f.to, []byte("others"))
					}
					time.Sleep(age)
					_, err := mirror.MoveOne(t.Context(), c, mirror.Remote(f.from), mirror.Remote(f.to), mirror.TransferOptions{})
					if err != nil && !overwrites || m.Exists(f.from) == (err == nil) || !m.Exists(f.to) {
						t.Errorf("%s, %v old: %v", f.name, age, err)
					}
					if err == nil {
						return
					}
					time.Sleep(time.Second) // within the second nothing tells them apart
					if _, err = mirror.MoveOne(t.Context(), c, mirror.Remote(f.from), mirror.Remote(f.to), mirror.TransferOptions{}); err != nil || m.Exists(f.from) {
						t.Errorf("%s again: %v", f.name, err)
					}
				})
			}
		}
	}
}
