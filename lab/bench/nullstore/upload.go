package nullstore

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"haul.example/haul/checksum"
)

// upload is an open upload in parts.
type upload struct {
	id        string
	name      string // bucket/key
	algorithm checksum.Algorithm
	kind      checksum.Kind
	meta      []field
	begun     time.Time

	mu    sync.Mutex
	parts map[int]part
}

type part struct {
	size int64
	etag string
	sum  checksum.Sum // by the upload's algorithm, where it came
	crc  checksum.Sum // CRC64NVME, where it is known
}

// create answers CreateMultipartUpload.
func (c *conn) create(h *head, bucket, key string) (bool, error) {
	a, err := checksum.Parse(h.get("x-amz-checksum-algorithm"))
	if err != nil {
		return c.reply(h, answer{status: 400, body: errorXML("InvalidRequest", err.Error())})
	}
	u := &upload{id: fmt.Sprintf("upload-%d", c.s.etags.Add(1)), name: bucket + "/" + key, algorithm: a,
		kind: checksum.Kind(h.get("x-amz-checksum-type")), meta: keptFields(h), begun: time.Now(), parts: map[int]part{}}
	out := answer{status: 200}
	if a != checksum.None {
		if u.kind == "" {
			u.kind = checksum.Composite
			if a == checksum.CRC64NVME {
				u.kind = checksum.FullObject
			}
		}
		out.fields = []field{{"x-amz-checksum-algorithm", string(a)}, {"x-amz-checksum-type", string(u.kind)}}
	}
	c.s.mu.Lock()
	c.s.uploads[u.id] = u
	c.s.mu.Unlock()
	out.body = document("InitiateMultipartUploadResult", tag("Bucket", bucket), tag("Key", key), tag("UploadId", u.id))
	return c.reply(h, out)
}

// uploadOf gives the upload that a request names, or nil.
func (s *Server) uploadOf(h *head, name string) *upload {
	id, _ := h.param("uploadId")
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[id]; u != nil && u.name == name {
		return u
	}
	return nil
}

func noUpload() answer {
	return answer{status: 404, body: errorXML("NoSuchUpload", "The specified upload does not exist.")}
}

// putPart answers UploadPart.
func (c *conn) putPart(h *head, name string) (bool, error) {
	text, _ := h.param("partNumber")
	n, err := strconv.Atoi(text)
	u := c.s.uploadOf(h, name)
	t, refused, failed := c.takeData(h)
	switch {
	case failed != nil:
		return false, failed
	case refused != nil:
		return c.reply(h, *refused)
	case err != nil || n < 1 || n > 10_000:
		return c.reply(h, answer{status: 400, body: errorXML("InvalidArgument", "Part number must be 1 to 10000.")})
	case u == nil:
		return c.reply(h, noUpload())
	}
	u.mu.Lock()
	u.parts[n] = part{size: t.size, etag: t.etag, sum: sumOf(t.sums, u.algorithm), crc: t.crc}
	u.mu.Unlock()
	return c.reply(h, answer{status: 200, fields: append([]field{{"ETag", `"` + t.etag + `"`}}, t.sums...)})
}

// complete answers CompleteMultipartUpload.
func (c *conn) complete(h *head, name string) (bool, error) {
	text, err := c.text(h)
	if err != nil {
		return false, err
	}
	u := c.s.uploadOf(h, name)
	if u == nil {
		return c.reply(h, noUpload())
	}
	var doc struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(text, &doc); err != nil || len(doc.Part) == 0 {
		return c.reply(h, answer{status: 400, body: errorXML("MalformedXML", "The XML is not as it should be.")})
	}
	w := whole{upload: u}
	u.mu.Lock()
	for i, d := range doc.Part {
		p, ok := u.parts[d.PartNumber]
		switch {
		case !ok || strings.Trim(d.ETag, `"`) != p.etag:
			w.wrong = fmt.Sprintf("InvalidPart: part %d is not as it was sent", d.PartNumber)
		case i > 0 && d.PartNumber <= doc.Part[i-1].PartNumber:
			w.wrong = "InvalidPartOrder: the parts are not in order"
		}
		w.add(p)
	}
	u.mu.Unlock()
	o := w.object(h)
	if w.wrong != "" {
		code, message, _ := strings.Cut(w.wrong, ": ")
		return c.reply(h, answer{status: 400, body: errorXML(code, message)})
	}
	c.s.store(o)
	c.s.mu.Lock()
	delete(c.s.uploads, u.id)
	c.s.mu.Unlock()
	bucket, key, _ := strings.Cut(name, "/")
	tags := []string{tag("Location", "/"+name), tag("Bucket", bucket), tag("Key", key), tag("ETag", `"`+o.etag+`"`)}
	for _, f := range o.sums {
		a, _ := sumName(f.name)
		tags = append(tags, tag("Checksum"+string(a), f.value), tag("ChecksumType", string(o.kind)))
	}
	return c.reply(h, answer{status: 200, body: document("CompleteMultipartUploadResult", tags...)})
}

// whole is what the parts of an upload make together.
type whole struct {
	*upload
	size  int64
	count int
	sums  []checksum.Sized // by the upload's algorithm
	crcs  []checksum.Sized
	wrong string // code, colon, message
}

func (w *whole) add(p part) {
	w.size += p.size
	w.count++
	if !p.sum.IsZero() {
		w.sums = append(w.sums, checksum.Sized{Sum: p.sum, Size: p.size})
	}
	if !p.crc.IsZero() {
		w.crcs = append(w.crcs, checksum.Sized{Sum: p.crc, Size: p.size})
	}
}

// object makes the object, and compares it with what the request promises.
func (w *whole) object(h *head) *object {
	o := &object{name: w.name, size: w.size, etag: fmt.Sprintf("%032x-%d", w.size, w.count), modified: time.Now(), kind: w.kind,
		meta: w.meta, put: true}
	if v := h.get("x-amz-mp-object-size"); v != "" && v != strconv.FormatInt(w.size, 10) {
		w.wrong = fmt.Sprintf("InvalidRequest: the parts have %d bytes, and not %s", w.size, v)
	}
	if len(w.crcs) == w.count {
		o.crc, _ = checksum.Combine(w.crcs)
	}
	var sum checksum.Sum
	switch {
	case w.algorithm == checksum.None || len(w.sums) < w.count:
	case w.kind == checksum.FullObject:
		sum, _ = checksum.Combine(w.sums)
	default:
		raw := make([]checksum.Sum, 0, w.count)
		for _, s := range w.sums {
			raw = append(raw, s.Sum)
		}
		sum, _ = checksum.Compose(raw)
	}
	for _, f := range sentSums(h) {
		a, _ := sumName(f.name)
		switch {
		case a == w.algorithm && !sum.IsZero() && f.value != sum.Base64():
			w.wrong = fmt.Sprintf("BadDigest: %s of the parts is %s, and not %s", a, sum.Base64(), f.value)
		case sum.IsZero():
			o.sums = append(o.sums, f)
		}
	}
	if !sum.IsZero() {
		o.sums = []field{{sumPrefix + strings.ToLower(string(sum.Algorithm)), sum.Base64()}}
	}
	return o
}

// abort answers AbortMultipartUpload.
func (c *conn) abort(h *head, name string) (bool, error) {
	u := c.s.uploadOf(h, name)
	if u == nil {
		return c.reply(h, noUpload())
	}
	c.s.mu.Lock()
	delete(c.s.uploads, u.id)
	c.s.mu.Unlock()
	return c.reply(h, answer{status: 204})
}

// listParts answers ListParts, all on one page.
func (c *conn) listParts(h *head, name string) (bool, error) {
	u := c.s.uploadOf(h, name)
	if u == nil {
		return c.reply(h, noUpload())
	}
	bucket, key, _ := strings.Cut(name, "/")
	tags := []string{tag("Bucket", bucket), tag("Key", key), tag("UploadId", u.id), tag("IsTruncated", "false")}
	if u.algorithm != checksum.None {
		tags = append(tags, tag("ChecksumAlgorithm", string(u.algorithm)), tag("ChecksumType", string(u.kind)))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		p := u.parts[n]
		inner := tag("PartNumber", strconv.Itoa(n)) + tag("Size", strconv.FormatInt(p.size, 10)) + tag("ETag", `"`+p.etag+`"`)
		if !p.sum.IsZero() {
			inner += tag("Checksum"+string(u.algorithm), p.sum.Base64())
		}
		tags = append(tags, "<Part>"+inner+"</Part>")
	}
	return c.reply(h, answer{status: 200, body: document("ListPartsResult", tags...)})
}

// text takes in a body that is to be read, such as XML.
func (c *conn) text(h *head) ([]byte, error) {
	length, err := h.length()
	const most = 16 << 20
	if err != nil || length < 0 || length > most {
		return nil, errHead
	}
	if h.is("expect", "100-continue") {
		c.out = append(c.out[:0], "HTTP/1.1 100 Continue\r\n\r\n"...)
		if err := c.write(); err != nil {
			return nil, err
		}
	}
	b := make([]byte, length)
	_, err = io.ReadFull(c, b)
	return b, err
}
