package s3server

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"haul.example/haul/store/storetest"
)

// Lies are wrong answers that a Server sends in place of its own: those of portals, proxies, and broken servers. Which
// requests get which depends on Seed and on the request, not on the order of requests, so that a run can be repeated.
type Lies struct {
	Seed uint64
	// One of so many requests is lied to; 1 is each.
	One int
	// Times is how often the same request is lied to before it is answered correctly; 0 is always.
	Times int

	mu    sync.Mutex
	asked map[string]int
	sent  []string
}

// Lie makes requests be answered wrong from now on, each before or after the server has done what it asks; nil ends that.
func (s *Server) Lie(l *Lies) { s.lies.Store(l) }

// Sent returns the lies so far: what was asked, and what was sent.
func (l *Lies) Sent() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent)
}

// answer is an answer, made or to be made.
type answer struct {
	status int
	header http.Header
	body   []byte
	raw    func(w io.Writer) // in place of all else: written to the connection, which ends then
}

// lie returns a wrong answer; nil if it has none for the request. The true answer comes from do, which does what is asked.
type lie func(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer

// lies are all of them by name.
var lies = map[string]lie{
	"empty":          func(*request, *rand.Rand, func(*http.Request) *answer) *answer { return plain(200, "", "") },
	"204":            func(*request, *rand.Rand, func(*http.Request) *answer) *answer { return plain(204, "", "") },
	"login page":     func(*request, *rand.Rand, func(*http.Request) *answer) *answer { return plain(200, "text/html", page) },
	"page with ETag": taggedPage,
	"404 page":       func(*request, *rand.Rand, func(*http.Request) *answer) *answer { return plain(404, "text/html", page) },
	"declaration": func(*request, *rand.Rand, func(*http.Request) *answer) *answer {
		return plain(200, "application/xml", xmlHead)
	},
	"other root":     otherRoot,
	"other answer":   otherAnswer,
	"cut":            otherBody(func(b []byte, r *rand.Rand) []byte { return b[:r.IntN(len(b))] }),
	"zeros":          otherBody(func(b []byte, _ *rand.Rand) []byte { return make([]byte, len(b)) }),
	"flipped":        flipped,
	"compressed":     otherBody(compressed),
	"bare":           otherBody(func(b []byte, _ *rand.Rand) []byte { return truncatedElement.ReplaceAll(b, nil) }),
	"cut short":      cutShort,
	"another page":   anotherPage,
	"odd parts":      oddParts,
	"no headers":     noHeaders,
	"endless spaces": endless("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat(" ", 4096)),
	"endless head":   endless("HTTP/1.1 200 OK\r\n", "X-Padding: "+strings.Repeat("a", 4096)+"\r\n"),
	"endless line":   endless("HTTP/1.1 200 OK\r\nX-Padding: ", strings.Repeat("a", 4096)),
	"endless 1xx":    endless("", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100)),
	"endless page":   endless("HTTP/1.1 200 OK\r\n\r\n<html>", strings.Repeat("a", 4096)),
}

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	page    = `<!DOCTYPE html><html><head><title>Sign in to the campus network</title></head><body><form></form></body></html>`
)

// roots are the root elements of S3's documents.
var roots = []string{
	"ListBucketResult", "ListPartsResult", "ListMultipartUploadsResult", "InitiateMultipartUploadResult", "CompleteMultipartUploadResult",
	"CopyObjectResult", "CopyPartResult", "GetObjectAttributesResponse", "ListVersionsResult", "Error", "html", "rss",
}

var truncatedElement = regexp.MustCompile(`<(IsTruncated|UploadId|Bucket|ETag|LastModified|Key|Location|Size)>[^<]*</(IsTruncated|UploadId|Bucket|ETag|LastModified|Key|Location|Size)>`)

// lie answers a request wrong, or not at all: false.
func (s *Server) lie(w http.ResponseWriter, r *http.Request) bool {
	l := s.lies.Load()
	if l == nil {
		return false
	}
	q := s.parse(w, r)
	name, random := l.pick(q)
	if name == "" {
		return false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	done := false
	do := func(as *http.Request) *answer {
		if as == r {
			done = true
		}
		as.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		s.serveTruth(rec, as)
		return &answer{status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
	}
	a := lies[name](q, random, do)
	// For some requests an empty answer is correct: then it is true.
	if !done && (a == nil || random.IntN(2) == 0 || a.raw == nil && a.status < 300 && len(a.body) == 0 && slices.Contains(quiet, q.call.Op)) {
		truth := do(r)
		if a == nil {
			a, name = truth, "nothing"
		}
	}
	l.note(fmt.Sprintf("%s %s %s: %s", r.Method, r.URL.RequestURI(), r.Header.Get("Range"), name))
	a.write(w, r)
	return true
}

// quiet are the operations whose correct answers are empty.
var quiet = []storetest.Op{storetest.Delete, storetest.Abort, storetest.CreateBucket, storetest.DeleteBucket, storetest.SetWebsite, storetest.HeadBucket}

// pick chooses a lie for a request, or none.
func (l *Lies) pick(q *request) (string, *rand.Rand) {
	what := q.r.Method + q.r.URL.RequestURI() + q.r.Header.Get("Range") + q.r.Header.Get("x-amz-copy-source")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked = map[string]int{}
	}
	n := l.asked[what]
	l.asked[what]++
	h := fnv.New64a()
	io.WriteString(h, what)
	if l.Times > 0 && n >= l.Times || rand.New(rand.NewPCG(l.Seed, h.Sum64())).IntN(max(l.One, 1)) != 0 {
		return "", nil
	}
	r := rand.New(rand.NewPCG(l.Seed+uint64(n)+1, h.Sum64()))
	names := make([]string, 0, len(lies))
	for name := range lies {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[r.IntN(len(names))], r
}

func (l *Lies) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, what)
}

// write sends the answer.
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	if a.raw == nil {
		for name, values := range a.header {
			w.Header()[name] = values
		}
		w.WriteHeader(a.status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(a.body) // the client may be gone
		}
		return
	}
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("s3server: internal error: " + err.Error())
	}
	defer c.Close()
	a.raw(c)
}

func plain(status int, kind, body string) *answer {
	a := &answer{status: status, header: http.Header{}, body: []byte(body)}
	if kind != "" {
		a.header.Set("Content-Type", kind)
	}
	return a
}

func taggedPage(_ *request, r *rand.Rand, _ func(*http.Request) *answer) *answer {
	a := plain(200, "text/html", page)
	a.header.Set("ETag", fmt.Sprintf(`"%016x%016x"`, r.Uint64(), r.Uint64()))
	return a
}

func otherRoot(_ *request, r *rand.Rand, _ func(*http.Request) *answer) *answer {
	root := roots[r.IntN(len(roots))]
	return plain(200, "application/xml", xmlHead+"<"+root+"></"+root+">")
}

// otherAnswer returns the correct answer to another operation.
func otherAnswer(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
	ref := q.r.URL.Path
	bucket, _, _ := strings.Cut(strings.TrimPrefix(ref, "/"), "/")
	others := map[storetest.Op]string{
		storetest.List: "GET /" + bucket + "?list-type=2", storetest.Uploads: "GET /" + bucket + "?uploads", storetest.ListBuckets: "GET /", storetest.Head: "HEAD " + ref,
		storetest.Location: "GET /" + bucket + "?location", storetest.Tags: "GET " + ref + "?tagging",
	}
	ops := []storetest.Op{storetest.List, storetest.Uploads, storetest.ListBuckets, storetest.Head, storetest.Location, storetest.Tags}
	op := ops[r.IntN(len(ops))]
	if op == q.call.Op || q.r.Method == "HEAD" {
		return nil
	}
	method, url, _ := strings.Cut(others[op], " ")
	as := httptest.NewRequest(method, "http://"+q.r.Host, nil)
	as.URL.Path, as.URL.RawQuery, _ = strings.Cut(url, "?")
	as.Header.Set("Authorization", q.r.Header.Get("Authorization"))
	a := do(as)
	if a.status >= 300 || op == storetest.Head && slices.Contains([]storetest.Op{storetest.Get, storetest.Put, storetest.PutPart, storetest.Complete}, q.call.Op) {
		return nil
	}
	return a
}

// otherBody returns the true answer with another body, of the right length.
func otherBody(change func([]byte, *rand.Rand) []byte) lie {
	return func(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
		a := do(q.r)
		if len(a.body) == 0 || a.status >= 300 {
			return a
		}
		a.body = change(slices.Clone(a.body), r)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		return a
	}
}

func compressed(b []byte, _ *rand.Rand) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // writing to memory cannot fail
	_ = z.Close()
	return out.Bytes()
}

// flipped flips a bit: of an object anywhere, of XML in a tag, since nothing guards its text.
func flipped(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
	return otherBody(func(b []byte, r *rand.Rand) []byte {
		i := r.IntN(len(b))
		if q.call.Op != storetest.Get {
			names := elementName.FindAllIndex(b, -1)
			if len(names) == 0 {
				return b
			}
			at := names[r.IntN(len(names))]
			i = at[0] + 1 + r.IntN(at[1]-at[0]-1)
		}
		b[i] ^= 1 << r.IntN(8)
		return b
	})(q, r, do)
}

var elementName = regexp.MustCompile(`</?[A-Za-z]+`)

// cutShort announces more than it sends.
func cutShort(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
	a := do(q.r)
	if len(a.body) == 0 || a.status >= 300 {
		return a
	}
	head := fmt.Sprintf("HTTP/1.1 %d OK\r\n", a.status)
	for name, values := range a.header {
		if name != "Content-Length" {
			head += name + ": " + values[0] + "\r\n"
		}
	}
	head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(a.body))
	body := a.body[:r.IntN(len(a.body))]
	a.raw = func(w io.Writer) { _, _ = w.Write(append([]byte(head), body...)) }
	return a
}

// anotherPage answers with a page of the listing that was not asked for.
func anotherPage(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
	if q.call.Op != storetest.List {
		return nil
	}
	v := q.r.URL.Query()
	if v.Get("continuation-token") != "" && r.IntN(2) == 0 {
		v.Del("continuation-token") // the first again
	} else {
		keys := q.s.memory.Keys(q.call.On.Ref.Bucket, v.Get("prefix"))
		if len(keys) == 0 {
			return nil
		}
		v.Set("continuation-token", base64.URLEncoding.EncodeToString([]byte(keys[r.IntN(len(keys))])))
	}
	if v.Get("continuation-token") == q.r.URL.Query().Get("continuation-token") {
		return nil
	}
	as := q.r.Clone(q.r.Context())
	as.URL.RawQuery = v.Encode()
	return do(as)
}

var partNumber = regexp.MustCompile(`<PartNumber>\d+`)

// oddParts names impossible parts. (One part twice is possible: SeaweedFS lists a part each time that it was sent.)
func oddParts(q *request, r *rand.Rand, do func(*http.Request) *answer) *answer {
	if q.call.Op != storetest.Parts {
		return nil
	}
	return otherBody(func(b []byte, r *rand.Rand) []byte {
		odd := []string{"-1", "0", "10001", "2147483648", "99999999999999999999", "x", "size"}[r.IntN(7)]
		if odd == "size" {
			return bytes.ReplaceAll(b, []byte("<Size>"), []byte("<Size>-"))
		}
		return partNumber.ReplaceAll(b, []byte("<PartNumber>"+odd))
	})(q, r, do)
}

// noHeaders returns the true answer through a proxy that removes headers.
func noHeaders(q *request, _ *rand.Rand, do func(*http.Request) *answer) *answer {
	a := do(q.r)
	for name := range a.header {
		if name == "Etag" || strings.HasPrefix(name, "X-Amz-Checksum") {
			delete(a.header, name)
		}
	}
	return a
}

// endless begins an answer that never ends.
func endless(head, more string) lie {
	return func(q *request, _ *rand.Rand, _ func(*http.Request) *answer) *answer {
		if q.r.Method == http.MethodHead && strings.Contains(head, "\r\n\r\n") {
			return nil // net/http logs unexpected answers to the terminal
		}
		return &answer{status: 200, raw: func(w io.Writer) {
			_, err := io.WriteString(w, head)
			for err == nil {
				_, err = io.WriteString(w, more)
			}
		}}
	}
}
