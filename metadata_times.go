package haul

import (
	"fmt"
	"maps"
	"math/big"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
	"haul.example/haul/store"
)

// timeName is the metadata name of a file's modification time, in seconds with a fraction, as in rclone.
const timeName = "mtime"

// described returns the Attrs with what lets a later look at the object do without a receipt: the MD5, unless it is zero,
// and the part size, unless that is zero. What the caller set is kept. Without digests nothing is added.
func (o transferOptions) described(md5 checksum.Sum, partSize int64) store.Attrs {
	a := o.attrs
	if len(o.digests) == 0 {
		return a
	}
	add := map[string]string{}
	if partSize > 0 {
		add[evidence.PartSizeName] = strconv.FormatInt(partSize, 10)
	}
	if !md5.IsZero() {
		add[evidence.MD5Name] = md5.Base64()
		add[evidence.S3cmdName] = "md5:" + md5.Hex()
		if at, ok := parseSeconds(a.Metadata[timeName]); ok && o.times {
			add[evidence.S3cmdName] += "/mtime:" + strconv.FormatInt(at.Unix(), 10) // s3cmd stores whole seconds
		}
	}
	maps.Copy(add, a.Metadata)
	a.Metadata = add
	return a
}

// FileMD5 returns the MD5 of the file that an object was uploaded from, as haul, rclone and s3cmd save it in the metadata,
// and the name of that metadata entry, which is empty if there is none. The uploader set the value; the store does not check
// it. Head and Get return metadata; listings do not.
func FileMD5(o store.Object) (md5 checksum.Sum, name string) { return evidence.FileMD5(o) }

// sameMD5 compares the MD5 of what came, if it was asked for, with the one in the metadata. As in rclone, that does not
// count if the ETag is the MD5 of the object itself.
func sameMD5(obj store.Object, sums []checksum.Sum) error {
	kept, name := FileMD5(obj)
	tag, isMD5 := obj.MD5()
	if name == "" || isMD5 && tag.Parts == 0 {
		return nil
	}
	for _, s := range sums {
		if s.Algorithm == checksum.MD5 && s != kept {
			return fmt.Errorf("%s: %w: its metadata have the MD5 %s of the file that it was made from, and that of its bytes is %s",
				obj.Ref, ErrMismatch, kept.Hex(), s.Hex())
		}
	}
	return nil
}

// stamped adds a file's modification time to the attributes if that is wanted.
func (o transferOptions) stamped(mtime time.Time) transferOptions {
	if !o.times {
		return o
	}
	o.attrs.Metadata = maps.Clone(o.attrs.Metadata)
	if o.attrs.Metadata == nil {
		o.attrs.Metadata = map[string]string{}
	}
	sign, sec, nsec := "", mtime.Unix(), int64(mtime.Nanosecond())
	if sec < 0 { // the fraction counts from the second before
		if sign, sec = "-", -sec; nsec > 0 {
			sec, nsec = sec-1, 1e9-nsec
		}
	}
	o.attrs.Metadata[timeName] = fmt.Sprintf("%s%d.%09d", sign, sec, nsec)
	return o
}

// FileTime returns the modification time of the file that an object was uploaded from, as UploadOptions.Times, rclone and
// s3cmd save it in the metadata. Head and Get return metadata; listings do not.
func FileTime(o store.Object) (time.Time, bool) {
	if t, ok := parseSeconds(o.Attrs.Metadata[timeName]); ok {
		return t, true
	}
	for field := range strings.SplitSeq(o.Attrs.Metadata[evidence.S3cmdName], "/") {
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
	sec, nsec := new(big.Int).DivMod(n, big.NewInt(1e9), new(big.Int))
	if !sec.IsInt64() || sec.Int64() > maxSeconds || sec.Int64() < -maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(sec.Int64(), nsec.Int64()), true
}

// maxSeconds bounds the times that are accepted, in seconds before and after 1970: some 30,000 years, more than any file
// system has.
const maxSeconds = 1 << 40

// modified returns the modification time for the downloaded file.
func (d *download) modified() time.Time {
	if d.o.times {
		if t, ok := FileTime(d.obj); ok {
			return t
		}
	}
	return d.obj.Modified
}

// expected refuses an object that is not the one that the caller asked for.
func (t *transfer) expected(o store.Object) error {
	if t.o.ifMatch == "" || o.ETag == t.o.ifMatch {
		return nil
	}
	return &store.Error{Kind: store.Changed, Op: "HeadObject", Ref: o.Ref}
}
