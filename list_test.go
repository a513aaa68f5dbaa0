package haul_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// listed returns the keys that a listing yields.
func listed(c *haul.Client, prefix string) (keys []string, err error) {
	for o, err := range c.List(context.Background(), storetest.Bucket, prefix, nil) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

// shelf is a store with ten objects, three to a page.
func shelf(t *testing.T) (*storetest.Memory, []string) {
	m := storetest.New(storetest.For(t), storetest.ListPage(3))
	var keys []string
	for i := range 10 {
		keys = append(keys, fmt.Sprintf("d/%d", i))
		m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: keys[i]}, []byte("x"))
	}
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "e"}, nil)
	return m, keys
}

func TestListGoesOnAfterTheLastKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, want := shelf(t)
		m.Fault(storetest.List).Error(store.Network)
		m.Fault(storetest.List).Nth(3).Error(store.Unavailable).Times(2)
		m.Fault(storetest.List).Nth(6).Throttle(time.Second)
		retries := 0
		c := haul.New(m, haul.Options{Observe: func(e haul.Event) {
			if e.Kind == haul.EventRetry {
				retries++
			}
		}})
		keys, err := listed(c, "d/")
		if err != nil || !slices.Equal(keys, want) {
			t.Errorf("%q, %v", keys, err)
		}
		if retries != 4 || c.Progress().Throttled != 1 {
			t.Errorf("%d retries, %+v", retries, c.Progress())
		}
	})
}

// TestListOutlivesManyFailures: what came in between counts, however long all of it takes.
func TestListOutlivesManyFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t), storetest.ListPage(1))
		for i := range 20 {
			m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: fmt.Sprintf("d/%02d", i)}, nil)
			if i > 0 {
				m.Fault(storetest.List).Nth(2 * i).Slow(time.Minute).Error(store.Network)
			}
		}
		keys, err := listed(haul.New(m, haul.Options{}), "d/")
		if err != nil || len(keys) != 20 {
			t.Errorf("%d objects, %v", len(keys), err)
		}
	})
}

func TestListEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := shelf(t)
		m.Fault(storetest.List).Nth(2).Error(store.Denied)
		c := haul.New(m, haul.Options{})
		if keys, err := listed(c, "d/"); !errors.Is(err, store.Denied) || len(keys) != 3 {
			t.Errorf("%q, %v", keys, err)
		}
		m.Fault(storetest.List).Nth(2).Error(store.Network).Always()
		if keys, err := listed(c, "d/"); !errors.Is(err, store.Network) || len(keys) != 3 {
			t.Errorf("%q, %v", keys, err)
		}
	})
	m, _ := shelf(t)
	c := haul.New(m, haul.Options{})
	for o := range c.List(context.Background(), storetest.Bucket, "", nil) {
		if o.Key == "d/1" {
			break // a caller may stop
		}
	}
	if n := m.Counts()[storetest.List].Calls; n != 1 {
		t.Errorf("%d pages for two objects", n)
	}
	if keys, err := listed(c, "none"); err != nil || len(keys) != 0 {
		t.Errorf("%q, %v", keys, err)
	}
	for _, err := range c.List(context.Background(), "nowhere", "", nil) {
		if !errors.Is(err, store.NoBucket) {
			t.Error(err)
		}
	}
}

func ExampleClient_List() {
	m := storetest.New()
	m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: "runs/42/reads.bam"}, []byte("reads"))
	c := haul.New(m, haul.Options{})
	for o, err := range c.List(context.Background(), storetest.Bucket, "runs/", nil) {
		if err != nil {
			panic(err)
		}
		fmt.Println(o.Key, o.Size)
	}
	// Output: runs/42/reads.bam 5
}
