package ui

import (
	"fmt"
	"strings"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
)

const (
	rateWindow = 10 * time.Second    // over which the rate is taken
	rateLeast  = time.Second         // with less behind it there is no rate yet
	stillAfter = 5 * time.Second     // without a byte, the line reports that instead of an ETA
	longestETA = 99 * 24 * time.Hour // a longer ETA is useless
)

// pacer turns counts into a rate: what moved in the last seconds, divided by them.
type pacer struct {
	samples []sample
	moved   time.Time // when the count last grew
}

type sample struct {
	at time.Time
	n  int64
}

// progressed returns the count that the rate is made of: bytes on the wire, or, for a copy that the store does by itself, bytes done.
func progressed(s haul.Progress) int64 {
	if s.Moved > 0 {
		return s.Moved
	}
	return s.Done - s.Kept
}

func (p *pacer) add(now time.Time, n int64) {
	switch {
	case len(p.samples) == 0:
		p.moved = now
	case n < p.samples[len(p.samples)-1].n: // the count changed its meaning
		p.samples, p.moved = p.samples[:0], now
	case n > p.samples[len(p.samples)-1].n:
		p.moved = now
	}
	p.samples = append(p.samples, sample{now, n})
	for len(p.samples) > 2 && now.Sub(p.samples[1].at) >= rateWindow {
		p.samples = p.samples[1:]
	}
}

// rate is in bytes a second; 0 where it is not known yet.
func (p *pacer) rate() float64 {
	if len(p.samples) < 2 {
		return 0
	}
	first, last := p.samples[0], p.samples[len(p.samples)-1]
	d := last.at.Sub(first.at)
	if d < rateLeast {
		return 0
	}
	return float64(last.n-first.n) / d.Seconds()
}

// still returns for how long nothing has moved.
func (p *pacer) still() time.Duration {
	if len(p.samples) == 0 {
		return 0
	}
	return p.samples[len(p.samples)-1].at.Sub(p.moved)
}

// eta returns the time that the rest takes at this rate; false where nobody can know.
func eta(s haul.Progress, rate float64) (time.Duration, bool) {
	rest := s.Total - s.Done
	if s.Total <= 0 || rest <= 0 || rate < 1 {
		return 0, false
	}
	seconds := float64(rest) / rate
	if seconds > longestETA.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// room is what a line may take: columns, and those of its bar, of which 0 is none.
type room struct{ columns, bar int }

// progressLine draws one line that takes at most columns; what matters least is left out first.
func progressLine(r room, name string, s haul.Progress, p *pacer) string {
	var must, may []string
	if s.Total > 0 {
		must = append(must, amount.Pair(s.Done, s.Total, "/"), percent(s.Done, s.Total))
	} else {
		must = append(must, amount.Bytes(max(s.Done, s.Moved)))
	}
	rate := p.rate()
	may = append(may, safe(s)...)
	if rate > 0 {
		may = append(may, amount.PerSecond(rate))
	}
	if s.Total > 0 && s.Done >= s.Total {
		may = append(may, "finishing")
	} else if d := p.still(); d >= stillAfter {
		may = append(may, "no data for "+amount.Short(d))
	} else if d, ok := eta(s, rate); ok {
		may = append(may, "ETA "+amount.Short(d))
	}
	return fit(r.columns, name, fields{must: must, may: append(may, trouble(s)...), bar: bar(s.Done, s.Total, r.bar), last: inFlight(s)})
}

// safe returns what need not move again if the run stops now, where that is less than what was sent.
func safe(s haul.Progress) []string {
	if s.Safe <= 0 || s.Safe >= s.Done {
		return nil
	}
	return []string{amount.Bytes(s.Safe) + " safe"}
}

// inFlight returns how many parts are under way; empty is none.
func inFlight(s haul.Progress) string {
	if s.InFlight == 0 {
		return ""
	}
	return count(s.InFlight, "part") + " in flight"
}

// trouble returns the fields that show a transfer's problems.
func trouble(s haul.Progress) (may []string) {
	if s.Retries > 0 {
		may = append(may, retries(s.Retries))
	}
	if s.Throttled > 0 {
		may = append(may, "throttled by the server")
	}
	return may
}

// fields are those of a line after the name. There is room for must, then for as many of may as fit, then for the bar, which comes first,
// and then for last.
type fields struct {
	must, may []string
	bar, last string
}

// fit joins a name and the fields with two spaces, as far as there is room for them beside twelve columns of the name.
func fit(columns int, name string, f fields) string {
	const gap, least = "  ", 12
	line := strings.Join(f.must, gap)
	rest := columns - min(least, width(name)) - len(gap)
	all := true
	for _, field := range f.may {
		if all = width(line)+len(gap)+width(field) <= rest; !all {
			break
		}
		line += gap + field
	}
	if all && f.bar != "" && width(f.bar)+len(gap)+width(line) <= rest {
		line = f.bar + gap + line
	}
	if all && f.last != "" && width(line)+len(gap)+width(f.last) <= rest {
		line += gap + f.last
	}
	if short := shorten(name, columns-width(line)-len(gap)); short != "" {
		line = short + gap + line
	}
	if width(line) > columns {
		return ""
	}
	return line
}

func percent(n, total int64) string {
	p := int(float64(n) / float64(total) * 100)
	return fmt.Sprintf("%d %%", min(max(p, 0), 100))
}

func retries(n int) string {
	if n == 1 {
		return "1 retry"
	}
	return fmt.Sprintf("%d retries", n)
}

// count gives "1 part", "2 parts".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
