package s3_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

var (
	crc64  = checksum.Scheme{Algorithm: checksum.CRC64NVME, Kind: checksum.FullObject}
	crc32c = checksum.Scheme{Algorithm: checksum.CRC32C, Kind: checksum.Composite}
	full32 = checksum.Scheme{Algorithm: checksum.CRC32C, Kind: checksum.FullObject}
	sha256 = checksum.Scheme{Algorithm: checksum.SHA256, Kind: checksum.Composite}
	md5s   = checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite}
)

// choosy answers like a server that takes only some checksums: refused names parts of those that it refuses by h.
func choosy(h http.HandlerFunc, refused ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := r.Header.Get("X-Amz-Checksum-Algorithm") + " " + r.Header.Get("X-Amz-Checksum-Type")
		for name := range r.Header {
			if alg, ok := strings.CutPrefix(name, "X-Amz-Checksum-"); ok {
				asked += " " + strings.ToUpper(alg)
			}
		}
		if slices.ContainsFunc(refused, func(s string) bool { return strings.Contains(asked, s) }) {
			h(w, r)
			return
		}
		if r.Method == "PUT" {
			echoing(200, "")(w, r)
			return
		}
		echoing(200, initiated)(w, r)
	}
}

func TestCreateNegotiates(t *testing.T) {
	r501 := fails(501, "NotImplemented", "A header you provided implies functionality that is not implemented: x-amz-checksum-algorithm")
	bare501 := fails(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
	r400 := fails(400, "InvalidArgument", "Unknown checksum type")
	signature := fails(403, "SignatureDoesNotMatch", "")
	for name, tt := range map[string]struct {
		server   http.HandlerFunc
		want     checksum.Scheme
		got      checksum.Scheme
		requests int // of two Creates
	}{
		"takes all":               {choosy(r501), checksum.Scheme{}, crc64, 2},
		"501":                     {choosy(r501, "CRC64NVME"), checksum.Scheme{}, crc32c, 3},
		"501 without a word":      {choosy(bare501, "CRC64NVME"), checksum.Scheme{}, crc32c, 3},
		"400":                     {choosy(r400, "CRC64NVME"), checksum.Scheme{}, crc32c, 3},
		"signature":               {choosy(signature, "CRC"), checksum.Scheme{}, md5s, 4},
		"refuses all":             {choosy(r501, "CRC"), checksum.Scheme{}, md5s, 4},
		"ignores all":             {answer(200, initiated), checksum.Scheme{}, md5s, 2},
		"SHA256":                  {choosy(r501), checksum.Scheme{Algorithm: checksum.SHA256}, sha256, 2},
		"SHA256 full":             {choosy(r501), checksum.Scheme{Algorithm: checksum.SHA256, Kind: checksum.FullObject}, sha256, 2},
		"SHA256 refused":          {choosy(r501, "SHA256"), checksum.Scheme{Algorithm: checksum.SHA256}, crc64, 3},
		"CRC32C":                  {choosy(r501), checksum.Scheme{Algorithm: checksum.CRC32C}, full32, 2},
		"CRC32C full refused":     {choosy(r400, "CRC32C FULL_OBJECT"), checksum.Scheme{Algorithm: checksum.CRC32C}, crc32c, 3},
		"CRC32C composite":        {choosy(r501), crc32c, crc32c, 2},
		"MD5":                     {choosy(r501), checksum.Scheme{Algorithm: checksum.MD5}, md5s, 2},
		"another type than asked": {answer(200, initiated, "x-amz-checksum-algorithm: CRC32C", "x-amz-checksum-type: COMPOSITE"), full32, crc32c, 2},
	} {
		t.Run(name, func(t *testing.T) {
			srv := script(t, tt.server)
			s := open(t, s3.Config{Endpoint: srv.URL})
			for range 2 {
				u, err := s.Create(context.Background(), ref, tt.want, nil)
				if err != nil || u.Scheme != tt.got || u.ID != "u1" {
					t.Errorf("got %v, %v; want %v", u, err, tt.got)
				}
			}
			if n := len(srv.requests()); n != tt.requests {
				t.Errorf("%d requests, want %d: %v", n, tt.requests, srv.requests())
			}
		})
	}
}

// TestCreateWrongKey: a wrong secret key must not be taken for a refused checksum.
func TestCreateWrongKey(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, fails(403, "SignatureDoesNotMatch", "")).URL})
	_, err := s.Create(context.Background(), ref, checksum.Scheme{}, nil)
	if e := storeError(t, err); e.Kind != store.Denied || !strings.Contains(e.Hint, "secret key") {
		t.Errorf("%+v", e)
	}
	if got := s.Scheme(ref.Bucket, checksum.None).Algorithm; got != checksum.CRC64NVME {
		t.Errorf("it learned %v", got)
	}
}

// TestPutNegotiates plays the caller: sum as Scheme says, send, and ask Scheme again if it was refused.
func TestPutNegotiates(t *testing.T) {
	body := []byte("ACGT")
	for name, tt := range map[string]struct {
		server http.HandlerFunc
		tries  []checksum.Algorithm
		sums   int // that the first accepted Put brings
		next   checksum.Algorithm
	}{
		"takes all": {choosy(nil), []checksum.Algorithm{checksum.CRC64NVME}, 1, checksum.CRC64NVME},
		"501": {choosy(fails(501, "NotImplemented", "Header 'x-amz-checksum-crc64nvme' with value 'x' not implemented"), "CRC64NVME"),
			[]checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C}, 1, checksum.CRC32C},
		"signature": {choosy(fails(403, "SignatureDoesNotMatch", ""), "CRC"),
			[]checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.MD5}, 0, checksum.MD5},
		"ignored": {answer(200, ""), []checksum.Algorithm{checksum.CRC64NVME}, 0, checksum.MD5},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, tt.server).URL})
			for i, want := range tt.tries {
				got := s.Scheme(ref.Bucket, checksum.None)
				if got.Algorithm != want || got.Kind != checksum.FullObject {
					t.Fatalf("try %d: Scheme is %v, want %v", i, got, want)
				}
				o, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(body), Sum: checksum.Bytes(want, body)})
				if i < len(tt.tries)-1 {
					if store.KindOf(err) != store.ChecksumRefused {
						t.Fatalf("try %d: %v", i, err)
					}
					continue
				}
				if err != nil || len(o.Sums) != tt.sums || o.Size != 4 {
					t.Errorf("got %+v, %v", o, err)
				}
			}
			if got := s.Scheme(ref.Bucket, checksum.None).Algorithm; got != tt.next {
				t.Errorf("next Scheme is %v, want %v", got, tt.next)
			}
		})
	}
}

// TestPutMD5: if the ETag is the MD5 that was sent, the server has verified it.
func TestPutMD5(t *testing.T) {
	body := []byte("ACGT")
	sum := checksum.Bytes(checksum.MD5, body)
	for etag, want := range map[string]int{sum.Hex(): 1, strings.Repeat("0", 32): 0, "odd": 0} {
		s := open(t, s3.Config{Endpoint: script(t, answer(200, "", `ETag: "`+etag+`"`)).URL})
		o, err := s.Put(context.Background(), store.PutRequest{Ref: ref, Body: section(body), Sum: sum})
		if err != nil || len(o.Sums) != want {
			t.Errorf("ETag %s: %v, %v", etag, o.Sums, err)
		}
		p, err := s.PutPart(context.Background(), store.PutPartRequest{Upload: store.Upload{Ref: ref, ID: "u"}, Number: 1, Body: section(body), Sum: sum})
		if err != nil || p.Sum.IsZero() != (want == 0) {
			t.Errorf("ETag %s: %v, %v", etag, p, err)
		}
	}
}

func TestProviders(t *testing.T) {
	for endpoint, tt := range map[string]struct {
		alg   checksum.Algorithm
		equal bool
	}{
		"":                                         {checksum.CRC64NVME, false},
		"https://s3.eu-west-1.amazonaws.com":       {checksum.CRC64NVME, false},
		"https://acc.r2.cloudflarestorage.com":     {checksum.CRC64NVME, true},
		"https://storage.googleapis.com":           {checksum.MD5, false},
		"https://s3.us-west-004.backblazeb2.com":   {checksum.MD5, false},
		"https://s3.example.org":                   {checksum.CRC64NVME, false},
		"https://fakestorage.googleapis.com.to.it": {checksum.CRC64NVME, false},
	} {
		s := open(t, s3.Config{Endpoint: endpoint})
		if got := s.Scheme("b", checksum.None).Algorithm; got != tt.alg {
			t.Errorf("%s: Scheme is %v", endpoint, got)
		}
		if l := s.Limits("b"); l.EqualParts != tt.equal || l.MaxParts != 10_000 || l.NoDuplicateParts || l.MinPart != 5<<20 {
			t.Errorf("%s: Limits are %+v", endpoint, l)
		}
		if !s.Limits("b--use1-az4--x-s3").NoDuplicateParts {
			t.Errorf("%s: directory buckets", endpoint)
		}
	}
}

// TestComplete looks at what goes to Complete and comes back, for each Scheme.
func TestComplete(t *testing.T) {
	part := func(a checksum.Algorithm, n int) store.Part {
		p := store.Part{Number: n, Size: 4, ETag: "e" + string(rune('0'+n))}
		if a != checksum.None {
			p.Sum = checksum.Bytes(a, []byte{byte(n)})
		}
		return p
	}
	for _, tt := range []struct {
		scheme  checksum.Scheme
		whole   bool // send the sum of the whole
		answer  http.HandlerFunc
		element string // of a part
		parts   int    // of the sum in the answer; -1 for none
	}{
		{crc64, true, answer(200, strings.Replace(completed, "</ETag>", "</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>", 1)), "ChecksumCRC64NVME", 0},
		{crc64, true, answer(200, strings.Replace(completed, "</ETag>", "</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME>", 1), "x-amz-checksum-type: FULL_OBJECT"), "ChecksumCRC64NVME", 0},
		{crc32c, false, answer(200, strings.Replace(completed, "</ETag>", "</ETag><ChecksumCRC32C>AAAAAA==-2</ChecksumCRC32C>", 1)), "ChecksumCRC32C", 2},
		{crc32c, false, answer(200, strings.Replace(completed, "</ETag>", "</ETag><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>", 1)), "ChecksumCRC32C", 2},
		{md5s, false, answer(200, completed), "", -1},
		{checksum.Scheme{}, false, answer(200, "", `ETag: "0123456789abcdef0123456789abcdef-2"`), "", -1},
	} {
		srv := script(t, tt.answer)
		s := open(t, s3.Config{Endpoint: srv.URL})
		r := store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u", Scheme: tt.scheme}, Size: 8, NoClobber: true,
			Parts: []store.Part{part(tt.scheme.Algorithm, 1), part(tt.scheme.Algorithm, 2)}}
		if tt.whole {
			r.Sum = checksum.Bytes(tt.scheme.Algorithm, []byte("whole"))
		}
		o, err := s.Complete(context.Background(), r)
		if err != nil {
			t.Errorf("%v: %v", tt.scheme, err)
			continue
		}
		sum := o.Sum(tt.scheme.Algorithm)
		if o.ETag != "0123456789abcdef0123456789abcdef-2" && tt.scheme.Algorithm != "" || o.Size != 8 || sum.IsZero() != (tt.parts < 0) || !sum.IsZero() && sum.Parts != tt.parts {
			t.Errorf("%v: got %+v", tt.scheme, o)
		}
		got := srv.last(t)
		full := tt.scheme.Kind == checksum.FullObject
		if got.header.Get("X-Amz-Checksum-Crc64nvme") != r.Sum.Base64() || (got.header.Get("X-Amz-Checksum-Type") == "FULL_OBJECT") != full ||
			(got.header.Get("X-Amz-Mp-Object-Size") == "8") != full || got.header.Get("If-None-Match") != "*" {
			t.Errorf("%v: headers are %v", tt.scheme, got.header)
		}
		xml := string(got.body)
		if !strings.Contains(xml, "e2") || tt.element != "" && !strings.Contains(xml, "<"+tt.element+">"+r.Parts[1].Sum.Base64()+"<") || tt.element == "" && strings.Contains(xml, "Checksum") {
			t.Errorf("%v: body is %s", tt.scheme, xml)
		}
	}
}

// TestCompleteWithout: a server that refuses the headers for the whole gets them no more.
func TestCompleteWithout(t *testing.T) {
	for _, header := range []string{"x-amz-mp-object-size", "x-amz-checksum-crc64nvme"} {
		srv := script(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(header) != "" {
				fails(501, "NotImplemented", "Header '"+header+"' not implemented")(w, r)
				return
			}
			answer(200, completed)(w, r)
		})
		s := open(t, s3.Config{Endpoint: srv.URL})
		for range 2 {
			r := store.CompleteRequest{Upload: store.Upload{Ref: ref, ID: "u", Scheme: crc64}, Size: 8, Sum: checksum.Bytes(checksum.CRC64NVME, nil)}
			if _, err := s.Complete(context.Background(), r); err != nil {
				t.Errorf("%s: %v", header, err)
			}
		}
		if n := len(srv.requests()); n != 3 {
			t.Errorf("%s: %d requests", header, n)
		}
	}
}
