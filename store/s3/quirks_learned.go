package s3

import (
	"slices"
	"strings"
	"sync"

	"haul.example/haul/checksum"
)

// profile is what is known of one endpoint: its quirks, and what was learned.
type profile struct {
	quirks // immutable

	mu        sync.Mutex
	refused   map[checksum.Scheme]bool // with Kind, of uploads; without, of everything
	ignored   bool                     // it accepts x-amz-checksum-* and does nothing with it
	missing   map[feature]bool
	supported map[feature]bool // it was seen to support these
	works     bool             // it was seen to check a checksum
	limits    learned
}

func newProfile(host string) *profile {
	p := &profile{
		quirks:  quirks{aws: host == "" || awsHost(host)},
		refused: map[checksum.Scheme]bool{}, missing: map[feature]bool{}, supported: map[feature]bool{},
	}
	for _, q := range providers {
		if host == q.host || strings.HasSuffix(host, "."+q.host) {
			p.quirks = q
		}
	}
	if p.ladder == nil {
		p.ladder = ladder
	}
	for _, f := range p.without {
		p.missing[f] = true
	}
	return p
}

// encoding returns the encoding that answers may have, so that the bytes come as they are stored.
func (p *profile) encoding() string {
	if p.gzip {
		return "gzip"
	}
	return "identity"
}

// schemes returns what to try for a wanted scheme, best first. The last is always no checksum at all.
func (p *profile) schemes(want checksum.Scheme) []checksum.Scheme {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []checksum.Scheme
	for _, s := range append(wished(want), p.ladder...) {
		if p.takes(s) {
			all = append(all, s)
		}
	}
	return append(all, checksum.Scheme{})
}

// takes reports whether s is still worth trying; mu is held.
func (p *profile) takes(s checksum.Scheme) bool {
	if p.ignored && s.Algorithm != checksum.MD5 {
		return false
	}
	return !p.refused[s] && !p.refused[checksum.Scheme{Algorithm: s.Algorithm}]
}

// wished returns the schemes of S3 that a wanted one can mean: CRC64NVME is of the full object, the other CRCs are
// either, and the rest is composite.
func wished(want checksum.Scheme) []checksum.Scheme {
	switch want.Algorithm {
	case checksum.None:
		return nil
	case checksum.CRC64NVME:
		return []checksum.Scheme{crc64Full}
	case checksum.CRC32, checksum.CRC32C:
		if want.Kind != "" {
			return []checksum.Scheme{want}
		}
		return []checksum.Scheme{{Algorithm: want.Algorithm, Kind: checksum.FullObject}, {Algorithm: want.Algorithm, Kind: checksum.Composite}}
	}
	return []checksum.Scheme{{Algorithm: want.Algorithm, Kind: checksum.Composite}}
}

// learn changes what is known.
func (p *profile) learn(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// known reads what is known.
func (p *profile) known(is func() bool) (yes bool) {
	p.learn(func() { yes = is() })
	return yes
}

// refuse records that the server does not accept such a checksum; without Kind, in no request.
func (p *profile) refuse(s checksum.Scheme) { p.learn(func() { p.refused[s] = true }) }

// recent are the algorithms that S3 has only had since 2026: of a server that ignores one, nothing else follows.
var recent = []checksum.Algorithm{checksum.SHA512, checksum.XXHASH3, checksum.XXHASH128, checksum.XXHASH64}

// ignore records that the server did nothing with a checksum by a, and so does nothing with any, unless a is recent.
func (p *profile) ignore(a checksum.Algorithm) {
	if slices.Contains(recent, a) {
		p.refuse(checksum.Scheme{Algorithm: a})
		return
	}
	p.learn(func() { p.ignored = true })
}

// checks records that the server was seen to check a checksum.
func (p *profile) checks() { p.learn(func() { p.works = true }) }

// checked reports whether the server was seen to check a checksum, or is known to.
func (p *profile) checked() bool { return p.known(func() bool { return p.works || p.aws }) }

// has reports whether f is worth asking for.
func (p *profile) has(f feature) bool { return p.known(func() bool { return !p.missing[f] }) }

// seen reports whether the server was seen to support f.
func (p *profile) seen(f feature) bool { return p.known(func() bool { return p.supported[f] }) }

// sure reports whether the server was seen to support f, or is known to.
func (p *profile) sure(f feature) bool { return p.seen(f) || p.aws }

// foundMissing records that the server does not support f, and foundSupported that it does.
func (p *profile) foundMissing(f feature) { p.learn(func() { p.missing[f] = true }) }

func (p *profile) foundSupported(f feature) { p.learn(func() { p.supported[f] = true }) }
