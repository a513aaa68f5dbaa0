package haul_test

import (
	"testing"
	"time"

	"haul.example/haul"
)

const (
	second = time.Second
	mib    = 1 << 20
	gib    = 1 << 30
)

// wired are figures of a run of 10 s whose 24 connections were busy on the network and had work, after more were tried.
func wired() haul.Stats {
	return haul.Stats{
		Elapsed: 10 * second, Transfers: 10 * second, CPU: 2 * second, Cores: 2, Busy: 0.2, Moved: gib, Done: gib, Parts: 128, Requests: 131,
		Lanes: haul.LaneStats{Peak: 24, Open: 24, Settled: true, Alone: 16 * mib, InUse: 240 * second, Active: 10 * second, Full: 9 * second},
		Waits: haul.WaitStats{Read: 3 * second, Answer: 6 * second, Answers: 128, Ask: second},
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*haul.Stats)
		kind   haul.LimitKind
		text   string
	}{
		{"the link", func(s *haul.Stats) {}, haul.LimitLink,
			"the link to the store: 102 MiB/s over 24 connections, 4.3 MiB/s each; more connections were not faster; a faster link would help"},
		{"the link, with too few parts to try more", func(s *haul.Stats) { s.Lanes.Full, s.Lanes.Open = second, 48 }, haul.LimitLink,
			"the link to the store: 102 MiB/s over 24 connections, 4.3 MiB/s each, and a single one reached 16.0 MiB/s; a faster link would help"},
		{"still searching", func(s *haul.Stats) { s.Lanes.Settled = false }, haul.LimitShort,
			"the run was too short to judge: 24 connections, 4.3 MiB/s each, and haul was still adding more"},
		{"as many as may be", func(s *haul.Stats) { s.Lanes.Most = true }, haul.LimitConnection,
			"the rate of a connection: 24 connections, 4.3 MiB/s each, which is the maximum; a store nearby would help"},
		{"as many as asked for", func(s *haul.Stats) { s.Lanes.Fixed, s.Lanes.Settled, s.Lanes.Alone = true, false, 0 }, haul.LimitConcurrency,
			"the number of connections: the limit is 24, and all were busy, 4.3 MiB/s each; unless the link is full, a higher concurrency would help"},
		{"few parts", func(s *haul.Stats) {
			s.Parts, s.Lanes = 3, haul.LaneStats{Peak: 3, Open: 16, InUse: 30 * second, Active: 10 * second, Alone: 36 * mib}
		}, haul.LimitParts, "the number of parts: 3 in all, over 3 connections, 34.1 MiB/s each; a smaller part size would help"},
		{"one small part", func(s *haul.Stats) {
			s.Parts, s.Moved, s.Done = 1, 5*mib, 5*mib
			s.Waits = haul.WaitStats{}
			s.Lanes = haul.LaneStats{Peak: 1, Open: 16, InUse: 10 * second, Active: 10 * second}
		}, haul.LimitParts, "the number of parts: only one, at 512 KiB/s; unless the link is full, more objects at once would help"},
		{"connections that nothing slows", func(s *haul.Stats) { s.Lanes.Full, s.Lanes.Alone = 0, 4.5*mib }, haul.LimitConnection,
			"the rate of a connection: 24 connections, 4.3 MiB/s each, in 128 parts; unless the link is full, a higher concurrency would help"},
		{"idle", func(s *haul.Stats) { s.Lanes.Full, s.Lanes.Active, s.Lanes.InUse = 0, 4*second, 8*second }, haul.LimitNone,
			"nothing in particular: 2 connections, 128 MiB/s each, in use 40 % of the time"},

		{"the CPU", func(s *haul.Stats) { s.CPU = 19 * second }, haul.LimitCPU, "this CPU: 95 % of 2 cores in use (19.00 s/GiB); more or faster cores would help"},
		{"a CPU that others use", func(s *haul.Stats) { s.CPU, s.Busy = 8*second, 0.98 }, haul.LimitCPU,
			"this CPU: 98 % of 2 cores in use, 40 % by haul; running fewer other programs, or more cores, would help"},
		{"others that are not in the way", func(s *haul.Stats) { s.Busy = 0.98 }, haul.LimitLink, ""},
		{"the disk's writes", func(s *haul.Stats) { s.Waits = haul.WaitStats{Write: 170 * second} }, haul.LimitWrite,
			"disk writes, which took 71 % of the time, at 102 MiB/s; a faster disk for the target would help"},
		{"fsync", func(s *haul.Stats) { s.Waits = haul.WaitStats{Write: 60 * second, Sync: 4 * second} }, haul.LimitWrite,
			"disk writes, which took 55 % of the time, at 102 MiB/s; a faster disk for the target would help"},
		{"the disk's reads", func(s *haul.Stats) { s.Waits.Read = 200 * second }, haul.LimitRead,
			"disk reads, which took 83 % of the time, at 102 MiB/s; a faster disk for the source would help"},
		{"the proof", func(s *haul.Stats) { s.Waits.Verify = 6 * second }, haul.LimitProof,
			"verification: reading data again took 60 % of the time; a faster disk or a faster CPU would help"},

		{"the source", func(s *haul.Stats) { s.Waits.Source = 8800 * time.Millisecond }, haul.LimitSource,
			"the source stream: haul read 102 MiB/s from it, and waited for it 88 % of the time; a faster source would help"},
		{"a source that reads fast on a busy CPU", func(s *haul.Stats) { s.Waits.Source, s.CPU = 8*second, 19*second }, haul.LimitCPU, ""},
		{"the reader", func(s *haul.Stats) { s.Waits.Target, s.Waits.Memory = 7*second, 9*second }, haul.LimitTarget,
			"the reader of the output: haul wrote 102 MiB/s to it, and waited for it 70 % of the time; a faster reader would help"},
		{"memory", func(s *haul.Stats) { s.Waits.Memory, s.Lanes.Full = 9*second, 0 }, haul.LimitMemory,
			"memory, which had room for 24 parts at once, 4.3 MiB/s each; unless the link is full, more memory would help"},
		{"memory that is no bound", func(s *haul.Stats) { s.Waits.Memory = 6 * second }, haul.LimitLink, ""},

		{"refusals", func(s *haul.Stats) { s.Throttled, s.Retries, s.Waits.Pause = 30, 32, 40*second }, haul.LimitThrottled,
			"the store, which throttled 23 % of 131 requests (503); spreading keys over more prefixes, or a higher limit from the provider, would help"},
		{"refusals that cost little", func(s *haul.Stats) { s.Throttled, s.Retries, s.Waits.Pause = 20, 20, second }, haul.LimitLink, ""},
		{"errors", func(s *haul.Stats) { s.Retries, s.Waits.Pause = 12, 100*second }, haul.LimitErrors,
			"errors: 12 of 131 requests were retried; 0 % of the bytes were transferred in vain, and 42 % of the time was spent waiting to retry; --verbose prints the cause of each retry"},
		{"bytes in vain", func(s *haul.Stats) { s.Retries, s.Done = 40, gib/2 }, haul.LimitErrors, ""},
		{"broken off", func(s *haul.Stats) { s.Retries, s.Done = 3, gib/2 }, haul.LimitLink, ""},

		{"answers to small objects", func(s *haul.Stats) {
			s.Parts, s.Moved, s.Done = 5000, 5*mib, 5*mib
			s.Waits = haul.WaitStats{Answer: 230 * second, Answers: 5000}
		}, haul.LimitAnswers, "response times: 5000 requests, 46 ms each, 24 at once; fewer and larger objects, or a store nearby, would help"},
		{"answers, and few at once", func(s *haul.Stats) {
			s.Lanes.Fixed, s.Parts, s.Moved, s.Done = true, 5000, 5*mib, 5*mib
			s.Waits = haul.WaitStats{Answer: 230 * second, Answers: 5000}
		}, haul.LimitAnswers, "response times: 5000 requests, 46 ms each, 24 at once; a higher concurrency would help"},
		{"first bytes of ranges", func(s *haul.Stats) { s.Waits = haul.WaitStats{FirstByte: 160 * second, FirstBytes: 200} }, haul.LimitAnswers,
			"response times: 200 requests, 800 ms each, 24 at once; a larger part size would help"},
		{"sockets of large parts that empty slowly", func(s *haul.Stats) { s.Waits.Answer = 200 * second }, haul.LimitLink, ""},
		{"answers to what moves nothing", func(s *haul.Stats) { s.Waits.Ask = 6 * second }, haul.LimitAnswers,
			"response times: requests that transfer no data took 60 % of the time; larger objects, or a store nearby, would help"},
		{"a copy", func(s *haul.Stats) {
			s.Moved, s.Done, s.Waits = 0, 3*gib, haul.WaitStats{Answer: 240 * second, Answers: 96}
		}, haul.LimitCopy, "the store, which copies the data itself: 307 MiB/s, 24 requests at once"},

		{"nothing moved", func(s *haul.Stats) { *s = haul.Stats{Elapsed: second} }, haul.LimitNone, "nothing, because no data was transferred"},
		{"short", func(s *haul.Stats) { s.Elapsed, s.CPU = 400*time.Millisecond, 0 }, haul.LimitShort, "the run was too short to judge: 400 ms"},
		{"short but clear", func(s *haul.Stats) {
			s.Elapsed, s.Transfers, s.CPU, s.Waits.Source = 400*time.Millisecond, 400*time.Millisecond, 0, 390*time.Millisecond
		}, haul.LimitSource, ""},
		{"too short for anything", func(s *haul.Stats) { s.Elapsed, s.Waits.Source = 90*time.Millisecond, 10*second }, haul.LimitShort, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := wired()
			c.change(&s)
			if got := s.Limit(); got.Kind != c.kind || c.text != "" && got.String() != c.text {
				t.Errorf("%s: %q\nwant %s: %q", got.Kind, got, c.kind, c.text)
			}
		})
	}
}

func TestCPUPerGiB(t *testing.T) {
	if got := (haul.Stats{CPU: second, Moved: gib / 2}).CPUPerGiB(); got != 2 {
		t.Errorf("%v s/GiB, want 2", got)
	}
	if got := (haul.Stats{CPU: second, Moved: mib}).CPUPerGiB(); got != 0 {
		t.Errorf("%v s/GiB of a MiB, want 0: not known", got)
	}
}
