package haul

import (
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"

	"haul/store"
)

// The names of metadata that hold a file's modification time: rclone's, which haul writes too, in seconds with a fraction; and
// s3cmd's, a list of NAME:VALUE with slashes between.
const (
	timeName  = "mtime"
	s3cmdName = "s3cmd-attrs"
)

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
