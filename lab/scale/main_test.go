package main

import (
	"bytes"
	"testing"
)

// TestDeal: a million objects are dealt out evenly, by bytes and by number.
func TestDeal(t *testing.T) {
	for _, shards := range []int{7, 100, 1000} {
		d := deal(1_000_000, shards)[0]
		if b, n := d.over(d.bytes), d.over(d.count); b > 2 || n > 2 {
			t.Errorf("%d shards: bytes %+.2f %%, objects %+.2f %%", shards, b, n)
		}
	}
	var b bytes.Buffer
	report(&b, 10_000)
	if err := plan(&b, 10_000, 10); err != nil {
		t.Error(err)
	}
	if b.Len() == 0 {
		t.Error("it reports nothing")
	}
}
