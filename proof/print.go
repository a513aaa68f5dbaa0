package proof

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// ErrNoMD5 is in the chain of an error where a record of a receipt has no MD5 of a local file.
var ErrNoMD5 = errors.New("no md5 of a file")

// WriteMD5Sum writes the lines that md5sum -c reads, one for each local file of a receipt, in the order in which they first
// come. Of several records of one file the last counts. Records without an MD5 or a file are left out; the error, ErrNoMD5, then
// comes after all others are written.
func WriteMD5Sum(w io.Writer, receipt iter.Seq2[Record, error]) error {
	md5s := map[string]string{}
	var paths []string
	var without []string // and why
	for r, err := range receipt {
		if err != nil {
			return err
		}
		path, ok := r.Path()
		if !ok {
			without = append(without, noFile(r))
			continue
		}
		if _, ok := md5s[path]; !ok {
			paths = append(paths, path)
		}
		md5s[path] = r.Digests["md5"]
	}
	for _, path := range paths {
		if md5s[path] == "" {
			without = append(without, fmt.Sprintf("%q was transferred without --digest md5", path))
			continue
		}
		if _, err := io.WriteString(w, DigestLine(md5s[path], path)); err != nil {
			return err
		}
	}
	if len(without) > 0 {
		return fmt.Errorf("%d of the records tell %w: %s", len(without), ErrNoMD5, without[0])
	}
	return nil
}

// noFile says why md5sum can read nothing that a record is about.
func noFile(r Record) string {
	switch {
	case r.Source == "-":
		return fmt.Sprintf("the source of %q is a stream, which md5sum cannot read again (haul receipt csv has its digests)", r.Target)
	case r.Target == "-":
		return fmt.Sprintf("%q went to a stream, which md5sum cannot read again (haul receipt csv has its digests)", r.Source)
	}
	return fmt.Sprintf("%q was copied within the store (haul receipt csv has its digests)", r.Target)
}

// DigestLine is a line as GNU md5sum and its kin write it, of a digest in hex: of a name with a backslash or the end of a line in it, these are escaped, and the
// line begins with a backslash.
func DigestLine(md5, path string) string {
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(path)
	if escaped != path {
		return `\` + md5 + "  " + escaped + "\n"
	}
	return md5 + "  " + path + "\n"
}

// csvDigests are the digests that have a column.
var csvDigests = []string{"md5", "sha256", "sha1", "crc64nvme", "crc32c", "crc32"}

// WriteCSV writes a receipt as a table (RFC 4180) with a line of names at its head.
func WriteCSV(w io.Writer, receipt iter.Seq2[Record, error]) error {
	c := csv.NewWriter(w)
	head := append([]string{"time", "verb", "source", "target", "version", "size", "mtime", "etag"}, csvDigests...)
	if err := c.Write(append(head, "part_size", "parts", "sum", "proved", "proof")); err != nil {
		return err
	}
	for r, err := range receipt {
		if err != nil {
			return err
		}
		row := []string{stamp(r.Time), r.Verb, r.Source, r.Target, r.Object.Version, strconv.FormatInt(r.Size, 10), stamp(r.Modified), r.ETag}
		for _, name := range csvDigests {
			row = append(row, r.Digests[name])
		}
		size, parts := "", ""
		if r.PartSize > 0 {
			size = strconv.FormatInt(r.PartSize, 10)
		}
		if len(r.Parts) > 0 {
			parts = strconv.Itoa(len(r.Parts))
		}
		if err := c.Write(append(row, size, parts, r.Sum.String(), strconv.FormatBool(r.Proved), r.Proof)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// stamp writes a time as receipts have it; no time is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
