package nullstore

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
)

// taken is a body that has come.
type taken struct {
	size int64
	// sums are the x-amz-checksum-* fields that came with it; in checking mode they were found right.
	sums []field
	// crc is its CRC64NVME: as it was sent, or in checking mode, as it was computed. It may be missing.
	crc checksum.Sum
	// etag of what came.
	etag string
	// wrong says what does not fit, and is empty when all does.
	wrong string
}

// intake takes in one body.
type intake struct {
	c     *conn
	fault fault
	pace  *pacer
	left  int64 // on the wire; -1: not known
	half  int64 // where faults bite
	got   int64
}

// take takes in the body of a request: throws it away or, in checking mode, checks it.
func (c *conn) take(h *head, f fault) (taken, error) {
	length, err := h.length()
	if err != nil {
		return taken{}, err
	}
	if h.is("expect", "100-continue") {
		c.out = append(c.out[:0], "HTTP/1.1 100 Continue\r\n\r\n"...)
		if err := c.write(); err != nil {
			return taken{}, err
		}
	}
	in := &intake{c: c, fault: f, pace: c.g.pacer(f, c.g.in), left: length, half: max(length, 0) / 2}
	if in.pace != nil {
		rate := in.pace.rate
		if rate == 0 {
			rate = 50e6
		}
		keepSmall(c.tcp, int(max(rate/50, 64<<10))) // 20 ms of it
	}
	if c.s.check || length < 0 {
		return in.read(h)
	}
	return in.drain(h)
}

// moved counts n bytes, keeps them to their rate, and does what is to be done in the middle of the body.
func (in *intake) moved(n int64) error {
	before := in.got
	in.got += n
	if in.left >= 0 {
		in.left -= n
	}
	in.c.s.stats.in.Add(n)
	in.c.pause(in.pace.due(n))
	if in.fault != sound && before < in.half && in.got >= in.half {
		return in.c.harm(in.fault)
	}
	return nil
}

// drain throws the body away, but for the end of one in S3's coding, where its checksum stands.
func (in *intake) drain(h *head) (taken, error) {
	coded := h.awsChunked()
	tail := int64(0)
	if coded {
		tail = min(in.left, 512)
	}
	for in.left > tail {
		n, err := in.c.drop(in.pace.slice(min(in.left-tail, dropSize)))
		if err != nil {
			return taken{}, err
		}
		if err := in.moved(n); err != nil {
			return taken{}, err
		}
	}
	t := taken{size: in.got, sums: sentSums(h)}
	if coded {
		end := make([]byte, tail)
		if _, err := io.ReadFull(in.c, end); err != nil {
			return taken{}, err
		}
		if err := in.moved(tail); err != nil {
			return taken{}, err
		}
		size, err := strconv.ParseInt(h.get("x-amz-decoded-content-length"), 10, 64)
		if err != nil {
			return taken{}, errHead
		}
		t.size = size
		t.sums = append(t.sums, trailingSums(end)...)
	}
	t.crc = sumOf(t.sums, checksum.CRC64NVME)
	t.etag = in.c.s.newETag()
	if m, err := base64.StdEncoding.DecodeString(h.get("content-md5")); err == nil && len(m) == md5.Size {
		t.etag = hex.EncodeToString(m)
	}
	return t, nil
}

const sumPrefix = "x-amz-checksum-"

// sentSums gives the sums among the fields of a head.
func sentSums(h *head) []field {
	var sums []field
	for _, f := range h.fields {
		if a, ok := sumName(f.name); ok && a != checksum.None {
			sums = append(sums, f)
		}
	}
	return sums
}

func sumName(name string) (checksum.Algorithm, bool) {
	rest, ok := strings.CutPrefix(name, sumPrefix)
	if !ok {
		return checksum.None, false
	}
	a, err := checksum.Parse(rest)
	return a, err == nil
}

// trailingSums finds the sums in the end of a body in S3's coding.
func trailingSums(end []byte) []field {
	var sums []field
	for line := range bytes.Lines(end) {
		name, value, ok := strings.Cut(strings.TrimSpace(string(line)), ":")
		if a, known := sumName(strings.ToLower(name)); ok && known && a != checksum.None {
			sums = append(sums, field{strings.ToLower(name), strings.TrimSpace(value)})
		}
	}
	return sums
}

func sumOf(sums []field, a checksum.Algorithm) checksum.Sum {
	for _, f := range sums {
		if n, ok := sumName(f.name); ok && n == a {
			if s, err := checksum.FromBase64(a, f.value); err == nil {
				return s
			}
		}
	}
	return checksum.Sum{}
}

// Read gives the body as it stands on the wire.
func (in *intake) Read(p []byte) (int, error) {
	if in.left == 0 {
		return 0, io.EOF
	}
	n := in.pace.slice(int64(len(p)))
	if in.left > 0 {
		n = min(n, in.left)
	}
	got, err := in.c.Read(p[:n])
	if got == 0 {
		return 0, err
	}
	return got, in.moved(int64(got))
}

// ReadByte fulfils io.ByteReader.
func (in *intake) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(in, b[:])
	return b[0], err
}

// read takes in the body through its codings, and sums it.
func (in *intake) read(h *head) (taken, error) {
	var body io.Reader = in
	var trailers []*decoder
	if in.left < 0 {
		d := &decoder{r: in, ended: func() { in.left = 0 }}
		body, trailers = d, append(trailers, d)
	}
	if h.awsChunked() {
		d := &decoder{r: bufio.NewReaderSize(body, 64<<10), ended: func() {}}
		body, trailers = d, append(trailers, d)
	}
	t := taken{sums: sentSums(h)}
	check := newCheck(t.sums, h)
	var err error
	if t.size, err = io.CopyBuffer(check, onlyReader{body}, make([]byte, 256<<10)); err != nil {
		return t, err
	}
	for _, d := range trailers {
		t.sums = append(t.sums, trailingSums(d.trailer)...)
	}
	if v := h.get("x-amz-decoded-content-length"); v != "" && v != strconv.FormatInt(t.size, 10) {
		t.wrong = fmt.Sprintf("%d bytes came, and not %s", t.size, v)
	}
	check.finish(&t, h)
	return t, nil
}

// onlyReader hides every method but Read.
type onlyReader struct{ io.Reader }

// check sums a body in every way that a request may ask for.
type check struct {
	sums map[checksum.Algorithm]hash.Hash
	sha  hash.Hash // nil: not asked for
}

func newCheck(sums []field, h *head) *check {
	k := &check{sums: map[checksum.Algorithm]hash.Hash{}}
	add := func(a checksum.Algorithm) {
		if k.sums[a] == nil {
			k.sums[a] = a.New()
		}
	}
	add(checksum.CRC64NVME)
	add(checksum.MD5)
	for _, f := range sums {
		if a, ok := sumName(f.name); ok {
			add(a)
		}
	}
	if a, ok := sumName(strings.ToLower(h.get("x-amz-trailer"))); ok && a != checksum.None {
		add(a)
	}
	if len(h.get("x-amz-content-sha256")) == 2*sha256.Size {
		k.sha = sha256.New()
	}
	return k
}

func (k *check) Write(p []byte) (int, error) {
	for _, h := range k.sums {
		h.Write(p)
	}
	if k.sha != nil {
		k.sha.Write(p)
	}
	return len(p), nil
}

// finish compares what came with what was promised.
func (k *check) finish(t *taken, h *head) {
	t.crc = checksum.Of(checksum.CRC64NVME, k.sums[checksum.CRC64NVME])
	digest := checksum.Of(checksum.MD5, k.sums[checksum.MD5])
	t.etag = digest.Hex()
	for _, f := range t.sums {
		a, ok := sumName(f.name)
		if !ok || k.sums[a] == nil {
			continue
		}
		if got := checksum.Of(a, k.sums[a]).Base64(); got != f.value {
			t.wrong = fmt.Sprintf("%s is %s, and not %s", a, got, f.value)
		}
	}
	if v := h.get("content-md5"); v != "" && v != digest.Base64() {
		t.wrong = fmt.Sprintf("Content-MD5 is %s, and not %s", digest.Base64(), v)
	}
	if k.sha != nil && hex.EncodeToString(k.sha.Sum(nil)) != h.get("x-amz-content-sha256") {
		t.wrong = "SHA-256 of the body is not that of x-amz-content-sha256"
	}
}
