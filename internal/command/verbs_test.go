package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// told notes what a run of rm tells.
type recorder struct{ gone, left []string }

func (t *recorder) Deleted(r store.Ref) { t.gone = append(t.gone, r.Key) }

func (t *recorder) NotDeleted(r store.Ref, _ error) { t.left = append(t.left, r.Key) }

// TestRmOnly: a filter by the key keeps what it does not mean.
func TestRmOnly(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for _, key := range []string{"a.bam", "b.txt", "c.bam"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, nil)
	}
	c, to := haul.New(m, haul.Options{}), &recorder{}
	r := RemoveRequest{Where: store.Ref{Bucket: storetest.Bucket}, Recursive: true, Only: func(key string) bool { return strings.HasSuffix(key, ".bam") }}
	s, err := r.run(context.Background(), c, to)
	if err != nil || s != (removeSummary{deleted: 2}) || len(to.gone) != 2 || !slices.Equal(m.Keys(storetest.Bucket, ""), []string{"b.txt"}) {
		t.Errorf("%+v, %+v, %v", s, to, err)
	}
}

// TestRmBrokenListing: what was not listed stays, and the error counts what is gone.
func TestRmBrokenListing(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for i := range 3000 {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("%04d", i)}, nil)
	}
	m.Fault(storetest.List).Nth(2).Error(store.Denied)
	to := &recorder{}
	err := RemoveRequest{Where: store.Ref{Bucket: storetest.Bucket}, Recursive: true}.Run(context.Background(), haul.New(m, haul.Options{}), to)
	var broke *ListingError
	if !errors.As(err, &broke) || broke.summary.deleted != len(to.gone) || ExitCode(err) != codeRefused {
		t.Errorf("%v after %d were gone", err, len(to.gone))
	}
	if left := m.Keys(storetest.Bucket, ""); len(left)+len(to.gone) != 3000 || !slices.Contains(left, "1000") {
		t.Errorf("%d are left and %d gone", len(left), len(to.gone))
	}
}

func TestDu(t *testing.T) {
	m := storetest.New(storetest.For(t))
	for _, key := range []string{"a/b/c/1", "a/b/2", "a-b/3", "a/c/4", "a0"} {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, []byte("12"))
	}
	var lines []string
	total, err := UsageRequest{Where: store.Ref{Bucket: storetest.Bucket}, Depth: 2}.run(context.Background(), haul.New(m, haul.Options{}), func(u ui.Usage) {
		lines = append(lines, fmt.Sprint(u.Where.Key, u.Class, " ", u.Objects, " ", u.Bytes))
	})
	if want := []string{"a-b/ 1 2", "a/b/ 2 4", "a/c/ 1 2", "a/ 3 6", " 5 10"}; err != nil || total.Objects != 5 || !slices.Equal(lines, want) {
		t.Errorf("%q, %v", lines, err)
	}
}

// TestUploadsWanted: a request is about the uploads that it names, and no others.
func TestUploadsWanted(t *testing.T) {
	now := time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	exact := UploadsRequest{Where: store.Ref{Bucket: "lab", Key: "x.bam"}, Exact: true, Abort: true}
	older := UploadsRequest{Where: store.Ref{Bucket: "lab"}, Abort: true, OlderThan: 7 * 24 * time.Hour}
	list := UploadsRequest{Where: store.Ref{Bucket: "lab", Key: "x"}}
	one := UploadsRequest{Where: store.Ref{Bucket: "lab"}, Abort: true, ID: "1"}
	upload := func(key, id string, days int) store.Upload {
		u := store.Upload{Ref: store.Ref{Bucket: "lab", Key: key}, ID: id}
		if days >= 0 {
			u.Started = now.AddDate(0, 0, -days)
		}
		return u
	}
	for _, c := range []struct {
		name string
		r    UploadsRequest
		u    store.Upload
		want bool
	}{
		{"the key", exact, upload("x.bam", "1", 1), true},
		{"a key that begins so", exact, upload("x.bam.bai", "1", 1), false},
		{"old enough", older, upload("y", "1", 8), true},
		{"too young", older, upload("y", "1", 6), false},
		{"of unknown age", older, upload("y", "1", -1), false},
		{"a listing by prefix", list, upload("x.bam.bai", "2", 0), true},
		{"a listing by another prefix", list, upload("y.bam", "2", 0), false},
		{"the ID", one, upload("z", "1", 0), true},
		{"another ID", one, upload("z", "2", 0), false},
	} {
		if got := c.r.wants(c.u, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestMoveVerb: results of a move are about a move, whatever its direction.
func TestMoveVerb(t *testing.T) {
	for _, d := range []Direction{UploadFile, DownloadFile, CopyObject, UploadTree, DownloadTree} {
		if got := (CopyRequest{Direction: d, Tree: mirror.SyncOptions{Options: mirror.Options{Move: true}}}).verb(); got != "move" {
			t.Errorf("%s: %s", d, got)
		}
	}
}

// FuzzShards: a list of shards is understood, or a usage error, and no shard is out of range.
func FuzzShards(f *testing.F) {
	for _, text := range []string{"", "0-3,7", "3", "9-", "-1", "1,1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseShards(text, 10)
		if err != nil && ExitCode(err) != codeUsage {
			t.Errorf("%q: %v; want a usage error", text, err)
		}
		for _, n := range all {
			if n < 0 || n > 9 {
				t.Errorf("%q: shard %d", text, n)
			}
		}
	})
}
