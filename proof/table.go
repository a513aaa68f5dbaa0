package proof

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// pair is where a table has the digests of files, their names, and their sizes; -1 where it has none.
type pair struct{ digest, name, size, folder int }

// table is a manifest with a header.
type table struct {
	comma rune
	pairs []pair
}

// The names that columns have, in small letters and with _ for what is no letter or digit. Of several, the first counts.
var (
	digestColumns = []string{"md5", "md5sum", "md5_sum", "md5_checksum", "md5_hash", "file_md5", "file_md5sum", "sha256", "sha256sum", "sha_256", "sha1", "sha1sum", "checksum"}
	nameColumns   = []string{"filename", "file_name", "file", "name", "path", "filepath", "file_path", "key", "object", "object_key", "uri", "url", "s3_uri", "s3_path", "file_download_url"}
	sizeColumns   = []string{"size", "bytes", "file_size", "filesize", "size_bytes", "file_size_bytes"}
	// archive are the ends of ENA's columns for the files whose digests are in a column that ends in _md5.
	archive = []string{"_ftp", "_aspera", "_galaxy", "_http", "_url", "_file", "_name"}
)

// tableOf understands a header.
func tableOf(header string) (table, bool) {
	var t table
	for _, t.comma = range "\t,;" {
		if strings.ContainsRune(header, t.comma) {
			break
		}
	}
	columns, err := t.reader(strings.NewReader(header)).Read()
	if err != nil {
		return t, false
	}
	for i, c := range columns {
		columns[i] = column(c)
	}
	find := func(names ...string) int {
		for _, n := range names {
			if i := slices.Index(columns, n); i >= 0 {
				return i
			}
		}
		return -1
	}
	for i, c := range columns {
		what, ok := strings.CutSuffix(c, "_md5")
		if !ok {
			continue
		}
		for _, end := range archive {
			if name := find(what + end); name >= 0 {
				t.pairs = append(t.pairs, pair{i, name, find(what + "_bytes"), -1})
				break
			}
		}
	}
	if digest, name := find(digestColumns...), find(nameColumns...); len(t.pairs) == 0 && digest >= 0 && name >= 0 {
		p := pair{digest, name, find(sizeColumns...), -1}
		if columns[name] == "filename" && find("state") >= 0 { // a GDC manifest, whose client makes a folder of each id
			p.folder = find("id")
		}
		t.pairs = []pair{p}
	}
	return t, len(t.pairs) > 0
}

// column gives the name of a column in one spelling.
func column(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(strings.TrimSpace(name)))
}

func (t table) reader(r io.Reader) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord, c.Comment = t.comma, true, -1, true, '#'
	return c
}

// lines reads the table below its header.
func (t table) lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		c := t.reader(r)
		for n := 0; ; n++ {
			row, err := c.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Line{}, fmt.Errorf("%w: %w", ErrManifest, err))
				return
			}
			at, _ := c.FieldPos(0)
			if n == 0 {
				continue
			}
			for _, p := range t.pairs {
				for line, err := range p.read(row) {
					if err != nil {
						err = fmt.Errorf("line %d: %w: %w", at, ErrManifest, err)
					}
					if !yield(line, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// read gives the files of one row. ENA has several in one field, with semicolons between; a file without a digest is passed over.
func (p pair) read(row []string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		digests, names, sizes := fields(row, p.digest), fields(row, p.name), fields(row, p.size)
		if len(digests) != len(names) && len(digests) > 0 {
			yield(Line{}, fmt.Errorf("it has %s and %s; each digest needs its name", counting(len(digests), "digest"), counting(len(names), "name")))
			return
		}
		for i, word := range digests {
			if word == "" || word == "-" || strings.EqualFold(word, "NA") {
				continue
			}
			c, err := listed(word)
			if err == nil && names[i] == "" {
				err = errors.New("it has a digest and no name")
			}
			if err != nil {
				yield(Line{}, err)
				return
			}
			l := Line{Name: names[i], Size: -1, Claims: []Claim{c}, group: p.digest}
			if folder := fields(row, p.folder); len(folder) == 1 && folder[0] != "" {
				l.Name = folder[0] + "/" + l.Name
			}
			if len(sizes) == len(digests) {
				if n, err := strconv.ParseInt(sizes[i], 10, 64); err == nil && n >= 0 {
					l.Size = n
				}
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

func counting(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// fields gives what is in one field; an empty one has nothing.
func fields(row []string, at int) []string {
	if at < 0 || at >= len(row) || strings.TrimSpace(row[at]) == "" {
		return nil
	}
	all := strings.Split(strings.TrimSuffix(row[at], ";"), ";")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}
