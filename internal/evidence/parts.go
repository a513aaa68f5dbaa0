package evidence

import (
	"slices"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

const (
	mib = 1 << 20
	mb  = 1000 * 1000
	// MaxParts is how many parts S3 accepts, on which the tools' rules for large objects are based.
	MaxParts = 10_000
	// maxGuesses bounds the part sizes that are tried for one object, since each costs a pass of MD5 over its bytes.
	maxGuesses = 12
	// maxStreamed bounds those that are tried on bytes that pass once.
	maxStreamed = 3
)

// usual are part sizes that tools use by default or people choose, in MiB; the likeliest first. The AWS CLI and boto have 8
// and double it, rclone and the SDKs for Go and Java 5, s3cmd 15, mc 16, s5cmd 50, Hadoop 64 and 100.
var usual = []int64{8, 16, 5, 50, 64, 15, 10, 32, 100, 128, 25, 256, 512, 20, 250, 500, 200, 1024, 6, 7, 12, 24, 30, 40, 48, 60, 75, 80, 96,
	120, 150, 160, 192, 300, 320, 384, 400, 600, 640, 768, 1000, 1280, 1536, 2000, 2048, 2560, 3072, 4096, 5000, 5120}

// PartSizes returns the part sizes that make so many parts of size bytes, the likeliest first: those that tools use, what
// their rules make of a large object, and whole mebibytes where only a few of them fit. Most of the time the number of
// parts leaves one.
func PartSizes(size int64, count int) []int64 {
	if count == 1 {
		return []int64{size}
	}
	if count < 1 || count > MaxParts || int64(count) > size {
		return nil
	}
	n := int64(count)
	least, most := (size+n-1)/n, (size-1)/(n-1)
	var all []int64
	add := func(part int64) {
		if part >= least && part <= most && len(all) < maxGuesses && !slices.Contains(all, part) {
			all = append(all, part)
		}
	}
	if l, err := layout.Parts(size, 0, store.Limits{MaxParts: MaxParts}); err == nil {
		add(l.PartSize)
	}
	whole := (size + MaxParts - 1) / MaxParts           // no tool makes more parts than S3 accepts
	add((whole + mib - 1) / mib * mib)                  // rclone
	add((whole + 16*mib - 1) / (16 * mib) * (16 * mib)) // mc, and what else is made with minio-go
	add(size/MaxParts + 1)                              // s5cmd, and what else is made with the AWS SDK for Go
	add(whole)                                          // the AWS SDK for Java
	for _, m := range usual {
		add(m * mib)
	}
	for _, m := range usual {
		add(m * mb)
	}
	for m := (least + mib - 1) / mib * mib; m <= most && m <= least+maxGuesses*mib; m += mib {
		add(m)
	}
	return all
}

// EqualParts splits size bytes into that many parts of one size, of which the last may be smaller; nil if that cannot be.
func EqualParts(size, part int64, count int) []int64 {
	switch {
	case size == 0 && count == 1:
		return []int64{0}
	case size <= 0 || part <= 0 || count > MaxParts || (size-1)/part+1 != int64(count):
		return nil
	}
	sizes := make([]int64, 0, count)
	for left := size; left > 0; left -= part {
		sizes = append(sizes, min(left, part))
	}
	return sizes
}

// Split sets the part sizes of each claim about parts: as the store reports them, for which ask is called at most once and
// only if it is needed, or else one claim for each size that is possible.
func (r *Record) Split(ask func() ([]store.Part, error)) error {
	if len(r.Claims) > 0 && r.Claims[0].Kind == FullSum {
		return nil
	}
	var out []Claim
	guessed := 0 // the number of parts of the claim that was guessed for
	for _, c := range r.Claims {
		if c.Sum.Parts == 0 {
			out = append(out, c)
			continue
		}
		if err := r.Lay(ask); err != nil {
			return err
		}
		if c.Sizes = layout.Sizes(r.Layout, c.Sum.Parts, r.Object.Size); c.Sizes != nil {
			out = append(out, c)
			continue
		}
		if c.Sum.Parts == guessed { // a composite and an ETag are of the same parts
			continue
		}
		guessed, c.Guess = c.Sum.Parts, true
		some := r.guesses(c)
		r.unfit = len(some) == 0
		out = append(out, some...)
	}
	r.Claims = out
	return nil
}

// LikelySizes returns the part sizes that an object of so many parts may have, the likeliest first: the one in the metadata if that
// fits.
func LikelySizes(o store.Object, count int) []int64 {
	if kept := PartSize(o); EqualParts(o.Size, kept, count) != nil {
		return []int64{kept}
	}
	return PartSizes(o.Size, count)
}

// guesses returns the claim once for each part size that is possible.
func (r *Record) guesses(c Claim) (some []Claim) {
	for _, part := range LikelySizes(*r.Object, c.Sum.Parts) {
		c.Sizes = EqualParts(r.Object.Size, part, c.Sum.Parts)
		some = append(some, c)
	}
	return some
}

// Lay asks for the layout, once.
func (r *Record) Lay(ask func() ([]store.Part, error)) (err error) {
	if !r.asked {
		r.asked = true
		r.Layout, err = ask()
	}
	return err
}

// Streamed returns those of the claims that are worth computing of bytes that pass only once: of guesses, the likeliest.
func Streamed(claims []Claim) (some []Claim) {
	guesses := 0
	for _, c := range claims {
		if c.Guess {
			if guesses++; guesses > maxStreamed {
				continue
			}
		}
		some = append(some, c)
	}
	return some
}
