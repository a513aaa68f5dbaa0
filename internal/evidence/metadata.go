package evidence

import (
	"strconv"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// The names of metadata that describe a file's bytes: the Base64 of its MD5, as rclone has it; s3cmd's list of NAME:VALUE
// with slashes between; and haul's own, the size in bytes of all parts but the last.
const (
	MD5Name      = "md5chksum"
	S3cmdName    = "s3cmd-attrs"
	PartSizeName = "haul-part-size"
)

// FileMD5 returns the MD5 of the file that an object was made from, as its metadata have it, and the name of its metadata;
// that is empty if there is none. The store does not check it.
func FileMD5(o store.Object) (md5 checksum.Sum, name string) {
	if s, err := checksum.FromBase64(checksum.MD5, o.Attrs.Metadata[MD5Name]); err == nil && s.Parts == 0 && !s.IsZero() {
		return s, MD5Name
	}
	for field := range strings.SplitSeq(o.Attrs.Metadata[S3cmdName], "/") {
		if text, ok := strings.CutPrefix(field, "md5:"); ok {
			if s, ok := checksum.FromETag(text); ok && s.Parts == 0 {
				return s, S3cmdName
			}
		}
	}
	return checksum.Sum{}, ""
}

// PartSize returns the size in bytes of the parts that haul uploaded a file in, as it keeps it in the metadata; 0 if it did
// not. A copy may have been split in other places.
func PartSize(o store.Object) int64 {
	n, err := strconv.ParseInt(o.Attrs.Metadata[PartSizeName], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
