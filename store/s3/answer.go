package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"haul.example/haul/store"
)

// form is what makes an answer that of its operation. Portals, proxies and broken servers answer with status 200 as well: a
// login page, nothing, half a page, the answer to another question. An answer without its operation's form is an Error of
// kind store.BadAnswer, and nothing is concluded from it.
type form struct {
	// root is the XML element that the body begins with; empty if all there is to know is in the headers.
	root string
	// needs are elements of which the body must have one with a value.
	needs []string
	// header is what the headers must have, if the body says nothing.
	header need
	// empty: an answer without a body is valid.
	empty bool
	// ceph: an empty answer is valid from Ceph, which its request IDs identify.
	ceph bool
	// stream: the body is that of an object, and is not read here.
	stream bool
	// otherwise is the kind of an Error about another answer, if that is not store.BadAnswer.
	otherwise store.Kind
	// limit of the body in bytes; 0 is shortLimit.
	limit int64
}

// need is what the headers of an answer must have.
type need int

const (
	nothing need = iota
	// state: an ETag or a checksum. S3 sends an ETag with every object, and some proxies remove it.
	state
	// tag: an ETag, without which Complete cannot name the part.
	tag
)

const (
	pageLimit  = 16 << 20 // a page of 1,000 entries has 4 MiB at most, if all keys have the maximum length and all of it is escaped
	shortLimit = 1 << 20
	// maxLead is how much white space may come before an answer, in bytes: S3 sends some every few seconds while it copies.
	maxLead  = 256 << 10
	maxFault = 64 << 10 // read of an error's body
	maxRoot  = 4 << 10  // the root element must begin within this, not counting white space before it
)

// forms has the form of the answer to each operation.
var forms = map[string]form{
	"GetObject":               {stream: true, header: state},
	"HeadObject":              {empty: true, header: state},
	"PutObject":               {empty: true, header: state},
	"UploadPart":              {empty: true, header: tag},
	"CreateMultipartUpload":   {root: "InitiateMultipartUploadResult", needs: []string{"UploadId"}},
	"CompleteMultipartUpload": {root: "CompleteMultipartUploadResult", needs: []string{"ETag", "Key", "Location"}, empty: true, header: state},
	"AbortMultipartUpload":    {empty: true},
	// gofakes3 leaves out an IsTruncated that is false, in these two.
	"ListParts":            {root: "ListPartsResult", needs: []string{"IsTruncated", "UploadId"}, limit: pageLimit},
	"ListMultipartUploads": {root: "ListMultipartUploadsResult", needs: []string{"IsTruncated", "Bucket"}, limit: pageLimit},
	"ListObjectsV2":        {root: "ListBucketResult", needs: []string{"IsTruncated"}, limit: pageLimit},
	"ListObjects":          {root: "ListBucketResult", needs: []string{"IsTruncated"}, limit: pageLimit},
	"ListObjectVersions":   {root: "ListVersionsResult", needs: []string{"IsTruncated"}, limit: pageLimit},
	"GetBucketVersioning":  {root: "VersioningConfiguration"},
	"PutBucketVersioning":  {empty: true},
	"CopyObject":           {root: "CopyObjectResult", needs: []string{"ETag", "LastModified"}},
	"UploadPartCopy":       {root: "CopyPartResult", needs: []string{"ETag"}},
	"GetObjectTagging":     {root: "Tagging", ceph: true}, // it sends nothing about an object without tags
	"DeleteObject":         {empty: true},
	"DeleteObjects":        {root: "DeleteResult", limit: pageLimit},
	"HeadBucket":           {empty: true},
	"GetBucketLocation":    {root: "LocationConstraint"},
	"CreateBucket":         {root: "CreateBucketResult", empty: true},
	"DeleteBucket":         {empty: true},
	"PutBucketWebsite":     {empty: true},
	"ListBuckets":          {root: "ListAllMyBucketsResult", limit: pageLimit},

	"GetObjectLockConfiguration":      {root: "ObjectLockConfiguration", otherwise: store.Unsupported},
	"GetBucketLifecycleConfiguration": {root: "LifecycleConfiguration", otherwise: store.Unsupported},
	"GetBucketRequestPayment":         {root: "RequestPaymentConfiguration", otherwise: store.Unsupported},
	"GetBucketEncryption":             {root: "ServerSideEncryptionConfiguration", otherwise: store.Unsupported},
	"GetObjectAnnotation":             {stream: true},
	"PutObjectAnnotation":             {empty: true},
	// Servers that do not know these requests treat them as GetObject, and send the object.
	"ListObjectAnnotations": {root: "ListObjectAnnotationsResult", otherwise: store.Unsupported, limit: pageLimit},
	"GetObjectAttributes":   {root: "GetObjectAttributesResponse", otherwise: store.Unsupported, limit: pageLimit},
}

func (c *call) form() form {
	f, ok := forms[c.op]
	if !ok {
		panic("s3: internal error: no form of answers to " + c.op)
	}
	if f.limit == 0 {
		f.limit = shortLimit
	}
	return f
}

// met reports whether the headers have what they must.
func (f form) met(h http.Header) bool {
	return f.header == nothing || etag(h.Get("ETag")) != "" || f.header == state && !headerSum(h).IsZero()
}

// take decides whether an answer of status 2xx is the one that was asked for, and reads its body unless that is an
// object's. If it is not, the roundTrip has a fault. An error is one of the connection.
func (x *roundTrip) take(resp *http.Response) error {
	f := x.call.form()
	switch {
	case f.stream:
		x.takeStream(resp, f)
		return nil
	case resp.ContentLength == 0, resp.Request != nil && resp.Request.Method == http.MethodHead:
		x.takeEmpty(resp, f)
		return nil
	}
	head, began, err := readLead(resp.Body)
	switch {
	case err == errLead:
		x.refuse(resp, err.Error())
		return nil
	case err != nil:
		return err
	case len(head) == 0 && !began:
		x.takeEmpty(resp, f)
		return nil
	}
	switch root := rootElement(head); {
	case root == "Error":
		more, err := io.ReadAll(io.LimitReader(resp.Body, maxFault))
		if err != nil {
			return err
		}
		head = append(head, more...)
		rest(resp, head)
		x.fault = parseFault(resp, head)
	case f.accepts(x.call.op, root):
		return x.takeXML(resp, head, f)
	default:
		x.refuse(resp, described(resp, head))
	}
	return nil
}

// takeStream checks the headers of an answer that is an object.
func (x *roundTrip) takeStream(resp *http.Response, f form) {
	switch {
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		x.refuse(resp, fmt.Sprintf("status %d in place of an object", resp.StatusCode))
	case !f.met(resp.Header) && strings.Contains(resp.Header.Get("Content-Type"), "html"):
		x.refuse(resp, "an HTML page without an ETag")
	case !f.met(resp.Header):
		x.refuse(resp, noTag)
	}
}

const noTag = "an answer without an ETag"

// takeEmpty checks an answer without a body.
func (x *roundTrip) takeEmpty(resp *http.Response, f form) {
	switch {
	case !f.empty && !(f.ceph && cephID().MatchString(resp.Header.Get("X-Amz-Request-Id"))):
		x.refuse(resp, "an empty answer")
	case !f.met(resp.Header):
		x.refuse(resp, noTag)
	default:
		rest(resp, nil)
	}
}

// takeXML reads a document whose root is right.
func (x *roundTrip) takeXML(resp *http.Response, head []byte, f form) error {
	more, err := io.ReadAll(io.LimitReader(resp.Body, f.limit+1-int64(len(head))))
	if err != nil {
		return err
	}
	doc := append(head, more...)
	if int64(len(doc)) > f.limit {
		x.refuse(resp, fmt.Sprintf("an answer of more than %d MiB", f.limit>>20))
		return nil
	}
	doc = escapeXML(doc)
	has := func(name string) bool { return hasElement(doc, name) }
	switch {
	case len(f.needs) > 0 && !slices.ContainsFunc(f.needs, has):
		x.refuse(resp, fmt.Sprintf("XML of <%s> without %s", rootElement(head), strings.Join(f.needs, " and ")))
	case f.root == "" && !f.met(resp.Header):
		x.refuse(resp, noTag)
	default:
		x.body = doc
		rest(resp, doc)
	}
	return nil
}

// refuse records that an answer is not the one that was asked for, and what it is. The rest of it is cut off: there may be
// gigabytes.
func (x *roundTrip) refuse(resp *http.Response, what string) {
	x.fault = &fault{status: resp.StatusCode, header: resp.Header, other: what}
	x.watchdog.Cancel(errRefused)
	rest(resp, nil)
}

var errRefused = errors.New("the response does not answer the request")

// rest replaces the body of resp by bytes that were read.
func rest(resp *http.Response, body []byte) {
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
}

var errLead = fmt.Errorf("more than %d KiB of white space before an answer", maxLead>>10)

// readLead skips the XML declaration and white space, which S3 sends at once and long before the rest, and reads until the
// root element must have begun; began reports that there was a declaration.
func readLead(r io.Reader) (head []byte, began bool, err error) {
	buf := make([]byte, maxRoot)
	n, lead := 0, 0
	for n < len(buf) {
		k, err := r.Read(buf[n:])
		n += k
		after, declared := skipProlog(buf[:n])
		lead += n - len(after)
		n, began = copy(buf, after), began || declared
		if err == io.EOF || rootElement(buf[:n]) != "" {
			return buf[:n], began, nil
		}
		if err == nil && lead > maxLead {
			err = errLead
		}
		if err != nil {
			return nil, began, err
		}
	}
	return buf[:n], began, nil
}

func skipProlog(doc []byte) (after []byte, declared bool) {
	doc = bytes.TrimLeft(bytes.TrimPrefix(doc, []byte("\ufeff")), " \t\r\n")
	if bytes.HasPrefix(doc, []byte("<?xml")) {
		if _, rest, ok := bytes.Cut(doc, []byte("?>")); ok {
			return bytes.TrimLeft(rest, " \t\r\n"), true
		}
	}
	return doc, false
}

// hasElement reports whether a document has an element of that name with a text. It only searches: whether the document is
// well-formed is for its decoder to find out, and no text holds a <.
func hasElement(doc []byte, name string) bool {
	start := []byte("<" + name)
	for {
		_, after, ok := bytes.Cut(doc, start)
		if !ok {
			return false
		}
		doc = after
		attributes, text, closed := bytes.Cut(after, []byte(">"))
		text = bytes.TrimLeft(text, " \t\r\n")
		named := len(attributes) == 0 || strings.ContainsRune(" \t\r\n", rune(attributes[0])) && !bytes.HasSuffix(attributes, []byte("/"))
		if closed && named && len(text) > 0 && text[0] != '<' {
			return true
		}
	}
}

var title = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<title[^>]*>\s*([^<]{1,80})`)
})

// described returns in a few words what an answer is.
func described(resp *http.Response, head []byte) string {
	root := rootElement(head)
	trimmed := bytes.TrimSpace(head)
	switch {
	case len(trimmed) == 0:
		return "an XML declaration and nothing behind it"
	case strings.EqualFold(root, "html"), isHTML(resp, string(trimmed)):
		if m := title().FindSubmatch(head); m != nil {
			return fmt.Sprintf("an HTML page with the title %q", bytes.TrimSpace(m[1]))
		}
		return "an HTML page"
	case root != "":
		return "XML of <" + root[:min(len(root), 60)] + ">"
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "compressed bytes"
	case bytes.Trim(head, "\x00") == nil:
		return "bytes that are all zero"
	}
	return fmt.Sprintf("an answer that begins with %q", trimmed[:min(len(trimmed), 40)])
}

func isHTML(resp *http.Response, text string) bool {
	return strings.Contains(resp.Header.Get("Content-Type"), "html") || strings.HasPrefix(text, "<!") || strings.HasPrefix(text, "<html")
}
