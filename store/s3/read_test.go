package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

var (
	object = []byte("GATTACA GATTACA GATTACA")
	whole  = checksum.Bytes(checksum.CRC64NVME, object)
)

// serves answers GET and HEAD of an object as S3 does.
func serves(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"abc"`)
	w.Header().Set("x-amz-version-id", "v1")
	if r.Header.Get("x-amz-checksum-mode") == "ENABLED" {
		w.Header().Set("x-amz-checksum-crc64nvme", whole.Base64())
		w.Header().Set("x-amz-checksum-type", "FULL_OBJECT")
	}
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader(object))
}

func TestGet(t *testing.T) {
	srv := script(t, serves)
	s := open(t, s3.Config{Endpoint: srv.URL})
	for _, tt := range []struct {
		ask, got store.Range
		sums     int
	}{
		{store.Range{}, store.Range{Length: 23}, 1},
		{store.Range{Length: 7}, store.Range{Length: 7}, 0},
		{store.Range{Offset: 8, Length: 7}, store.Range{Offset: 8, Length: 7}, 0},
		{store.Range{Offset: 16, Length: 100}, store.Range{Offset: 16, Length: 7}, 0},
		{store.Range{Length: 100}, store.Range{Length: 23}, 1},
	} {
		b, err := s.Get(context.Background(), store.GetRequest{Ref: ref, Range: tt.ask, IfMatch: "abc"})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(b)
		if err != nil || string(data) != string(object[tt.got.Offset:tt.got.End()]) || b.Range != tt.got {
			t.Errorf("%v: %q, %v, %v", tt.ask, data, b.Range, err)
		}
		o := b.Object
		if o.Size != 23 || o.ETag != "abc" || o.Version != "v1" || o.Modified.Unix() != 1_700_000_000 || len(o.Sums) != tt.sums {
			t.Errorf("%v: %+v", tt.ask, o)
		}
		if tt.sums == 1 && o.Sums[0] != whole {
			t.Errorf("sum is %v", o.Sums)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := b.Read(make([]byte, 1)); err == nil {
			t.Error("read after Close")
		}
	}
	if h := srv.last(t).header; h.Get("If-Match") != `"abc"` {
		t.Errorf("If-Match is %q", h.Get("If-Match"))
	}
	_, err := s.Get(context.Background(), store.GetRequest{Ref: ref, Range: store.Range{Offset: 23, Length: 1}})
	if store.KindOf(err) != store.BadRange {
		t.Errorf("past the end: %v", err)
	}
	if _, err := s.Get(context.Background(), store.GetRequest{Ref: ref, Range: store.Range{Offset: 5}}); store.KindOf(err) != store.Invalid {
		t.Errorf("empty range: %v", err)
	}
}

func TestGetOdd(t *testing.T) {
	some := store.Range{Offset: 8, Length: 7}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		ask    store.Range
		kind   store.Kind // of opening
		read   store.Kind // of reading
		want   string
	}{
		"ranges ignored":      {answer(200, string(object)), some, store.BadAnswer, "", ""},
		"ranges ignored at 0": {answer(200, string(object)), store.Range{Length: 7}, "", "", "GATTACA"},
		"range by 200":        {answer(200, "GATTACA", "Content-Range: bytes 8-14/23"), some, "", "", "GATTACA"},
		"range by 200 at 0":   {answer(200, "GATT", "Content-Range: bytes 0-3/23"), store.Range{Length: 4}, "", "", "GATT"},
		"another by 200":      {answer(200, "GATT", "Content-Range: bytes 0-3/23"), store.Range{Length: 7}, store.BadAnswer, "", ""},
		"unasked by 200":      {answer(200, "GATT", "Content-Range: bytes 0-3/23"), store.Range{}, store.BadAnswer, "", ""},
		"another range":       {answer(206, "GATTACA", "Content-Range: bytes 0-6/23"), some, store.BadAnswer, "", ""},
		"a shorter range":     {answer(206, "GATT", "Content-Range: bytes 8-11/23"), some, store.BadAnswer, "", ""},
		"no Content-Range":    {answer(206, "GATTACA"), some, store.BadAnswer, "", ""},
		"odd Content-Range":   {answer(206, "GATTACA", "Content-Range: bytes 8-14/*"), some, store.BadAnswer, "", ""},
		"lengths differ":      {answer(206, "GATT", "Content-Range: bytes 8-14/23"), some, store.BadAnswer, "", ""},
		"empty by 206":        {answer(206, "", "Content-Range: bytes 0-0/0"), store.Range{Length: 7}, store.BadRange, "", ""},
		"another state":       {answer(200, string(object), `ETag: "other"`), store.Range{}, store.Changed, "", ""},
		"no length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"abc"`)
			w.(http.Flusher).Flush()
			w.Write(object)
		}, store.Range{}, store.BadAnswer, "", ""},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"abc"`)
			w.Header().Set("Content-Length", "23")
			w.Write(object[:10])
		}, store.Range{}, "", store.Network, "GATTACA GA"},
		"cut range of unknown length": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"abc"`)
			w.Header().Set("Content-Range", "bytes 8-14/23")
			w.WriteHeader(206)
			w.(http.Flusher).Flush()
			w.Write(object[8:10])
		}, some, "", store.Network, "GA"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
			b, err := s.Get(context.Background(), store.GetRequest{Ref: ref, Range: tt.ask, IfMatch: "abc"})
			if store.KindOf(err) != tt.kind {
				t.Fatalf("got %v, want %q", err, tt.kind)
			}
			if err != nil {
				return
			}
			if b.Object.Size != int64(len(object)) {
				t.Errorf("an object of %d bytes", b.Object.Size)
			}
			data, err := io.ReadAll(b)
			if string(data) != tt.want || store.KindOf(err) != tt.read {
				t.Errorf("read %q, %v", data, err)
			}
			if tt.read == store.Network && (!errors.Is(err, io.ErrUnexpectedEOF) || !store.Retryable(err)) {
				t.Errorf("%v is not io.ErrUnexpectedEOF", err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGetGzip: an object that is stored compressed comes as it is stored.
func TestGetGzip(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(object)
	z.Close()
	s := open(t, s3.Config{Endpoint: script(t, answer(200, zipped.String(), "Content-Encoding: aws-chunked,gzip", "x-amz-meta-ort: =?UTF-8?B?S8O2bG4=?=",
		"Content-Type: text/plain", "x-amz-server-side-encryption-customer-algorithm: AES256", "x-amz-storage-class: GLACIER_IR")).URL})
	b, err := s.Get(context.Background(), store.GetRequest{Ref: ref})
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(data, zipped.Bytes()) {
		t.Errorf("%q, %v", data, err)
	}
	o := b.Object
	if o.Attrs.Headers.ContentEncoding != "gzip" || o.Attrs.Headers.ContentType != "text/plain" || o.Attrs.Metadata["ort"] != "Köln" || o.Encryption != "SSE-C" || o.StorageClass != "GLACIER_IR" {
		t.Errorf("%+v", o)
	}
}

func TestHeadSums(t *testing.T) {
	const etag2 = `ETag: "0123456789abcdef0123456789abcdef-2"`
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{[]string{"x-amz-checksum-crc64nvme: AAAAAAAAAAA=", "x-amz-checksum-type: FULL_OBJECT", etag2}, "[CRC64NVME AAAAAAAAAAA=]"},
		{[]string{"x-amz-checksum-crc64nvme: AAAAAAAAAAA=", etag2}, "[CRC64NVME AAAAAAAAAAA=]"},
		{[]string{"x-amz-checksum-crc32c: AAAAAA==-7", etag2}, "[CRC32C AAAAAA==-7]"},
		{[]string{"x-amz-checksum-crc32c: AAAAAA==", "x-amz-checksum-type: COMPOSITE", etag2}, "[CRC32C AAAAAA==-2]"},
		{[]string{"x-amz-checksum-crc32c: AAAAAA==", "x-amz-checksum-type: COMPOSITE", `ETag: "odd"`}, "[]"},
		{[]string{"x-amz-checksum-crc32c: AAAAAA==", "x-amz-checksum-type: FULL_OBJECT", etag2}, "[CRC32C AAAAAA==]"},
		{[]string{"x-amz-checksum-crc32c: AAAAAA==", etag2}, "[CRC32C AAAAAA==-2]"},
		{[]string{"x-amz-checksum-crc32: AAAAAA==", `ETag: "0123456789abcdef0123456789abcdef"`}, "[CRC32 AAAAAA==]"},
		{[]string{"x-amz-checksum-xxhash3: AAAAAAAAAAA=-2", "x-amz-checksum-type: COMPOSITE", etag2}, "[XXHASH3 AAAAAAAAAAA=-2]"},
		{[]string{"x-amz-checksum-md5: 1B2M2Y8AsgTpgAmY7PhCfg==", "x-amz-checksum-type: FULL_OBJECT", `ETag: "odd"`}, "[MD5 1B2M2Y8AsgTpgAmY7PhCfg==]"},
		{[]string{"x-amz-checksum-crc32: AAAA", "x-amz-checksum-sha1: nonsense", "x-amz-checksum-xxhash32: AAAAAA=="}, "[]"},
		{[]string{"x-amz-checksum-crc32: AAAAAA==", "x-amz-checksum-crc64nvme: AAAAAAAAAAA="}, "[CRC64NVME AAAAAAAAAAA= CRC32 AAAAAA==]"},
	} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "x", tt.headers...)).URL})
		o, err := s.Head(context.Background(), store.GetRequest{Ref: ref})
		if got := fmt.Sprint(o.Sums); err != nil || got != tt.want || o.Size != 1 {
			t.Errorf("%v: %s, %v; want %s", tt.headers, got, err, tt.want)
		}
	}
}

// TestChecksumMode: a server that chokes on the question for sums is asked without, once and for all.
func TestChecksumMode(t *testing.T) {
	for _, choke := range []http.HandlerFunc{fails(403, "SignatureDoesNotMatch", ""), fails(501, "NotImplemented", ""), answer(400, "")} {
		srv := script(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("x-amz-checksum-mode") != "" {
				choke(w, r)
				return
			}
			serves(w, r)
		})
		s := open(t, s3.Config{Endpoint: srv.URL})
		for _, op := range []string{"GetObject", "HeadObject", "GetObject"} {
			if err := operations[op](context.Background(), s, nil); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		if n := len(srv.requests()); n != 4 {
			t.Errorf("%d requests: %v", n, srv.requests())
		}
	}
	srv := script(t, serves, fails(403, "SignatureDoesNotMatch", ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	_ = operations["GetObject"](context.Background(), s, nil)
	if err := operations["GetObject"](context.Background(), s, nil); store.KindOf(err) != store.Denied || len(srv.requests()) != 2 {
		t.Errorf("a server that knows sums was doubted: %v, %v", err, srv.requests())
	}
}

// parted serves an object that was uploaded in parts of these sizes, with or without partNumber and GetObjectAttributes.
func parted(sizes []int, partNumbers bool, attributes http.HandlerFunc) http.HandlerFunc {
	total := 0
	for _, n := range sizes {
		total += n
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", fmt.Sprintf(`"0123456789abcdef0123456789abcdef-%d"`, len(sizes)))
		q := r.URL.Query()
		if q.Has("attributes") {
			attributes(w, r)
			return
		}
		n := 0
		fmt.Sscan(q.Get("partNumber"), &n)
		if n == 0 || !partNumbers {
			w.Header().Set("Content-Length", fmt.Sprint(total))
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(sizes[n-1]))
		w.Header().Set("x-amz-mp-parts-count", fmt.Sprint(len(sizes)))
		w.WriteHeader(206)
	}
}

func TestLayout(t *testing.T) {
	none := fails(501, "NotImplemented", "")
	list := func(truncated bool, from, to int) string {
		var b strings.Builder
		fmt.Fprintf(&b, `<GetObjectAttributesResponse><ETag>0123456789abcdef0123456789abcdef-3</ETag><ObjectParts><IsTruncated>%v</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>`, truncated, to)
		for n := from; n <= to; n++ {
			fmt.Fprintf(&b, `<Part><PartNumber>%d</PartNumber><Size>%d</Size><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part>`, n, n*10)
		}
		return b.String() + `</ObjectParts></GetObjectAttributesResponse>`
	}
	paged := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-amz-part-number-marker") == "" {
			answer(200, list(true, 1, 2))(w, r)
		} else {
			answer(200, list(false, 3, 3))(w, r)
		}
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for w.Header().Set("Content-Type", "text/xml"); ; {
			if _, err := w.Write(bytes.Repeat([]byte("ACGT"), 1<<18)); err != nil {
				return // only a client that hangs up ends this test
			}
		}
	}
	for name, tt := range map[string]struct {
		sizes      []int
		numbers    bool
		attributes http.HandlerFunc
		kind       store.Kind
		sums       bool
	}{
		"listed":           {[]int{10, 20, 30}, true, answer(200, list(false, 1, 3)), "", true},
		"listed in pages":  {[]int{10, 20, 30}, true, paged, "", true},
		"no list, equal":   {[]int{8, 8, 8, 3}, true, none, "", false},
		"one part":         {[]int{8}, true, none, "", false},
		"two parts":        {[]int{8, 8}, true, none, "", false},
		"growing":          {[]int{8, 8, 16, 5}, true, none, "", false},
		"odd":              {[]int{8, 5, 11, 8}, true, none, "", false},
		"denied":           {[]int{8, 8}, true, fails(403, "AccessDenied", ""), "", false},
		"list without all": {[]int{8, 8}, true, answer(200, `<GetObjectAttributesResponse><ObjectParts><TotalPartsCount>2</TotalPartsCount></ObjectParts></GetObjectAttributesResponse>`), "", false},
		"the object comes": {[]int{8, 8}, true, endless, "", false},
		"changed":          {[]int{8, 8}, true, answer(200, `<GetObjectAttributesResponse><ETag>other</ETag></GetObjectAttributesResponse>`), store.Changed, false},
		"nothing works":    {[]int{8, 8}, false, endless, store.Unsupported, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, parted(tt.sizes, tt.numbers, tt.attributes)).URL})
			o, err := s.Head(context.Background(), store.GetRequest{Ref: ref})
			if err != nil {
				t.Fatal(err)
			}
			parts, err := s.Layout(context.Background(), o, nil)
			if store.KindOf(err) != tt.kind {
				t.Fatalf("got %v, want %q", err, tt.kind)
			}
			var sizes []int
			for i, p := range parts {
				sizes = append(sizes, int(p.Size))
				if p.Number != i+1 || p.Sum.IsZero() == tt.sums {
					t.Errorf("part %+v", p)
				}
			}
			if err == nil && !slices.Equal(sizes, tt.sizes) {
				t.Errorf("got %v, want %v", sizes, tt.sizes)
			}
		})
	}
}

// Servers that do not know part numbers say so in several ways; only one whose object is another by now has changed.
func TestLayoutThatIsNotReported(t *testing.T) {
	for _, status := range []int{400, 405, 412, 416, 501} {
		for _, changed := range []bool{false, true} {
			moved := false
			srv := script(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"0123456789abcdef0123456789abcdef-2"`)
				if r.Method == http.MethodGet {
					fails(501, "NotImplemented", "")(w, r)
					return
				}
				w.Header().Set("Content-Length", "16")
				switch {
				case r.URL.Query().Has("partNumber"):
					moved = changed
					w.WriteHeader(status)
				case moved:
					w.WriteHeader(412)
				}
			})
			s := open(t, s3.Config{Endpoint: srv.URL})
			o, err := s.Head(context.Background(), store.GetRequest{Ref: ref})
			if err != nil {
				t.Fatal(err)
			}
			want := store.Unsupported
			if changed && status == 412 {
				want = store.Changed
			}
			if _, err = s.Layout(context.Background(), o, nil); store.KindOf(err) != want {
				t.Errorf("status %d, changed %v: %v, want %s", status, changed, err, want)
			}
			n := len(srv.requests())
			if _, err = s.Layout(context.Background(), o, nil); want == store.Unsupported && (store.KindOf(err) != want || len(srv.requests()) != n) {
				t.Errorf("status %d: asked again: %v, %v", status, err, srv.requests()[n:])
			}
		}
	}
}

// What is known of a server's ETags is known by its Server header.
func TestServersWhoseETagsAreMD5s(t *testing.T) {
	for _, tt := range []struct {
		server, etag string
		known        bool
	}{
		{"MinIO", "0123456789abcdef0123456789abcdef", true},
		{"MinIO", "0123456789abcdef0123456789abcdef-1", false},
		{"VERSITYGW", "0123456789abcdef0123456789abcdef", true},
		{"AmazonS3", "0123456789abcdef0123456789abcdef", false}, // which anyone may say
		{"nginx", "0123456789abcdef0123456789abcdef", false},
		{"", "0123456789abcdef0123456789abcdef", false},
	} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "ACGT", "Server: "+tt.server, `ETag: "`+tt.etag+`"`)).URL})
		o, err := s.Head(context.Background(), store.GetRequest{Ref: ref})
		if err != nil || o.MD5ETag != tt.known {
			t.Errorf("%+v: %v, %v", tt, o.MD5ETag, err)
		}
		b, err := s.Get(context.Background(), store.GetRequest{Ref: ref})
		if err != nil || b.Object.MD5ETag != tt.known {
			t.Errorf("%+v: %v", tt, err)
		} else if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLayoutOfOne(t *testing.T) {
	srv := script(t, answer(500, ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	parts, err := s.Layout(context.Background(), store.Object{Ref: ref, Size: 9, ETag: "0123456789abcdef0123456789abcdef"}, nil)
	if err != nil || len(parts) != 1 || parts[0].Size != 9 || len(srv.requests()) != 0 {
		t.Errorf("%v, %v, %v", parts, err, srv.requests())
	}
}
