package s3server

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// upload returns the upload that the query names.
func (q *request) upload() store.Upload {
	return store.Upload{Ref: q.call.On.Ref, ID: q.query.Get("uploadId")}
}

func (q *request) create() error {
	h := q.r.Header
	a, err := checksum.Parse(h.Get("x-amz-checksum-algorithm"))
	if err != nil {
		return q.invalid("InvalidRequest", "Checksum algorithm provided is unsupported.")
	}
	want := checksum.Scheme{Algorithm: a, Kind: checksum.Kind(h.Get("x-amz-checksum-type"))}
	checks := q.s.memory.Checksums()
	if got := checks.Agree(want); got.Algorithm != a || want.Kind != "" && got.Kind != want.Kind {
		return q.unheard(fmt.Sprintf("x-amz-checksum-algorithm: %s, x-amz-checksum-type: %s", a, want.Kind), store.ChecksumRefused)
	}
	if want.Kind == "" && a != checksum.None && a != checksum.CRC64NVME {
		want.Kind = checksum.Composite // S3's default
	}
	u, err := q.s.memory.Create(q.r.Context(), q.call.On.Ref, want, q.attrs())
	if err != nil {
		return err
	}
	if checks.Reports(u.Scheme.Algorithm) {
		q.w.Header().Set("x-amz-checksum-algorithm", string(u.Scheme.Algorithm))
		q.w.Header().Set("x-amz-checksum-type", string(u.Scheme.Kind))
	}
	q.xml(http.StatusOK, createXML{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID})
	return nil
}

func (q *request) putPart() error {
	in, err := q.received()
	if err != nil {
		return err
	}
	p, err := q.s.memory.PutPart(q.r.Context(), store.PutPartRequest{
		Upload: q.upload(), Number: q.call.On.Part, Body: in.body, Sum: in.sum, LateSum: in.late, Attrs: q.attrs(),
	})
	if err != nil {
		return err
	}
	q.w.Header().Set("ETag", quoted(p.ETag))
	if a := q.attrs(); a.Encryption.Customer.Key != "" {
		q.w.Header().Set("x-amz-server-side-encryption-customer-algorithm", "AES256")
	}
	q.sumHeaders(func(a checksum.Algorithm) checksum.Sum {
		if p.Sum.Algorithm == a {
			return p.Sum
		}
		return checksum.Sum{}
	})
	q.w.WriteHeader(http.StatusOK)
	return nil
}

func (q *request) copyPart() error {
	from, err := q.copySource()
	if err != nil {
		return err
	}
	r := store.CopyPartRequest{
		From: from, IfMatch: unquoted(q.r.Header.Get("x-amz-copy-source-if-match")), Upload: q.upload(), Number: q.call.On.Part, Attrs: q.attrs(),
	}
	r.Range.Offset, r.Range.Length, err = offsets(q.r.Header.Get("x-amz-copy-source-range"))
	if err != nil {
		return q.invalid("InvalidArgument", err.Error())
	}
	p, err := q.s.memory.CopyPart(q.r.Context(), r)
	if err != nil {
		return err
	}
	q.xml(http.StatusOK, copyXML{
		XMLName: xml.Name{Local: "CopyPartResult"}, LastModified: stamp(time.Now().Truncate(time.Second)), ETag: quoted(p.ETag), checksumXML: sumXML(p.Sum),
	})
	return nil
}

func (q *request) parts() error {
	u, parts, err := q.s.memory.Parts(q.r.Context(), q.upload(), q.attrs())
	if err != nil {
		return err
	}
	out := partsXML{
		Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, StorageClass: classXML(u.StorageClass), MaxParts: q.limit(q.query.Get("max-parts")),
	}
	if q.s.memory.Checksums().Reports(u.Scheme.Algorithm) {
		out.ChecksumAlgorithm, out.ChecksumType = u.Scheme.Algorithm, u.Scheme.Kind
	}
	out.PartNumberMarker, _ = strconv.Atoi(q.query.Get("part-number-marker"))
	parts, out.IsTruncated = pageOf(parts, out.PartNumberMarker, out.MaxParts)
	for _, p := range parts {
		out.Part = append(out.Part, partXML{
			PartNumber: p.Number, LastModified: stamp(u.Started), ETag: quoted(p.ETag), Size: p.Size, checksumXML: sumXML(p.Sum),
		})
		out.NextPartNumberMarker = p.Number
	}
	q.xml(http.StatusOK, out)
	return nil
}

// pageOf returns the parts after a number, at most so many, and whether more follow.
func pageOf(parts []store.Part, after, most int) (page []store.Part, more bool) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p store.Part) bool { return p.Number <= after })
	return parts[:min(most, len(parts))], len(parts) > most
}

func (q *request) complete() error {
	if err := q.conditional(); err != nil {
		return err
	}
	r, err := q.completeRequest()
	if err != nil {
		return err
	}
	o, err := q.s.memory.Complete(q.r.Context(), r)
	if err != nil {
		return err
	}
	out := completeXML{Location: q.s.URL + q.r.URL.EscapedPath(), Bucket: o.Bucket, Key: o.Key, ETag: quoted(o.ETag)}
	for _, s := range o.Sums {
		out.checksumXML, out.ChecksumType = sumXML(s), kindOf(s)
	}
	q.stateHeaders(o)
	q.w.Header().Del("ETag")
	q.xml(http.StatusOK, out)
	return nil
}

func (q *request) completeRequest() (r store.CompleteRequest, err error) {
	data, err := io.ReadAll(q.body)
	if err != nil {
		return r, q.call.Lost(err)
	}
	malformed := q.invalid("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	var in completeRequestXML
	if err := xml.Unmarshal(data, &in); err != nil {
		return r, malformed
	}
	r = store.CompleteRequest{Upload: q.upload(), NoClobber: q.r.Header.Get("If-None-Match") == "*", Attrs: q.attrs()}
	for _, p := range in.Part {
		sum, err := p.sum()
		if err != nil {
			return r, malformed
		}
		r.Parts = append(r.Parts, store.Part{Number: p.PartNumber, ETag: unquoted(p.ETag), Sum: sum})
	}
	if r.Sum, err = q.sentSum(q.r.Header); err != nil {
		return r, err
	}
	if r.Sum.Algorithm == checksum.MD5 {
		r.Sum = checksum.Sum{} // Content-MD5 is that of the XML
	}
	held := q.held(r.Upload)
	if t := checksum.Kind(q.r.Header.Get("x-amz-checksum-type")); t != "" && t != held.Scheme.Kind && held.ID != "" {
		return r, storetest.Refuse(storetest.Complete, q.call.On.Ref, store.Invalid, "The upload was created using the "+string(held.Scheme.Kind)+" checksum mode.")
	}
	size := q.r.Header.Get("x-amz-mp-object-size")
	if size == "" {
		r.Size = sizeOf(held.Parts, r.Parts)
	} else if r.Size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return r, q.invalid("InvalidArgument", "x-amz-mp-object-size")
	}
	return r, nil
}

// held returns what the store holds of an upload, past all faults.
func (q *request) held(u store.Upload) storetest.Open {
	for _, o := range q.s.memory.OpenUploads() {
		if o.ID == u.ID && o.Bucket == u.Bucket {
			return o
		}
	}
	return storetest.Open{}
}

// sizeOf returns the size of the named ones of the held parts.
func sizeOf(held, named []store.Part) (size int64) {
	of := map[int]int64{}
	for _, p := range held {
		of[p.Number] = p.Size
	}
	for _, p := range named {
		size += of[p.Number]
	}
	return size
}

func (q *request) abort() error {
	u := q.upload()
	gone := q.held(u).ID == ""
	if err := q.s.memory.Abort(q.r.Context(), u, q.attrs()); err != nil {
		return err
	}
	if gone {
		return storetest.Refuse(storetest.Abort, q.call.On.Ref, store.NoUpload, "The specified multipart upload does not exist.")
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (q *request) uploads() error {
	encoding := q.query.Get("encoding-type")
	out := uploadsXML{
		Bucket: q.call.On.Ref.Bucket, Prefix: coded(encoding, q.call.On.Ref.Key), EncodingType: encoding,
		KeyMarker: coded(encoding, q.query.Get("key-marker")), UploadIDMarker: q.query.Get("upload-id-marker"),
		MaxUploads: q.limit(q.query.Get("max-uploads")),
	}
	afterKey, afterID := q.query.Get("key-marker"), q.query.Get("upload-id-marker")
	seen := afterID == ""
	for u, err := range q.s.memory.Uploads(q.r.Context(), q.call.On.Ref.Bucket, q.call.On.Ref.Key) {
		if err != nil {
			return err
		}
		switch order := strings.Compare(u.Key, afterKey); {
		case order < 0 || order == 0 && afterID == "" && afterKey != "":
			continue
		case order == 0 && !seen:
			seen = u.ID == afterID
			continue
		}
		if len(out.Upload) == out.MaxUploads {
			out.IsTruncated = true
			break
		}
		x := uploadXML{Key: coded(encoding, u.Key), UploadID: u.ID, StorageClass: classXML(u.StorageClass), Initiated: stamp(u.Started)}
		if q.s.memory.Checksums().Reports(u.Scheme.Algorithm) {
			x.ChecksumAlgorithm, x.ChecksumType = u.Scheme.Algorithm, u.Scheme.Kind
		}
		out.Upload = append(out.Upload, x)
		out.NextKeyMarker, out.NextUploadIDMarker = x.Key, u.ID
	}
	if !out.IsTruncated {
		out.NextKeyMarker, out.NextUploadIDMarker = "", ""
	}
	q.xml(http.StatusOK, out)
	return nil
}
