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
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// fill puts n objects d/0000 and so on, and one beside them.
func fill(t *testing.T, n int, opts ...storetest.Option) *storetest.Memory {
	m := storetest.New(append(opts, storetest.For(t))...)
	for i := range n {
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("d/%04d", i)}, nil)
	}
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "kept"}, nil)
	return m
}

// keysBelow returns the keys of a listing, as haul rm does.
func keysBelow(c *haul.Client, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o, err := range c.List(context.Background(), storetest.Bucket, prefix, nil) {
			if !yield(o.Key, err) {
				return
			}
		}
	}
}

// deleteAll deletes what is below d/. It counts what is gone and what is not, and returns the error at the end.
func deleteAll(c *haul.Client) (gone int, left map[string]error, end error) {
	left = map[string]error{}
	for ref, err := range c.DeleteAll(context.Background(), storetest.Bucket, keysBelow(c, "d/"), nil) {
		switch {
		case ref.Key == "":
			end = err
		case err != nil:
			left[ref.Key] = err
		default:
			gone++
		}
	}
	return gone, left, end
}

func TestDeleteAll(t *testing.T) {
	m := fill(t, 2500)
	gone, left, err := deleteAll(haul.New(m, haul.Options{}))
	if gone != 2500 || len(left) > 0 || err != nil {
		t.Errorf("%d gone, %v left, %v", gone, left, err)
	}
	if keys := m.Keys(storetest.Bucket, ""); !slices.Equal(keys, []string{"kept"}) {
		t.Errorf("there are %q", keys)
	}
	if n := m.Counts()[storetest.DeleteMany].Calls; n != 3 {
		t.Errorf("%d requests for 2500 objects", n)
	}
}

func TestDeleteAllOneByOne(t *testing.T) {
	m := fill(t, 1500, storetest.DeletesSingly())
	gone, left, err := deleteAll(haul.New(m, haul.Options{}))
	if gone != 1500 || len(left) > 0 || err != nil || len(m.Keys(storetest.Bucket, "d/")) > 0 {
		t.Errorf("%d gone, %v left, %v", gone, left, err)
	}
}

// TestDeleteAllAfterABrokenListing: nothing that was not listed is deleted, and the error is returned.
func TestDeleteAllAfterABrokenListing(t *testing.T) {
	m := fill(t, 2500)
	m.Fault(storetest.List).Nth(3).Error(store.Denied)
	gone, left, err := deleteAll(haul.New(m, haul.Options{}))
	if !errors.Is(err, store.Denied) || len(left) > 0 {
		t.Errorf("%v left, %v", left, err)
	}
	keys := m.Keys(storetest.Bucket, "d/")
	if gone+len(keys) != 2500 || !slices.Contains(keys, "d/2000") || !slices.Contains(keys, "d/2499") {
		t.Errorf("%d told gone, %d are there", gone, len(keys))
	}
}

func TestDeleteAllTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fill(t, 1500)
		m.Fault(storetest.DeleteMany).Error(store.Unavailable)
		m.Fault(storetest.DeleteMany).LoseAnswer()
		m.Fault(storetest.Delete).Key("d/0007").Error(store.Throttled).Times(2)
		m.Fault(storetest.Delete).Key("d/0009").Error(store.Denied).Always()
		gone, left, err := deleteAll(haul.New(m, haul.Options{}))
		if gone != 1499 || len(left) != 1 || !errors.Is(left["d/0009"], store.Denied) || err != nil {
			t.Errorf("%d gone, %v left, %v", gone, left, err)
		}
		if keys := m.Keys(storetest.Bucket, "d/"); !slices.Equal(keys, []string{"d/0009"}) {
			t.Errorf("there are %q", keys)
		}
	})
}

// TestDeleteAllEnds if all others would fail too.
func TestDeleteAllEnds(t *testing.T) {
	m := fill(t, 2)
	m.Fault(storetest.DeleteMany).Error(store.NoBucket)
	gone, left, err := deleteAll(haul.New(m, haul.Options{}))
	if gone != 0 || len(left) != 2 || !errors.Is(err, store.NoBucket) {
		t.Errorf("%d gone, %v left, %v", gone, left, err)
	}
	for _, err := range left {
		if unsure := new(haul.UncertainDeleteError); !errors.As(err, &unsure) || !errors.Is(err, store.NoBucket) {
			t.Errorf("%v", err)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	c := haul.New(m, haul.Options{})
	for ref, err := range c.DeleteAll(ctx, storetest.Bucket, func(yield func(string, error) bool) {
		cancel(why)
		for yield("d/0000", nil) {
		}
	}, nil) {
		if ref.Key == "" && !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	}
	if keys := m.Keys(storetest.Bucket, "d/"); len(keys) != 2 {
		t.Errorf("there are %q", keys)
	}
}

func TestDeleteAllStopsWithItsCaller(t *testing.T) {
	m := fill(t, 5000)
	c := haul.New(m, haul.Options{})
	for range c.DeleteAll(context.Background(), storetest.Bucket, keysBelow(c, "d/"), nil) {
		break
	}
	if gone, _, err := deleteAll(c); err != nil || gone == 5000 {
		t.Errorf("%d gone after an earlier run, %v", gone, err)
	}
}

func TestDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fill(t, 1)
		m.Fault(storetest.Delete).Error(store.Network)
		c, ref := haul.New(m, haul.Options{}), store.Ref{Bucket: storetest.Bucket, Key: "d/0000"}
		for range 2 {
			if err := c.Store().Delete(context.Background(), ref, nil); err != nil || m.Exists(ref) {
				t.Errorf("%v, there: %t", err, m.Exists(ref))
			}
		}
		if err := c.Store().Delete(context.Background(), store.Ref{Bucket: "nowhere", Key: "x"}, nil); !errors.Is(err, store.NoBucket) {
			t.Error(err)
		}
	})
}

func ExampleClient_Store_delete() {
	m := storetest.New()
	ref := store.Ref{Bucket: storetest.Bucket, Key: "runs/42/reads.bam"}
	m.PutBytes(ref, []byte("reads"))
	if err := haul.New(m, haul.Options{}).Store().Delete(context.Background(), ref, nil); err != nil {
		panic(err)
	}
	fmt.Println(m.Exists(ref))
	// Output: false
}

func ExampleClient_DeleteAll() {
	m := storetest.New()
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "runs/42/reads.bam"}, []byte("reads"))
	c, ctx := haul.New(m, haul.Options{}), context.Background()
	below := func(yield func(string, error) bool) {
		for o, err := range c.List(ctx, storetest.Bucket, "runs/42/", nil) {
			if !yield(o.Key, err) {
				return
			}
		}
	}
	for ref, err := range c.DeleteAll(ctx, storetest.Bucket, below, nil) {
		if err != nil {
			panic(err) // of that object; or, if ref has no Key, of the listing
		}
		fmt.Println("deleted", ref)
	}
	// Output: deleted s3://bucket/runs/42/reads.bam
}
