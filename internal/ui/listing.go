package ui

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"haul.example/haul/store"
)

// Totals counts what was listed.
type Totals struct {
	Objects, Prefixes, Buckets int
	Bytes                      int64
}

// ListingStyle is the format of a listing.
type ListingStyle struct {
	// Full prints whole keys instead of their last parts.
	Full bool
	// Human prints sizes with units.
	Human bool
	// Long prints the storage class and the ETag before the name.
	Long bool
}

// Listing writes one line for each entry, in the columns of the AWS CLI. Lines are gathered and written many at
// once, so it must be ended by Close. One goroutine uses it.
type Listing struct {
	s     *Screen
	style ListingStyle
	lines gathered
}

// gathered are lines that are written many at once.
type gathered struct {
	out   *bufio.Writer
	wrote time.Time
}

func newGathered(w io.Writer) gathered {
	return gathered{out: bufio.NewWriterSize(w, listingBuffer), wrote: time.Now()}
}

func (g *gathered) add(text string) {
	_, _ = g.out.WriteString(text)
	if now := time.Now(); now.Sub(g.wrote) > listingDelay {
		g.flush()
		g.wrote = now
	}
}

func (g *gathered) flush() { _ = g.out.Flush() } // there is nowhere to report a write error

const (
	listingBuffer = 64 << 10               // bytes
	listingDelay  = 100 * time.Millisecond // after which gathered lines are written with the next
)

// Listing begins one.
func (s *Screen) Listing(style ListingStyle) *Listing {
	return &Listing{s: s, style: style, lines: newGathered(s.out)}
}

// Bucket writes a bucket.
func (l *Listing) Bucket(b store.Bucket) {
	l.write(stampOf(b.Made)+" "+Printable(b.Name), func() record {
		return record{Event: "bucket", Bucket: b.Name, Region: b.Region, Created: b.Made.UTC()}
	})
}

// Entry writes an object, or a common prefix.
func (l *Listing) Entry(e store.Entry) {
	if e.Prefix != "" {
		l.write(fmt.Sprintf("%30s %s/", "PRE", Printable(lastName(strings.TrimSuffix(e.Prefix, "/")))), func() record {
			return record{Event: "prefix", Prefix: e.Prefix}
		})
		return
	}
	o, name := e.Object, e.Object.Key
	if !l.style.Full {
		name = lastName(name)
	}
	if name = Printable(name); l.style.Long {
		name = fmt.Sprintf("%-12s %-32s %s", cmp.Or(Printable(o.StorageClass), "STANDARD"), cmp.Or(Printable(o.ETag), "-"), name)
	}
	l.write(fmt.Sprintf("%s %10s %s", stampOf(o.Modified), l.size(o.Size), name), func() record {
		return record{Event: "object", Size: &o.Size, Object: listedRecord(o)}
	})
}

// Total ends a listing by what was found in all.
func (l *Listing) Total(t Totals) {
	r := record{Event: "summary", Size: &t.Bytes, objectCounts: &objectCounts{Done: &t.Objects}}
	l.write(fmt.Sprintf("\nTotal Objects: %d\n   Total Size: %s", t.Objects, l.size(t.Bytes)), func() record { return r })
}

// Close writes what is gathered.
func (l *Listing) Close() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.lines.flush()
}

func (l *Listing) size(n int64) string {
	if l.style.Human {
		return HumanSize(n)
	}
	return fmt.Sprint(n)
}

func (l *Listing) write(text string, asJSON func() record) {
	switch {
	case l.s.cfg.JSON:
		text = marshal(asJSON())
	case l.s.cfg.Quiet:
		return
	}
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.lines.add(text + "\n")
}

// stampOf returns a time in the local zone, in 19 columns.
func stampOf(t time.Time) string {
	if t.IsZero() {
		return strings.Repeat(" ", len(time.DateTime))
	}
	return t.Local().Format(time.DateTime)
}

// lastName is what comes after the last slash.
func lastName(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// HumanSize returns a size as the AWS CLI does: 1 Byte, 11 Bytes, 1.5 KiB.
func HumanSize(n int64) string {
	switch {
	case n == 1:
		return "1 Byte"
	case n < 1024:
		return fmt.Sprintf("%d Bytes", n)
	}
	v := float64(n)
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for _, unit := range units {
		v /= 1024
		if v < 1023.5 {
			return fmt.Sprintf("%.1f %s", v, unit)
		}
	}
	return fmt.Sprintf("%.1f %s", v, units[len(units)-1])
}

func listedRecord(o store.Object) *objectRecord {
	return &objectRecord{Bucket: o.Bucket, Key: o.Key, Version: o.Version, ETag: o.ETag, Encryption: o.Encryption, StorageClass: o.StorageClass, Modified: o.Modified.UTC()}
}
