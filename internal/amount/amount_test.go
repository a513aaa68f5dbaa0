package amount_test

import (
	"testing"
	"time"

	"haul.example/haul/internal/amount"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 10 << 20: "10.0 MiB", 102349824: "97.6 MiB", 412 << 20: "412 MiB",
		1<<20 - 1: "1.0 MiB", 1023 << 20: "1023 MiB", 8482560410: "7.9 GiB", 48 << 40: "48.0 TiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := amount.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for want, got := range map[string]string{
		"3.1 of 7.9 GiB": amount.Of(3328599654, 8482560410), "0.0 of 7.9 GiB": amount.Of(1, 8482560410), "3.1 GiB": amount.Of(3328599654, 0), "5 of 9 B": amount.Of(5, 9),
	} {
		if got != want {
			t.Errorf("Of: %q, want %q", got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	const h, d = time.Hour, 24 * time.Hour
	for in, want := range map[time.Duration][3]string{
		0:                        {"0s", "0 ms", "0 s"},
		40 * time.Millisecond:    {"0s", "40 ms", "0 s"},
		19200 * time.Millisecond: {"19s", "19.2 s", "19 s"},
		59990 * time.Millisecond: {"1m00s", "1m00s", "59 s"},
		185 * time.Second:        {"3m05s", "3m05s", "3 min"},
		2*h + 14*time.Minute:     {"2h14m", "2h14m", "2 h"},
		47 * h:                   {"1d23h", "1d23h", "47 h"},
		3*d + 4*h:                {"3d04h", "3d04h", "3 d"},
		-5 * time.Second:         {"-5s", "-5000 ms", "0 s"},
	} {
		if got := [3]string{amount.Short(in), amount.Took(in), amount.Age(in)}; got != want {
			t.Errorf("%v: %q, want %q", in, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 parts", 1: "1 part", 2000: "2000 parts"} {
		if got := amount.Count(n, "part"); got != want {
			t.Errorf("Count(%d) is %q, want %q", n, got, want)
		}
	}
}
