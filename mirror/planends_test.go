package mirror_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestHolds: what lies below an end, and what does not.
func TestHolds(t *testing.T) {
	dir, prefix, bucket := mirror.Local("/data/run"), mirror.Remote(at("run/")), mirror.Remote(at(""))
	for _, c := range []struct {
		end  mirror.End
		name string
		want bool
	}{
		{dir, "/data/run/a", true}, {dir, "/data/run/..a/b..", true}, {dir, "/data/run", false}, {dir, "/data/run/", false}, {dir, "/data/runs/a", false},
		{dir, "/data/run/../x", false}, {dir, "/data/run/a/../b", false}, {dir, "/data/run//a", false}, {dir, "run/a", false}, {dir, "a", false}, {dir, "", false},
		{dir, "s3://bucket/run/a", false}, {dir, "/etc/passwd", false},
		{prefix, "s3://bucket/run/a", true}, {prefix, "s3://bucket/run/", true}, {prefix, "s3://bucket/run//a/./b", true}, {prefix, "s3://bucket/run/a/../b", true},
		{prefix, "s3://bucket/run/../a", false}, {prefix, "s3://bucket/run/a/../../run/b", false}, {prefix, "s3://bucket/runs", false}, {prefix, "s3://bucket/a", false},
		{prefix, "s3://bucket2/run/a", false}, {prefix, "run/a", false}, {prefix, "", false}, {prefix, "/etc/passwd", false},
		{bucket, "s3://bucket/a", true}, {bucket, "s3://bucket/", false}, {bucket, "s3://bucket", false}, {bucket, "s3://bucket/../other/a", false}, {bucket, "s3://other/a", false},
	} {
		if err := c.end.Holds(c.name); (err == nil) != c.want {
			t.Errorf("%q in %s: %v", c.name, c.end, err)
		}
	}
}

// TestEditedPlan: whatever field of whatever line of a plan is changed, the plan is refused before anything is done, or nothing outside
// of its ends is read, written or deleted.
func TestEditedPlan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		way, move := rapid.SampledFrom(ways).Draw(r, "way"), rapid.Bool().Draw(r, "move")
		m := storetest.New(storetest.Buckets(storetest.Bucket, "other"))
		p := ends(t, m, way, tree{"a": "1", "d/b": "2", "d/c": "3"}, tree{"gone": "4", "d/gone": "5"})
		put(m, tree{"secret": "secret", "from-2/secret": "secret", "to-2/x": "6"})
		m.PutBytes(store.Ref{Bucket: "other", Key: "secret"}, []byte("secret"))
		outside := folderOf(t, tree{"secret": "secret", "from-2/secret": "secret"})
		c := client(t, m, haul.Options{})
		o := mirror.SyncOptions{Delete: !move}
		o.Move = move
		edited := edit(r, planOf(t, c, p.from, p.to, o), outside)
		_, err := mirror.Apply(t.Context(), c, bytes.NewReader(edited), mirror.Options{})
		if errors.Is(err, mirror.ErrPlan) && len(p.read(t, p.to)) != 2 {
			r.Fatalf("it was refused, and changed the target: %v", err)
		}
		if got := read(t, outside); !maps.Equal(got, tree{"secret": "secret", "from-2/secret": "secret"}) {
			r.Fatalf("outside are %q, %v", got, err)
		}
		for _, ref := range []store.Ref{at("secret"), at("from-2/secret"), at("to-2/x"), {Bucket: "other", Key: "secret"}} {
			if !m.Exists(ref) {
				r.Fatalf("%s is gone, %v", ref, err)
			}
		}
		there := m.Keys(storetest.Bucket, "")
		ours := func(key string) bool { return strings.HasPrefix(key, "from/") || strings.HasPrefix(key, "to/") }
		if there = slices.DeleteFunc(there, ours); len(there) != 3 || len(m.Keys("other", "")) != 1 {
			r.Fatalf("outside are %q and %q, %v", there, m.Keys("other", ""), err)
		}
		if slices.Contains(slices.Collect(maps.Values(p.read(t, p.to))), "secret") {
			r.Fatalf("what lies outside was copied, %v", err)
		}
	})
}

// edit changes a field of a line of a plan.
func edit(r *rapid.T, plan *os.File, outside string) []byte {
	text, err := os.ReadFile(plan.Name())
	if err != nil {
		r.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	i := rapid.IntRange(0, len(lines)-1).Draw(r, "line")
	var fields map[string]any
	if err := json.Unmarshal(lines[i], &fields); err != nil {
		r.Fatal(err)
	}
	names := append(slices.Sorted(maps.Keys(fields)), "action", "source", "target", "raw_source", "raw_target", "bytes", "move", "from_bucket", "to_bucket", "way")
	name := rapid.SampledFrom(names).Draw(r, "field")
	secret := filepath.Join(outside, "secret")
	values := []any{
		secret, filepath.Dir(outside), outside, "..", "../secret", "", "s3://other/secret", "s3://other/", "s3://bucket/secret", "s3://bucket/", "s3://bucket/to/../secret",
		"s3://bucket/from/../secret", "s3://bucket/to/" + secret, "secret", "other", "bucket", "delete", "move", "upload", "download", "copy", []byte(secret), []byte("s3://bucket/secret"),
		[]byte("s3://other/secret"), true, 6, nil,
	}
	if old, ok := fields[name].(string); ok {
		values = append(values, old+"/../../../"+strings.TrimPrefix(secret, "/"), strings.Replace(old, "/from", "/from-2", 1), "/"+old)
	}
	fields[name] = rapid.SampledFrom(values).Draw(r, "value")
	if lines[i], err = json.Marshal(fields); err != nil {
		r.Fatal(err)
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}
