package haul_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// level returns the names that a listing of one level yields.
func level(c *haul.Client, prefix string, a *store.Attrs) (names []string, err error) {
	for e, err := range c.ListDir(context.Background(), storetest.Bucket, prefix, a) {
		if err != nil {
			return names, err
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// TestLevelGoesOn after the last name of a page, though within a page prefixes come first.
func TestLevelGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t))
		for _, key := range []string{"d/a", "d/b/1", "d/b/2", "d/c", "d/e/1", "d/f"} {
			m.PutBytes(store.Ref{Bucket: storetest.Bucket, Key: key}, nil)
		}
		m.Fault(storetest.List).Nth(2).Error(store.Network)
		m.Fault(storetest.List).Nth(4).Throttle(0)
		got, err := level(haul.New(m, haul.Options{}), "d/", &store.Attrs{PageSize: 2})
		if want := []string{"d/b/", "d/a", "d/e/", "d/c", "d/f"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
		m.Fault(storetest.List).Nth(2).Error(store.Denied)
		if got, err := level(haul.New(m, haul.Options{}), "d/", &store.Attrs{PageSize: 2}); !errors.Is(err, store.Denied) || len(got) != 2 {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m := storetest.New(storetest.For(t), storetest.Buckets("a", "b", "c"))
		c := haul.New(m, haul.Options{})
		m.Fault(storetest.ListBuckets).Nth(2).Error(store.Unavailable)
		var names []string
		for b, err := range c.Store().Buckets(ctx, store.BucketQuery{PageSize: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, b.Name)
		}
		if !slices.Equal(names, []string{"a", "b", "c"}) {
			t.Errorf("%q", names)
		}
		m.Fault(storetest.ListBuckets).Error(store.Denied)
		for b, err := range c.Store().Buckets(ctx, store.BucketQuery{}) {
			if !errors.Is(err, store.Denied) {
				t.Errorf("%+v, %v", b, err)
			}
		}
	})
}

// TestBucketsAfterALostAnswer: what was done is not an error, even if another client could have done it.
func TestBucketsAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m := storetest.New(storetest.For(t), storetest.Buckets())
		c := haul.New(m, haul.Options{})
		m.Fault(storetest.CreateBucket).LoseAnswer()
		if err := c.Store().MakeBucket(ctx, store.NewBucket{Name: "a"}); err != nil {
			t.Error(err)
		}
		if err := c.Store().MakeBucket(ctx, store.NewBucket{Name: "a"}); !errors.Is(err, store.Exists) {
			t.Error(err)
		}
		m.PutBytes(store.Ref{Bucket: "a", Key: "k"}, nil)
		if err := c.Store().DeleteBucket(ctx, "a"); !errors.Is(err, store.NotEmpty) {
			t.Error(err)
		}
		m.Remove(store.Ref{Bucket: "a", Key: "k"})
		m.Fault(storetest.DeleteBucket).LoseAnswer()
		if err := c.Store().DeleteBucket(ctx, "a"); err != nil {
			t.Error(err)
		}
		if err := c.Store().DeleteBucket(ctx, "a"); !errors.Is(err, store.NoBucket) {
			t.Error(err)
		}
		if err := c.Store().SetWebsite(ctx, "a", store.Website{Index: "x"}); !errors.Is(err, store.NoBucket) {
			t.Error(err)
		}
	})
}

func ExampleClient_ListDir() {
	m := storetest.New(storetest.Buckets("lab"))
	for _, key := range []string{"runs/42/reads.bam", "runs/42/qc.html", "runs/list.csv"} {
		m.PutBytes(store.Ref{Bucket: "lab", Key: key}, nil)
	}
	for e, err := range haul.New(m, haul.Options{}).ListDir(context.Background(), "lab", "runs/", nil) {
		if err != nil {
			panic(err)
		}
		fmt.Println(e.Name())
	}
	// Output:
	// runs/42/
	// runs/list.csv
}

func ExampleClient_Store_buckets() {
	c := haul.New(storetest.New(storetest.Buckets("lab", "scratch")), haul.Options{})
	for b, err := range c.Store().Buckets(context.Background(), store.BucketQuery{Prefix: "l"}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(b.Name)
	}
	// Output: lab
}

func ExampleClient_Store_makeBucket() {
	c, ctx := haul.New(storetest.New(), haul.Options{}), context.Background()
	if err := c.Store().MakeBucket(ctx, store.NewBucket{Name: "lab", Region: "eu-central-1"}); err != nil {
		panic(err)
	}
	b, err := c.Store().Bucket(ctx, "lab")
	fmt.Println(b.Region, err)
	// Output: eu-central-1 <nil>
}

func ExampleClient_Store_bucket() {
	c := haul.New(storetest.New(), haul.Options{})
	_, err := c.Store().Bucket(context.Background(), "lab")
	fmt.Println(errors.Is(err, store.NoBucket))
	// Output: true
}

func ExampleClient_Store_deleteBucket() {
	m := storetest.New(storetest.Buckets("lab"))
	m.PutBytes(store.Ref{Bucket: "lab", Key: "a"}, nil)
	err := haul.New(m, haul.Options{}).Store().DeleteBucket(context.Background(), "lab")
	fmt.Println(errors.Is(err, store.NotEmpty))
	// Output: true
}

func ExampleClient_Store_setWebsite() {
	m := storetest.New(storetest.Buckets("site"))
	site := store.Website{Index: "index.html", Error: "404.html"}
	if err := haul.New(m, haul.Options{}).Store().SetWebsite(context.Background(), "site", site); err != nil {
		panic(err)
	}
	fmt.Println(m.Website("site"))
	// Output: {index.html 404.html}
}

func ExampleClient_Store_head() {
	m := storetest.New(storetest.Buckets("lab"))
	ref := store.Ref{Bucket: "lab", Key: "reads.bam"}
	m.PutBytes(ref, []byte("reads"))
	o, err := haul.New(m, haul.Options{}).Store().Head(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		panic(err)
	}
	fmt.Println(o.Size, o.Sums[0].Algorithm)
	// Output: 5 CRC64NVME
}

func ExampleClient_Store_tags() {
	m := storetest.New(storetest.Buckets("lab"))
	ref := store.Ref{Bucket: "lab", Key: "reads.bam"}
	m.Make(ref, storetest.Generated(5, 1), storetest.Made{Attrs: &store.Attrs{Tags: map[string]string{"project": "atlas"}}})
	tags, err := haul.New(m, haul.Options{}).Store().Tags(context.Background(), ref, nil)
	fmt.Println(tags, err)
	// Output: map[project:atlas] <nil>
}

func ExampleClient_Store_layout() {
	m := storetest.New(storetest.Buckets("lab"))
	o := m.PutBytes(store.Ref{Bucket: "lab", Key: "reads.bam"}, []byte("reads"), 3)
	parts, err := haul.New(m, haul.Options{}).Store().Layout(context.Background(), o, nil)
	if err != nil {
		panic(err)
	}
	for _, p := range parts {
		fmt.Println(p.Number, p.Size)
	}
	// Output:
	// 1 3
	// 2 2
}
