package budget_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"haul.example/haul/internal/budget"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

func take(t testing.TB, b *budget.Budget, n int64) *budget.Lease {
	t.Helper()
	l, err := b.Take(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSizes(t *testing.T) {
	for _, c := range []struct{ limit, n, used int64 }{
		{64 * mib, 0, 0},
		{64 * mib, 1, 4 * kib},
		{64 * mib, 4 * kib, 4 * kib},
		{64 * mib, 4*kib + 1, 8 * kib},
		{64 * mib, 256 * kib, 256 * kib},
		{64 * mib, 256*kib + 1, 512 * kib},
		{64 * mib, 513 * kib, 768 * kib},
		{64 * mib, 8 * mib, 8 * mib},
		{64 * mib, 8*mib + 256*kib, 8*mib + 256*kib},
		{64 * mib, 64 * mib, 64 * mib},
		{9 * mib / 2, 9*mib/2 - 1, 9 * mib / 2},
		{100, 1, 100},
		{0, 0, 0},
	} {
		b := budget.New(c.limit)
		l := take(t, b, c.n)
		if got := b.InUse(); got != c.used || b.Limit() != c.limit {
			t.Errorf("%d of %d: %d in use, not %d", c.n, c.limit, got, c.used)
		}
		buf := l.Bytes()
		if int64(len(buf)) != c.n || int64(cap(buf)) != c.n {
			t.Errorf("%d of %d: a buffer of %d, %d", c.n, c.limit, len(buf), cap(buf))
		}
		for i := range buf {
			buf[i] = 1
		}
		l.Release()
		if b.InUse() != 0 || b.Kept() != c.used {
			t.Errorf("%d of %d: after all, %d in use, %d kept", c.n, c.limit, b.InUse(), b.Kept())
		}
	}
}

func TestTooLarge(t *testing.T) {
	b := budget.New(mib)
	if _, err := b.Take(t.Context(), mib+1); !errors.Is(err, budget.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if b.InUse() != 0 {
		t.Error("it is in use all the same")
	}
}

func TestReleaseTwice(t *testing.T) {
	b := budget.New(2 * mib)
	first, second := take(t, b, mib), take(t, b, mib)
	first.Release()
	first.Release()
	if first.Bytes() != nil {
		t.Error("bytes after Release")
	}
	if b.InUse() != mib || b.Kept() != mib {
		t.Errorf("%d in use, %d kept", b.InUse(), b.Kept())
	}
	third := take(t, b, mib)
	first.Release()
	if b.InUse() != 2*mib {
		t.Errorf("%d in use", b.InUse())
	}
	second.Release()
	third.Release()
}

func TestBuffersAreUsedAgain(t *testing.T) {
	b := budget.New(4 * mib)
	l := take(t, b, mib)
	first := &l.Bytes()[0]
	l.Release()
	l = take(t, b, mib-5)
	if &l.Bytes()[0] != first {
		t.Error("another buffer")
	}
	l.Release()
}

func TestKeptBuffersMakeRoom(t *testing.T) {
	b := budget.New(4 * mib)
	var all []*budget.Lease
	for range 4 {
		all = append(all, take(t, b, mib))
	}
	for _, l := range all {
		l.Release()
	}
	if b.Kept() != 4*mib {
		t.Fatalf("%d kept", b.Kept())
	}
	l := take(t, b, 3*mib)
	if b.InUse() != 3*mib || b.Kept() != mib {
		t.Errorf("%d in use, %d kept", b.InUse(), b.Kept())
	}
	l.Release()
	if b.Kept() != 4*mib {
		t.Errorf("%d kept", b.Kept())
	}
}

// A small one does not pass a large one that came before, or the large one might wait forever.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(4 * mib)
		first := take(t, b, 3*mib)
		var mu sync.Mutex
		var order []string
		wait := func(name string, n int64) {
			go func() {
				l, err := b.Take(t.Context(), n)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				l.Release()
			}()
			synctest.Wait()
		}
		wait("large", 4*mib)
		wait("small", mib)
		wait("middle", 2*mib)
		if b.Waiting() != 3 {
			t.Fatalf("%d wait, %v went ahead", b.Waiting(), order)
		}
		first.Release()
		synctest.Wait()
		if len(order) != 3 || order[0] != "large" || b.InUse() != 0 {
			t.Errorf("the order is %v, %d in use", order, b.InUse())
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(2 * mib)
		held := take(t, b, mib)
		why := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())

		var first, second error
		var l *budget.Lease
		go func() { _, first = b.Take(ctx, 2*mib) }()
		synctest.Wait()
		go func() { l, second = b.Take(t.Context(), mib) }()
		synctest.Wait()
		if b.Waiting() != 2 {
			t.Fatalf("%d wait", b.Waiting())
		}
		cancel(why)
		synctest.Wait() // the second is served now, though nothing was released
		if !errors.Is(first, why) || second != nil || b.Waiting() != 0 || b.InUse() != 2*mib {
			t.Fatalf("%v, %v, %d wait, %d in use", first, second, b.Waiting(), b.InUse())
		}
		l.Release()
		held.Release()
		if _, err := b.Take(ctx, 1); !errors.Is(err, why) || b.InUse() != 0 {
			t.Errorf("%v, %d in use", err, b.InUse())
		}
	})
}

// Many takers, of whom some lose patience at any moment, also at that of their turn: the limit holds, no byte is shared by
// two, none is lost.
func TestManyTakers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(64*kib, 4*mib).Draw(t, "limit")
		sizes := rapid.SliceOfN(rapid.Int64Range(0, limit), 1, 24).Draw(t, "sizes")
		b := budget.New(limit)
		var used atomic.Int64
		var wg sync.WaitGroup
		problems := make(chan string, len(sizes))
		for i, n := range sizes {
			ctx, cancel := context.WithCancel(context.Background())
			wg.Go(func() {
				defer cancel()
				if problem := borrow(ctx, b, n, byte(i), &used); problem != "" {
					problems <- problem
				}
			})
			if i%3 == 0 {
				wg.Go(cancel)
			}
		}
		wg.Wait()
		close(problems)
		for p := range problems {
			t.Error(p)
		}
		if b.InUse() != 0 || b.Waiting() != 0 || b.Kept() < 0 || b.Kept() > limit {
			t.Fatalf("after all, %d in use, %d wait, %d kept of %d", b.InUse(), b.Waiting(), b.Kept(), limit)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		l, err := b.Take(ctx, limit)
		if err != nil {
			t.Fatal(err)
		}
		l.Release()
	})
}

// borrow takes n bytes, marks them, and says what went wrong.
func borrow(ctx context.Context, b *budget.Budget, n int64, mark byte, used *atomic.Int64) string {
	l, err := b.Take(ctx, n)
	if err != nil {
		if ctx.Err() == nil {
			return err.Error()
		}
		return ""
	}
	defer l.Release()
	defer used.Add(-n)
	if now := used.Add(n); now > b.Limit() {
		return fmt.Sprintf("%d in use of %d", now, b.Limit())
	}
	if in, kept := b.InUse(), b.Kept(); in > b.Limit() || kept < 0 || kept > b.Limit() {
		return fmt.Sprintf("%d in use and %d kept of %d", in, kept, b.Limit())
	}
	buf := l.Bytes()
	for i := 0; i < len(buf); i += 4 * kib {
		buf[i] = mark
	}
	for i := 0; i < len(buf); i += 4 * kib {
		if buf[i] != mark {
			return "another wrote into the buffer"
		}
	}
	return ""
}

func TestNegativeSizePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("did not panic")
		}
	}()
	_, _ = budget.New(1).Take(t.Context(), -1)
}

func BenchmarkTake(b *testing.B) {
	m := budget.New(64 * mib)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l, err := m.Take(context.Background(), 8*mib)
			if err != nil {
				b.Error(err)
				return
			}
			l.Release()
		}
	})
}
