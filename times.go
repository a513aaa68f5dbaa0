package haul

import (
	"fmt"
	"maps"
	"math/big"
	"strconv"
	"strings"
	"time"

	"haul/checksum"
	"haul/store"
)

// The names of metadata that tell of a file: its modification time in seconds with a fraction, and the Base64 of its MD5, both as
// rclone has them; s3cmd's list of NAME:VALUE with slashes between; and haul's own, the size in bytes of all parts but the last.
const (
	timeName  = "mtime"
	md5Name   = "md5chksum"
	s3cmdName = "s3cmd-attrs"
	partsName = "haul-part-size"
)

// described gives the Attrs with what a later look at the object needs no receipt for: the MD5, unless it is zero, and the part
// size, unless that is. What the caller named stands. Without Digests nothing is added.
func (o Transfer) described(md5 checksum.Sum, partSize int64) store.Attrs {
	a := o.Attrs
	if len(o.Digests) == 0 {
		return a
	}
	add := map[string]string{}
	if partSize > 0 {
		add[partsName] = strconv.FormatInt(partSize, 10)
	}
	if !md5.IsZero() {
		add[md5Name] = md5.Base64()
		add[s3cmdName] = "md5:" + md5.Hex()
		if at, ok := parseSeconds(a.Metadata[timeName]); ok && o.Times {
			add[s3cmdName] += "/mtime:" + strconv.FormatInt(at.Unix(), 10) // s3cmd knows whole seconds
		}
	}
	maps.Copy(add, a.Metadata)
	a.Metadata = add
	return a
}

// FileMD5 gives the MD5 of the file that an object was made from, as haul, rclone and s3cmd keep it in the metadata, and under
// which name; that is empty where there is none. It is what the uploader said, and the store does not check it. Metadata is told
// by Client.Stat, and not by listings.
func FileMD5(o store.Object) (md5 checksum.Sum, name string) {
	if s, err := checksum.FromBase64(checksum.MD5, o.Attrs.Metadata[md5Name]); err == nil && s.Parts == 0 && !s.IsZero() {
		return s, md5Name
	}
	for field := range strings.SplitSeq(o.Attrs.Metadata[s3cmdName], "/") {
		if text, ok := strings.CutPrefix(field, "md5:"); ok {
			if s, ok := checksum.FromETag(text); ok && s.Parts == 0 {
				return s, s3cmdName
			}
		}
	}
	return checksum.Sum{}, ""
}

// FilePartSize gives the size in bytes of the parts that haul uploaded a file in, as it keeps it in the metadata; 0 where it did
// not. A copy may have been cut in other places.
func FilePartSize(o store.Object) int64 {
	n, err := strconv.ParseInt(o.Attrs.Metadata[partsName], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// sameMD5 compares the MD5 of what came, where it was asked for, with the one that the metadata tells. As with rclone, that does
// not count where the ETag is the MD5 of the object itself.
func sameMD5(obj store.Object, sums []checksum.Sum) error {
	kept, name := FileMD5(obj)
	tag, isMD5 := obj.MD5()
	if name == "" || isMD5 && tag.Parts == 0 {
		return nil
	}
	for _, s := range sums {
		if s.Algorithm == checksum.MD5 && s != kept {
			return fmt.Errorf("%s: %w: its metadata tell the MD5 %s of the file that it was made from, and that of its bytes is %s",
				obj.Ref, ErrMismatch, kept.Hex(), s.Hex())
		}
	}
	return nil
}

// stamped keeps a file's modification time, in nanoseconds since 1970, with the object where that is wanted.
func (o Transfer) stamped(mtime int64) Transfer {
	if !o.Times {
		return o
	}
	o.Attrs.Metadata = maps.Clone(o.Attrs.Metadata)
	if o.Attrs.Metadata == nil {
		o.Attrs.Metadata = map[string]string{}
	}
	sign := ""
	if mtime < 0 {
		sign, mtime = "-", -mtime
	}
	o.Attrs.Metadata[timeName] = fmt.Sprintf("%s%d.%09d", sign, mtime/1e9, mtime%1e9)
	return o
}

// FileTime gives the modification time of the file that an object was made from, as Transfer.Times, rclone and s3cmd keep it in
// the metadata. Metadata is told by Client.Stat, and not by listings.
func FileTime(o store.Object) (time.Time, bool) {
	if t, ok := parseSeconds(o.Attrs.Metadata[timeName]); ok {
		return t, true
	}
	for field := range strings.SplitSeq(o.Attrs.Metadata[s3cmdName], "/") {
		if text, ok := strings.CutPrefix(field, "mtime:"); ok {
			return parseSeconds(text)
		}
	}
	return time.Time{}, false
}

// parseSeconds reads seconds since 1970 with a fraction, to the nanosecond, which a float64 could not hold.
func parseSeconds(text string) (time.Time, bool) {
	if text == "" || len(text) > 40 || strings.Trim(text, "0123456789.-+") != "" {
		return time.Time{}, false
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return time.Time{}, false
	}
	r.Mul(r, big.NewRat(1e9, 1))
	n := new(big.Int).Div(r.Num(), r.Denom())
	if !n.IsInt64() {
		return time.Time{}, false
	}
	return time.Unix(0, n.Int64()), true
}

// modified is the modification time for the file that a download makes.
func (d *download) modified() time.Time {
	if d.o.Times {
		if t, ok := FileTime(d.obj); ok {
			return t
		}
	}
	return d.obj.Modified
}

// expected refuses an object that is not the one that the caller meant.
func (t *transfer) expected(o store.Object) error {
	if t.o.IfMatch == "" || o.ETag == t.o.IfMatch {
		return nil
	}
	return &store.Error{Kind: store.Changed, Op: "HeadObject", Ref: o.Ref}
}
