package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"haul.example/haul/store"
)

const (
	metaPrefix     = "X-Amz-Meta-"
	sseHeader      = "X-Amz-Server-Side-Encryption"
	kmsKeyHeader   = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	customerPrefix = "X-Amz-Server-Side-Encryption-Customer-"
	copySourceSSE  = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-"
	// customerKeySize is the length of an SSE-C key in bytes.
	customerKeySize = 32
	// customerEncryption is the Object.Encryption of an object under a customer's key.
	customerEncryption = "SSE-C"
	// tidyTime bounds the deletion of what should not be there, which continues after the caller has stopped.
	tidyTime = 30 * time.Second
)

// copyHeaders set the key that opens the source of a copy.
func copyHeaders(h http.Header, a *store.Attrs) {
	if a != nil {
		customerHeaders(h, copySourceSSE, a.Encryption.CopySource)
	}
}

// objectHeaders are those that are stored with an object.
func objectHeaders(h http.Header, a *store.Attrs) error {
	if a == nil {
		return nil
	}
	if err := ownHeaders(h, a.Headers); err != nil {
		return err
	}
	if err := metadataHeaders(h, a.Metadata); err != nil {
		return err
	}
	set(h, "X-Amz-Tagging", tagging(a.Tags))
	set(h, "X-Amz-Storage-Class", a.StorageClass)
	set(h, "X-Amz-Acl", a.ACL)
	set(h, "X-Amz-Grant-Read", a.Grants.Read)
	set(h, "X-Amz-Grant-Full-Control", a.Grants.FullControl)
	set(h, "X-Amz-Grant-Read-Acp", a.Grants.ReadACP)
	set(h, "X-Amz-Grant-Write-Acp", a.Grants.WriteACP)
	set(h, "X-Amz-Website-Redirect-Location", a.Redirect)
	set(h, sseHeader, a.Encryption.SSE)
	set(h, kmsKeyHeader, a.Encryption.KMSKeyID)
	return nil
}

func ownHeaders(h http.Header, o store.Headers) error {
	set(h, "Content-Type", o.ContentType)
	set(h, "Content-Encoding", o.ContentEncoding)
	set(h, "Content-Disposition", o.ContentDisposition)
	set(h, "Content-Language", o.ContentLanguage)
	set(h, "Cache-Control", o.CacheControl)
	if o.Expires == "" {
		return nil
	}
	t, err := http.ParseTime(o.Expires)
	if err != nil {
		t, err = time.Parse(time.RFC3339, o.Expires)
	}
	if err != nil {
		return badAttr("write the expiry as 2030-01-31T12:00:00Z", fmt.Errorf("expiry %q is not a date", o.Expires))
	}
	set(h, "Expires", t.UTC().Format(http.TimeFormat))
	return nil
}

// metadataHeaders writes values that are not ASCII in the encoding of RFC 2047, as S3 itself returns such values.
func metadataHeaders(h http.Header, m map[string]string) error {
	for name, value := range m {
		if !token(name) {
			return badAttr("metadata names can contain ASCII letters, digits and hyphens", fmt.Errorf("metadata name %q cannot be a header", name))
		}
		for _, r := range value {
			if r < ' ' && r != '\t' || r == 0x7f {
				return badAttr("remove line breaks and other control characters", fmt.Errorf("the value of metadata %q contains a control character", name))
			}
		}
		h.Set(metaPrefix+name, mime.BEncoding.Encode("UTF-8", value))
	}
	return nil
}

// token reports whether s can be a part of a header's name (RFC 9110, section 5.6.2).
func token(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func tagging(tags map[string]string) string {
	v := url.Values{}
	for name, value := range tags {
		v.Set(name, value)
	}
	return strings.ReplaceAll(v.Encode(), "+", "%20")
}

func customerHeaders(h http.Header, prefix string, k store.CustomerKey) {
	if k.Key == "" {
		return
	}
	algorithm := k.Algorithm
	if algorithm == "" {
		algorithm = "AES256"
	}
	key := []byte(k.Key)
	sum := md5.Sum(key)
	h.Set(prefix+"Algorithm", algorithm)
	h.Set(prefix+"Key", base64.StdEncoding.EncodeToString(key))
	h.Set(prefix+"Key-Md5", base64.StdEncoding.EncodeToString(sum[:]))
}

// checkCustomerKeys refuses invalid keys, and to send any in the clear.
func (s *Store) checkCustomerKeys(c *call) error {
	if c.attrs == nil {
		return nil
	}
	for _, k := range []store.CustomerKey{c.attrs.Encryption.Customer, c.attrs.Encryption.CopySource} {
		switch {
		case k.Key == "":
		case len(k.Key) != customerKeySize:
			return c.invalid("an SSE-C key must be 32 raw bytes; if yours is base64, decode it first",
				fmt.Errorf("SSE-C key has %d bytes", len(k.Key)))
		case s.endpoint != nil && s.endpoint.Scheme == "http" && !loopback(s.endpoint.Hostname()):
			return c.invalid("use an https:// endpoint: over plain HTTP, the key could be read in transit",
				errors.New("SSE-C needs HTTPS"))
		}
	}
	return nil
}

// echoesKey reports that the request had no customer's key, or that the answer says that it was used.
func (x *roundTrip) echoesKey() bool {
	a := x.call.attrs
	return a == nil || a.Encryption.Customer.Key == "" || x.answer.Get(customerPrefix+"Algorithm") != ""
}

// keptKey finds out whether the server encrypted a part with the customer's key: a server without SSE-C stores the bytes as
// they are.
func (x *roundTrip) keptKey() error {
	if x.echoesKey() {
		return nil
	}
	return x.unsupported("this store does not support SSE-C: encrypt the file before the upload, or use another store. "+
		"Parts already stored are not encrypted: discard the upload", errors.New("the store ignored the customer's key"))
}

// encrypted finds out whether the object that a request has just created is encrypted with the customer's key. Not every
// server that encrypts says so in its answer (MinIO, to a copy); HEAD with the key settles it. An object that is not
// encrypted, and is still the one that was created, is deleted, unless it may be the only one: a copy that may be its own
// source.
func (s *Store) encrypted(ctx context.Context, x *roundTrip, made store.Object, only bool) error {
	if x.echoesKey() {
		return nil
	}
	ref, a := made.Ref, x.call.attrs
	ref.Version = made.Version
	seen, err := s.Head(ctx, store.GetRequest{Ref: ref, Attrs: a})
	if err == nil && seen.Encryption == customerEncryption {
		return nil
	}
	const hint = "this store does not support SSE-C: encrypt the file before the upload, or use another store"
	if err != nil {
		return x.unsupported("look at the object: it may be stored without encryption", fmt.Errorf("the store did not say whether it used the customer's key: %w", err))
	}
	if made.ETag == "" || seen.ETag != made.ETag {
		return x.unsupported(hint, errors.New("the store ignored the customer's key, and the object there, which another writer may have stored, is not encrypted"))
	}
	if only {
		return x.unsupported(hint, errors.New("the store ignored the customer's key: the object was rewritten in place, and is stored WITHOUT encryption"))
	}
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if err := s.Delete(cctx, ref, a); err != nil {
		return x.unsupported(hint+"; delete the object: `haul rm "+made.Ref.String()+"`",
			fmt.Errorf("the store ignored the customer's key: the object is stored WITHOUT encryption, and could not be deleted: %w", err))
	}
	return x.unsupported(hint, errors.New("the store ignored the customer's key and stored the object without encryption; haul has deleted it"))
}

// attrsFrom reads what is stored with an object.
func attrsFrom(h http.Header) store.Attrs {
	a := store.Attrs{Headers: store.Headers{
		ContentType:        h.Get("Content-Type"),
		ContentEncoding:    contentEncoding(h.Get("Content-Encoding")),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentLanguage:    h.Get("Content-Language"),
		CacheControl:       h.Get("Cache-Control"),
		Expires:            h.Get("Expires"),
	}}
	words := new(mime.WordDecoder)
	for name, values := range h {
		rest, ok := strings.CutPrefix(name, metaPrefix)
		if !ok {
			continue
		}
		value := strings.Join(values, ",")
		if decoded, err := words.DecodeHeader(value); err == nil {
			value = decoded
		}
		if a.Metadata == nil {
			a.Metadata = map[string]string{}
		}
		a.Metadata[strings.ToLower(rest)] = value
	}
	return a
}

// contentEncoding leaves out aws-chunked, which described the upload and never the object.
func contentEncoding(s string) string {
	var kept []string
	for _, e := range strings.Split(s, ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			kept = append(kept, e)
		}
	}
	return strings.Join(kept, ",")
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

func badAttr(hint string, err error) error {
	return &store.Error{Kind: store.Invalid, Hint: hint, Err: err}
}
