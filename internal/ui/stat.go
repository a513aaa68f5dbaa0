package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
	"haul.example/haul/store"
)

// Stat is what is known of an object.
type Stat struct {
	Object store.Object
	// Tagged reports that Tags were asked for.
	Tagged bool
	Tags   map[string]string
	// Parts lists the parts it was uploaded in, if the store reports them.
	Parts []store.Part
}

// Stat writes everything that is known about an object.
func (s *Screen) Stat(x Stat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(statRecord(x))
	case !s.cfg.Quiet:
		s.line(s.out, Printable("s3://"+x.Object.Bucket+"/"+x.Object.Key))
		for _, f := range statFields(x) {
			s.line(s.out, fmt.Sprintf("  %-19s  %s", f[0], Printable(f[1])))
		}
	}
}

// BucketStat writes what is known about a bucket.
func (s *Screen) BucketStat(b store.Bucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.JSON:
		s.json(record{Event: "bucket", Bucket: b.Name, Region: b.Region, Created: b.Made.UTC()})
	case !s.cfg.Quiet:
		s.line(s.out, "s3://"+Printable(b.Name))
		if b.Region != "" {
			s.line(s.out, fmt.Sprintf("  %-19s  %s", "region", Printable(b.Region)))
		}
	}
}

// statFields are the lines about an object: name and value. What is not known has none.
func statFields(x Stat) (fields [][2]string) {
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, value})
		}
	}
	o, h := x.Object, x.Object.Attrs.Headers
	add("size", sizeText(o.Size))
	if !o.Modified.IsZero() {
		add("modified", o.Modified.Local().Format("2006-01-02 15:04:05 -0700"))
	}
	add("etag", o.ETag)
	add("version", o.Version)
	for _, sum := range o.Sums {
		add("checksum", string(sum.Algorithm)+" "+sumText(sum)+", "+sumOf(sum))
	}
	add("storage class", classText(o.StorageClass))
	add("restore", restoreText(o.Restore))
	add("encryption", strings.TrimSuffix(o.Encryption+", key "+o.KMSKeyID, ", key "))
	add("content-type", h.ContentType)
	add("content-encoding", h.ContentEncoding)
	add("content-disposition", h.ContentDisposition)
	add("content-language", h.ContentLanguage)
	add("cache-control", h.CacheControl)
	add("expires", h.Expires)
	for _, name := range slices.Sorted(maps.Keys(o.Attrs.Metadata)) {
		add("metadata", name+"="+o.Attrs.Metadata[name])
	}
	for _, name := range slices.Sorted(maps.Keys(x.Tags)) {
		add("tag", name+"="+x.Tags[name])
	}
	if x.Tagged && len(x.Tags) == 0 {
		add("tag", "(none)")
	}
	add("parts", layoutText(x))
	return fields
}

func sizeText(n int64) string {
	text := grouped(int(n)) + " B"
	if n >= 1024 {
		text += " (" + amount.Bytes(n) + ")"
	}
	return text
}

func sumOf(s checksum.Sum) string {
	if s.Parts > 0 {
		return "of the sums of " + count(s.Parts, "part")
	}
	return "of the full object"
}

// classText names the storage class, also the one that stores do not name.
func classText(class string) string {
	if class == "" {
		return "STANDARD"
	}
	return class
}

func restoreText(r store.Restore) string {
	switch {
	case r.Ongoing:
		return "under way"
	case !r.Until.IsZero():
		return "readable until " + r.Until.Local().Format("2006-01-02 15:04:05 -0700")
	}
	return ""
}

// layoutText describes the number and sizes of parts, as far as they are known.
func layoutText(x Stat) string {
	m, ok := checksum.FromETag(x.Object.ETag)
	switch n := len(x.Parts); {
	case n > 1 && x.Parts[n-1].Size != x.Parts[0].Size:
		return fmt.Sprintf("%s of %s, the last of %s", grouped(n), sizeText(x.Parts[0].Size), sizeText(x.Parts[n-1].Size))
	case n > 0 && ok && m.Parts > 0:
		return fmt.Sprintf("%s of %s", grouped(n), sizeText(x.Parts[0].Size))
	case ok && m.Parts > 0:
		return grouped(m.Parts) + ", whose sizes the server does not report"
	}
	return ""
}

type statDetails struct {
	Sums     []sumRecord       `json:"checksums,omitempty"`
	KMSKeyID string            `json:"kms_key_id,omitempty"`
	Restore  *restoreRecord    `json:"restore,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Layout   []partRecord      `json:"layout,omitempty"`
}

type sumRecord struct {
	Algorithm string `json:"algorithm"`
	Sum       string `json:"sum"`
	// OfParts is of how many parts' sums it is; 0 is of all bytes.
	OfParts int `json:"of_parts,omitempty"`
}

type restoreRecord struct {
	Ongoing bool      `json:"ongoing"`
	Until   time.Time `json:"until,omitzero"`
}

type partRecord struct {
	Number int   `json:"number"`
	Size   int64 `json:"size"`
}

func statRecord(x Stat) record {
	o := x.Object
	d := &statDetails{KMSKeyID: o.KMSKeyID, Metadata: o.Attrs.Metadata, Tags: x.Tags}
	for _, s := range o.Sums {
		d.Sums = append(d.Sums, sumRecord{string(s.Algorithm), s.Base64(), s.Parts})
	}
	if o.Restore != (store.Restore{}) {
		d.Restore = &restoreRecord{o.Restore.Ongoing, o.Restore.Until.UTC()}
	}
	h := o.Attrs.Headers
	d.Headers = map[string]string{}
	for name, value := range map[string]string{
		"content-type": h.ContentType, "content-encoding": h.ContentEncoding, "content-disposition": h.ContentDisposition,
		"content-language": h.ContentLanguage, "cache-control": h.CacheControl, "expires": h.Expires,
	} {
		if value != "" {
			d.Headers[name] = value
		}
	}
	for _, p := range x.Parts {
		d.Layout = append(d.Layout, partRecord{p.Number, p.Size})
	}
	return record{Event: "object", Size: &o.Size, Object: listedRecord(o), statDetails: d}
}
