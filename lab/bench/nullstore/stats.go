package nullstore

import (
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Stats is what the server has seen since it began, or since Reset.
type Stats struct {
	// Requests by operation, in S3's words.
	Requests map[string]int64 `json:"requests"`
	// Connections that were opened, and the most that were open at once.
	Connections     int64 `json:"connections"`
	PeakConnections int64 `json:"peak_connections"`
	// PeakRequests is the most requests with data that were under way at once.
	PeakRequests int64 `json:"peak_requests"`
	// BytesIn and BytesOut count the bodies of objects and parts, as they stand on the wire, below TLS's and without heads.
	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
	// Faults that were done, by kind.
	Faults map[string]int64 `json:"faults"`
	// Wrong is what the server found wrong: checksums, lengths, answers 4xx. At most 20 are kept, WrongCount counts all.
	Wrong      []string `json:"wrong"`
	WrongCount int64    `json:"wrong_count"`
	// CPU seconds, user and system, of the server's process.
	CPU float64 `json:"cpu"`
}

// stats counts; it is cheap enough for every request.
type stats struct {
	ops      [len(opNames)]atomic.Int64
	faults   map[fault]*atomic.Int64 // never changes
	opened   atomic.Int64
	open     peak
	under    peak
	in, out  atomic.Int64
	cpuBegan atomic.Int64 // microseconds

	mu    sync.Mutex
	wrong []string
	bad   int64
}

func newStats() *stats {
	s := &stats{faults: map[fault]*atomic.Int64{}}
	for _, f := range faults {
		s.faults[f] = &atomic.Int64{}
	}
	s.reset()
	return s
}

// peak counts what is there, and remembers the most.
type peak struct{ now, most atomic.Int64 }

func (p *peak) enter() {
	n := p.now.Add(1)
	for most := p.most.Load(); n > most && !p.most.CompareAndSwap(most, n); most = p.most.Load() {
	}
}

func (p *peak) leave() { p.now.Add(-1) }

func (s *stats) reset() {
	for i := range s.ops {
		s.ops[i].Store(0)
	}
	for _, n := range s.faults {
		n.Store(0)
	}
	s.opened.Store(0)
	s.open.most.Store(s.open.now.Load())
	s.under.most.Store(s.under.now.Load())
	s.in.Store(0)
	s.out.Store(0)
	s.cpuBegan.Store(cpu().Microseconds())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong, s.bad = nil, 0
}

func (s *stats) complain(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const most = 20
	if s.bad++; len(s.wrong) < most {
		s.wrong = append(s.wrong, what)
	}
}

func (s *stats) snapshot() Stats {
	out := Stats{
		Requests: map[string]int64{}, Faults: map[string]int64{},
		Connections: s.opened.Load(), PeakConnections: s.open.most.Load(), PeakRequests: s.under.most.Load(),
		BytesIn: s.in.Load(), BytesOut: s.out.Load(),
		CPU: float64(cpu().Microseconds()-s.cpuBegan.Load()) / 1e6,
	}
	for i := range s.ops {
		if n := s.ops[i].Load(); n > 0 {
			out.Requests[opNames[i]] = n
		}
	}
	for f, n := range s.faults {
		if v := n.Load(); v > 0 {
			out.Faults[string(f)] = v
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Wrong, out.WrongCount = slices.Clone(s.wrong), s.bad
	return out
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
