// Package ui is what people and programs see of haul: the progress line, notes, results, errors, and JSON events.
//
// One Screen writes to the two standard streams, from any goroutine, whole lines only:
//
//	              stdout                    stderr
//	terminal      results, summary          a block of progress redrawn in place, notes, errors
//	else          results, summary          a plain progress line after 5 s and then every 30 s, notes, errors
//
// On a terminal, a run over many objects has no line for each of them unless Verbose is set.
//
//	Quiet         -                         errors, and a result that could not be verified
//	JSON          one object a line         errors
//	StdoutIsData  the object's own bytes    all of the above
//
// Text from outside (keys, messages of servers) is made harmless before it is written. Sizes are in binary units.
// The package decides nothing: internal/command chooses the message of an error, and its exit code.
package ui

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/mirror"
)

// Config is where and how a Screen writes. The zero value of each choice is the usual one.
type Config struct {
	Stdout, Stderr io.Writer
	// Terminal is that of Stderr; nil where it is none.
	Terminal Terminal
	// OnTerminal reports that Stdout is a terminal, too.
	OnTerminal bool
	// ColorStdout and ColorStderr allow colors.
	ColorStdout, ColorStderr bool
	// StdoutIsData sends everything to Stderr, because Stdout carries an object.
	StdoutIsData bool
	Quiet        bool
	NoProgress   bool // no progress is shown, and all else is
	JSON         bool
	Verbose      bool
	// Log takes what happens to transfers, objects and the run, as lines of JSON; nil is none.
	Log io.Writer
	// Renames are the buckets that the user wrote with the name of a store, and so are shown.
	Renames []Rename
}

// Rename shows s3://Bucket as Store:Bucket.
type Rename struct{ Bucket, Store string }

const (
	redrawEvery  = 200 * time.Millisecond
	lookEvery    = time.Second // where nothing is redrawn; also the pace of JSON progress
	firstPlain   = 5 * time.Second
	plainEvery   = 30 * time.Second
	widthUnknown = 80
)

// Screen writes for one run of a command.
type Screen struct {
	// immutable
	cfg     Config
	out     io.Writer // of results
	renames []addressForm

	mu       sync.Mutex
	task     Task
	now      mirror.Counts // of a run over many objects
	commands *Commands     // of a batch; nil if it is none
	block    block
	pacer    pacer
	plain    time.Time // when the next plain line is due

	warned []warnings // of quickcheck, in the order in which they came first
}

// New makes a Screen.
func New(cfg Config) *Screen {
	s := &Screen{cfg: cfg, out: cfg.Stdout}
	if cfg.StdoutIsData {
		s.out = cfg.Stderr
	}
	for _, r := range cfg.Renames {
		s.renames = append(s.renames, addressForm{regexp.MustCompile(`s3://` + regexp.QuoteMeta(r.Bucket) + `([^A-Za-z0-9._-]|$)`), r.Store + ":" + strings.ReplaceAll(r.Bucket, "$", "$$") + "$1"})
	}
	return s
}

// addressForm is a Rename, made ready.
type addressForm struct {
	from *regexp.Regexp
	to   string
}

// Task names a transfer in the words of the user.
type Task struct {
	// Verb is upload, download, copy or move.
	Verb string
	// Source is empty where transfers of several names show as one.
	Source, Target string
	// Name is the short one of the progress line.
	Name string
	// Many reports that it is a run over many objects, each with its own Source and Target.
	Many bool
	// Dry: nothing is done, only reported.
	Dry bool
}

// Source is what During shows the progress of, such as a haul.Client.
type Source interface {
	Progress() haul.Progress
	// Active returns the transfers under way, in the order in which they began.
	Active() []haul.ActiveTransfer
}

// Look is a Source that knows of no single transfers.
type Look func() haul.Progress

// Progress calls l.
func (l Look) Progress() haul.Progress { return l() }

// Active returns nothing.
func (Look) Active() []haul.ActiveTransfer { return nil }

// During shows the progress of work until it returns, and returns its error.
func (s *Screen) During(t Task, source Source, work func() error) error {
	s.mu.Lock()
	s.task = t
	s.pacer = pacer{}
	s.plain = time.Now().Add(firstPlain)
	s.mu.Unlock()
	if s.cfg.Quiet || s.cfg.NoProgress {
		return work()
	}
	every := lookEvery
	if s.cfg.Terminal != nil && !s.cfg.JSON {
		every = redrawEvery
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				s.show(t, source, now)
			}
		}
	})
	err := work()
	close(stop)
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return err
}

// show is one look at the transfer.
func (s *Screen) show(t Task, source Source, now time.Time) {
	m, active := source.Progress(), source.Active()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pacer.add(now, progressed(m))
	switch {
	case s.cfg.JSON && s.commands != nil:
		s.json(commandsRecord(*s.commands, m, &s.pacer))
	case s.cfg.JSON && t.Many:
		s.json(objectsRecord(s.now, m, &s.pacer))
	case s.cfg.JSON:
		s.json(progressRecord(m, &s.pacer))
	case s.cfg.Terminal != nil:
		columns, rows := s.size()
		lines := []string{s.progress(room{columns - 1, barWidth}, t, m)}
		if t.Many || t.Source == "" {
			for _, f := range s.block.pick(active, min(filesShown, rows-rowsSpared), now) {
				lines = append(lines, fileLine(columns-1, f))
			}
		}
		s.redraw(lines)
	case !now.Before(s.plain):
		s.plain = now.Add(plainEvery)
		s.line(s.cfg.Stderr, "haul: "+s.progress(room{columns: 1000}, t, m))
	}
}

// progress returns the progress line; s.mu is held.
func (s *Screen) progress(r room, t Task, m haul.Progress) string {
	if s.commands != nil {
		return commandsLine(r, Printable(t.Name), *s.commands, m, &s.pacer)
	}
	if t.Many {
		return objectsLine(r, Printable(t.Name), s.now, m, &s.pacer)
	}
	return progressLine(r, Printable(t.Name), m, &s.pacer)
}

// Observe shows an event of the client; it is made for haul.Options. Done reports the end of a transfer instead.
func (s *Screen) Observe(e haul.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	task := s.named(e)
	if s.cfg.JSON || s.cfg.Log != nil {
		if r, ok := eventRecord(task, e); ok {
			s.log(r)
			if s.cfg.JSON {
				s.json(r)
			}
		}
	}
	if s.cfg.JSON {
		return
	}
	switch e.Kind {
	case haul.EventStart:
		if s.cfg.Verbose {
			s.say(fmt.Sprintf("%s started: %s to %s, %s", task.Verb, task.Source, task.Target, length(e.Size)))
		}
	case haul.EventKept:
		s.say(s.about(e) + fmt.Sprintf("resuming an earlier run: %s already stored and verified", amount.Bytes(e.Bytes)))
	case haul.EventNote:
		s.say(s.about(e) + e.Text)
	case haul.EventRetry:
		if s.cfg.Verbose {
			s.say(s.about(e) + fmt.Sprintf("retrying in %s: %v", amount.Took(e.Wait), e.Err))
		}
	}
}

func length(n int64) string {
	if n < 0 {
		return "of unknown length"
	}
	return amount.Bytes(n)
}

// Note writes something worth knowing that is neither a result nor an error.
func (s *Screen) Note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(record{Event: "note", Text: text})
		return
	}
	s.say(text)
}

// Planned reports what a dry run of one transfer would do.
func (s *Screen) Planned(t Task, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := mirror.Event{Kind: mirror.Planned, Verb: t.Verb, Entry: mirror.Entry{Size: size}}
	s.event(e, eventOf(t, e), s.out, plannedLine(t, e))
}

// Done reports what a transfer did; it is the last line of a successful run.
func (s *Screen) Done(t Task, r haul.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done(t, r)
}

// done reports what a transfer did; s.mu is held.
func (s *Screen) done(t Task, r haul.Result) {
	if s.cfg.Log != nil {
		s.log(doneRecord(t, r))
	}
	switch {
	case s.cfg.JSON:
		s.json(doneRecord(t, r))
	case !s.cfg.Quiet:
		s.line(s.out, resultLine(t, r))
		if s.cfg.Verbose {
			s.line(s.out, detailLine(r))
			if text := digestLine(r); text != "" {
				s.line(s.out, text)
			}
		}
	case !r.Proof.Verified:
		s.line(s.cfg.Stderr, "haul: "+resultLine(t, r))
	}
}

// Failure is an error, made ready for people.
type Failure struct {
	// Code is the exit code.
	Code int
	// Line is that of the command in a batch; 0 if there is none.
	Line int
	// Kind is the error's, in the words of package store or of haul; programs may switch on it.
	Kind string
	// Message is what was attempted, on what, and why it failed.
	Message string
	// Advice is what to do, one sentence a line.
	Advice []string
	// KeptBytes are at the other end, and the same command resumes with them if Resumable.
	KeptBytes int64
	Resumable bool
	// Discard is the shell command that removes what was left behind; "" if nothing was.
	Discard string
}

// Fail reports why a run failed.
func (s *Screen) Fail(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log(failRecord(f))
	if s.cfg.JSON {
		s.json(failRecord(f))
	}
	for i, text := range append([]string{f.Message}, f.Advice...) {
		if i == 0 {
			text = strings.TrimPrefix(text, "haul: ") // the root package says its name as well
			if f.Line > 0 {
				text = fmt.Sprintf("line %d: %s", f.Line, text)
			}
		}
		s.line(s.cfg.Stderr, "haul: "+Printable(text))
	}
}

// Result writes a plain line of a command's answer, such as that of haul mb.
func (s *Screen) Result(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cfg.Quiet && !s.cfg.JSON {
		s.line(s.out, Printable(text))
	}
}

// say writes a note for people; s.mu is held.
func (s *Screen) say(text string) {
	if !s.cfg.Quiet && !s.cfg.JSON {
		s.line(s.cfg.Stderr, "haul: "+Printable(text))
	}
}

// line writes one line, above the block; s.mu is held. A write error cannot be reported.
func (s *Screen) line(w io.Writer, text string) {
	text = s.renamed(text)
	if w == s.cfg.Stdout && s.cfg.ColorStdout || w == s.cfg.Stderr && s.cfg.ColorStderr {
		text = colored(text)
	}
	if w == s.cfg.Stdout && !s.cfg.OnTerminal {
		_, _ = io.WriteString(w, text+"\n")
		return
	}
	below := s.block.lines
	s.clear()
	_, _ = io.WriteString(w, text+"\n")
	s.redraw(below)
}

// log writes one record into the log; s.mu is held.
func (s *Screen) log(r record) {
	if s.cfg.Log != nil {
		_, _ = io.WriteString(s.cfg.Log, s.renamed(marshal(r))+"\n") // the writer keeps its errors
	}
}

// renamed returns a text with addresses as the user wrote them.
func (s *Screen) renamed(text string) string {
	for _, r := range s.renames {
		text = r.from.ReplaceAllString(text, r.to)
	}
	return text
}
