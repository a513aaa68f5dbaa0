package proof

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"haul/checksum"
	"haul/store"
)

// partSizeName is the name in an object's metadata under which haul keeps the size of its parts, in bytes.
const partSizeName = "haul-part-size"

// metadataMD5 gives the MD5 that who uploaded an object wrote into its metadata: rclone and haul as md5chksum, in Base64, and
// s3cmd among its s3cmd-attrs, in hex.
func metadataMD5(o store.Object) (Claim, bool) {
	claim := func(raw []byte, err error, from string) (Claim, bool) {
		c := Claim{Kind: Metadata, Sum: checksum.Sum{Algorithm: checksum.MD5, Value: string(raw)}, From: from}
		return c, err == nil && len(raw) == checksum.MD5.Size()
	}
	if text, ok := o.Attrs.Metadata["md5chksum"]; ok {
		raw, err := base64.StdEncoding.DecodeString(text)
		if c, ok := claim(raw, err, "md5chksum"); ok {
			return c, true
		}
	}
	for pair := range strings.SplitSeq(o.Attrs.Metadata["s3cmd-attrs"], "/") {
		if text, ok := strings.CutPrefix(pair, "md5:"); ok {
			raw, err := hex.DecodeString(text)
			return claim(raw, err, "s3cmd-attrs")
		}
	}
	return Claim{}, false
}

// metadataPartSize gives the size of the parts that haul uploaded an object in, or 0.
func metadataPartSize(o store.Object) int64 {
	n, err := strconv.ParseInt(o.Attrs.Metadata[partSizeName], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
