package s3

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"haul.example/haul/store"
)

// Limits returns those of S3 (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), or of the provider if it is known
// to differ, or narrower ones that the server has named in a refusal.
func (s *Store) Limits(bucket string) store.Limits {
	l := store.Limits{
		MaxParts: 10_000, MinPart: minPart, MaxPart: 5 * gib, MaxPut: 5 * gib, MaxCopy: 5 * gib,
		MaxObject: 10_000 * 5 * gib,
	}
	if s.profile.maxObject != 0 {
		l.MaxObject = s.profile.maxObject
	}
	l.EqualParts = s.profile.equalParts
	l.NoDuplicateParts = directoryBucket(bucket)
	s.profile.narrow(&l)
	return l
}

// minPart is the least size of a part that S3 takes, in bytes, and so the largest that no store may refuse for its size.
const minPart = 5 * mib

// learned are limits that the server named when it refused a request. Zero is unknown.
type learned struct {
	maxParts                 int
	maxPut, maxPart, minPart int64 // bytes
}

// narrow applies the learned limits to l.
func (p *profile) narrow(l *store.Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.limits.maxParts; n > 0 {
		l.MaxParts = min(l.MaxParts, n)
	}
	if n := p.limits.maxPut; n > 0 {
		l.MaxPut = min(l.MaxPut, n)
	}
	if n := p.limits.maxPart; n > 0 {
		l.MaxPart = min(l.MaxPart, n)
	}
	l.MinPart = min(max(l.MinPart, p.limits.minPart), l.MaxPart)
}

// learnLimit remembers the limit that a refusal names, for the life of the process.
func (p *profile) learnLimit(f *fault, c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.limits
	switch {
	case f.Code == "EntityTooLarge" || f.Code == "MaxMessageLengthExceeded" || f.status == http.StatusRequestEntityTooLarge:
		most := bytesIn(f.MaxSizeAllowed)
		if most <= 0 || most >= c.size {
			most = max(c.size/2, minPart) // it does not name one: a proxy with a limit of its own
		}
		switch {
		case most >= c.size: // smaller cannot be asked for
		case c.op == "PutObject":
			l.maxPut = most
		case c.op == "UploadPart":
			l.maxPart = most
		}
	case f.Code == "EntityTooSmall" && c.op == "CompleteMultipartUpload":
		l.minPart = max(l.minPart, bytesIn(f.MinSizeAllowed))
	case f.status == http.StatusBadRequest && c.part > 0:
		if n := mostParts(f.Message, c.part); n > 0 {
			l.maxParts = n
		}
	}
}

// bytesIn parses a number of bytes; 0 if text is not a number.
func bytesIn(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9][0-9,_]*`) })

// scantyParts is how many parts an upload has at most if a server refuses a part number above it, and names no bound: the
// limit of the only provider known to accept fewer than S3 (Scaleway).
const scantyParts = 1000

// mostParts reads how many parts an upload may have out of the refusal of a part with that number, or of so many parts: the
// largest number in it that is below. It returns 0 if the refusal is about something else.
func mostParts(text string, part int) int {
	text = strings.ToLower(text)
	if !strings.Contains(text, "part number") && !strings.Contains(text, "partnumber") && !strings.Contains(text, "number of parts") &&
		!strings.Contains(text, "too many parts") {
		return 0
	}
	most := 0
	for _, word := range number().FindAllString(text, -1) {
		n, err := strconv.Atoi(strings.NewReplacer(",", "", "_", "").Replace(word))
		if err == nil && n > most && n < part {
			most = n
		}
	}
	if most <= 1 && part > scantyParts {
		return scantyParts
	}
	if most <= 1 {
		return 0
	}
	return most
}
