package cli

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/command"
)

var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

// parseSize reads a number of bytes such as 8MiB, 64MB, 1.5G, 5368709120. As in GNU tools, KiB and K are 1024 bytes and KB is 1000.
func parseSize(text string) (int64, error) {
	n, unit := splitNumber(strings.TrimSpace(text))
	v, err := strconv.ParseFloat(n, 64)
	factor, ok := sizeUnits[strings.ToLower(strings.TrimSpace(unit))]
	if err != nil || !ok || v < 0 {
		return 0, command.Usagef("%q is not a size; write it like 64MiB, 5GiB or 8388608", text)
	}
	if v *= factor; v >= math.MaxInt64 {
		return 0, command.Usagef("%q is too large a size", text)
	}
	return int64(v), nil
}

// splitNumber cuts a leading decimal number off.
func splitNumber(text string) (number, rest string) {
	i := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i:]
}

var timeUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// parseSpan reads a time such as 90s, 5m, 1h30m, 7d, 2w.
func parseSpan(text string) (time.Duration, error) {
	bad := command.Usagef("%q is not a time; write it like 90s, 5m, 12h, 7d or 2w", text)
	var sum float64
	rest := strings.TrimSpace(text)
	if rest == "" {
		return 0, bad
	}
	for rest != "" {
		var number string
		number, rest = splitNumber(rest)
		v, err := strconv.ParseFloat(number, 64)
		end := strings.IndexAny(rest, "0123456789.")
		if end < 0 {
			end = len(rest)
		}
		unit, ok := timeUnits[strings.ToLower(strings.TrimSpace(rest[:end]))]
		if err != nil || !ok {
			return 0, bad
		}
		sum += v * float64(unit)
		rest = rest[end:]
	}
	if sum >= math.MaxInt64 {
		return 0, bad
	}
	return time.Duration(sum), nil
}

// sizeFlag and spanFlag let such values stand as flags.
type sizeFlag int64

func (f *sizeFlag) Set(text string) (err error) {
	n, err := parseSize(text)
	if err == nil && n == 0 {
		return command.Usagef("it must be more than 0")
	}
	*f = sizeFlag(n)
	return err
}

func (f *sizeFlag) Type() string { return "SIZE" }

func (f *sizeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*f), 10)
}

type spanFlag time.Duration

func (f *spanFlag) Set(text string) (err error) {
	d, err := parseSpan(text)
	if err == nil && d <= 0 {
		return command.Usagef("it must be more than 0")
	}
	*f = spanFlag(d)
	return err
}

func (f *spanFlag) Type() string { return "TIME" }

func (f *spanFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

// limitFlags bound what a transfer uses.
type limitFlags struct {
	concurrency       int
	memory, bandwidth sizeFlag
	patience          spanFlag
}

func (f *limitFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.concurrency, "concurrency", 0, "transfer `N` parts at once across all files (default: tuned automatically)")
	fs.Var(&f.memory, "memory", "limit buffer memory to `SIZE` (default 128MiB)")
	fs.Var(&f.bandwidth, "bandwidth", "limit the total transfer rate to `SIZE` per second, such as 200MB")
	fs.Var(&f.patience, "patience", "give up after `TIME` without progress (default 5m)")
}

// options returns the options that the flags describe.
func (f *limitFlags) options(set *pflag.FlagSet) (haul.Options, error) {
	switch {
	case f.concurrency < 0 || set.Changed("concurrency") && f.concurrency == 0:
		return haul.Options{}, command.Usagef("--concurrency: it must be at least 1")
	case f.bandwidth > 0 && f.bandwidth < 64<<10:
		return haul.Options{}, command.Usagef("--bandwidth: it must be at least 64KiB")
	}
	return haul.Options{
		Concurrency: f.concurrency, Memory: int64(f.memory), Bandwidth: int64(f.bandwidth), Patience: time.Duration(f.patience),
	}, nil
}
