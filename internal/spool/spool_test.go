package spool_test

import (
	"strings"
	"testing"
	"time"

	"haul.example/haul/internal/spool"
)

type value struct {
	Name string
	N    int
	At   time.Time
}

// TestSpool reads back what was added, twice, from memory and from disk.
func TestSpool(t *testing.T) {
	for _, n := range []int{0, 1, 100, 30_000} {
		var s spool.Spool[value]
		want := func(i int) value {
			return value{"a\xff" + strings.Repeat("x", i%100), i, time.Unix(int64(i), 1)}
		}
		for i := range n {
			if err := s.Add(want(i)); err != nil {
				t.Fatal(err)
			}
		}
		if s.Len() != n {
			t.Errorf("Len is %d, want %d", s.Len(), n)
		}
		for range 2 {
			i := 0
			for v, err := range s.All() {
				if w := want(i); err != nil || v.Name != w.Name || v.N != w.N || !v.At.Equal(w.At) {
					t.Fatalf("value %d of %d is %v, %v", i, n, v, err)
				}
				i++
			}
			if i != n {
				t.Errorf("got %d values, want %d", i, n)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
