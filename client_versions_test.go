package haul_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestVersions: all versions come once, also if a page has to be asked for again.
func TestVersions(t *testing.T) {
	m := storetest.New(storetest.For(t), storetest.Buckets("lab"), storetest.Versioned(), storetest.ListPage(2))
	for _, key := range []string{"a", "b", "b", "b", "c"} {
		m.PutBytes(store.Ref{Bucket: "lab", Key: key}, []byte(key))
	}
	c := haul.New(m, haul.Options{})
	if err := c.Store().Delete(t.Context(), store.Ref{Bucket: "lab", Key: "b"}, nil); err != nil {
		t.Fatal(err)
	}
	m.Fault(storetest.Versions).Nth(2).Error(store.Unavailable)
	seen, got := map[store.Ref]bool{}, ""
	for v, err := range c.Versions(t.Context(), "lab", "") {
		if err != nil || seen[v.Ref] {
			t.Fatalf("%+v, %v", v, err)
		}
		seen[v.Ref] = true
		got += v.Key
		if v.Deleted {
			got += "-"
		}
	}
	if got != "ab-bbbc" {
		t.Errorf("%s", got)
	}
	for _, err := range c.Versions(t.Context(), "nobody", "") {
		if !errors.Is(err, store.NoBucket) {
			t.Error(err)
		}
	}
	for _, err := range haul.New(struct{ store.Store }{m}, haul.Options{}).Versions(t.Context(), "lab", "") {
		if !errors.Is(err, store.Unsupported) {
			t.Error(err)
		}
	}
}

func ExampleClient_Versions() {
	m := storetest.New(storetest.Buckets("lab"), storetest.Versioned())
	ref := store.Ref{Bucket: "lab", Key: "a.bam"}
	m.PutBytes(ref, []byte("old"))
	m.PutBytes(ref, []byte("newer"))
	for v, err := range haul.New(m, haul.Options{}).Versions(context.Background(), "lab", "a") {
		if err != nil {
			panic(err)
		}
		fmt.Println(v.Key, v.Size)
	}
	// Output:
	// a.bam 5
	// a.bam 3
}

func ExampleClient_SetVersioning() {
	c, ctx := haul.New(storetest.New(storetest.Buckets("lab")), haul.Options{}), context.Background()
	if err := c.SetVersioning(ctx, "lab", "Enabled"); err != nil {
		panic(err)
	}
	status, err := c.Versioning(ctx, "lab")
	fmt.Println(status, err)
	// Output: Enabled <nil>
}
