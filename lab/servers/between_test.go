package servers_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/link"
	"haul.example/haul/lab/servers"
)

// TestBetweenStores copies a tree from each server to the next one, or to each other one where HAUL_BIG is set: all of it arrives and is verified by both ends, a second run
// moves nothing, a change moves alone, and what was moved is gone. A large object is copied through a slow link by two runs that are killed;
// the last one finishes it, and nothing is written to a temporary folder.
func TestBetweenStores(t *testing.T) {
	kinds := servers.Kinds()
	for i, from := range kinds {
		for j, to := range kinds {
			if from == to || j != (i+1)%len(kinds) && os.Getenv("HAUL_BIG") == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				t.Parallel()
				source, target := servers.Start(t, from, false), servers.Start(t, to, false)
				p := &pairOfStores{
					verbs:  verbs{T: t, s: target, program: built.Haul(t), home: t.TempDir(), bucket: target.Bucket(t)},
					source: &verbs{T: t, s: source, program: built.Haul(t), home: t.TempDir(), bucket: source.Bucket(t)},
				}
				p.trees()
				p.killed()
			})
		}
	}
}

// pairOfStores are two stores, of which the target is that of its verbs.
type pairOfStores struct {
	verbs
	source *verbs
}

// from runs a line whose source is in the other store: from/ stands for its bucket, and b for the target's.
func (p *pairOfStores) from(code int, line string) string {
	p.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.ReplaceAll(rest, "from/", "s3://"+p.source.bucket+"/")
	return p.haul(code, verb+" --source-endpoint-url "+p.source.s.URL+" "+rest)
}

func (p *pairOfStores) trees() {
	count := 120
	if os.Getenv("HAUL_BIG") != "" {
		count = 2000
	}
	dir := filepath.Join(p.home, "run")
	for i := range count {
		p.write(filepath.Join(dir, fmt.Sprintf("d%d", i%7), fmt.Sprintf("ü %04d.txt", i)), bytes.Repeat([]byte{byte(i)}, i*13))
	}
	p.write(filepath.Join(dir, "large"), bytes.Repeat([]byte("0123456789abcdef"), 11<<16))
	p.has(p.source.haul(0, "sync --part-size 5M "+dir+" s3://b/run"), "all verified")
	p.has(p.from(0, "sync from/run s3://b/run"), "all verified")
	p.haul(0, "verify "+dir+" s3://b/run")
	p.has(p.from(0, "sync from/run s3://b/run"), "copied 0 objects")
	time.Sleep(time.Second + time.Second/100) // objects have times of whole seconds
	p.write(filepath.Join(dir, "d0", "new"), []byte("new"))
	p.has(p.source.haul(0, "cp "+filepath.Join(dir, "d0", "new")+" s3://b/run/d0/new"), "verified")
	p.has(p.from(0, "sync --checksum from/run s3://b/run"), "copied 1 object")
	p.has(p.from(0, "mv -r from/run/d1 s3://b/moved"), "all verified")
	p.haul(0, "verify "+filepath.Join(dir, "d1")+" s3://b/moved")
	if p.source.s.Kind != servers.SeaweedFS { // it lists a folder for a while after its last object went
		p.source.haul(3, "ls s3://b/run/d1/")
	}
}

func (p *pairOfStores) killed() {
	const size = 40 * (4 << 20)
	path := filepath.Join(p.home, "x.bam")
	content := bytes.Repeat([]byte("one line of a file that is large enough\n"), size/40)
	p.write(path, content)
	p.source.haul(0, "cp "+path+" s3://b/x.bam")
	l, err := link.New(strings.TrimPrefix(p.s.URL, "http://"), 24e6)
	if err != nil {
		p.Fatal(err)
	}
	defer l.Close()
	slow := p.s.Endpoint
	slow.URL = l.URL()
	temp := filepath.Join(p.home, "no such folder")
	args := []string{"cp", "--json", "--concurrency", "2", "--source-endpoint-url", p.source.s.URL, "s3://" + p.source.bucket + "/x.bam", "s3://" + p.bucket + "/x.bam"}
	start := func() (*exec.Cmd, *bufio.Scanner) {
		cmd := slow.Command(p.home, p.program, args...)
		cmd.Env = append(cmd.Env, "TMPDIR="+temp)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			p.Fatal(err)
		}
		return cmd, bufio.NewScanner(out)
	}
	var safe, kept int64
	for range 2 {
		cmd, lines := start()
		for before := safe; lines.Scan() && safe < before+size/8; {
			safe = max(safe, number(lines.Text(), "safe"))
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	cmd, lines := start()
	var last string
	for lines.Scan() {
		last = lines.Text()
		kept = max(kept, number(last, "kept"))
	}
	if err := cmd.Wait(); err != nil {
		p.Fatalf("%v\n%s", err, last)
	}
	p.has(last, `"verified":true`)
	p.haul(0, "verify "+path+" s3://b/x.bam")
	if kept < safe || safe == 0 {
		p.Errorf("%d bytes were safe, and %d were kept", safe, kept)
	}
	p.Logf("two runs were killed; the last one kept %d of %d bytes", kept, size)
}

// number returns the whole number that a line of JSON has under that name; 0 if there is none.
func number(line, name string) int64 {
	_, rest, _ := strings.Cut(line, `"`+name+`":`)
	n, _ := strconv.ParseInt(rest[:strings.IndexFunc(rest+"x", func(r rune) bool { return r < '0' || r > '9' })], 10, 64)
	return n
}
