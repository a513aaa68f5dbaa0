package crash_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/link"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// slowRow is a transfer over a slow link that is stopped again and again, and begun again by the same command.
type slowRow struct {
	name   string
	rate   int64 // of the link, bytes a second
	fast   bool  // it is not the link that bounds it
	size   int64
	every  time.Duration
	signal syscall.Signal
	up     bool
	args   []string
	most   float64 // bytes on the wire, as a share of the size
}

// TestSlowLink: what an interruption loses is bounded on slow links, too. Four go side by side: more of them, with servers under the race
// detector, would measure the machine and not the link.
func TestSlowLink(t *testing.T) {
	const mb = 1e6
	room := make(chan struct{}, 4)
	for _, r := range []slowRow{
		{name: "up 10 MB/s", rate: 10 * mb, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, up: true, most: 1.4},
		{name: "down 10 MB/s", rate: 10 * mb, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, most: 1.4},
		{name: "up 1 MB/s", rate: 1 * mb, size: 60 * mib, every: 30 * time.Second, signal: syscall.SIGTERM, up: true, most: 1.5},
		{name: "down 1 MB/s", rate: 1 * mb, size: 60 * mib, every: 30 * time.Second, signal: syscall.SIGTERM, most: 1.5},
		{name: "up 10 MB/s of a limit", rate: 10 * mb, fast: true, size: 300 * mib, every: 6 * time.Second, signal: syscall.SIGINT, up: true,
			args: []string{"--bandwidth", "10MB"}, most: 1.4},
		// A kill costs what is in flight: three seconds of the link, and one part.
		{name: "up 10 MB/s killed", rate: 10 * mb, size: 300 * mib, every: 12 * time.Second, signal: syscall.SIGKILL, up: true, most: 1.6},
		{name: "down 10 MB/s killed", rate: 10 * mb, size: 300 * mib, every: 12 * time.Second, signal: syscall.SIGKILL, most: 1.3},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			room <- struct{}{}
			defer func() { <-room }()
			r.test(t)
		})
	}
}

func (r slowRow) test(t *testing.T) {
	m := storetest.New(storetest.Buckets(object.Bucket))
	server := s3server.Serve(t, m)
	rate := r.rate
	if r.fast {
		rate = 1000 * r.rate
	}
	l, err := link.New(strings.TrimPrefix(server.URL, "http://"), rate)
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
	args = append(append(args, "--verbose"), r.args...) // it names each retry
	at := endpoint.Endpoint{URL: l.URL(), AccessKey: "key", SecretKey: "secret"}
	stops := 0
	for ; ; stops++ {
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
		t.Logf("run %d: %.1f MiB on the wire: %v\n%s", stops+1, float64(flow.Bytes()-before)/mib, err, &out)
		if err == nil {
			break
		}
		if stops > 40 {
			t.Fatalf("not done after %d stops", stops)
		}
	}
	ratio := float64(flow.Bytes()) / float64(r.size)
	t.Logf("%s: %.2f times the size crossed the wire", r.name, ratio)
	// On a busy machine it takes more stops, of which each may cost what it costs: a second of the link, before that is known, and a part;
	// of a kill, what is in flight.
	each := float64(r.rate + 8*mib)
	if r.signal == syscall.SIGKILL {
		each = float64(4*r.rate + 8*mib)
	}
	if most := max(r.most, 1+float64(stops)*each/float64(r.size)); ratio > most {
		t.Errorf("after %d stops that is more than %.2f times", stops, most)
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
