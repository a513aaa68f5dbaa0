// Package doctor checks, one thing after the other, all that a transfer needs: this machine, the way to the server, the
// credentials, what they permit, and what the server and the bucket can do.
//
//	Request.Run: machine -> endpoint, credentials -> proxy, DNS, TCP, TLS, clock -> list, read -> bucket -> write
//	each check: one request, or none; a Finding; a failure that rules out later checks is their reason for not being tried
//
// No request is retried, and each has a few seconds, so that a dead server costs little time. Nothing is written unless
// Request.Write is set; what is written is removed, also when the run is stopped.
//
// A Finding holds no secret: the texts of errors are those of package store, whose stores hide their secrets. A Finding
// promises nothing about later requests.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"haul.example/haul/store"
)

// Grade is how a check ended.
type Grade string

// The grades.
const (
	OK   Grade = "ok"
	Warn Grade = "warn" // transfers work, but not all or not well
	Bad  Grade = "bad"  // transfers cannot work
	Open Grade = "open" // no verdict: it was not tried, or the server does not have it
)

// Finding is what one check found.
type Finding struct {
	// Name of the check; programs may switch on it.
	Name  string
	Grade Grade
	Text  string
	// Advice is what to do, if the Grade is Warn or Bad.
	Advice string
}

// Request describes what to check.
type Request struct {
	// Version of haul.
	Version string
	// Stores lists the stores that the user has named, and StoresErr is why they are not known.
	Stores    string
	StoresErr error
	// StateDir is the folder of records.
	StateDir string
	// ProxyVariables are the names of the environment variables that name a proxy.
	ProxyVariables []string
	// Where is a bucket, and a prefix as its Key. Without a Bucket, only what involves none is checked.
	Where store.Ref
	// Write permits to write two small objects and to remove them.
	Write bool
	Attrs store.Attrs
	// Line returns a command of haul for this store, for advice.
	Line func(words ...string) string
}

const (
	// requestTime is how long one request may take.
	requestTime = 10 * time.Second
	// cleanTime is how long removing the test objects may take, also after a run was stopped.
	cleanTime = 20 * time.Second
)

// run is a Request in progress.
type run struct {
	Request
	store  store.Store
	report func(Finding)

	endpoint *url.URL // nil: unknown
	proxied  bool
	// anonymous: requests are not signed.
	anonymous bool
	// unreachable is why no request can reach the server, and refused why it accepts none; empty if that is not so.
	unreachable, refused string

	sample store.Object // an object to read; without a Key there is none
	locked bool         // the bucket locks new objects
	// unlisted: listing is denied.
	unlisted bool
	wrote    bool // reading was checked with test objects
}

// blocked is why no request can succeed; empty if they can.
func (d *run) blocked() string { return cmp.Or(d.unreachable, d.refused) }

// Run makes the checks in their order and reports each Finding when it is there. The error is that of a ctx that ended.
func (r Request) Run(ctx context.Context, st store.Store, report func(Finding)) error {
	d := &run{Request: r, store: st, report: report}
	for _, check := range []func(context.Context){
		d.machine, d.settings, d.proxy, d.lookup, d.connect, d.greet,
		d.list, d.region, d.bucket, d.writing, d.reading,
	} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		check(ctx)
	}
	return context.Cause(ctx)
}

// limited bounds one request.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, requestTime, errNoAnswer)
}

var errNoAnswer = fmt.Errorf("no answer within %v", requestTime)

func (d *run) ok(name, format string, args ...any) {
	d.report(Finding{Name: name, Grade: OK, Text: fmt.Sprintf(format, args...)})
}

func (d *run) warn(name, text, advice string) {
	d.report(Finding{Name: name, Grade: Warn, Text: text, Advice: advice})
}

func (d *run) bad(name, text, advice string) {
	d.report(Finding{Name: name, Grade: Bad, Text: text, Advice: advice})
}

// open reports checks without a verdict, and why.
func (d *run) open(why string, names ...string) {
	for _, name := range names {
		d.report(Finding{Name: name, Grade: Open, Text: why})
	}
}

// skip reports checks that are not made, and why.
func (d *run) skip(why string, names ...string) { d.open("not tried: "+why, names...) }

// failed reports an error: how bad it is follows from its kind. If the server is gone, no more requests are made.
func (d *run) failed(name string, err error) {
	if lost(err) {
		d.unreachable = "the server does not answer any more"
	}
	f := Finding{Name: name, Grade: Bad, Text: text(err), Advice: advice(err)}
	switch store.KindOf(err) {
	case store.Unsupported:
		f.Grade, f.Text, f.Advice = Open, "the server does not support it", ""
	case store.Denied, store.Throttled, store.Unavailable, store.Archived:
		f.Grade = Warn
	}
	d.report(f)
}

// lost reports whether an error means that the server does not answer.
func lost(err error) bool {
	return errors.Is(err, store.Network) || errors.Is(err, store.Stalled) || errors.Is(err, errNoAnswer)
}

// text returns what an error says, without the operation and the object, which the name of the check stands for.
func text(err error) string {
	var e *store.Error
	switch {
	case !errors.As(err, &e):
		return err.Error()
	case e.Code != "" && e.Message != "":
		return fmt.Sprintf("%s (%s: %s)", e.Kind, e.Code, e.Message)
	case e.Code != "":
		return fmt.Sprintf("%s (%s)", e.Kind, e.Code)
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", e.Kind, e.Err)
	case e.Status != 0:
		return fmt.Sprintf("%s (HTTP status %d)", e.Kind, e.Status)
	}
	return string(e.Kind)
}

// advice returns what to do about an error.
func advice(err error) string {
	var e *store.Error
	hint := ""
	if errors.As(err, &e) {
		hint = e.Hint
	}
	if hint == "" && slices.Contains([]store.Kind{store.Throttled, store.Unavailable}, store.KindOf(err)) {
		hint = "try again in a few minutes; if it continues, ask the administrator of the store"
	}
	if e != nil && e.Kind == store.Denied && e.Status == http.StatusForbidden && hint != "" {
		hint += "; ask the administrator of the bucket for the permission, or use other credentials (--profile)"
	}
	return cmp.Or(hint, "check the endpoint and the network, and ask the administrator of the store")
}
