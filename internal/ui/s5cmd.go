package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"haul.example/haul/store"
)

// S5Config is where and how an S5 writes.
type S5Config struct {
	Stdout, Stderr io.Writer
	JSON           bool
	// Level is that of s5cmd: error prints errors only, debug and trace more; anything else results and errors.
	Level string
}

// S5 writes what s5cmd writes, byte for byte but for control characters, which it escapes. Its methods may be called from any goroutine.
type S5 struct {
	cfg S5Config

	mu    sync.Mutex
	lines gathered
}

// NewS5 makes an S5.
func NewS5(cfg S5Config) *S5 { return &S5{cfg: cfg, lines: newGathered(cfg.Stdout)} }

// S5Result is something done, in the fields of s5cmd's JSON.
type S5Result struct {
	Operation   string    `json:"operation"`
	Success     bool      `json:"success"`
	Source      string    `json:"source,omitempty"`
	Destination string    `json:"destination,omitempty"`
	Object      *S5Object `json:"object,omitempty"`
	Version     string    `json:"version_id,omitempty"`
}

// S5Object is an object, a file, or a common prefix, in the fields of s5cmd's JSON.
type S5Object struct {
	Key          string     `json:"key,omitempty"`
	ETag         string     `json:"etag,omitempty"`
	Modified     *time.Time `json:"last_modified,omitempty"`
	Type         string     `json:"type,omitempty"`
	Size         int64      `json:"size,omitempty"`
	StorageClass string     `json:"storage_class,omitempty"`
	Version      string     `json:"version_id,omitempty"`
	// Name is what a listing shows in place of the Key.
	Name string `json:"-"`
}

// The values of S5Object.Type.
const (
	S5File      = "file"
	S5Directory = "directory"
)

// Done reports something done.
func (s *S5) Done(r S5Result) {
	r.Success = true
	words := []string{r.Operation}
	for _, place := range []string{r.Source, r.Destination} {
		if place != "" {
			words = append(words, place)
		}
	}
	text := strings.Join(words, " ")
	if r.Version != "" {
		text = fmt.Sprintf("%s %-50s %s", r.Operation, r.Source, r.Version)
	}
	s.info(text, r, false)
}

// s5Fault is an error, or a debug message, as JSON.
type s5Fault struct {
	Operation string `json:"operation,omitempty"`
	Command   string `json:"command,omitempty"`
	Job       string `json:"job,omitempty"` // of a debug message
	Error     string `json:"error"`
}

// Failed reports why a command, or one object of it, failed. An empty command is left out.
func (s *S5) Failed(command, operation, why string) {
	s.write(s.cfg.Stderr, "ERROR "+s5About(command, why), s5Fault{Operation: operation, Command: command, Error: why})
}

// Debug reports why nothing was done about an object, and what happened on the way.
func (s *S5) Debug(command, operation, why string) {
	if s.cfg.Level == "debug" || s.cfg.Level == "trace" {
		s.write(s.cfg.Stdout, "DEBUG "+s5About(command, why), s5Fault{Operation: operation, Job: command, Error: why})
	}
}

func s5About(command, why string) string {
	if command == "" {
		return why
	}
	return fmt.Sprintf("%q: %s", command, why)
}

// S5Style is the format of a listing.
type S5Style struct {
	ETag, Human, StorageClass bool
	// FullPath shows nothing but keys.
	FullPath bool
}

// Object writes one entry of a listing. Lines are gathered; Close writes the last of them.
func (s *S5) Object(o S5Object, style S5Style) {
	s.info(style.line(o), o, true)
}

func (style S5Style) line(o S5Object) string {
	if style.FullPath {
		return o.Key
	}
	stamp, class, etag, size := "", "", "", "DIR"
	if o.Type != S5Directory {
		stamp, etag, size = o.Modified.Format(s5Date), o.ETag, s5Size(o.Size, style.Human)
		class = o.StorageClass
	}
	if !style.StorageClass {
		class = ""
	}
	width := 1
	if style.ETag {
		width = 38
	} else {
		etag = ""
	}
	name := o.Name
	if o.Version != "" {
		name = fmt.Sprintf("%-50s %s", name, o.Version)
	}
	return fmt.Sprintf("%19s %2s %-*s %12s  %s", stamp, class, width, etag, size, name)
}

const s5Date = "2006/01/02 15:04:05"

// s5Size is a size in bytes; human has units, of 1024.
func s5Size(n int64, human bool) string {
	if human {
		for i, unit := range "TGMK" {
			if size := int64(1) << (40 - 10*i); n > size {
				return fmt.Sprintf("%.1f%c", float64(n)/float64(size), unit)
			}
		}
	}
	return fmt.Sprint(n)
}

// Bucket writes a bucket of a listing.
func (s *S5) Bucket(b store.Bucket) {
	s.info(b.Made.UTC().Format(s5Date)+"  s3://"+b.Name, struct {
		Made time.Time `json:"created_at"`
		Name string    `json:"name"`
	}{b.Made.UTC(), b.Name}, true)
}

// S5Usage counts objects, all or those of one storage class.
type S5Usage struct {
	Source       string `json:"source"`
	StorageClass string `json:"storage_class,omitempty"`
	Count        int64  `json:"count"`
	Size         int64  `json:"size"`
}

// Usage writes it.
func (s *S5) Usage(u S5Usage, human bool) {
	text := fmt.Sprintf("%s bytes in %d objects: %s", s5Size(u.Size, human), u.Count, u.Source)
	if u.StorageClass != "" {
		text += " [" + u.StorageClass + "]"
	}
	s.info(text, u, false)
}

// S5Head is what is stored with an object.
type S5Head struct {
	Key          string            `json:"key,omitempty"`
	ContentType  string            `json:"content_type,omitempty"`
	Encryption   string            `json:"server_side_encryption,omitempty"`
	Modified     *time.Time        `json:"last_modified,omitempty"`
	Size         int64             `json:"size,omitempty"`
	StorageClass string            `json:"storage_class,omitempty"`
	ETag         string            `json:"etag,omitempty"`
	Metadata     map[string]string `json:"metadata"`
}

// Head writes it, as JSON in any case.
func (s *S5) Head(h S5Head) { s.info(s5JSON(h), h, false) }

// HeadBucket reports that a bucket exists.
func (s *S5) HeadBucket(address string) {
	found := struct {
		Bucket string `json:"bucket"`
	}{address}
	s.info(s5JSON(found), found, false)
}

// Versioning reports whether a bucket keeps versions, or that this was set.
func (s *S5) Versioning(bucket, status string, set bool) {
	text := fmt.Sprintf("%q is an unversioned bucket", bucket)
	switch {
	case set:
		text = fmt.Sprintf("Bucket versioning for %q is set to %q", bucket, status)
	case status != "":
		text = fmt.Sprintf("Bucket versioning for %q is %q", bucket, status)
	}
	s.info(text, struct {
		Bucket string `json:"bucket"`
		Status string `json:"status"`
	}{bucket, status}, false)
}

// S5Stat counts the commands of one verb.
type S5Stat struct {
	Operation string `json:"operation"`
	Success   int64  `json:"success"`
	Error     int64  `json:"error"`
}

// Stats writes the table of --stat.
func (s *S5) Stats(all []S5Stat) {
	slices.SortFunc(all, func(a, b S5Stat) int { return strings.Compare(a.Operation, b.Operation) })
	var text strings.Builder
	if s.cfg.JSON {
		for _, one := range all {
			text.WriteString(s5JSON(one) + "\n")
		}
		s.Line(text.String())
		return
	}
	w := tabwriter.NewWriter(&text, 0, 8, 1, '\t', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nOperation\tTotal\tError\tSuccess\t\n")
	for _, one := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", one.Operation, one.Error+one.Success, one.Error, one.Success)
	}
	_ = w.Flush() // into memory
	s.Line(text.String())
}

// Line writes a text to standard output, whatever the level.
func (s *S5) Line(text string) { s.put(s.cfg.Stdout, text) }

// Complain writes a text to standard error, whatever the level.
func (s *S5) Complain(text string) { s.put(s.cfg.Stderr, text) }

// Close writes the lines that are gathered.
func (s *S5) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.flush()
}

// info writes a result: as text, or what as JSON. It may be gathered with others.
func (s *S5) info(text string, what any, gather bool) {
	if s.cfg.Level == "error" {
		return
	}
	if !gather {
		s.write(s.cfg.Stdout, text, what)
		return
	}
	if s.cfg.JSON {
		text = s5JSON(what)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.add(Printable(text) + "\n")
}

func (s *S5) write(w io.Writer, text string, what any) {
	if s.cfg.JSON {
		text = s5JSON(what)
	}
	s.put(w, Printable(text))
}

func (s *S5) put(w io.Writer, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.flush()
	_, _ = io.WriteString(w, text+"\n") // there is nowhere left to report an error
}

func s5JSON(what any) string {
	b, err := json.Marshal(what)
	if err != nil {
		panic("ui: internal error: a line of s5cmd does not marshal: " + err.Error())
	}
	return string(b)
}
