package terminal_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/link"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

const mib = 1 << 20

var update = flag.Bool("update", false, "write the screens to testdata")

// pane is a terminal with haul in it.
type pane struct {
	t      *testing.T
	socket string
}

// open runs a line of the shell in a terminal of that size. The line's exit code is shown at its end.
func open(t *testing.T, e endpoint.Endpoint, dir, line string, columns, rows int) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed: apt-get install tmux")
	}
	p := &pane{t, filepath.Join(dir, "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	cmd := exec.Command("tmux", "-S", p.socket, "-f", os.DevNull, "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows),
		"sh", "-c", "trap : INT; "+line+`; echo "exit code $?"; sleep 1000`)
	cmd.Env, cmd.Dir = e.Env(dir), dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// screen returns what is to be seen, lines that wrap as one, without empty lines at its end.
func (p *pane) screen() string {
	var b strings.Builder
	for line := range strings.Lines(p.tmux("capture-pane", "-p", "-J")) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// await returns the screen once it matches.
func (p *pane) await(pattern string) string {
	p.t.Helper()
	var seen []string
	for wanted, end := regexp.MustCompile(pattern), time.Now().Add(3*time.Minute); ; time.Sleep(50 * time.Millisecond) {
		s := p.screen()
		if len(seen) == 0 || seen[len(seen)-1] != s {
			seen = append(seen, s)
		}
		switch {
		case wanted.MatchString(s):
			return s
		case time.Now().After(end):
			p.t.Fatalf("%q did not come:\n%s", pattern, strings.Join(seen, "---\n"))
		}
	}
}

// masks are for what differs from run to run.
var masks = []struct{ pattern, by string }{
	{`[█░]+`, "BAR"},
	{`_R[12]`, "_R"}, // whichever began first
	{`[0-9.]+ [KM]iB/s`, "RATE"},
	{`[0-9]+ %`, "N %"},
	{`[0-9.]+(/| of )([0-9.]+ MiB\b)\+?`, "N$1$2"},
	{`[0-9,]+/[0-9,]+\+? objects`, "N objects"},
	{`[0-9.]+ [KM]iB safe`, "N safe"},
	{`ETA [0-9ms]+`, "ETA T"},
	{` in [0-9.]+ m?s\b`, " in T"},
	{`[0-9]+ parts? in flight`, "N in flight"},
	{`[0-9,.]+ objects/s`, "N objects/s"},
	{`(?m)^ +[0-9]+\.filter +.*\n`, ""}, // a small file is shown if the machine is so busy that it takes long
}

// is compares a screen with testdata/NAME.txt.
func is(t *testing.T, name, dir, screen string) {
	t.Helper()
	t.Logf("%s:\n%s", name, screen)
	for _, m := range masks {
		screen = regexp.MustCompile(m.pattern).ReplaceAllString(screen, m.by)
	}
	screen = strings.ReplaceAll(screen, dir, "DIR")
	golden := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(golden, []byte(screen), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != screen {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, screen, want)
	}
}

// world is a store behind a link of so many bytes a second, with a folder to send.
func world(t *testing.T, rate int64, files map[string]int64) (endpoint.Endpoint, string) {
	t.Helper()
	server := s3server.Serve(t, storetest.New(storetest.Buckets("lab")))
	l, err := link.New(strings.TrimPrefix(server.URL, "http://"), rate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	dir, err := os.MkdirTemp("", "haul-") // a socket's name has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, size := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	return endpoint.Endpoint{URL: l.URL(), AccessKey: "key", SecretKey: "secret"}, dir
}

func TestOneBigFile(t *testing.T) {
	for _, columns := range []int{40, 80, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			e, dir := world(t, 5e6, map[string]int64{"NA12878.bam": 40 * mib})
			p := open(t, e, dir, built.Haul(t)+" cp --concurrency 2 NA12878.bam s3://lab/", columns, 12)
			shown := map[int]string{40: `[0-9] %`, 80: `safe.*ETA`, 200: `safe.*ETA.*in flight`}[columns]
			is(t, fmt.Sprintf("big-%d", columns), dir, p.await(shown))
			is(t, fmt.Sprintf("big-%d-done", columns), dir, p.await(`exit code`))
		})
	}
}

// large are two files that take long among 3,000 that do not.
func large() map[string]int64 {
	files := map[string]int64{"run/lane1/试剂盒_R1.fastq.gz": 16 * mib, "run/lane1/试剂盒_R2.fastq.gz": 16 * mib}
	for i := range 3000 {
		files[fmt.Sprintf("run/tiles/%02d/%04d.filter", i%50, i)] = 100
	}
	return files
}

func TestManyFiles(t *testing.T) {
	t.Parallel()
	e, dir := world(t, 3e6, large())
	p := open(t, e, dir, built.Haul(t)+" cp -r --concurrency 4 run s3://lab/run", 100, 12)
	is(t, "many", dir, p.await(`(?s)_R.*_R`))
	is(t, "many-done", dir, p.await(`exit code`))
}

// Lines that were drawn for a wide terminal wrap when it becomes narrow; none of them stays.
func TestResize(t *testing.T) {
	t.Parallel()
	e, dir := world(t, 3e6, large())
	p := open(t, e, dir, built.Haul(t)+" cp -r --concurrency 4 run s3://lab/run", 110, 12)
	p.await(`(?s)_R.*_R`)
	p.tmux("resize-window", "-x", "45", "-y", "12")
	time.Sleep(time.Second)
	is(t, "resized", dir, p.screen())
}

func TestCtrlC(t *testing.T) {
	t.Parallel()
	e, dir := world(t, 3e6, map[string]int64{"NA12878.bam": 60 * mib})
	p := open(t, e, dir, built.Haul(t)+" cp --concurrency 1 NA12878.bam s3://lab/", 100, 12)
	p.await(`safe`)
	p.tmux("send-keys", "C-c")
	is(t, "stopped", dir, p.await(`exit code`))
}

func TestNoTerminal(t *testing.T) {
	t.Parallel()
	e, dir := world(t, 3e6, map[string]int64{"run/NA12878.bam": 20 * mib, "run/NA12878.bam.bai": 1000})
	p := open(t, e, dir, built.Haul(t)+" cp -r --concurrency 1 run s3://lab/run 2>&1 | cat", 100, 12)
	is(t, "piped", dir, p.await(`exit code`))
}
