package haul_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"haul.example/haul"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// The end of an object can be looked at without a download.
func ExampleClient_ReadRange() {
	ctx := context.Background()
	c := haul.New(storetest.New(), haul.Options{})
	ref := store.Ref{Bucket: storetest.Bucket, Key: "x"}
	if _, err := c.UploadStream(ctx, strings.NewReader("a long text, and its end"), ref, haul.UploadOptions{}); err != nil {
		panic(err)
	}
	obj, err := c.Store().Head(ctx, store.GetRequest{Ref: ref})
	if err != nil {
		panic(err)
	}
	p := make([]byte, 3)
	_, err = c.ReadRange(ctx, obj, obj.Size-3, p, nil)
	fmt.Printf("%s %v\n", p, err)
	// Output: end <nil>
}

func TestReadRange(t *testing.T) {
	m := storetest.New(storetest.For(t))
	ref := store.Ref{Bucket: storetest.Bucket, Key: "x"}
	obj := m.PutBytes(ref, []byte("0123456789"))
	c := haul.New(m, haul.Options{})
	m.Fault(storetest.Get).After(2).Error(store.Network).Times(2) // it breaks off in the midst
	p := make([]byte, 5)
	if found, err := c.ReadRange(t.Context(), obj, 3, p, nil); err != nil || string(p) != "34567" || found.ETag != obj.ETag {
		t.Errorf("%s, %+v, %v", p, found, err)
	}
	if _, err := c.ReadRange(t.Context(), obj, 3, nil, nil); err != nil {
		t.Error(err)
	}
	m.PutBytes(ref, []byte("9876543210"))
	if _, err := c.ReadRange(t.Context(), obj, 3, p, nil); !errors.Is(err, store.Changed) {
		t.Errorf("of an object that changed: %v", err)
	}
	m.Remove(ref)
	if _, err := c.ReadRange(t.Context(), obj, 3, p, nil); !errors.Is(err, store.NotFound) {
		t.Errorf("of an object that is gone: %v", err)
	}
}
