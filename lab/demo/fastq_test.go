package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFASTQ(t *testing.T) {
	all, err := io.ReadAll(newFASTQ(1<<20, 7))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 1<<20 || len(all) > 1<<20+512 {
		t.Errorf("got %d bytes", len(all))
	}
	lines := strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
	for i := 0; i < len(lines); i += 4 {
		name, bases, plus, quality := lines[i], lines[i+1], lines[i+2], lines[i+3]
		if name[0] != '@' || plus != "+" || len(bases) != readLength || len(quality) != readLength || strings.Trim(bases, "ACGT") != "" {
			t.Fatalf("record %d:\n%s", i/4, strings.Join(lines[i:i+4], "\n"))
		}
	}
	again, err := io.ReadAll(iotest.OneByteReader(newFASTQ(1<<20, 7)))
	if err != nil || !bytes.Equal(all, again) {
		t.Error("the same seed gives other bytes")
	}
}

func TestSameBytes(t *testing.T) {
	base := bytes.Repeat([]byte("abc"), 1<<20)
	changed := bytes.Clone(base)
	changed[2<<20] ^= 1
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"equal", base, ""},
		{"short", base[:len(base)-1], "lengths differ"},
		{"long", append(bytes.Clone(base), 'x'), "lengths differ"},
		{"empty", nil, "lengths differ"},
		{"changed", changed, "byte 2097152"},
	} {
		_, err := sameBytes(bytes.NewReader(base), bytes.NewReader(c.got))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func BenchmarkFASTQ(b *testing.B) {
	b.SetBytes(64 << 20)
	for b.Loop() {
		if _, err := io.Copy(io.Discard, newFASTQ(64<<20, 1)); err != nil {
			b.Fatal(err)
		}
	}
}
