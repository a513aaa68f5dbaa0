package proof

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoMD5 is in the chain of an error if a record of a receipt has no MD5 of a local file.
var ErrNoMD5 = errors.New("no md5 of a file")

// delivered is the last record of a file in a receipt.
type delivered struct {
	name   string // below the target of its run
	target string
	md5    string
	sums   []string // in BSD's style
	failed string
	clash  string // another target of the same name
}

// WriteMD5Sum writes the lines that md5sum -c reads in the delivered folder: one for each file of a receipt, by its path
// relative to the target, in the order of their first records. Of several records of one file, the last is used. Records
// without an MD5, or of a stream, are left out; after the others are written, the error is then ErrNoMD5.
func WriteMD5Sum(w io.Writer, receipt iter.Seq2[Record, error]) error {
	return writeList(w, receipt, "md5", func(d delivered) string {
		if d.md5 == "" {
			return ""
		}
		return DigestLine(d.md5, d.name)
	}, "was transferred without --digest md5; haul receipt sums has the store's checksum")
}

// WriteSums writes a line in BSD's style for each checksum of each file of a receipt, including those that the store keeps; paths and
// errors are those of WriteMD5Sum.
func WriteSums(w io.Writer, receipt iter.Seq2[Record, error]) error {
	return writeList(w, receipt, "checksum", func(d delivered) string { return strings.Join(d.sums, "") },
		"has no checksum of all its bytes; transfer with --digest md5")
}

// writeList writes the line of each file.
func writeList(w io.Writer, receipt iter.Seq2[Record, error], what string, line func(delivered) string, lacking string) error {
	all, without, err := deliveries(receipt)
	if err != nil {
		return err
	}
	for _, d := range all {
		text := line(d)
		switch {
		case d.failed != "":
			without = append(without, fmt.Sprintf("%q was not transferred: %s", d.name, d.failed))
		case d.clash != "":
			without = append(without, fmt.Sprintf("%q is the name of two files, %q and %q: make a list of each receipt", d.name, d.target, d.clash))
		case text == "":
			without = append(without, fmt.Sprintf("%q %s", d.name, lacking))
		default:
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
	}
	if len(without) > 0 {
		return &leftOut{n: len(without), of: len(all), what: what, first: without[0]}
	}
	return nil
}

// leftOut is what a list of digests does not have. It is an ErrNoMD5.
type leftOut struct {
	n, of       int
	what, first string
}

// Error has the counts.
func (e *leftOut) Error() string {
	text := fmt.Sprintf("the list leaves out %d of %d files, for which the receipt has no %s: %s", e.n, max(e.of, e.n), e.what, e.first)
	if e.n > 1 {
		text += fmt.Sprintf(" (and %d more)", e.n-1)
	}
	return text
}

// Unwrap returns the kind.
func (e *leftOut) Unwrap() error { return ErrNoMD5 }

// deliveries returns the last record of each file in a receipt, and how many went to streams.
func deliveries(receipt iter.Seq2[Record, error]) (all []delivered, streams []string, err error) {
	at := map[string]int{} // by name
	unnamed := false
	for r, err := range receipt {
		if err != nil {
			return nil, nil, err
		}
		switch {
		case r.Verb == RunVerb:
			continue
		case r.Target == "-":
			streams = append(streams, fmt.Sprintf("%q went to a stream", r.Source))
			continue
		}
		d := delivered{name: r.Name, target: r.Target, md5: r.Digests["md5"], failed: r.Failed}
		if d.name == "" { // of an earlier version
			d.name, unnamed = clean(filepath.ToSlash(r.Target)), true
		}
		d.sums = sumsOf(r, d.name)
		i, ok := at[d.name]
		switch {
		case !ok:
			at[d.name] = len(all)
			all = append(all, d)
		case all[i].target != d.target:
			all[i].clash = d.target
		default:
			all[i] = d
		}
	}
	if unnamed {
		commonFolder(all)
	}
	return all, streams, nil
}

// commonFolder removes the folder that all names have in common, if the receipt does not have their target.
func commonFolder(all []delivered) {
	common := path.Dir(all[0].name)
	for _, d := range all {
		for common != "." && !strings.HasPrefix(d.name, common+"/") {
			common = path.Dir(common)
		}
	}
	if common == "." {
		return
	}
	for i := range all {
		d := &all[i]
		for k, line := range d.sums {
			d.sums[k] = strings.Replace(line, common+"/", "", 1)
		}
		d.name = strings.TrimPrefix(d.name, common+"/")
	}
}

// sumsOf returns the lines of all checksums of the whole file.
func sumsOf(r Record, name string) []string {
	var all []string
	if r.Sum.Parts == 0 && !r.Sum.IsZero() && r.Digests[strings.ToLower(string(r.Sum.Algorithm))] == "" {
		all = append(all, taggedLine(string(r.Sum.Algorithm), r.Sum.Hex(), name))
	}
	for _, a := range slices.Sorted(maps.Keys(r.Digests)) {
		all = append(all, taggedLine(strings.ToUpper(a), r.Digests[a], name))
	}
	return all
}

// taggedLine is a line as BSD's tools and cksum write it.
func taggedLine(algorithm, digest, name string) string {
	escaped, slash := escape(name)
	return fmt.Sprintf("%s%s (%s) = %s\n", slash, algorithm, escaped, digest)
}

// escape returns a name as GNU's tools write it, and the backslash that the line then starts with.
func escape(name string) (escaped, slash string) {
	if escaped = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(name); escaped != name {
		slash = `\`
	}
	return escaped, slash
}

// DigestLine returns the line of GNU md5sum and similar tools for a digest in hex: in a name, backslashes and line ends are escaped, and
// the line then starts with a backslash.
func DigestLine(md5, path string) string {
	escaped, slash := escape(path)
	return slash + md5 + "  " + escaped + "\n"
}

// csvDigests are the digests that have a column; those of laterDigests stand at the end, where they move no other column.
var (
	csvDigests   = []string{"md5", "sha256", "sha1", "crc64nvme", "crc32c", "crc32"}
	laterDigests = []string{"sha512", "xxhash3", "xxhash128", "xxhash64"}
)

// WriteCSV writes a receipt as a table (RFC 4180) with a header line.
func WriteCSV(w io.Writer, receipt iter.Seq2[Record, error]) error {
	c := csv.NewWriter(w)
	head := append([]string{"time", "verb", "source", "target", "version", "size", "mtime", "etag"}, csvDigests...)
	head = append(head, "part_size", "parts", "sum", "proved", "proof")
	if err := c.Write(append(head, laterDigests...)); err != nil {
		return err
	}
	for r, err := range receipt {
		if err != nil {
			return err
		}
		if r.Verb == RunVerb {
			continue
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
		how := r.Proof
		if r.Failed != "" {
			how += ": " + r.Failed
		}
		row = append(row, size, parts, r.Sum.String(), strconv.FormatBool(r.Proved), how)
		for _, name := range laterDigests {
			row = append(row, r.Digests[name])
		}
		if err := c.Write(cells(row)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// stamp formats a time as in receipts; the zero time is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Cell returns a value that is safe in a spreadsheet: it puts an apostrophe before a value that would be taken for a formula.
// See https://owasp.org/www-community/attacks/CSV_Injection.
func Cell(value string) string {
	if len(value) > 1 && strings.ContainsRune("=+-@\t\r", rune(value[0])) {
		return "'" + value
	}
	return value
}

// cells is Cell for all values of a row.
func cells(row []string) []string {
	for i, value := range row {
		row[i] = Cell(value)
	}
	return row
}
