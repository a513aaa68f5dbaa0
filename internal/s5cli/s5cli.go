// Package s5cli is the face of haul under the name s5cmd, or as haul s5cmd: it takes the commands of s5cmd 2.3, with its flags, its
// output and its JSON. The exit code is 0 only if everything was done.
//
//	package s5line reads the words by the grammar of s5cmd
//	addresses with wildcards become files or objects, each with its target
//	the flags become options of packages mirror and haul, which transfer, compare and delete
//	results and errors are printed in the words of s5cmd, by ui.S5
//	run does this for each line of a file, many at once, on the same connections
//
// doc/s5cmd-compat.md lists all commands and flags, and what is not as in s5cmd.
package s5cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"haul.example/haul"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/s5line"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store/s3"
)

// The exit codes of s5cmd.
const (
	codeOK     = 0
	codeFailed = 1
)

// Words returns the words after s5cmd, if a process with these arguments was called under that name, or as haul s5cmd.
func Words(args []string) ([]string, bool) { return command.CalledAs("s5cmd", args) }

// face is one process called s5cmd.
type face struct {
	sys     command.System
	stdout  *command.Stdout
	out     *ui.S5
	globals s5line.Values
	parts   int // of one object at the same time

	mu      sync.Mutex // guards the rest
	open    map[string]*connection
	data    *command.Output // for cat; nil before its first use
	stats   map[string]*ui.S5Stat
	catting sync.Mutex // one object at a time on standard output
}

// connection is a store, and the client on it.
type connection struct {
	store  *s3.Store
	client *haul.Client
}

// Run runs a command of s5cmd, without the word s5cmd, and returns the exit code.
func Run(ctx context.Context, sys command.System, words []string) int {
	if len(words) > 0 && words[len(words)-1] == "--generate-bash-completion" {
		return codeOK
	}
	line, err := s5line.Parse(words)
	stdout := command.NewStdout(sys.Stdout)
	f := &face{sys: sys, stdout: stdout, globals: line.Globals, open: map[string]*connection{}, stats: map[string]*ui.S5Stat{}}
	f.out = ui.NewS5(ui.S5Config{Stdout: stdout, Stderr: sys.Stderr, JSON: line.Globals.On("json"), Level: line.Globals.Text("log")})
	code := f.run(ctx, line, err)
	if f.globals.On("stat") {
		f.printStats()
	}
	return f.end(ctx, code)
}

func (f *face) run(ctx context.Context, line s5line.Line, err error) int {
	switch {
	case err != nil:
		return f.refuse(line, err)
	case line.Help:
		f.out.Line(s5line.Help(line.Verb))
		return codeOK
	}
	if err := f.checkGlobals(); err != nil {
		f.out.Failed(" "+strings.Join(line.Words, " "), "", err.Error())
		return codeFailed
	}
	if line.Verb == "" { // only --install-completion
		f.out.Failed("", "", "haul does not complete the commands of s5cmd; for its own, see: haul help completion")
		return codeFailed
	}
	f.parts = line.Flags.Number("concurrency", 5)
	return f.do(ctx, line)
}

// refuse prints why a command cannot be run.
func (f *face) refuse(line s5line.Line, err error) int {
	var usage *s5line.Error
	switch {
	case !errors.As(err, &usage):
		f.out.Failed(line.Verb, "", err.Error())
	case usage.Global:
		f.out.Complain("Incorrect Usage: " + ui.Printable(usage.Text) + "\nSee 's5cmd --help' for usage")
	default:
		f.out.Line("Incorrect Usage: " + ui.Printable(usage.Text) + "\n\n" + s5line.Help(line.Verb))
	}
	return codeFailed
}

// end ends the process: what is gathered is written, and what could not be written is a failure.
func (f *face) end(ctx context.Context, code int) int {
	f.out.Close()
	err := f.stdout.Err()
	if f.data != nil {
		err = errors.Join(err, f.data.Close())
	}
	if stopped := new(command.Stopped); errors.As(context.Cause(ctx), &stopped) && stopped.Signal != os.Interrupt {
		return stopped.Code()
	}
	if err != nil && code == codeOK {
		f.out.Failed("", "", err.Error())
		return codeFailed
	}
	return code
}

// checkGlobals refuses global flags that contradict each other.
func (f *face) checkGlobals() error {
	g := f.globals
	switch endpoint := f.endpoint(); {
	case g.Number("retry-count", 0) < 0:
		return errors.New("retry count cannot be a negative value")
	case g.On("no-sign-request") && g.Text("profile") != "":
		return errors.New(`"no-sign-request" and "profile" flags cannot be used together`)
	case g.On("no-sign-request") && g.Text("credentials-file") != "":
		return errors.New(`"no-sign-request" and "credentials-file" flags cannot be used together`)
	case endpoint != "" && !strings.HasPrefix(endpoint, "http"):
		return fmt.Errorf("bad value for --endpoint-url %s: scheme is missing. Must be of the form http://<hostname>/ or https://<hostname>/", endpoint)
	}
	return nil
}

func (f *face) endpoint() string {
	return cmp.Or(f.globals.Text("endpoint-url"), os.Getenv("S3_ENDPOINT_URL"))
}

// connect opens a store, and makes a client, or returns those of an earlier command. Regions are those of buckets, by name.
func (f *face) connect(ctx context.Context, regions map[string]string) (*connection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := fmt.Sprint(regions)
	if c := f.open[key]; c != nil {
		return c, nil
	}
	g := f.globals
	conn := command.Connection{
		Endpoint: f.endpoint(), Profile: g.Text("profile"), NoSignRequest: g.On("no-sign-request"), NoVerifySSL: g.On("no-verify-ssl"), Regions: regions,
	}
	conn.Addressing = command.AddressingAt(cmp.Or(conn.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")))
	if strings.Contains(conn.Endpoint, "://s3-accelerate.amazonaws.com") {
		conn.Endpoint, conn.Accelerate = "", true
	}
	if file := g.Text("credentials-file"); file != "" { // which then counts before the keys in the environment
		if err := os.Setenv("AWS_SHARED_CREDENTIALS_FILE", file); err != nil {
			return nil, err
		}
		conn.Profile = cmp.Or(conn.Profile, os.Getenv("AWS_PROFILE"), "default")
	}
	if conn.HalfKeys() {
		return nil, errors.New("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")
	}
	store, err := s3.Open(ctx, conn.Config())
	if err != nil {
		return nil, err
	}
	o := haul.Options{MaxTries: g.Number("retry-count", 10) + 1, Observe: f.observe}
	if g.Has("numworkers") {
		o.MaxConcurrency = max(1, g.Number("numworkers", 0)) * max(1, f.parts)
	}
	c := &connection{store: store, client: haul.New(store, o)}
	f.open[key] = c
	return c, nil
}

// observe prints what happens on the way, at the level trace.
func (f *face) observe(e haul.Event) {
	if f.globals.Text("log") != "trace" {
		return
	}
	switch e.Kind {
	case haul.EventRetry:
		f.out.Debug(e.Source+" "+e.Target, "", fmt.Sprintf("retrying in %v: %v", e.Wait, e.Err))
	case haul.EventNote:
		f.out.Debug(e.Source+" "+e.Target, "", e.Text)
	}
}

// count counts a command for --stat.
func (f *face) count(verb string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.stats[verb]
	if s == nil {
		s = &ui.S5Stat{Operation: verb}
		f.stats[verb] = s
	}
	if ok {
		s.Success++
	} else {
		s.Error++
	}
}

func (f *face) printStats() {
	var all []ui.S5Stat
	for _, s := range f.stats {
		all = append(all, *s)
	}
	if len(all) > 0 {
		f.out.Stats(all)
	}
}
