package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
)

// AWSConfig is where and how an AWS writes. The zero value of each choice is the usual one.
type AWSConfig struct {
	Stdout, Stderr io.Writer
	// Quiet writes nothing; OnlyErrors no results; NoProgress no progress line.
	Quiet, OnlyErrors, NoProgress bool
	// Every is the time between two progress lines; 0 is a fifth of a second. Multiline ends each with a line end.
	Every     time.Duration
	Multiline bool
	// Debug writes an account of the run to Stderr.
	Debug bool
}

// AWS writes what aws s3 writes, byte for byte, except for the times at which it reports progress: results and progress to the
// standard output, warnings and errors to the other. Its methods may be called from any goroutine.
type AWS struct {
	// immutable
	cfg   AWSConfig
	began time.Time

	mu    sync.Mutex
	drawn int // columns of the progress line that is there now
	files awsCounts
	last  haul.Progress
}

// awsCounts count files. The total is not known before the last one is found.
type awsCounts struct {
	found, done int
	all         bool
}

// NewAWS makes an AWS.
func NewAWS(cfg AWSConfig) *AWS {
	if cfg.Every == 0 {
		cfg.Every = redrawEvery
	}
	return &AWS{cfg: cfg, began: time.Now()}
}

// Remaining takes note of how many files there are: found so far, all of them, and done, well or not.
func (a *AWS) Remaining(found, done int, all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files = awsCounts{found, done, all}
}

// During reports progress until work returns, and returns its error.
func (a *AWS) During(look func() haul.Progress, work func() error) error {
	if a.cfg.Quiet || a.cfg.OnlyErrors || a.cfg.NoProgress {
		return work()
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(a.cfg.Every)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				a.progress(look())
			}
		}
	})
	err := work()
	close(stop)
	wg.Wait()
	return err
}

func (a *AWS) progress(m haul.Progress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = m
	if a.files.found == 0 {
		return
	}
	a.draw()
}

// draw writes the progress line; a.mu is held.
func (a *AWS) draw() {
	left := fmt.Sprint(max(0, a.files.found-a.files.done))
	total, calculating := HumanSize(a.last.Total), ""
	if !a.files.all {
		left, total, calculating = "~"+left, "~"+total, " (calculating...)"
	}
	text := fmt.Sprintf("Completed %d file(s) with %s file(s) remaining%s", a.files.done, left, calculating)
	if a.last.Total > 0 {
		rate := float64(a.last.Done-a.last.Kept) / max(0.001, time.Since(a.began).Seconds())
		text = fmt.Sprintf("Completed %s/%s (%s/s) with %s file(s) remaining%s", HumanSize(a.last.Done), total, HumanSize(int64(rate)), left, calculating)
	}
	end := "\r"
	if a.cfg.Multiline {
		end = "\n"
	}
	a.write(a.cfg.Stdout, a.padded(text)+end)
	a.drawn = width(text)
	if a.cfg.Multiline {
		a.drawn = 0
	}
}

// Transferred reports that a file arrived; Target is empty for one that was deleted.
func (a *AWS) Transferred(t Task) { a.result("", t) }

// WouldTransfer reports a file in a dry run.
func (a *AWS) WouldTransfer(t Task) { a.result("(dryrun) ", t) }

func (a *AWS) result(mark string, t Task) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cfg.OnlyErrors && mark == "" {
		return
	}
	a.full(a.cfg.Stdout, mark+t.Verb+": "+awsPlaces(t))
}

// Failed reports that a file did not arrive, and why.
func (a *AWS) Failed(t Task, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full(a.cfg.Stderr, t.Verb+" failed: "+awsPlaces(t)+" "+Printable(why))
}

func awsPlaces(t Task) string {
	if t.Target == "" {
		return Printable(t.Source)
	}
	return Printable(t.Source) + " to " + Printable(t.Target)
}

// Warn reports what was skipped, or done in another way than requested.
func (a *AWS) Warn(text string) { a.alarm("warning: " + Printable(text)) }

// Fatal reports why a run ended early.
func (a *AWS) Fatal(why string) { a.alarm("fatal error: " + Printable(why)) }

// Cancelled reports that Ctrl-C ended the run.
func (a *AWS) Cancelled() { a.alarm("cancelled: ctrl-c received") }

func (a *AWS) alarm(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full(a.cfg.Stderr, text)
}

// Debug writes a line of the account of a run.
func (a *AWS) Debug(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cfg.Debug {
		a.full(a.cfg.Stderr, time.Now().Format("2006-01-02 15:04:05,000")+" - haul - DEBUG - "+Printable(text))
	}
}

// Line writes a plain line of an answer, Complain one of an error that belongs to no file.
func (a *AWS) Line(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full(a.cfg.Stdout, Printable(text))
}

// Complain writes a line about an error that belongs to no file.
func (a *AWS) Complain(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.full(a.cfg.Stderr, Printable(text))
}

// Refuse reports why a command could not be run at all, after an empty line. It is printed even if Quiet is set: the command was not
// run, so its options do not count yet.
func (a *AWS) Refuse(text string) { a.Report("\naws: [ERROR]: " + strings.TrimSpace(text) + "\n") }

// Report writes an error in a format of its own, also if Quiet is set.
func (a *AWS) Report(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = io.WriteString(a.cfg.Stderr, text) // there is nowhere left to report an error
}

// full writes a whole line over the progress line; a.mu is held.
func (a *AWS) full(w io.Writer, text string) {
	a.write(w, a.padded(text)+"\n")
	a.drawn = 0
}

func (a *AWS) padded(text string) string {
	return text + strings.Repeat(" ", max(0, a.drawn-width(text)))
}

func (a *AWS) write(w io.Writer, text string) {
	if !a.cfg.Quiet {
		_, _ = io.WriteString(w, text) // there is nowhere left to report an error
	}
}
