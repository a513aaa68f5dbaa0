package s3server

import (
	"encoding/xml"
	"net/url"
	"strings"
	"time"

	"haul.example/haul/checksum"
)

// The XML of S3's answers, as its API reference has it.

type errorXML struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Region    string `xml:",omitempty"`
	Resource  string
	RequestID string `xml:"RequestId"`
}

// checksumXML are a checksum's elements; at most one is not empty.
type checksumXML struct {
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA512    string `xml:",omitempty"`
	ChecksumXXHASH3   string `xml:",omitempty"`
	ChecksumXXHASH128 string `xml:",omitempty"`
	ChecksumXXHASH64  string `xml:",omitempty"`
}

// field returns the element of an algorithm; MD5 has none here.
func (c *checksumXML) field(a checksum.Algorithm) *string {
	switch a {
	case checksum.CRC64NVME:
		return &c.ChecksumCRC64NVME
	case checksum.CRC32C:
		return &c.ChecksumCRC32C
	case checksum.CRC32:
		return &c.ChecksumCRC32
	case checksum.SHA256:
		return &c.ChecksumSHA256
	case checksum.SHA1:
		return &c.ChecksumSHA1
	case checksum.SHA512:
		return &c.ChecksumSHA512
	case checksum.XXHASH3:
		return &c.ChecksumXXHASH3
	case checksum.XXHASH128:
		return &c.ChecksumXXHASH128
	case checksum.XXHASH64:
		return &c.ChecksumXXHASH64
	}
	return nil
}

func sumXML(s checksum.Sum) (c checksumXML) {
	if f := c.field(s.Algorithm); f != nil {
		*f = s.Base64()
	}
	return c
}

// sum returns the checksum that is there, or the zero Sum.
func (c checksumXML) sum() (checksum.Sum, error) {
	for _, a := range headerAlgorithms {
		if f := c.field(a); *f != "" {
			return checksum.FromBase64(a, *f)
		}
	}
	return checksum.Sum{}, nil
}

type createXML struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

type partXML struct {
	PartNumber   int
	LastModified string `xml:",omitempty"`
	ETag         string `xml:",omitempty"`
	Size         int64
	checksumXML
}

type partsXML struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    checksum.Algorithm `xml:",omitempty"`
	ChecksumType         checksum.Kind      `xml:",omitempty"`
	Part                 []partXML
}

type completeRequestXML struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Part    []struct {
		PartNumber int
		ETag       string
		checksumXML
	}
}

type completeXML struct {
	XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksumXML
	ChecksumType checksum.Kind `xml:",omitempty"`
}

type copyXML struct {
	XMLName      xml.Name
	LastModified string
	ETag         string
	checksumXML
	ChecksumType checksum.Kind `xml:",omitempty"`
}

type uploadXML struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm checksum.Algorithm `xml:",omitempty"`
	ChecksumType      checksum.Kind      `xml:",omitempty"`
}

type uploadsXML struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket             string
	Prefix             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Upload             []uploadXML
}

type attributesXML struct {
	XMLName      xml.Name `xml:"GetObjectAttributesResponse"`
	ETag         string   `xml:",omitempty"`
	Checksum     *attributesChecksumXML
	ObjectParts  *objectPartsXML
	StorageClass string `xml:",omitempty"`
	ObjectSize   *int64
}

type attributesChecksumXML struct {
	checksumXML
	ChecksumType checksum.Kind
}

type objectPartsXML struct {
	IsTruncated          bool
	MaxParts             int
	NextPartNumberMarker int
	PartNumberMarker     int
	PartsCount           int
	Part                 []partXML
}

type taggingXML struct {
	XMLName xml.Name `xml:"Tagging"`
	TagSet  struct{ Tag []tagXML }
}

type tagXML struct{ Key, Value string }

type deleteRequestXML struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Object  []struct {
		Key       string
		VersionID string `xml:"VersionId"`
	}
}

type deleteXML struct {
	XMLName xml.Name `xml:"DeleteResult"`
	Deleted []deletedXML
	Error   []deleteErrorXML
}

type deletedXML struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
}

type deleteErrorXML struct {
	deletedXML
	Code    string
	Message string
}

type objectXML struct {
	Key          string
	LastModified string
	ETag         string
	Size         int64
	StorageClass string
}

type prefixXML struct{ Prefix string }

type listXML struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	IsTruncated           bool
	KeyCount              *int
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	Marker                *string // version 1 of the call
	NextMarker            string  `xml:",omitempty"`
	Contents              []objectXML
	CommonPrefixes        []prefixXML
}

type locationXML struct {
	XMLName xml.Name `xml:"LocationConstraint"`
	Region  string   `xml:",chardata"`
}

type bucketsXML struct {
	XMLName           xml.Name `xml:"ListAllMyBucketsResult"`
	Buckets           struct{ Bucket []bucketXML }
	ContinuationToken string `xml:",omitempty"`
}

type bucketXML struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type createBucketXML struct {
	LocationConstraint string
	Tag                []tagXML `xml:"Tags>Tag"`
}

type websiteXML struct {
	Index string `xml:"IndexDocument>Suffix"`
	Error string `xml:"ErrorDocument>Key"`
}

func quoted(etag string) string { return `"` + etag + `"` }

func unquoted(etag string) string { return strings.Trim(etag, `"`) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func classXML(class string) string {
	if class == "" {
		return "STANDARD"
	}
	return class
}

// coded encodes a key as with encoding-type=url; S3 leaves slashes alone.
func coded(encoding, key string) string {
	if encoding != "url" {
		return key
	}
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// kindOf returns the checksum type of a finished sum.
func kindOf(s checksum.Sum) checksum.Kind {
	switch {
	case s.IsZero():
		return ""
	case s.Parts > 0:
		return checksum.Composite
	}
	return checksum.FullObject
}
