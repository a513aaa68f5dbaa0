package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// VerifyRequest verifies a delivery without downloading it.
type VerifyRequest struct {
	// Ends are the source and the target, or one of them: trees, files, objects, or a list of digests. Only the first may be a Stream.
	Ends     []Location
	Sidecars bool // take digests from files such as x.bam.md5 below the source
	// Download is "open" to download what the recorded checksums cannot verify, "all" to download every object, or "".
	Download string
	// Extra is "fail" or "allow", for files that are only in the target; "" fails between two trees.
	Extra  string
	Report string // a file that ends in .html, .json or .csv; "" is none
	Filter mirror.Filter
	Memory int64 // bytes for buffers; 0 is the default
	Attrs  store.Attrs
}

// Verify runs r. If anything is not OK, the error counts it.
func (s *Session) Verify(ctx context.Context, r VerifyRequest) (err error) {
	client, err := s.client(ctx, haul.Options{Memory: r.Memory})
	if err != nil {
		return err
	}
	defer s.noteStop(ctx)()
	v := verification{r: r, client: client, system: s.System, screen: s.Screen(), began: time.Now()}
	truth, target, err := v.resolve(ctx)
	if err != nil {
		return err
	}
	if truth.Close != nil {
		defer func() { err = errors.Join(err, truth.Close()) }()
	}
	if r.Report != "" {
		about := proof.About{Truth: r.Ends[0].full(), What: truth.What, Target: r.target().full(), Store: store.Identity(client.Store()), Time: v.began, By: Version()}
		if v.report, err = proof.NewReport(r.Report, about); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, v.report.Close()) }()
	}
	found, err := v.run(ctx, truth, target)
	if err == nil && found.code() != codeOK {
		return found
	}
	return err
}

// target is the last end.
func (r VerifyRequest) target() Location { return r.Ends[len(r.Ends)-1] }

// verification is a VerifyRequest that runs.
type verification struct {
	r      VerifyRequest
	client *haul.Client
	system System
	screen *ui.Screen
	report *proof.Report // may be nil
	began  time.Time
}

// run compares, and prints and reports each finding.
func (v *verification) run(ctx context.Context, truth proof.Expected, target entries) (*verifyError, error) {
	var read atomic.Int64
	o := proof.Options{Download: v.r.Download != "", All: v.r.Download == "all", Attrs: v.r.Attrs, Read: func(n int) { read.Add(int64(n)) }}
	o.ExtraFails = v.r.Extra == "fail" || v.r.Extra == "" && truth.Exact()
	found := &verifyError{}
	var lost error // of the report
	o.Observe = func(f proof.Finding, now proof.Counts) {
		found.add(f)
		v.screen.Finding(f, now, f.Verdict != proof.OK && (f.Verdict != proof.Extra || o.ExtraFails || truth.IsReceipt()))
		if v.report != nil && lost == nil {
			lost = v.report.Add(f)
		}
	}
	look := func() haul.Progress {
		m := v.client.Progress()
		m.Done, m.Elapsed = read.Load(), time.Since(v.began)
		return m
	}
	task := ui.Task{Verb: "verify", Name: filepath.Base(strings.TrimSuffix(v.r.target().Text, "/")), Many: true}
	err := v.screen.During(task, ui.Look(look), func() (err error) {
		found.Summary, err = proof.Verify(ctx, v.client, truth, target, o)
		return err
	})
	if err == nil || found.Found > 0 {
		v.screen.Verified(found.Summary)
	}
	if err != nil || v.report == nil {
		return found, err
	}
	if lost == nil {
		lost = v.report.End(found.Summary)
	}
	if lost == nil {
		v.screen.Note("the report is in " + v.r.Report)
	}
	return found, lost
}

// openStdin opens standard input as a list of digests. It stops with ctx, which a Read may not.
func (v *verification) openStdin(ctx context.Context, l Location) (io.ReadCloser, error) {
	in, err := v.system.openSource(ctx, l)
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, &source{in, ctx.Err})
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	return r, nil
}

// verifyError reports that not everything is OK.
type verifyError struct {
	proof.Summary
	// settles counts what --download would settle, and bytes its size.
	settles int
	bytes   int64
}

func (e *verifyError) add(f proof.Finding) {
	if f.Settles {
		e.settles++
		e.bytes += max(f.Size, 0)
	}
}

// Error counts what is not OK.
func (e *verifyError) Error() string {
	var all []string
	for _, c := range []struct {
		n    int
		what string
	}{{e.Bad, "bad"}, {e.Missing, "missing"}, {e.Unprovable, "unprovable"}} {
		if c.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	switch {
	case !e.ExtraFails || e.Extra == 0:
	case e.Sidecars:
		all = append(all, fmt.Sprintf("%d without a digest", e.Extra))
	default:
		all = append(all, fmt.Sprintf("%d extra", e.Extra))
	}
	if len(all) == 0 {
		return "there was nothing to verify"
	}
	return strings.Join(all, ", ") + "; listed above"
}

// code is the exit code: the worst of what was found decides.
func (e *verifyError) code() int {
	switch {
	case e.Bad > 0:
		return codeDiffer
	case e.Missing > 0, e.Found == e.Extra:
		return codeNotFound
	case e.Unprovable > 0:
		return codeOpen
	case e.ExtraFails && e.Extra > 0:
		return codeFailed
	}
	return codeOK
}

func (e *verifyError) kind() string {
	return map[int]string{codeDiffer: "bad", codeNotFound: "missing", codeOpen: "unprovable", codeFailed: "extra"}[e.code()]
}

// advice says how to settle what is unprovable.
func (e *verifyError) advice() []string {
	if e.settles == 0 {
		return nil
	}
	return []string{fmt.Sprintf("to verify the UNPROVABLE files, add --download, which downloads and compares %s, and writes nothing to disk", amount.Bytes(e.bytes))}
}
