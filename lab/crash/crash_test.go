package crash_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

const (
	mib   = 1 << 20
	lanes = 3 // parts in flight at most
)

// round is one transfer that is killed, perhaps several times, and finished by the same line.
type round struct {
	size     int64
	partSize int64
	rate     int64 // bytes a second of each connection, until the last run
	kills    int
	exactly  bool // it must not finish before the last kill
	// longest is the time after which a run is killed at the latest.
	longest time.Duration
	seed    uint64
}

// rig is what a round stands on.
type rig struct {
	*testing.T
	round
	random *rand.Rand
	memory *storetest.Memory
	server *s3server.Server
	home   string
	args   []string
	// resent is what the last run moved twice of its own accord, such as a part whose connection it had cut.
	resent int64
	moved  func() int64 // payload bytes that crossed the wire, by the server's count
}

// The servers hold hundreds of MiB each, beside which garbage should be small.
func init() { debug.SetGCPercent(25) }

var object = store.Ref{Bucket: "lab", Key: "runs/reads.fastq"}

// TestUpload and TestDownload kill many transfers, each a few times.
func TestUpload(t *testing.T)   { manyRounds(t, upload) }
func TestDownload(t *testing.T) { manyRounds(t, download) }

// TestUploadInARow and TestDownloadInARow kill one transfer a hundred times in a row.
// One run in five or so gets a part through. A part of an upload counts as soon as the last of it is in the kernel's buffers, which hold
// most of it; so its connections are slower.
func TestUploadInARow(t *testing.T)   { inARow(t, upload, mib*3/2, 800*time.Millisecond) }
func TestDownloadInARow(t *testing.T) { inARow(t, download, 4*mib, 1500*time.Millisecond) }

func manyRounds(t *testing.T, transfer func(*testing.T, round)) {
	seed := seedOf(t)
	for i := range number(t, "CRASH_ROUNDS", 50) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			transfer(t, round{
				size:     (24+r.Int64N(16))*mib + r.Int64N(mib),
				partSize: 5 * mib,
				rate:     (6 + r.Int64N(6)) * mib,
				kills:    1 + r.IntN(3),
				longest:  700 * time.Millisecond, // less than the fastest round takes: 24 MiB at 3 times 11 MiB/s
				seed:     r.Uint64(),
			})
		})
	}
}

func inARow(t *testing.T, transfer func(*testing.T, round), rate int64, longest time.Duration) {
	t.Parallel()
	transfer(t, round{size: 400 * mib, partSize: 5 * mib, rate: rate, kills: 100, longest: longest, exactly: true, seed: seedOf(t)})
}

func upload(t *testing.T, r round) {
	g := newRig(t, r)
	content := storetest.Generated(r.size, r.seed)
	path := filepath.Join(g.home, "data", "reads.fastq")
	writeFile(t, path, content.Section())
	g.args = []string{"cp", path, "s3://lab/runs/"}
	g.moved = func() int64 { return g.server.Counts()[storetest.PutPart].In }
	g.run(func() {
		if g.memory.Exists(object) {
			t.Error("a killed upload shows an object")
		}
	})
	if !sameBytes(content.Section(), bytes.NewReader(g.memory.Bytes(object))) {
		t.Error("the object's bytes are not the file's")
	}
	g.tidy(1)
}

func download(t *testing.T, r round) {
	g := newRig(t, r)
	content := storetest.Generated(r.size, r.seed)
	g.memory.Make(object, content, storetest.Made{Parts: []int64{8 * mib}})
	path := filepath.Join(g.home, "data", "reads.fastq")
	g.args = []string{"cp", object.String(), path}
	g.moved = func() int64 { return g.server.Counts()[storetest.Get].Out }
	g.run(func() {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a download stands under its real name (%v)", err)
		}
	})
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !sameBytes(content.Section(), file) {
		t.Error("the file's bytes are not the object's")
	}
	g.tidy(1)
}

func newRig(t *testing.T, r round) *rig {
	m := storetest.New(storetest.Buckets(object.Bucket))
	g := &rig{T: t, round: r, memory: m, random: rand.New(rand.NewPCG(r.seed, 1)), home: t.TempDir()}
	g.server = s3server.Serve(t, m, s3server.Rate(r.rate))
	if err := os.Mkdir(filepath.Join(g.home, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	return g
}

// run kills the transfer as often as the round says, looks around after each kill, and lets it finish.
func (g *rig) run(look func()) {
	g.args = append(g.args, "--json", "--part-size", strconv.FormatInt(g.partSize, 10), "--concurrency", strconv.Itoa(lanes))
	killed := 0
	for range g.kills {
		if g.once(time.Duration(g.random.Int64N(int64(g.longest)))) {
			break // it was faster
		}
		killed++
		look()
	}
	if killed == 0 {
		g.Error("no run was killed")
	}
	if killed < g.kills && g.exactly {
		g.Errorf("finished after %d kills of %d; make the object larger", killed, g.kills)
	}
	if killed == g.kills {
		g.server.SetRate(0)
		if !g.once(0) {
			g.Fatal("the last run was killed, by somebody else")
		}
	}
	extra, most := g.moved()-g.size, int64(killed)*lanes*g.partSize
	g.Logf("%d bytes, %d kills: %.1f MiB moved twice, %.2f MiB a kill", g.size, killed,
		float64(extra)/mib, float64(extra)/mib/float64(max(killed, 1)))
	// A part that was in flight can still arrive whole, from the kernel's buffers, after the next run has asked for the list of parts.
	if extra < 0 || extra-g.resent > most {
		g.Errorf("%d bytes moved beyond the object's own %d, %d of them in the last run; %d kills with %d parts of %d bytes in flight allow %d",
			extra, g.size, g.resent, killed, lanes, g.partSize, most)
	}
}

// once runs the line, kills it after a while (0 is never), and reports whether it finished.
func (g *rig) once(after time.Duration) bool {
	g.Helper()
	cmd := endpoint.Endpoint{URL: g.server.URL, AccessKey: "key", SecretKey: "secret"}.Command(g.home, built.Haul(g), g.args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		g.Fatal(err)
	}
	kill := make(<-chan time.Time)
	if after > 0 {
		kill = time.After(after)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-kill:
		_ = cmd.Process.Kill()
		err = <-ended
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return false
		}
	}
	end := done(out.Bytes())
	if err != nil || !end.Proof.Verified || !strings.HasPrefix(end.Proof.Text, "full-object CRC64NVME") {
		g.Fatalf("haul %s: %v\n%s", strings.Join(g.args, " "), err, &out)
	}
	g.resent = end.Kept + end.Moved - g.size
	return true
}

// ending is the last event of a run that went well.
type ending struct {
	Event       string
	Kept, Moved int64
	Proof       struct {
		Verified bool
		Text     string
	}
}

// done finds it among all that was printed; it is empty where there is none.
func done(printed []byte) ending {
	for line := range bytes.Lines(printed) {
		var e ending
		if json.Unmarshal(line, &e) == nil && e.Event == "done" {
			return e
		}
	}
	return ending{}
}

// tidy checks that nothing is left but the files that should be there.
func (g *rig) tidy(files int) {
	for _, u := range g.memory.OpenUploads() {
		// A run that is killed while it opens an upload leaves an empty one that nobody knows of: see doc/SEMANTICS.md.
		if len(u.Parts) > 0 {
			g.Errorf("an upload is left open, with %d parts", len(u.Parts))
		}
	}
	var found []string
	for _, dir := range []string{filepath.Join(g.home, "data"), endpoint.StateDir(g.home)} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			g.Error(err)
		}
	}
	if len(found) != files {
		g.Errorf("files are left behind: %q", found)
	}
}

func writeFile(t *testing.T, path string, content io.Reader) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func sameBytes(want, got io.Reader) bool {
	a, b := make([]byte, mib), make([]byte, mib)
	for {
		n, errA := io.ReadFull(want, a)
		m, errB := io.ReadFull(got, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return errA == errB && (errA == io.EOF || errA == io.ErrUnexpectedEOF)
		}
	}
}

// seedOf gives the seed of the run, CRASH_SEED if it is set, and prints it.
func seedOf(t *testing.T) uint64 {
	seed := uint64(number(t, "CRASH_SEED", int(time.Now().UnixNano()&0xffffffff)))
	t.Logf("CRASH_SEED=%d", seed)
	return seed
}

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
