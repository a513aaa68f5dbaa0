package nullstore

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"time"
)

// op is an operation of S3.
type op int

const (
	opOther op = iota
	opPut
	opPutPart
	opGet
	opHead
	opDelete
	opCreate
	opComplete
	opAbort
	opListParts
	opListUploads
	opList
	opLocation
	opHeadBucket
	opPutBucket
	opListBuckets
)

var opNames = [...]string{"Other", "PutObject", "UploadPart", "GetObject", "HeadObject", "DeleteObject", "CreateMultipartUpload",
	"CompleteMultipartUpload", "AbortMultipartUpload", "ListParts", "ListMultipartUploads", "ListObjects", "GetBucketLocation",
	"HeadBucket", "CreateBucket", "ListBuckets"}

// opOf tells what a request wants.
func opOf(h *head, bucket, key string) op {
	switch {
	case bucket == "":
		if h.method == "GET" {
			return opListBuckets
		}
		return opOther
	case key == "":
		return opOfBucket(h)
	}
	upload := h.has("uploadId")
	for _, sub := range []string{"acl", "tagging", "attributes", "retention", "legal-hold", "torrent", "restore", "select"} {
		if h.has(sub) {
			return opOther
		}
	}
	switch h.method {
	case "PUT":
		switch {
		case h.get("x-amz-copy-source") != "":
			return opOther
		case upload:
			return opPutPart
		}
		return opPut
	case "POST":
		switch {
		case h.has("uploads"):
			return opCreate
		case upload:
			return opComplete
		}
	case "GET":
		if upload {
			return opListParts
		}
		return opGet
	case "HEAD":
		return opHead
	case "DELETE":
		if upload {
			return opAbort
		}
		return opDelete
	}
	return opOther
}

func opOfBucket(h *head) op {
	switch {
	case h.method == "HEAD":
		return opHeadBucket
	case h.method == "PUT" && h.query == "":
		return opPutBucket
	case h.method != "GET":
		return opOther
	case h.has("location"):
		return opLocation
	case h.has("uploads"):
		return opListUploads
	}
	for _, sub := range []string{"acl", "policy", "versioning", "versions", "object-lock", "tagging", "cors", "lifecycle", "encryption",
		"replication", "notification", "website", "logging", "policyStatus", "session"} {
		if h.has(sub) {
			return opOther
		}
	}
	return opList
}

// handle answers one request. It reports whether another may follow on the connection.
func (c *conn) handle(h *head) (keep bool, err error) {
	bucket, key, err := h.names()
	if err != nil {
		return false, err
	}
	o := opOf(h, bucket, key)
	c.s.stats.ops[o].Add(1)
	if c.g.refuses() {
		return true, c.slowDown(h)
	}
	name := bucket + "/" + key
	switch o {
	case opPut:
		return c.put(h, name)
	case opPutPart:
		return c.putPart(h, name)
	case opGet, opHead:
		return c.read(h, name)
	case opComplete:
		return c.complete(h, name)
	}
	if _, err := c.text(h); err != nil { // of no use to the others
		return false, err
	}
	switch o {
	case opCreate:
		return c.create(h, bucket, key)
	case opAbort:
		return c.abort(h, name)
	case opListParts:
		return c.listParts(h, name)
	case opDelete:
		c.s.remove(name)
		return c.reply(h, answer{status: 204})
	}
	return c.reply(h, c.s.ofBucket(o, h, bucket))
}

// ofBucket answers what does not touch objects.
func (s *Server) ofBucket(o op, h *head, bucket string) answer {
	switch o {
	case opList:
		return s.list(h, bucket)
	case opLocation:
		return answer{status: 200, body: document("LocationConstraint", "us-east-1")}
	case opListUploads:
		return answer{status: 200, body: s.listUploads(bucket)}
	case opHeadBucket, opPutBucket:
		return answer{status: 200, fields: []field{{"x-amz-bucket-region", "us-east-1"}}}
	case opListBuckets:
		return answer{status: 200, body: s.listBuckets()}
	}
	return answer{status: 501, body: errorXML("NotImplemented", "This store knows only what is needed to measure clients.")}
}

func (s *Server) listUploads(bucket string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags := []string{tag("Bucket", bucket), tag("IsTruncated", "false")}
	for _, id := range slices.Sorted(maps.Keys(s.uploads)) {
		u := s.uploads[id]
		b, key, _ := strings.Cut(u.name, "/")
		if b == bucket {
			tags = append(tags, "<Upload>"+tag("Key", key)+tag("UploadId", id)+tag("Initiated", u.begun.UTC().Format(time.RFC3339))+"</Upload>")
		}
	}
	return document("ListMultipartUploadsResult", tags...)
}

func (s *Server) listBuckets() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for name := range s.objects {
		bucket, _, _ := strings.Cut(name, "/")
		seen[bucket] = true
	}
	var all strings.Builder
	for _, b := range slices.Sorted(maps.Keys(seen)) {
		all.WriteString("<Bucket>" + tag("Name", b) + tag("CreationDate", "2020-01-01T00:00:00.000Z") + "</Bucket>")
	}
	return document("ListAllMyBucketsResult", "<Buckets>"+all.String()+"</Buckets>")
}

// document makes an XML document.
func document(root string, tags ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + root + ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + strings.Join(tags, "") + "</" + root + ">"
}

func errorXML(code, message string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error>" + tag("Code", code) + tag("Message", message) + "</Error>"
}

func tag(name, value string) string {
	var b strings.Builder
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&b, []byte(value)) // a Builder takes everything
	b.WriteString("</" + name + ">")
	return b.String()
}
