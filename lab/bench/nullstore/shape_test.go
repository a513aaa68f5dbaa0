package nullstore_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"haul.example/haul/lab/bench/nullstore"
)

// quickest gives the shortest time of a few tries: what else runs on the machine only ever makes it longer.
func quickest(tries int, enough time.Duration, do func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for i := 0; i < tries && best > enough; i++ {
		began := time.Now()
		do()
		best = min(best, time.Since(began))
	}
	return best
}

func within(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want*9/10 || got > want*11/10 {
		t.Errorf("%s took %v, want %v within a tenth", what, got, want)
	}
}

// bulk is what is sent.
var bulk = make([]byte, 500_000)

// move sends or fetches an object as large as bulk on each of so many connections.
func move(t *testing.T, c *http.Client, base, method string, lanes int) {
	var all sync.WaitGroup
	for range lanes {
		all.Go(func() {
			body := bytes.NewReader(nil)
			if method == "PUT" {
				body = bytes.NewReader(bulk)
			}
			r, err := http.NewRequestWithContext(t.Context(), method, base+"/b/k", body)
			if err != nil {
				t.Error(err)
				return
			}
			a, err := c.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, a.Body)
			if err != nil || a.StatusCode != 200 || method == "GET" && n != int64(len(bulk)) {
				t.Errorf("%s: %s, %d bytes, %v", method, a.Status, n, err)
			}
			if err := a.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestRates(t *testing.T) {
	s := start(t, nullstore.Config{Objects: declared(t, "b/k=500000")})
	for _, x := range []struct {
		name  string
		shape nullstore.Shape
		lanes int
		want  time.Duration
	}{
		{"one connection", nullstore.Shape{ConnRate: 2.5e6}, 1, 200 * time.Millisecond},
		{"three connections", nullstore.Shape{ConnRate: 2.5e6}, 3, 200 * time.Millisecond},
		{"one link", nullstore.Shape{LinkRate: 10e6}, 4, 200 * time.Millisecond},
		{"the link below the connections", nullstore.Shape{ConnRate: 6e6, LinkRate: 7.5e6}, 3, 200 * time.Millisecond},
		{"the first byte", nullstore.Shape{FirstByteMS: 250}, 1, 250 * time.Millisecond},
		{"slow ones", nullstore.Shape{ConnRate: 50e6, Slow: 1}, 1, 200 * time.Millisecond},
	} {
		if err := s.SetShape(x.shape); err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"GET", "PUT"} {
			for _, base := range []string{s.HTTP, s.HTTPS} {
				c := client(t, s)
				took := quickest(20, x.want*11/10, func() { move(t, c, base, method, x.lanes) })
				within(t, method+" by "+base[:5]+", "+x.name, took, x.want)
			}
		}
	}
}

// TestFaults looks at each fault as a client sees it.
func TestFaults(t *testing.T) {
	const size = 1 << 20
	s := start(t, nullstore.Config{Objects: declared(t, "b/k=1MiB")})
	whole := wholeOf(t, s.Content("b", "k", size))
	for _, base := range []string{s.HTTP, s.HTTPS} {
		c := client(t, s)
		shape := func(shape nullstore.Shape) {
			if err := s.SetShape(shape); err != nil {
				t.Fatal(err)
			}
		}
		shape(nullstore.Shape{Corrupt: 1})
		_, got := send(t, c, "GET", base+"/b/k", "")
		wrong := 0
		for i := range got {
			if got[i] != whole[i] {
				wrong++
			}
		}
		want(t, "bytes", len(got), size)
		want(t, "wrong bytes", wrong, 1)
		a, _ := send(t, c, "PUT", base+"/b/up", whole)
		want(t, "spoiled upload", a.StatusCode, 400)

		shape(nullstore.Shape{Cut: 1})
		n, err := fetch(t, c, base+"/b/k", nil)
		if err == nil || n > size/2 {
			t.Errorf("cut: %d bytes, %v", n, err)
		}
		if a, err := c.Post(base+"/b/k?uploads", "", nil); err != nil || a.Body.Close() != nil {
			t.Errorf("control calls are not cut: %v", err)
		}

		shape(nullstore.Shape{Stall: 1})
		n, err = fetch(t, c, base+"/b/k", func(n int64) {
			if n == size/2 {
				shape(nullstore.Shape{}) // lets it go, which cuts it
			}
		})
		if err == nil || n != size/2 {
			t.Errorf("stall: %d bytes, %v", n, err)
		}

		shape(nullstore.Shape{Refuse: 1})
		for _, method := range []string{"GET", "PUT"} {
			a, text := send(t, client(t, s), method, base+"/b/k", strings.Repeat("x", map[string]int{"GET": 0, "PUT": 1000}[method]))
			want(t, "refused", a.StatusCode, 503)
			want(t, "code", strings.Contains(text, "<Code>SlowDown</Code>"), true)
		}
	}
	got := s.Stats().Faults
	for name, n := range map[string]int64{"corrupt": 4, "cut": 2, "stall": 2, "refuse": 4} {
		want(t, name, got[name], n)
	}
}

// fetch reads an object, and tells after each read how much there is.
func fetch(t *testing.T, c *http.Client, url string, seen func(int64)) (int64, error) {
	a, err := c.Get(url)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err := a.Body.Close(); err != nil {
			t.Error(err)
		}
	}()
	var all int64
	b := make([]byte, 64<<10)
	for {
		n, err := a.Body.Read(b)
		all += int64(n)
		if seen != nil {
			seen(all)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
	}
}

// TestChoice looks whether as many requests are harmed as were asked for, and by one seed always the same.
func TestChoice(t *testing.T) {
	s := start(t, nullstore.Config{Objects: declared(t, "b/k=10")})
	c := client(t, s)
	pattern := func(seed uint64) string {
		if err := s.SetShape(nullstore.Shape{Refuse: 0.1, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for range 1000 {
			a, _ := send(t, c, "GET", s.HTTP+"/b/k", "")
			b.WriteString(map[int]string{200: ".", 503: "x"}[a.StatusCode])
		}
		return b.String()
	}
	one := pattern(1)
	if n := strings.Count(one, "x"); n < 70 || n > 130 {
		t.Errorf("%d of 1000 were refused, and not about 100", n)
	}
	want(t, "the same seed", pattern(1), one)
	if pattern(2) == one {
		t.Error("another seed chose the same")
	}
}

func TestControl(t *testing.T) {
	s := start(t, nullstore.Config{Objects: declared(t, "b/k=10")})
	c := client(t, s)
	send(t, c, "GET", s.HTTP+"/b/k", "")
	_, text := send(t, c, "GET", s.Control+"/stats", "")
	want(t, "stats", strings.Contains(text, `"GetObject":1`) && strings.Contains(text, `"bytes_out":10,`), true)
	a, _ := send(t, c, "POST", s.Control+"/shape", `{"refuse": 1}`)
	want(t, "shape", a.StatusCode, 200)
	a, _ = send(t, c, "GET", s.HTTP+"/b/k", "")
	want(t, "refused", a.StatusCode, 503)
	for _, bad := range []string{`{"refuse": 2}`, `{"reuse": 1}`, `{"slow": 0.6, "cut": 0.6}`, `{"link_rate": -1}`} {
		a, _ = send(t, c, "POST", s.Control+"/shape", bad)
		want(t, bad, a.StatusCode, 400)
	}
	send(t, c, "PUT", s.HTTP+"/b/new", "")
	a, _ = send(t, c, "POST", s.Control+"/shape", `{}`)
	want(t, "shape", a.StatusCode, 200)
	send(t, c, "PUT", s.HTTP+"/b/new", "abc")
	_, text = send(t, c, "GET", s.Control+"/objects", "")
	want(t, "objects", strings.TrimSpace(text), `[{"name":"b/new","size":3,"crc64nvme":""}]`)
	send(t, c, "POST", s.Control+"/reset", "")
	want(t, "requests after a reset", len(s.Stats().Requests), 0)
	want(t, "objects after a reset", len(s.Objects()), 0)
}

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "17": 17, "64KiB": 65536, "4GiB": 4 << 30, "25MB": 25e6, "0.5MiB": 1 << 19} {
		if got, err := nullstore.ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1TB", "x"} {
		if n, err := nullstore.ParseSize(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
	for _, text := range []string{"b", "b/k", "/k=1", "b/=1", "b/k=x", "b/k=2x"} {
		if d, err := nullstore.ParseDeclared(text); err == nil {
			t.Errorf("%q: %v", text, d)
		}
	}
}
