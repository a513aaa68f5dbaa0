package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// recorder is a testing.TB that keeps errors to itself.
type recorder struct {
	testing.TB
	errs []string
}

func (r *recorder) Helper()                      {}
func (r *recorder) Cleanup(func())               {}
func (r *recorder) Errorf(f string, args ...any) { r.errs = append(r.errs, fmt.Sprintf(f, args...)) }

func read(m *storetest.Memory, ctx context.Context, r store.Range) ([]byte, error) {
	b, err := m.Get(ctx, store.GetRequest{Ref: ref, Range: r})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(b)
}

func TestFaultThatNeverFiredFailsTheTest(t *testing.T) {
	m := storetest.New(small)
	m.PutBytes(ref, []byte("0123456789"))
	m.Fault(storetest.Head).Error(store.Network)
	m.Fault(storetest.Get).After(5).Error(store.Network).Times(2)
	m.Fault(storetest.Get).Offset(3).After(100).Error(store.Network)
	for range 2 {
		if got, err := read(m, t.Context(), store.Range{Offset: 3, Length: 2}); err != nil || len(got) != 2 {
			t.Error(got, err)
		}
	}
	r := &recorder{}
	m.FaultsFired(r)
	if len(r.errs) != 3 {
		t.Errorf("complaints: %q", r.errs)
	}
}

func TestFaultIsForTheCallsThatItNames(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	u := upload(t, m, checksum.CRC64NVME)
	m.Fault(storetest.PutPart).Part(3).After(2).Error(store.Network).Times(2)
	m.Fault(storetest.PutPart).Part(2).Nth(2).Throttle(7 * time.Second)
	m.Fault(storetest.PutPart).Key("another").Error(store.Denied).Times(0)
	var got []store.Kind
	for _, n := range []int{1, 2, 3, 3, 3, 2, 2} {
		_, err := m.PutPart(t.Context(), part(u, n, "abcd"))
		got = append(got, store.KindOf(err))
		var e *store.Error
		if errors.As(err, &e) && e.Kind == store.Throttled && e.RetryAfter != 7*time.Second {
			t.Errorf("retry after %v", e.RetryAfter)
		}
	}
	want := []store.Kind{"", "", store.Network, store.Network, "", store.Throttled, ""}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	other := ref
	other.Key = "another"
	u2, _ := m.Create(t.Context(), other, checksum.Scheme{}, nil)
	if _, err := m.PutPart(t.Context(), part(u2, 1, "x")); !errors.Is(err, store.Denied) {
		t.Error(err)
	}
	if c := m.Counts()[storetest.PutPart]; c.Calls != 8 || c.In != 4*4+2*2 {
		t.Errorf("counts: %+v", c)
	}
}

func TestLostAnswerHasItsEffect(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	m.Fault(storetest.Create).LoseAnswer()
	if _, err := m.Create(t.Context(), ref, checksum.Scheme{}, nil); !errors.Is(err, store.Network) {
		t.Error(err)
	}
	if got := m.OpenUploads(); len(got) != 1 {
		t.Errorf("open: %v", got)
	}
	u := upload(t, m, checksum.CRC32C)
	m.Fault(storetest.PutPart).LoseAnswer()
	if _, err := m.PutPart(t.Context(), part(u, 1, "abcd")); !errors.Is(err, store.Network) {
		t.Error(err)
	}
	_, parts, err := m.Parts(t.Context(), u, nil)
	if err != nil || len(parts) != 1 {
		t.Fatal(parts, err)
	}
	m.Fault(storetest.Complete).LateError(store.Unavailable)
	if _, err := m.Complete(t.Context(), store.CompleteRequest{Upload: u, Parts: parts, Size: 4}); !errors.Is(err, store.Unavailable) {
		t.Error(err)
	}
	if got := m.Bytes(ref); string(got) != "abcd" {
		t.Errorf("%q", got)
	}
}

func TestCorruptAndTruncatedPayload(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	m.PutBytes(ref, []byte("0123456789"))
	m.Fault(storetest.Get).After(4).CorruptByte()
	m.Fault(storetest.Get).Truncate(6)
	if got, err := read(m, t.Context(), store.Range{}); err != nil || string(got) != "0123\x1456789" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := read(m, t.Context(), store.Range{}); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "012345" {
		t.Errorf("%q, %v", got, err)
	}
	u := upload(t, m, checksum.CRC64NVME)
	m.Fault(storetest.PutPart).CorruptByte().Times(2)
	m.Fault(storetest.PutPart).Truncate(3).Times(2)
	for range 2 {
		if _, err := m.PutPart(t.Context(), part(u, 1, "abcd")); !errors.Is(err, store.Corrupt) {
			t.Error(err)
		}
		unsure := part(u, 1, "abcd")
		unsure.Sum = checksum.Sum{}
		p, err := m.PutPart(t.Context(), unsure)
		if err != nil || p.Sum == checksum.Bytes(checksum.CRC64NVME, []byte("abcd")) {
			t.Errorf("%v, %v: want a part that tells that it is another", p, err)
		}
	}
}

func TestStallEndsWithItsContextOrByRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storetest.New(storetest.For(t), small)
		m.PutBytes(ref, []byte("0123456789"))
		f := m.Fault(storetest.Get).After(5).Stall().Times(2)
		cut := errors.New("cut")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cut)
		defer cancel()
		got, err := read(m, ctx, store.Range{})
		if len(got) != 5 || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cut) {
			t.Errorf("%q, %v", got, err)
		}
		go func() {
			time.Sleep(time.Hour)
			f.Release()
		}()
		began := time.Now()
		if got, err := read(m, t.Context(), store.Range{}); err != nil || len(got) != 10 || time.Since(began) != time.Hour {
			t.Errorf("%q, %v", got, err)
		}
		m.Fault(storetest.Head).Slow(time.Second)
		began = time.Now()
		if _, err := m.Head(t.Context(), store.GetRequest{Ref: ref}); err != nil || time.Since(began) != time.Second {
			t.Error(err)
		}
	})
}

func TestHookRunsInTheMiddle(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	o := m.PutBytes(ref, []byte("0123456789"))
	m.Fault(storetest.Get).After(5).Hook(func() { m.PutBytes(ref, []byte("replaced")) })
	if got, err := read(m, t.Context(), store.Range{}); err != nil || string(got) != "0123456789" {
		t.Errorf("an open body changed: %q, %v", got, err)
	}
	_, err := m.Get(t.Context(), store.GetRequest{Ref: ref, IfMatch: o.ETag})
	if !errors.Is(err, store.Changed) {
		t.Error(err)
	}
}

func TestRandomFaultsAreTheSameInAnyOrder(t *testing.T) {
	run := func(order []int) map[int][]store.Kind {
		m := storetest.New(small)
		u := upload(t, m, checksum.CRC64NVME)
		m.Random(42, storetest.Rates{Error: 0.3, LoseAnswer: 0.2, Corrupt: 0.2, Truncate: 0.1, AtMost: 3})
		got := map[int][]store.Kind{}
		for _, n := range order {
			_, err := m.PutPart(t.Context(), part(u, n, "abcd"))
			got[n] = append(got[n], store.KindOf(err))
		}
		return got
	}
	var up, down []int
	for range 10 {
		for n := range 8 {
			up, down = append(up, n+1), append(down, 8-n)
		}
	}
	a, b := run(up), run(down)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%v\n%v", a, b)
	}
	for n, kinds := range a {
		bad := 0
		for _, k := range kinds {
			if k != "" {
				bad++
			}
		}
		if bad > 3 {
			t.Errorf("part %d went wrong %d times", n, bad)
		}
	}
}

func TestEndedContextHasNoEffect(t *testing.T) {
	m := storetest.New(storetest.For(t), small)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Put(ctx, store.PutRequest{Ref: ref, Body: section([]byte("x"))}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if m.Exists(ref) {
		t.Error("stored")
	}
}
