package proof_test

import (
	"fmt"
	"testing"

	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"

	"haul.example/haul/mirror"
)

// An ETag that looks like an MD5 condemns only where something shows that the store's ETags are MD5s: that it is known for it, or an
// ETag of the same run, before or after, that was one.
func TestETagAloneCondemnsNothing(t *testing.T) {
	damaged := func(b []byte) []byte {
		b[len(b)/2] ^= 1
		return b
	}
	for _, c := range []struct {
		name  string
		store storetest.Checksums
		known bool
		wrong []string // of the files a to e
		want  string   // verdicts in order: O, B, U
	}{
		{"the first of several", storetest.MD5Checksums, false, []string{"a"}, "BOOOO"},
		{"the last of several", storetest.MD5Checksums, false, []string{"e"}, "OOOOB"},
		{"all but one in the middle", storetest.MD5Checksums, false, []string{"a", "b", "d", "e"}, "BBOBB"},
		{"all", storetest.MD5Checksums, false, []string{"a", "b", "c", "d", "e"}, "UUUUU"},
		{"all, of a store that is known", storetest.MD5Checksums, true, []string{"a", "b", "c", "d", "e"}, "BBBBB"},
		{"a store whose ETags are no MD5s", storetest.OddETags, false, []string{"c"}, "UUUUU"},
	} {
		for _, parts := range [][]int64{nil, {5 * mib}} {
			t.Run(fmt.Sprintf("%s/%v", c.name, parts), func(t *testing.T) {
				m := storetest.New(storetest.Takes(c.store))
				cl, dir := client(t, m), t.TempDir()
				for i, name := range []string{"a", "b", "c", "d", "e"} {
					size := 1000
					if parts != nil {
						size = 5*mib + 1
					}
					b := data(size+i, uint64(i))
					m.PutBytes(at(name), b, parts...)
					m.Edit(at(name), func(o *store.Object) { o.MD5ETag = c.known })
					for _, w := range c.wrong {
						if w == name {
							b = damaged(b)
						}
					}
					write(t, dir, name, b)
				}
				for _, o := range []proof.Options{{}, {Download: true}} {
					f, _ := verify(t, cl, proof.Tree(entries(cl, mirror.Local(dir))), entries(cl, mirror.Remote(at(""))), o)
					got, want := "", c.want
					for _, name := range []string{"a", "b", "c", "d", "e"} {
						got += map[proof.Verdict]string{proof.OK: "O", proof.Bad: "B", proof.Unprovable: "U"}[f[name].Verdict]
					}
					if o.Download {
						want = ""
						for _, name := range []string{"a", "b", "c", "d", "e"} {
							bad := "O"
							for _, w := range c.wrong {
								if w == name {
									bad = "B"
								}
							}
							want += bad
						}
					}
					if got != want {
						t.Errorf("download %v: %s, want %s: %+v", o.Download, got, want, f)
					}
				}
			})
		}
	}
}
