package proof

import (
	"bufio"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/spool"
	"haul.example/haul/store"
)

// reportFormat grows when a field of the JSON report changes its meaning or goes away.
const reportFormat = 1

// About describes a run in a report.
type About struct {
	// Truth and Target are the two sides compared, as the user named them; What is the kind of Truth: tree, manifest,
	// receipt.
	Truth  string    `json:"truth"`
	What   string    `json:"truth_is"`
	Target string    `json:"target"`
	Store  string    `json:"store,omitempty"`
	Time   time.Time `json:"time"`
	// By names the program and its version.
	By string `json:"by"`
}

// Row is one finding in a report.
type Row struct {
	Name    string    `json:"name"`
	Verdict Verdict   `json:"verdict"`
	Size    int64     `json:"size"` // in bytes; -1 if it is not known
	Text    string    `json:"text"`
	Proof   string    `json:"proof,omitempty"`
	Sum     string    `json:"sum,omitempty"` // algorithm and digest, as Shown
	Parts   []BadPart `json:"bad_parts,omitempty"`
	Source  string    `json:"source,omitempty"`
	Target  string    `json:"target,omitempty"`
}

// Report is a document about a run of Verify: HTML, JSON or CSV, according to the extension of its name. Only one row at a
// time is in memory; the file appears under its name when it is complete.
type Report struct {
	path  string
	write func(*Report, io.Writer, page) error
	about About
	// problems are the rows that are not OK or EXTRA.
	problems, rest spool.Spool[Row]
}

// writer returns the writer for a report by the extension of its name.
func writer(path string) func(*Report, io.Writer, page) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".html", ".htm":
		return (*Report).html
	case ".json":
		return (*Report).json
	case ".csv":
		return (*Report).csv
	}
	return nil
}

// Shown returns a checksum with its algorithm: in hex, as md5sum, xxhsum and similar tools print it, and CRCs in Base64, as S3 does.
func Shown(s checksum.Sum) string {
	if s.IsZero() || s.Algorithm.CanCombine() {
		return s.String()
	}
	return string(s.Algorithm) + " " + s.Hex()
}

// IsReport reports whether a name has the extension of a report.
func IsReport(path string) bool { return writer(path) != nil }

// NewReport starts a report. Its name must end in .html, .json or .csv.
func NewReport(path string, about About) (*Report, error) {
	r := &Report{path: path, about: about, write: writer(path)}
	if r.write == nil {
		return nil, fmt.Errorf("the name of a report must end in .html, .json or .csv (got %s): %w", path, store.Invalid)
	}
	t, err := localfile.Create(path, 0) // fails now if it cannot be written, and not when the work is done
	if err == nil {
		err = t.Discard()
	}
	return r, err
}

// Add adds the next finding.
func (r *Report) Add(f Finding) error {
	row := Row{Name: f.Name, Verdict: f.Verdict, Size: f.Size, Text: f.Text, Proof: f.Proof, Sum: Shown(f.Sum), Parts: f.Parts, Source: f.Source, Target: f.Target}
	if f.Settles {
		row.Text += "; --download would decide it"
	}
	if f.Verdict == OK || f.Verdict == Extra {
		return r.rest.Add(row)
	}
	return r.problems.Add(row)
}

// Close releases the report's resources.
func (r *Report) Close() error { return errors.Join(r.problems.Close(), r.rest.Close()) }

// page is what the template sees.
type page struct {
	About
	Summary
	Rows   iter.Seq[Row]
	Proved []proved
	Whole  string // yes, no, or open
	Took   string
}

type proved struct {
	By string `json:"by"`
	N  int    `json:"files"`
}

// End writes the report under its name.
func (r *Report) End(s Summary) error {
	p := page{About: r.about, Summary: s, Whole: s.Whole(), Took: amount.Took(s.Elapsed)}
	for _, by := range slices.Sorted(maps.Keys(s.Proofs)) {
		p.Proved = append(p.Proved, proved{by, s.Proofs[by]})
	}
	var lost error
	p.Rows = func(yield func(Row) bool) {
		for _, from := range []*spool.Spool[Row]{&r.problems, &r.rest} {
			for row, err := range from.All() {
				if lost = err; err != nil || !yield(row) {
					return
				}
			}
		}
	}
	text, err := localfile.NewScratch("")
	if err != nil {
		return err
	}
	defer text.Close() // only read from by then
	w := bufio.NewWriterSize(text, 1<<18)
	err = r.write(r, w, p)
	if err = errors.Join(err, lost); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = place(text, r.path)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// place copies the text to a file that gets its name when it is complete.
func place(text *localfile.Spool, path string) error {
	t, err := localfile.Create(path, text.Len())
	if err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(t, 0), io.NewSectionReader(text, 0, text.Len()))
	if err == nil {
		err = t.Commit(time.Time{}, true)
	}
	return errors.Join(err, t.Discard())
}

//go:embed report.html
var pageText string

func (r *Report) html(w io.Writer, p page) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"bytes": func(n int64) string {
			if n < 0 {
				return ""
			}
			return amount.Bytes(n)
		},
		"cell":  Cell,
		"lower": func(v Verdict) string { return strings.ToLower(string(v)) },
		"count": grouped,
		"files": func(n int) string {
			if n == 1 {
				return "1 file"
			}
			return grouped(n) + " files"
		},
		"date": func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	}).Parse(pageText)
	if err != nil {
		panic("proof: internal error: the template of reports: " + err.Error())
	}
	return t.Execute(w, p)
}

// grouped returns a number with a comma before every three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// reportHead is a report as JSON, without its files.
type reportHead struct {
	Format int `json:"haul_verify_report"`
	About
	Seconds    float64  `json:"elapsed_seconds"`
	Whole      string   `json:"whole"`
	OK         int      `json:"ok"`
	Bad        int      `json:"bad"`
	Missing    int      `json:"missing"`
	Unprovable int      `json:"unprovable"`
	Extra      int      `json:"extra"`
	Size       int64    `json:"ok_bytes"`
	Proofs     []proved `json:"proofs"`
}

func (r *Report) json(w io.Writer, p page) error {
	head := reportHead{reportFormat, p.About, p.Elapsed.Seconds(), p.Whole, p.OK, p.Bad, p.Missing, p.Unprovable, p.Extra, p.Size, p.Proved}
	b, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\n\"files\":[", b[:len(b)-1]); err != nil {
		return err
	}
	between := "\n"
	for row := range p.Rows {
		if b, err = json.Marshal(row); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", between, b); err != nil {
			return err
		}
		between = ",\n"
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

func (r *Report) csv(w io.Writer, p page) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"verdict", "name", "size", "text", "proof", "sum", "source", "target"}) // Error has it
	for row := range p.Rows {
		size := ""
		if row.Size >= 0 {
			size = strconv.FormatInt(row.Size, 10)
		}
		_ = c.Write(cells([]string{string(row.Verdict), row.Name, size, row.Text, row.Proof, row.Sum, row.Source, row.Target}))
	}
	c.Flush()
	return c.Error()
}
