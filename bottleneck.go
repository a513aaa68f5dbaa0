package haul

import (
	"fmt"
	"math"
	"time"

	"haul.example/haul/internal/amount"
)

// LimitKind is the kind of a Limit.
type LimitKind string

// The kinds of Limit.
const (
	LimitShort       LimitKind = "too short"     // the run was too short to judge
	LimitNone        LimitKind = "none"          // nothing stands out
	LimitThrottled   LimitKind = "throttled"     // the store asked to slow down
	LimitErrors      LimitKind = "errors"        // requests failed and were made again
	LimitCPU         LimitKind = "cpu"           // of this machine
	LimitRead        LimitKind = "disk read"     // the local disk
	LimitWrite       LimitKind = "disk write"    // likewise, fsync included
	LimitSource      LimitKind = "source stream" // UploadStream waited for its reader
	LimitTarget      LimitKind = "target stream" // DownloadStream waited for its writer
	LimitMemory      LimitKind = "memory"        // there was no memory for more parts of a stream
	LimitProof       LimitKind = "proof"         // verification that reads bytes again
	LimitAnswers     LimitKind = "answers"       // the time until the store answers, not how fast bytes move
	LimitCopy        LimitKind = "copy"          // the store, which copies by itself
	LimitConcurrency LimitKind = "concurrency"   // Options.Concurrency
	LimitParts       LimitKind = "parts"         // there were too few to move at once
	LimitConnection  LimitKind = "connection"    // the rate of each connection, and no more may be opened
	LimitLink        LimitKind = "link"          // more connections brought no gain
)

// Limit names the bottleneck of a run.
type Limit struct {
	Kind LimitKind
	// Text is a clause for people, with the figures, such as "the link to the store: 118 MiB/s over 24 connections".
	Text string
	// Advice is the one change that would help most; empty if none is known.
	Advice string
}

// String returns both texts.
func (l Limit) String() string {
	if l.Advice == "" {
		return l.Text
	}
	return l.Text + "; " + l.Advice
}

const (
	// much is the share of the time above which something is the limit. In a run shorter than tellable it must reach
	// clearly, and below blink nothing is reported.
	much, clearly   = 0.5, 0.8
	tellable, blink = time.Second, 100 * time.Millisecond
	// hot is the share of the cores above which the CPU is the limit, over the whole run with its beginning and end;
	// crowded is that of all programs together, and ours the least that this one uses of it.
	hot, crowded, ours = 0.85, 0.9, 0.25
	// refused is the share of requests, and paused that of the lanes' time, above which the store's refusals may matter;
	// stopped is that of the lanes' time above which any wait before another try does.
	refused, paused, stopped = 0.1, 0.1, 0.25
	// wasted is the share of bytes that moved in vain, and of requests that were made again, above which both are the
	// limit. An interrupted run has moved many bytes in vain, but not again.
	wasted = 0.25
	// smallBody is the size of bodies up to which the wait for an answer is not mostly that for the socket to empty.
	smallBody = 256 << 10
	// largePart is the part size from which smaller parts are worth a try.
	largePart = 6 << 20
	// sharing is the share of the rate of a single connection below which connections share a full link, and undisturbed
	// that above which they do not.
	sharing, undisturbed = 0.4, 0.8
	// many parts per lane are enough to keep it busy.
	many = 4
)

// Limit returns the bottleneck of the run that s describes. It first considers what was measured: CPU use, and the time that
// transfers waited for each resource. The rest of the time went to the network. There the number of connections decides: if
// more would not have helped, the network is the limit.
//
// It cannot distinguish the network from the total throughput of the store. And it covers the whole run: a run that had one
// bottleneck for half of its time and another for the other half has no clear limit.
func (s Stats) Limit() Limit {
	switch {
	case s.Moved == 0 && s.Done == 0:
		return Limit{Kind: LimitNone, Text: "nothing, because no data was transferred"}
	case s.Elapsed < blink:
		return s.short()
	}
	need := much
	if s.Elapsed < tellable {
		need = clearly
	}
	for _, candidate := range []func(need float64) Limit{s.trouble, s.busy, s.streams, s.crowd, s.disk, s.waits} {
		if l := candidate(need); l.Kind != "" {
			return l
		}
	}
	if s.Elapsed < tellable {
		return s.short()
	}
	return s.wire()
}

func (s Stats) short() Limit {
	return Limit{Kind: LimitShort, Text: fmt.Sprintf("the run was too short to judge: %s", amount.Took(s.Elapsed))}
}

// trouble looks for refusals and errors.
func (s Stats) trouble(float64) Limit {
	share, waited := float64(s.Throttled)/float64(max(s.Requests, 1)), portion(s.Waits.Pause, s.Lanes.InUse)
	vain, again := float64(s.Moved-s.Done)/float64(max(s.Moved, 1)), float64(s.Retries)/float64(max(s.Requests, 1))
	switch {
	case share >= refused && waited >= paused, waited >= stopped && 2*s.Throttled >= s.Retries && s.Throttled > 0:
		return Limit{LimitThrottled, fmt.Sprintf("the store, which throttled %s of %d requests (503)", percent(share), s.Requests),
			"spreading keys over more prefixes, or a higher limit from the provider, would help"}
	case s.Retries > 0 && (waited >= stopped || vain >= wasted && again >= wasted):
		return Limit{LimitErrors, fmt.Sprintf("errors: %d of %d requests were retried; %s of the bytes were transferred in vain, and %s of the time was spent waiting to retry",
			s.Retries, s.Requests, percent(vain), percent(waited)), "--verbose prints the cause of each retry"}
	}
	return Limit{}
}

// own returns the share of the cores that this process used.
func (s Stats) own() float64 { return portion(s.CPU, s.Elapsed*time.Duration(s.Cores)) }

func (s Stats) busy(float64) Limit {
	if s.own() < hot {
		return Limit{}
	}
	text := fmt.Sprintf("this CPU: %s of %s in use", percent(s.own()), count(s.Cores, "core"))
	if each := s.CPUPerGiB(); each > 0 {
		text += fmt.Sprintf(" (%.2f s/GiB)", each)
	}
	return Limit{LimitCPU, text, "more or faster cores would help"}
}

// crowd looks at the CPU again, with all other programs, if nothing else was waited for.
func (s Stats) crowd(float64) Limit {
	if s.Busy < crowded || s.own() < ours {
		return Limit{}
	}
	return Limit{LimitCPU, fmt.Sprintf("this CPU: %s of %s in use, %s by haul", percent(s.Busy), count(s.Cores, "core"), percent(s.own())),
		"running fewer other programs, or more cores, would help"}
}

// CPUPerGiB returns the CPU seconds per GiB transferred; 0 if too little was transferred to tell.
func (s Stats) CPUPerGiB() float64 {
	const least, gib = 64 << 20, 1 << 30
	if s.Moved < least {
		return 0
	}
	return s.CPU.Seconds() * gib / float64(s.Moved)
}

func (s Stats) streams(need float64) Limit {
	if share := portion(s.Waits.Source, s.Transfers); share >= need {
		return Limit{LimitSource, fmt.Sprintf("the source stream: haul read %s from it, and waited for it %s of the time", rate(s.Moved, s.Elapsed), percent(share)),
			"a faster source would help"}
	}
	if share := portion(s.Waits.Target, s.Transfers); share >= need {
		return Limit{LimitTarget, fmt.Sprintf("the reader of the output: haul wrote %s to it, and waited for it %s of the time", rate(s.Moved, s.Elapsed), percent(share)),
			"a faster reader would help"}
	}
	return Limit{}
}

func (s Stats) disk(need float64) Limit {
	sync := portion(s.Waits.Sync, s.Transfers)
	write := portion(s.Waits.Write, s.Lanes.InUse)*(1-sync) + sync
	if write >= need {
		return Limit{LimitWrite, fmt.Sprintf("disk writes, which took %s of the time, at %s", percent(write), rate(s.Moved, s.Elapsed)),
			"a faster disk for the target would help"}
	}
	if read := portion(s.Waits.Read, s.Lanes.InUse); read >= need {
		return Limit{LimitRead, fmt.Sprintf("disk reads, which took %s of the time, at %s", percent(read), rate(s.Moved, s.Elapsed)),
			"a faster disk for the source would help"}
	}
	if share := portion(s.Waits.Verify, s.Transfers); share >= need {
		return Limit{LimitProof, fmt.Sprintf("verification: reading data again took %s of the time", percent(share)), "a faster disk or a faster CPU would help"}
	}
	return Limit{}
}

// waits looks at how long the store was waited for, and at memory.
func (s Stats) waits(need float64) Limit {
	w := s.Waits
	answers, n := w.FirstByte, w.FirstBytes
	if small := s.Moved <= smallBody*int64(w.Answers); small || s.Moved == 0 {
		answers, n = answers+w.Answer, n+w.Answers
	}
	asked := portion(w.Ask, s.Transfers)
	switch {
	case asked >= need:
		return Limit{LimitAnswers, fmt.Sprintf("response times: requests that transfer no data took %s of the time", percent(asked)),
			"larger objects, or a store nearby, would help"}
	case s.Moved == 0:
		return Limit{LimitCopy, fmt.Sprintf("the store, which copies the data itself: %s, %d requests at once", rate(s.Done, s.Elapsed), s.connections()), ""}
	case n > 0 && portion(answers, s.Lanes.InUse) >= need:
		l := Limit{LimitAnswers, fmt.Sprintf("response times: %d requests, %s each, %d at once", n, amount.Took(answers/time.Duration(n)), s.connections()),
			"a larger part size would help"}
		switch {
		case s.Lanes.Fixed && s.full():
			l.Advice = "a higher concurrency would help"
		case s.Moved < largePart*int64(s.Parts)/many:
			l.Advice = "fewer and larger objects, or a store nearby, would help"
		}
		return l
	case portion(w.Memory, s.Transfers) >= need && !s.full():
		return Limit{LimitMemory, fmt.Sprintf("memory, which had room for %s at once, %s", count(s.connections(), "part"), s.each()),
			"unless the link is full, more memory would help"}
	}
	return Limit{}
}

// wire decides by the number of connections.
func (s Stats) wire() Limit {
	l, n := s.Lanes, s.connections()
	connections := count(n, "connection") + ", " + s.each()
	switch {
	case s.full() && l.Fixed:
		return Limit{LimitConcurrency, fmt.Sprintf("the number of connections: the limit is %d, and all were busy, %s", l.Open, s.each()),
			"unless the link is full, a higher concurrency would help"}
	case s.full() && !l.Settled:
		return Limit{LimitShort, "the run was too short to judge: " + connections + ", and haul was still adding more", ""}
	case s.full() && l.Most:
		return Limit{LimitConnection, "the rate of a connection: " + connections + ", which is the maximum", "a store nearby would help"}
	case s.full():
		text := fmt.Sprintf("the link to the store: %s over %s; more connections were not faster", rate(s.Moved, s.Elapsed), connections)
		if s.Busy >= crowded {
			return Limit{LimitLink, text + fmt.Sprintf("; but other programs kept the CPU busy: %s", percent(s.Busy)),
				"try again without them, or with a faster link"}
		}
		return Limit{LimitLink, text, "a faster link would help"}
	case portion(s.Lanes.Active, s.Elapsed) < much:
		return Limit{LimitNone, fmt.Sprintf("nothing in particular: %s, in use %s of the time", connections, percent(portion(l.Active, s.Elapsed))), ""}
	}
	return s.few(connections)
}

// few judges runs with lanes that had nothing to do, by comparing the rate of a connection with that of a single one.
func (s Stats) few(connections string) Limit {
	advice := "more objects at once would help"
	if s.Moved >= largePart*int64(s.Parts) {
		advice = "a smaller part size would help"
	}
	alone := s.Lanes.Alone
	switch each := float64(s.Moved) / s.Lanes.InUse.Seconds(); {
	case alone > 0 && each < sharing*alone:
		return Limit{LimitLink, fmt.Sprintf("the link to the store: %s over %s, and a single one reached %s", rate(s.Moved, s.Elapsed), connections, amount.PerSecond(alone)),
			"a faster link would help"}
	case s.Parts >= many*s.connections():
		return Limit{LimitConnection, fmt.Sprintf("the rate of a connection: %s, in %d parts", connections, s.Parts), "unless the link is full, a higher concurrency would help"}
	case alone == 0 || each < undisturbed*alone:
		advice = "unless the link is full, " + advice
	}
	text := fmt.Sprintf("the number of parts: %d in all, over %s", s.Parts, connections)
	if s.Parts == 1 {
		text = "the number of parts: only one, at " + rate(s.Moved, s.Lanes.InUse)
	}
	return Limit{LimitParts, text, advice}
}

// full reports whether there was mostly work for more lanes than were open.
func (s Stats) full() bool { return portion(s.Lanes.Full, s.Lanes.Active) >= much }

// connections returns how many were in use on average while any was.
func (s Stats) connections() int {
	if s.Lanes.Active <= 0 {
		return 0
	}
	return int(math.Round(float64(s.Lanes.InUse) / float64(s.Lanes.Active)))
}

// each returns the rate of one connection, as a clause.
func (s Stats) each() string { return rate(s.Moved, s.Lanes.InUse) + " each" }

func rate(bytes int64, d time.Duration) string {
	if d <= 0 {
		return "0 B/s"
	}
	return amount.PerSecond(float64(bytes) / d.Seconds())
}

// portion returns a as a share of b, at most 1.
func portion(a, b time.Duration) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return min(1, float64(a)/float64(b))
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// count returns "1 part", "2 parts".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
