package nullstore

import (
	"strconv"
	"strings"
	"time"

	"haul.example/haul/checksum"
)

// object is what is known of an object. It never changes.
type object struct {
	name     string // bucket/key
	size     int64
	etag     string
	modified time.Time
	sums     []field // x-amz-checksum-*
	kind     checksum.Kind
	crc      checksum.Sum // CRC64NVME, where it is known
	meta     []field      // what was sent with it, to be given back
	put      bool         // not declared
}

const timeFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// fields gives the fields of an answer to HEAD and GET.
func (o *object) fields(h *head, partial bool) []field {
	f := append(make([]field, 0, 12),
		field{"ETag", `"` + o.etag + `"`}, field{"Last-Modified", o.modified.UTC().Format(timeFormat)}, field{"Accept-Ranges", "bytes"})
	f = append(f, o.meta...)
	if !has(o.meta, "content-type") {
		f = append(f, field{"Content-Type", "application/octet-stream"})
	}
	if !partial && h.is("x-amz-checksum-mode", "enabled") && len(o.sums) > 0 {
		f = append(f, o.sums...)
		f = append(f, field{sumPrefix + "type", string(o.kind)})
	}
	return f
}

// keptFields are the fields of a request that come back with the object.
func keptFields(h *head) []field {
	var kept []field
	for _, f := range h.fields {
		switch {
		case strings.HasPrefix(f.name, "x-amz-meta-"), f.name == "content-type", f.name == "cache-control",
			f.name == "content-disposition", f.name == "content-language", f.name == "expires":
			kept = append(kept, f)
		}
	}
	return kept
}

// read answers GET and HEAD of an object.
func (c *conn) read(h *head, name string) (bool, error) {
	o := c.s.find(name)
	if o == nil {
		// Looking whether something is there is no fault of the client's.
		return c.reply(h, answer{status: 404, body: errorXML("NoSuchKey", "The specified key does not exist."), expected: true})
	}
	if want := strings.Trim(h.get("if-match"), `"`); want != "" && want != "*" && want != o.etag {
		return c.reply(h, answer{status: 412, body: errorXML("PreconditionFailed", "The ETag is another.")})
	}
	offset, n, partial, ok := h.byteRange(o.size)
	if !ok {
		return c.reply(h, answer{status: 416, body: errorXML("InvalidRange", "The requested range is not satisfiable.")})
	}
	a := answer{status: 200, fields: o.fields(h, partial)}
	if partial {
		a.status = 206
		a.fields = append(a.fields, field{"Content-Range", contentRange(offset, n, o.size)})
	}
	if h.method == "HEAD" {
		a.fields = append(a.fields, field{"Content-Length", strconv.FormatInt(n, 10)})
		return c.reply(h, a)
	}
	c.s.stats.under.enter()
	defer c.s.stats.under.leave()
	return c.give(h, a, c.s.pattern.Content(o.name, o.size), offset, n)
}

func contentRange(offset, n, size int64) string {
	b := append(make([]byte, 0, 48), "bytes "...)
	b = strconv.AppendInt(b, offset, 10)
	b = strconv.AppendInt(append(b, '-'), offset+n-1, 10)
	return string(strconv.AppendInt(append(b, '/'), size, 10))
}

func (s *Server) find(name string) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name]
}

func (s *Server) store(o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[o.name] == nil {
		s.sorted = nil
	}
	s.objects[o.name] = o
}

func (s *Server) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, name)
	s.sorted = nil
}

// takeData takes in a body with data, with the fault that is drawn for it.
func (c *conn) takeData(h *head) (t taken, refused *answer, err error) {
	c.s.stats.under.enter()
	defer c.s.stats.under.leave()
	f := c.g.draw()
	c.count(f)
	t, err = c.take(h, f)
	if err == nil && f == corrupt {
		t.wrong = "spoiled on the way, as the Shape wants it"
	}
	if err == nil && t.wrong != "" {
		refused = &answer{status: 400, body: errorXML("BadDigest", t.wrong), expected: f == corrupt}
	}
	return t, refused, err
}

// put answers PutObject.
func (c *conn) put(h *head, name string) (bool, error) {
	t, refused, err := c.takeData(h)
	if err != nil {
		return false, err
	}
	if refused != nil {
		return c.reply(h, *refused)
	}
	c.s.store(&object{name: name, size: t.size, etag: t.etag, modified: time.Now(), sums: t.sums, kind: checksum.FullObject,
		crc: t.crc, meta: keptFields(h), put: true})
	a := answer{status: 200, fields: append([]field{{"ETag", `"` + t.etag + `"`}}, t.sums...)}
	if len(t.sums) > 0 {
		a.fields = append(a.fields, field{sumPrefix + "type", string(checksum.FullObject)})
	}
	return c.reply(h, a)
}
