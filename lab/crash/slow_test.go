package crash_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haul/lab/built"
	"haul/lab/endpoint"
	"haul/lab/link"
	"haul/store/storetest"
)

// slowRow is a transfer over a slow link that is stopped again and again, and begun again by the same command.
type slowRow struct {
	name   string
	rate   int64 // of the link, bytes a second
	size   int64
	every  time.Duration
	signal syscall.Signal
	up     bool
	args   []string
	most   float64 // bytes on the wire, as a share of the size
}

// TestSlowLink: what an interruption loses is bounded on slow links, too. Runs mostly wait, so all go side by side.
func TestSlowLink(t *testing.T) {
	const mb = 1e6
	for _, r := range []slowRow{
		{name: "up 10 MB/s", rate: 10 * mb, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, up: true, most: 1.4},
		{name: "down 10 MB/s", rate: 10 * mb, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, most: 1.4},
		{name: "up 1 MB/s", rate: 1 * mb, size: 60 * mib, every: 30 * time.Second, signal: syscall.SIGTERM, up: true, most: 1.5},
		{name: "down 1 MB/s", rate: 1 * mb, size: 60 * mib, every: 30 * time.Second, signal: syscall.SIGTERM, most: 1.5},
		{name: "up 10 MB/s of a limit", rate: 1000 * mb, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, up: true,
			args: []string{"--bandwidth", "10MB"}, most: 1.4},
		// A kill costs what is in flight: three seconds of the link, and one part.
		{name: "up 10 MB/s killed", rate: 10 * mb, size: 300 * mib, every: 12 * time.Second, signal: syscall.SIGKILL, up: true, most: 1.6},
		{name: "down 10 MB/s killed", rate: 10 * mb, size: 300 * mib, every: 12 * time.Second, signal: syscall.SIGKILL, most: 1.3},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.test(t)
		})
	}
}

func (r slowRow) test(t *testing.T) {
	m := storetest.New(storetest.Buckets(object.Bucket))
	server := storetest.Serve(t, m)
	l, err := link.New(strings.TrimPrefix(server.URL, "http://"), r.rate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	home := t.TempDir()
	content := storetest.Generated(r.size, 1)
	path := filepath.Join(home, "reads.fastq")
	args, flow := []string{"cp", object.String(), path}, &l.Down
	if r.up {
		writeFile(t, path, content.Section())
		args, flow = []string{"cp", path, object.String()}, &l.Up
	} else {
		m.Make(object, content, storetest.Made{Parts: []int64{8 * mib}})
	}
	args = append(args, r.args...)
	at := endpoint.Endpoint{URL: l.URL(), AccessKey: "key", SecretKey: "secret"}
	for n := 1; ; n++ {
		before := flow.Bytes()
		cmd := at.Command(home, built.Haul(t), args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var err error
		select {
		case err = <-ended:
		case <-time.After(r.every):
			_ = cmd.Process.Signal(r.signal)
			err = <-ended
		}
		t.Logf("run %d: %.1f MiB on the wire: %v\n%s", n, float64(flow.Bytes()-before)/mib, err, &out)
		if strings.Contains(out.String(), "much slower than the others") {
			t.Error("a connection was cut on a link with no byte to spare")
		}
		if err == nil {
			break
		}
		if n > 20 {
			t.Fatalf("not done after %d runs", n)
		}
	}
	ratio := float64(flow.Bytes()) / float64(r.size)
	t.Logf("%s: %.2f times the size crossed the wire", r.name, ratio)
	if ratio > r.most {
		t.Errorf("that is more than %.2f times", r.most)
	}
	if r.up {
		if !sameBytes(content.Section(), bytes.NewReader(m.Bytes(object))) {
			t.Error("the object's bytes are not the file's")
		}
		return
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !sameBytes(content.Section(), file) {
		t.Error("the file's bytes are not the object's")
	}
}
