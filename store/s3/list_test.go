package s3_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

func TestParts(t *testing.T) {
	page := func(truncated bool, next int, parts string) http.HandlerFunc {
		return answer(200, fmt.Sprintf(`<?xml version="1.0"?><ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
			<ChecksumType>FULL_OBJECT</ChecksumType><IsTruncated>%v</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker><StorageClass>STANDARD</StorageClass>%s</ListPartsResult>`, truncated, next, parts))
	}
	part := func(n int) string {
		return fmt.Sprintf(`<Part><PartNumber>%d</PartNumber><ETag>&quot;e%d&quot;</ETag><Size>%d</Size><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></Part>`, n, n, n*100)
	}
	srv := script(t, page(true, 2, part(2)+part(1)), page(false, 9, part(9)))
	s := open(t, s3.Config{Endpoint: srv.URL})
	u, parts, err := s.Parts(context.Background(), store.Upload{Ref: ref, ID: "u1"}, nil)
	if err != nil || u.Scheme != crc64 || u.StorageClass != "STANDARD" || u.ID != "u1" {
		t.Fatalf("%+v, %v", u, err)
	}
	want := []store.Part{}
	for _, n := range []int{1, 2, 9} {
		want = append(want, store.Part{Number: n, Size: int64(n) * 100, ETag: fmt.Sprintf("e%d", n), Sum: checksum.Sum{Algorithm: checksum.CRC64NVME, Value: "\x00\x00\x00\x00\x00\x00\x00\x00"}})
	}
	if !slices.Equal(parts, want) {
		t.Errorf("got %v, want %v", parts, want)
	}
	if q := srv.last(t).query; q.Get("part-number-marker") != "2" || q.Get("uploadId") != "u1" {
		t.Errorf("query is %v", q)
	}
}

// TestPartsSilent: a server that returns no sums leaves the Scheme as it is, and an ETag counts if that is MD5.
func TestPartsSilent(t *testing.T) {
	srv := script(t, answer(200, `<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker>0</NextPartNumberMarker><Part><PartNumber>1</PartNumber><Size>4</Size><ETag>"0123456789abcdef0123456789abcdef"</ETag></Part></ListPartsResult>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	for _, scheme := range []checksum.Scheme{{}, md5s, crc64} {
		u, parts, err := s.Parts(context.Background(), store.Upload{Ref: ref, ID: "u1", Scheme: scheme}, nil)
		if err != nil || u.Scheme != scheme || parts[0].Sum.IsZero() != (scheme != md5s) {
			t.Errorf("%v: %v, %v, %v", scheme, u, parts, err)
		}
	}
}

func TestUploads(t *testing.T) {
	encoded := answer(200, `<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>runs%2Fa+b%2B</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>
		<Upload><Key>runs%2Fa+b%2B</Key><UploadId>u1</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated><StorageClass>GLACIER</StorageClass><ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType></Upload></ListMultipartUploadsResult>`)
	plain := answer(200, `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>runs/100%25+</Key><UploadId>u2</UploadId></Upload><Upload><Key>elsewhere</Key><UploadId>u3</UploadId></Upload></ListMultipartUploadsResult>`)
	srv := script(t, encoded, plain)
	s := open(t, s3.Config{Endpoint: srv.URL})
	var got []store.Upload
	for u, err := range s.Uploads(context.Background(), "lab", "runs/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, u)
	}
	want := []store.Upload{
		{Ref: store.Ref{Bucket: "lab", Key: "runs/a b+"}, ID: "u1", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), StorageClass: "GLACIER", Scheme: crc32c},
		{Ref: store.Ref{Bucket: "lab", Key: "runs/100%25+"}, ID: "u2"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if q := srv.last(t).query; q.Get("key-marker") != "runs/a b+" || q.Get("upload-id-marker") != "u1" || q.Get("prefix") != "runs/" {
		t.Errorf("query is %v", q)
	}
	var encodings []string // a "%" that the answer does not explain lets the page be asked for again, plain
	for _, r := range srv.requests() {
		encodings = append(encodings, r.query.Get("encoding-type"))
	}
	if !slices.Equal(encodings, []string{"url", "url", ""}) {
		t.Errorf("encodings are %q", encodings)
	}
}

func TestAbort(t *testing.T) {
	for _, tt := range []struct {
		answer http.HandlerFunc
		kind   store.Kind
	}{
		{answer(204, ""), ""}, {fails(404, "NoSuchUpload", ""), ""}, {fails(404, "NoSuchBucket", ""), store.NoBucket}, {fails(403, "AccessDenied", ""), store.Denied},
	} {
		s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
		if err := s.Abort(context.Background(), store.Upload{Ref: ref, ID: "u1"}, nil); store.KindOf(err) != tt.kind {
			t.Errorf("got %v, want %q", err, tt.kind)
		}
	}
}

func TestTags(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, `<Tagging><TagSet><Tag><Key>a b</Key><Value>c&amp;d</Value></Tag></TagSet></Tagging>`)).URL})
	tags, err := s.Tags(context.Background(), ref, nil)
	if err != nil || len(tags) != 1 || tags["a b"] != "c&d" {
		t.Errorf("%v, %v", tags, err)
	}
}

func TestCopyPart(t *testing.T) {
	srv := script(t, answer(200, `<CopyPartResult><ETag>"e1"</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CopyPartResult>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	p, err := s.CopyPart(context.Background(), store.CopyPartRequest{From: store.Ref{Bucket: "o", Key: "k"}, Range: store.Range{Offset: 5, Length: 10}, Upload: store.Upload{Ref: ref, ID: "u"}, Number: 4})
	if err != nil || p.Number != 4 || p.Size != 10 || p.ETag != "e1" || p.Sum.Algorithm != checksum.CRC64NVME {
		t.Errorf("%+v, %v", p, err)
	}
	if got := srv.last(t).header.Get("X-Amz-Copy-Source-Range"); got != "bytes=5-14" {
		t.Errorf("range is %q", got)
	}
}

func TestCopy(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, answer(200, `<?xml version="1.0"?>`+"\n \n"+`<CopyObjectResult><ETag>"e1"</ETag><LastModified>2026-01-02T03:04:05Z</LastModified><ChecksumType>FULL_OBJECT</ChecksumType><ChecksumCRC32>AAAAAA==</ChecksumCRC32></CopyObjectResult>`, "x-amz-version-id: v2")).URL})
	o, err := s.Copy(context.Background(), store.CopyRequest{From: store.Ref{Bucket: "o", Key: "k"}, To: ref, NoClobber: true})
	if err != nil || o.ETag != "e1" || o.Version != "v2" || o.Modified.Year() != 2026 || len(o.Sums) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestList(t *testing.T) {
	encoded := answer(200, `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t+1/=</NextContinuationToken>
		<Contents><Key>runs%2Fa+b%2B%25</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;e1&quot;</ETag><Size>5</Size><StorageClass>GLACIER</StorageClass></Contents>
		<Contents><Key>runs/c%20d</Key><Size>0</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>`)
	empty := answer(200, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t2</NextContinuationToken></ListBucketResult>`)
	plain := answer(200, `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>runs/d%25+</Key><ETag>"e3"</ETag><Size>7</Size></Contents></ListBucketResult>`)
	srv := script(t, encoded, empty, plain)
	s := open(t, s3.Config{Endpoint: srv.URL})
	got, err := listAll(s.List(context.Background(), "lab", "runs/", "runs/a", &store.Attrs{RequestPayer: "requester", PageSize: 7}))
	want := []store.Object{
		{Ref: store.Ref{Bucket: "lab", Key: "runs/a b+%"}, Size: 5, ETag: "e1", Modified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), StorageClass: "GLACIER"},
		{Ref: store.Ref{Bucket: "lab", Key: "runs/c d"}},
		{Ref: store.Ref{Bucket: "lab", Key: "runs/d%25+"}, Size: 7, ETag: "e3"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	last := srv.last(t)
	if q := last.query; q.Get("continuation-token") != "t2" || q.Get("max-keys") != "7" || q.Get("start-after") != "runs/a" || q.Get("prefix") != "runs/" || q.Get("encoding-type") != "url" || q.Get("list-type") != "2" {
		t.Errorf("query is %v", q)
	}
	if got := last.header.Get("X-Amz-Request-Payer"); got != "requester" {
		t.Errorf("payer is %q", got)
	}
}

func listAll(list iter.Seq2[[]store.Object, error]) (all []store.Object, err error) {
	for page, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// TestListWithoutProgress: a server that turns in a circle ends the listing with an error.
func TestListWithoutProgress(t *testing.T) {
	page := func(token, key string) http.HandlerFunc {
		return answer(200, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>`+token+`</NextContinuationToken><Contents><Key>`+key+`</Key><Size>0</Size></Contents></ListBucketResult>`)
	}
	for name, pages := range map[string][]http.HandlerFunc{
		"no token":           {page("1", "a"), page("", "b")},
		"the same token":     {page("1", "a"), page("1", "b")},
		"the same page":      {page("1", "a"), page("2", "a")},
		"an error in a page": {page("1", "a"), fails(403, "AccessDenied", "")},
	} {
		s := open(t, s3.Config{Endpoint: script(t, pages...).URL})
		got, err := listAll(s.List(context.Background(), "lab", "", "", nil))
		var e *store.Error
		if len(got) < 1 || !errors.As(err, &e) || e.Retryable() == (name == "an error in a page") || e.Op != "ListObjectsV2" || e.Ref.Bucket != "lab" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestListV1: a server that knows version 1 of the operation alone, and takes version 2 for that, is listed whole: from the
// start, after a name, and by levels.
func TestListV1(t *testing.T) {
	keys := []string{"a", "b/1", "b/2", "b/3", "c d", "e%2F", "f", "g/x"}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var names, out []string
		for _, key := range keys {
			name := key
			if i := strings.Index(strings.TrimPrefix(key, q.Get("prefix")), q.Get("delimiter")); q.Get("delimiter") != "" && i >= 0 {
				name = key[:len(q.Get("prefix"))+i+1]
			}
			if strings.HasPrefix(key, q.Get("prefix")) && name > q.Get("marker") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		const page = 2
		next := ""
		if len(names) > page {
			names = names[:page]
			if q.Get("delimiter") != "" { // else the last name stands for it
				next = "<NextMarker>" + url.QueryEscape(names[page-1]) + "</NextMarker>"
			}
			next += "<IsTruncated>true</IsTruncated>"
		} else {
			next = "<IsTruncated>false</IsTruncated>"
		}
		for _, name := range names {
			if q.Get("delimiter") != "" && strings.HasSuffix(name, "/") {
				out = append(out, "<CommonPrefixes><Prefix>"+url.QueryEscape(name)+"</Prefix></CommonPrefixes>")
			} else {
				out = append(out, "<Contents><Key>"+url.QueryEscape(name)+"</Key><Size>1</Size></Contents>")
			}
		}
		answer(200, "<ListBucketResult><Name>lab</Name><EncodingType>url</EncodingType><Marker>"+url.QueryEscape(q.Get("marker"))+"</Marker>"+next+strings.Join(out, "")+"</ListBucketResult>")(w, r)
	}))
	defer srv.Close()
	for _, after := range []string{"", "b/2"} {
		s := open(t, s3.Config{Endpoint: srv.URL}) // it has to find out each time
		got, err := listAll(s.List(context.Background(), "lab", "", after, nil))
		var names []string
		for _, o := range got {
			names = append(names, o.Key)
		}
		if want := keys[slices.Index(keys, after)+1:]; err != nil || !slices.Equal(names, want) {
			t.Errorf("after %q: %q, %v, want %q", after, names, err, want)
		}
	}
	s := open(t, s3.Config{Endpoint: srv.URL})
	var names []string
	for page, err := range s.Level(context.Background(), "lab", "", "", nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // a page has its prefixes first
	if want := []string{"a", "b/", "c d", "e%2F", "f", "g/"}; !slices.Equal(names, want) {
		t.Errorf("a level is %q, want %q", names, want)
	}
}

func TestListOfNothing(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, fails(404, "NoSuchBucket", "")).URL})
	if got, err := listAll(s.List(context.Background(), "lab", "x", "", nil)); !errors.Is(err, store.NoBucket) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := listAll(s.List(context.Background(), "lab--usw2-az1--x-s3", "", "a", nil)); !errors.Is(err, store.Unsupported) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestListServed lists odd keys over small pages, as the server of storetest returns them.
func TestListServed(t *testing.T) {
	m := storetest.New(storetest.Buckets("lab"))
	srv := s3server.Serve(t, m, s3server.Page(3))
	setKeys(t)
	s := open(t, s3.Config{Endpoint: srv.URL})
	keys := storetest.OddKeys()
	for _, k := range keys {
		m.PutBytes(store.Ref{Bucket: "lab", Key: k}, []byte(k))
	}
	slices.Sort(keys)
	for i := range keys {
		got, err := listAll(s.List(context.Background(), "lab", "", keys[i], nil))
		if err != nil || len(got) != len(keys)-i-1 {
			t.Fatalf("after %q: %d objects, %v", keys[i], len(got), err)
		}
		for j, o := range got {
			if o.Key != keys[i+1+j] || o.Size != int64(len(o.Key)) || o.ETag == "" {
				t.Errorf("%+v in place of %q", o, keys[i+1+j])
			}
		}
	}
	if n := srv.Counts()[storetest.List].Calls; n != m.Counts()[storetest.List].Calls {
		t.Errorf("%d pages were asked for, and the store knows of %d", n, m.Counts()[storetest.List].Calls)
	}
}
