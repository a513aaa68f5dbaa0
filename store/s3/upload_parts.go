package s3

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Parts lists what the store holds of an upload.
func (s *Store) Parts(ctx context.Context, u store.Upload, a *store.Attrs) (store.Upload, []store.Part, error) {
	c := newCall("ListParts", u.Ref, a)
	if err := c.check(nil); err != nil {
		return u, nil, err
	}
	var parts []listedPart
	for marker := 0; ; {
		in := &awss3.ListPartsInput{Bucket: &u.Bucket, Key: &u.Key, UploadId: &u.ID}
		if marker != 0 {
			in.PartNumberMarker = aws.String(strconv.Itoa(marker))
		}
		_, x, err := ask(ctx, s, &c, (*awss3.Client).ListParts, in)
		if err != nil {
			return u, nil, err
		}
		page, err := partsPage(x, &u)
		if err != nil {
			return u, nil, err
		}
		parts = append(parts, page.parts...)
		if !page.more {
			break
		}
		if page.next <= marker {
			return u, nil, c.wrong(foreignHint, fmt.Sprintf("the answer says that parts follow, and not behind which: %d after %d", page.next, marker))
		}
		marker = page.next
	}
	now := newest(parts)
	if what := impossible(now); what != "" {
		return u, nil, c.wrong(foreignHint, what)
	}
	return u, now, nil
}

// listedPart is a part as ListParts has it.
type listedPart struct {
	store.Part
	modified time.Time
}

// impossible returns what is wrong with a sorted list of parts.
func impossible(parts []store.Part) string {
	for i, p := range parts {
		switch {
		case p.Number < 1 || p.Number > maxPart || p.Size < 0:
			return fmt.Sprintf("a part with the number %d and %d bytes came", p.Number, p.Size)
		case i > 0 && p.Number == parts[i-1].Number:
			return fmt.Sprintf("part %d came twice", p.Number)
		}
	}
	return ""
}

// storedScheme returns the Scheme of a stored upload. Before there were types, all were composite.
func storedScheme(a checksum.Algorithm, kind string) checksum.Scheme {
	if a == checksum.CRC64NVME {
		return crc64Full
	}
	return checksum.Scheme{Algorithm: a, Kind: checksum.Kind(cmp.Or(kind, string(checksum.Composite)))}
}

type page struct {
	parts []listedPart
	more  bool
	next  int // the number after which the next page begins
}

// partsPage reads a page of ListParts, and into u what it says of the upload.
func partsPage(x *roundTrip, u *store.Upload) (page, error) {
	var doc struct {
		ChecksumAlgorithm    string
		ChecksumType         string
		StorageClass         string
		UploadID             string `xml:"UploadId"`
		IsTruncated          bool
		NextPartNumberMarker int
		Part                 []struct {
			PartNumber   int
			Size         int64
			ETag         string
			LastModified string
			sumElements
		}
	}
	if err := xml.Unmarshal(x.body, &doc); err != nil {
		return page{}, x.call.wrong(foreignHint, "it cannot be read: "+err.Error())
	}
	if doc.UploadID != "" && doc.UploadID != u.ID {
		return page{}, x.call.wrong(foreignHint, fmt.Sprintf("the parts of another upload came, %q", doc.UploadID))
	}
	if a, err := checksum.Parse(doc.ChecksumAlgorithm); err == nil && a != checksum.None {
		u.Scheme = storedScheme(a, doc.ChecksumType)
	}
	u.StorageClass = cmp.Or(u.StorageClass, doc.StorageClass)
	out := page{more: doc.IsTruncated, next: doc.NextPartNumberMarker}
	for _, d := range doc.Part {
		p := store.Part{Number: d.PartNumber, Size: d.Size, ETag: etag(d.ETag), Sum: partSum(d.value)}
		if m, ok := checksum.FromETag(p.ETag); ok && p.Sum.IsZero() && u.Scheme.Algorithm == checksum.MD5 {
			p.Sum = m
		}
		modified, _ := time.Parse(time.RFC3339, d.LastModified) // a time that cannot be parsed orders nothing
		out.parts = append(out.parts, listedPart{p, modified})
		if p.Number > out.next && doc.NextPartNumberMarker == 0 { // some servers do not name it
			out.next = p.Number
		}
	}
	return out, nil
}

// sumElements are the sums in an XML answer.
type sumElements struct {
	CRC64NVME string `xml:"ChecksumCRC64NVME"`
	CRC32C    string `xml:"ChecksumCRC32C"`
	CRC32     string `xml:"ChecksumCRC32"`
	SHA256    string `xml:"ChecksumSHA256"`
	SHA1      string `xml:"ChecksumSHA1"`
	SHA512    string `xml:"ChecksumSHA512"`
	MD5       string `xml:"ChecksumMD5"`
	XXHASH3   string `xml:"ChecksumXXHASH3"`
	XXHASH128 string `xml:"ChecksumXXHASH128"`
	XXHASH64  string `xml:"ChecksumXXHASH64"`
	Type      string `xml:"ChecksumType"`
}

func (e sumElements) value(a checksum.Algorithm) string {
	switch a {
	case checksum.CRC64NVME:
		return e.CRC64NVME
	case checksum.CRC32C:
		return e.CRC32C
	case checksum.CRC32:
		return e.CRC32
	case checksum.SHA256:
		return e.SHA256
	case checksum.SHA1:
		return e.SHA1
	case checksum.SHA512:
		return e.SHA512
	case checksum.MD5:
		return e.MD5
	case checksum.XXHASH3:
		return e.XXHASH3
	case checksum.XXHASH128:
		return e.XXHASH128
	case checksum.XXHASH64:
		return e.XXHASH64
	}
	return ""
}
