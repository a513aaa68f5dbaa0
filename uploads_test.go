package haul_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// brokenUploads is a store whose listings of open uploads break off after some.
type brokenUploads struct {
	*storetest.Memory
	breaks *int
}

func (b brokenUploads) Uploads(ctx context.Context, bucket, prefix string) iter.Seq2[store.Upload, error] {
	return func(yield func(store.Upload, error) bool) {
		n := 0
		for u, err := range b.Memory.Uploads(ctx, bucket, prefix) {
			if n++; n == 3 && *b.breaks > 0 {
				*b.breaks--
				yield(store.Upload{}, &store.Error{Kind: store.BadAnswer, Op: "ListMultipartUploads"})
				return
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// TestUploadsAreListedAgain: an interrupted listing is tried again, and yields each upload once.
func TestUploadsAreListedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t))
		var want []string
		for i := range 5 {
			u, err := m.Create(t.Context(), store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("run/%d", i)}, checksum.Scheme{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, u.ID)
		}
		m.Fault(storetest.Uploads).Error(store.Unavailable)
		breaks := 2
		list := func() (got []string, err error) {
			for u, err := range haul.New(brokenUploads{m, &breaks}, haul.Options{}).Uploads(t.Context(), storetest.Bucket, "run/") {
				if err != nil {
					return got, err
				}
				got = append(got, u.ID)
			}
			return got, nil
		}
		if got, err := list(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		breaks = 1 << 30
		if got, err := list(); !errors.Is(err, store.BadAnswer) || len(got) != 2 {
			t.Errorf("%q, %v", got, err)
		}
		for _, u := range m.OpenUploads() {
			if err := m.Abort(t.Context(), u.Upload, nil); err != nil {
				t.Error(err)
			}
		}
	})
}
