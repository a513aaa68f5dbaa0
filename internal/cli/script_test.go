package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"haul.example/haul/internal/awscli"
	"haul.example/haul/internal/cli"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/formattest"
	"haul.example/haul/internal/s5cli"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"haul": haul, "aws": haul, "s5cmd": haul})
}

// haul is cmd/haul, in this binary.
func haul() {
	ctx, stop := command.Interruptible(context.Background(), os.Exit)
	sys := command.System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	valid := func() error { return nil }
	fi, err := os.Stdout.Stat()
	s5words, s5cmd := s5cli.Words(os.Args)
	if schema := os.Getenv("HAUL_EVENT_SCHEMA"); schema != "" && !s5cmd && slices.Contains(os.Args, "--json") && err == nil && fi.Mode()&fs.ModeNamedPipe != 0 {
		valid = validated(schema, &sys)
	}
	words, aws := awscli.Words(os.Args)
	run := cli.Run
	switch {
	case aws:
		run = awscli.Run
	case s5cmd:
		run, words = s5cli.Run, s5words
	default:
		words = os.Args[1:]
	}
	code := run(ctx, sys, words)
	stop()
	if err := valid(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 99
	}
	os.Exit(code)
}

// validated puts a pipe before standard output, whose lines are compared with the schema of events. The func ends that, and gives what
// is wrong.
func validated(schema string, sys *command.System) func() error {
	r, w, err := os.Pipe()
	if err != nil {
		return func() error { return err }
	}
	to := sys.Stdout
	sys.Stdout = w
	done := make(chan error, 1)
	go func() {
		check, err := formattest.Validator(schema)
		in := bufio.NewReader(r)
		for {
			line, rerr := in.ReadBytes('\n')
			if _, werr := to.Write(line); werr != nil {
				_ = r.Close() // the reader went away
				break
			}
			if err == nil && bytes.HasPrefix(line, []byte(`{"schema_version":`)) {
				if err = check(line); err != nil {
					err = fmt.Errorf("%s is not what %s says: %w", bytes.TrimSpace(line), schema, err)
				}
			}
			if rerr != nil {
				break
			}
		}
		done <- err
	}()
	return func() error {
		_ = w.Close() // the command may have closed it
		return <-done
	}
}

// TestScript runs testdata/script: each file there shows one command or theme, as a manual would. Beside what testscript
// has, a script may say
//
//	store [KIND…]            begin with another store: requester-pays, versioned, md5, no-checksums, deletes-singly, tls
//	file NAME SIZE           make a file of random bytes; SIZE in bytes, or in MiB with the letter M
//	code N haul …            run a line that ends with exit code N
//	into FILE haul …         run a line that ends well, with a pipe for standard output, which becomes a file
//	signal NAME N haul …     run a line, send it the signal when it comes upon a stalled fault, expect exit code N;
//	                         of two names, INT,TERM, the second is sent upon the second stalled fault
//	fault OP WORDS           let the store fail: key K, part N, nth N, times N, always, error KIND, corrupt, lose-answer, stall
//	await                    wait until a stalled fault is come upon
//	release                  let it go on
//	bucket NAME              make a bucket
//	put s3://… TEXT [CLASS]  make an object; of N objects, where its key ends in *N
//	buckets                  print the buckets, with what haul mb and haul website said of them
//	object s3://…            print what the store has of an object
//	same s3://… FILE         compare an object with a file
//	counts OP                print how often the store was asked
//	sample KIND FILE         make a file of the field: bam, cut-bam, bai (of two sequences), bai-of-7, unmapped-bam, vcf, plain-vcf, fastq
//	old DIR, young DIR       give the files below a folder the time of 2001-09-09, or of an hour from now
func TestScript(t *testing.T) {
	schema, err := filepath.Abs("../../doc/schema/event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			r := &room{t: t}
			env.Values[roomKey{}] = r
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("HAUL_EVENT_SCHEMA", schema)
			env.Setenv("HAUL_STATE_DIR", env.WorkDir+"/.state")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // or each haul waits a second at its end, under the race detector
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
			env.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-print-me")
			env.Defer(r.close)
			return r.open(env.Setenv, nil)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"store": inRoom(storeCmd), "file": fileCmd, "sample": sampleCmd, "code": codeCmd, "into": intoCmd, "signal": inRoom(signalCmd), "fault": inRoom(faultCmd),
			"await": inRoom(awaitCmd), "release": inRoom(releaseCmd),
			"bucket": inRoom(bucketCmd), "put": inRoom(putCmd), "buckets": inRoom(bucketsCmd), "object": inRoom(objectCmd), "same": inRoom(sameCmd), "counts": inRoom(countsCmd),
			"old": timeCmd(time.Unix(1_000_000_000, 0)), "young": timeCmd(time.Now().Add(time.Hour)),
		},
	})
}

// room is what a script has around it.
type room struct {
	t       *testing.T
	memory  *storetest.Memory
	server  *s3server.Server
	reached []chan struct{} // closed when the call of a stalled fault comes
	stalled []*storetest.Fault
}

type roomKey struct{}

func inRoom(f func(*room, *testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command has no negation")
		}
		f(ts.Value(roomKey{}).(*room), ts, args)
	}
}

func (r *room) open(setenv func(k, v string), kinds []string) error {
	var options []storetest.Option
	var serve []s3server.Option
	for _, k := range kinds {
		switch k {
		case "requester-pays":
			options = append(options, storetest.RequesterPays())
		case "versioned":
			options = append(options, storetest.Versioned())
		case "md5":
			options = append(options, storetest.Takes(storetest.MD5Checksums))
		case "odd-etags":
			options = append(options, storetest.Takes(storetest.OddETags))
		case "no-checksums":
			options = append(options, storetest.Takes(storetest.NoChecksums))
		case "deletes-singly":
			options = append(options, storetest.DeletesSingly())
		case "tls":
			serve = append(serve, s3server.TLS())
		case "anonymous":
			serve = append(serve, s3server.Anonymous())
		default:
			return errors.New("no such kind of store: " + k)
		}
	}
	r.close()
	r.memory = storetest.New(append(options, storetest.Buckets("lab"))...)
	r.server = s3server.Serve(nil, r.memory, serve...)
	setenv("AWS_ENDPOINT_URL", r.server.URL)
	return nil
}

// close also tells of faults that did not happen.
func (r *room) close() {
	if r.server != nil {
		r.server.Close()
		r.memory.FaultsFired(r.t)
	}
}

func storeCmd(r *room, ts *testscript.TestScript, args []string) {
	ts.Check(r.open(ts.Setenv, args))
	if slices.Contains(args, "tls") {
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), r.server.CA(), 0o600))
	}
}

func fileCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: file NAME SIZE")
	}
	text, mega := strings.CutSuffix(args[1], "M")
	n, err := strconv.Atoi(text)
	ts.Check(err)
	if mega {
		n <<= 20
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", args[0])))).Read(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// timeCmd gives files a time.
func timeCmd(at time.Time) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chtimes(path, at, at)
		}))
	}
}

// ended checks the exit code of a line.
func ended(ts *testscript.TestScript, want string, err error) {
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

func codeCmd(ts *testscript.TestScript, _ bool, args []string) {
	ended(ts, args[0], ts.Exec(args[1], args[2:]...))
}

var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "HUP": syscall.SIGHUP}

// scripted is a command as the script would run it.
func scripted(ts *testscript.TestScript, args []string) *exec.Cmd {
	haul, err := exec.LookPath(ts.Getenv("PATH")[:strings.IndexByte(ts.Getenv("PATH"), os.PathListSeparator)] + "/" + args[0])
	ts.Check(err)
	cmd := exec.Command(haul, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "GORACE", "HAUL_STATE_DIR", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "HAUL_RESUME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// intoCmd keeps large output out of the log of the test, which would have it in JSON.
func intoCmd(ts *testscript.TestScript, _ bool, args []string) {
	var stdout, stderr bytes.Buffer
	cmd := scripted(ts, args[1:])
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	_, _ = stderr.WriteTo(ts.Stderr())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), stdout.Bytes(), 0o600))
}

func signalCmd(r *room, ts *testscript.TestScript, args []string) {
	var stdout, stderr bytes.Buffer
	cmd := scripted(ts, args[2:])
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ts.Check(cmd.Start())
	for i, name := range strings.Split(args[0], ",") {
		<-r.reached[i]
		ts.Check(cmd.Process.Signal(signals[name]))
	}
	r.reached, r.stalled = nil, nil
	err := cmd.Wait()
	_, _ = stdout.WriteTo(ts.Stdout())
	_, _ = stderr.WriteTo(ts.Stderr())
	if args[0] == "KILL" {
		return
	}
	ended(ts, args[1], err)
}

func faultCmd(r *room, ts *testscript.TestScript, args []string) {
	f := r.memory.Fault(storetest.Op(args[0]))
	number := func(i int) int {
		n, err := strconv.Atoi(args[i])
		ts.Check(err)
		return n
	}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "key":
			i++
			f.Key(args[i])
		case "part":
			i++
			f.Part(number(i))
		case "nth":
			i++
			f.Nth(number(i))
		case "times":
			i++
			f.Times(number(i))
		case "offset":
			i++
			f.Offset(int64(number(i)))
		case "error":
			i++
			f.Error(store.Kind(args[i]))
		case "always":
			f.Always()
		case "corrupt":
			f.CorruptByte()
		case "lose-answer":
			f.LoseAnswer()
		case "stall":
			reached := make(chan struct{})
			r.reached = append(r.reached, reached)
			r.stalled = append(r.stalled, f.Stall().Hook(func() { close(reached) }))
		default:
			ts.Fatalf("no such word of a fault: %s", args[i])
		}
	}
}

func awaitCmd(r *room, _ *testscript.TestScript, _ []string) {
	for _, reached := range r.reached {
		<-reached
	}
}

func releaseCmd(r *room, _ *testscript.TestScript, _ []string) {
	for _, f := range r.stalled {
		f.Release()
	}
	r.reached, r.stalled = nil, nil
}
