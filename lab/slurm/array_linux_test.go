package slurm_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
	"haul.example/haul/lab/slurm"
)

const (
	mib    = 1 << 20
	shards = 8
	files  = 200
	atEnd  = 2 // a manifest and a marker
	// killed and requeued are the shards whose tasks meet with an accident. They are slow until then.
	killed, requeued = 2, 5
)

// yard is what the test works with.
type yard struct {
	*testing.T
	cluster *slurm.Cluster
	server  *servers.Server
	bucket  string
	dir     string
}

// TestArray moves 200 files and a big one by an array of eight tasks on a real Slurm with three nodes. One task is killed, one is
// queued again, both in the middle; what is missing is named and done again, and then all is proved and nothing is left.
func TestArray(t *testing.T) {
	y := &yard{T: t, cluster: slurm.Start(t), server: servers.Start(t, servers.Versitygw, false), dir: t.TempDir()}
	y.bucket = y.server.Bucket(t)
	size := 256 * mib
	if os.Getenv("HAUL_BIG") != "" {
		size = 2048 * mib
	}
	y.write(size)
	plan := filepath.Join(y.dir, "plan")
	target := "s3://" + y.bucket + "/in"
	y.haul(0, "array", "plan", "--shards", fmt.Sprint(shards), "--cut", fmt.Sprint(size/4), filepath.Join(y.dir, "in"), target, "-o", plan)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()

	said := y.haul(0, "array", "submit", "--slurm", "--haul", y.wrapper(), plan)
	var job, last string
	if _, err := fmt.Sscanf(said, "submitted the array as job %s and the finish job as job %s", &job, &last); err != nil {
		t.Fatalf("%q: %v", said, err)
	}
	job = strings.TrimSuffix(job, ",")
	y.midway(ctx, plan, killed)
	y.kill(plan, killed)
	y.midway(ctx, plan, requeued)
	y.slurm("scontrol", "requeue", fmt.Sprintf("%s_%d", job, requeued))
	slurm.Await(ctx, t, "the finish job", func() bool {
		_, err := os.Stat(filepath.Join(plan, "finish.json"))
		return err == nil
	})

	said = y.haul(1, "array", "finish", plan)
	marker := "in/CopyComplete.txt"
	if _, err := y.server.Client().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &y.bucket, Key: &marker}); err == nil {
		t.Error("the marker is there before the rest")
	}
	for _, want := range []string{fmt.Sprintf("shard %d: no results: process ", killed), fmt.Sprintf("shards to run again: %d\n", killed)} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	said = y.haul(0, "array", "submit", "--slurm", "--wait", "--only", fmt.Sprint(killed), plan)
	if !strings.Contains(said, fmt.Sprintf("finished %d objects", files+1+atEnd)) {
		t.Errorf("it says:\n%s", said)
	}
	y.check(plan, target)
	y.figures(plan)
}

// write makes the files: of a few KiB to some MiB, and the big one.
func (y *yard) write(size int) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := rand.NewChaCha8([32]byte{1})
	in := filepath.Join(y.dir, "in")
	if err := os.Mkdir(in, 0o777); err != nil {
		y.Fatal(err)
	}
	make := func(name string, size int) {
		f, err := os.Create(filepath.Join(in, name))
		if err != nil {
			y.Fatal(err)
		}
		buf := make([]byte, mib)
		for size > 0 {
			n := min(size, len(buf))
			_, _ = noise.Read(buf[:n])
			if _, err := f.Write(buf[:n]); err != nil {
				y.Fatal(err)
			}
			size -= n
		}
		if err := f.Close(); err != nil {
			y.Fatal(err)
		}
	}
	for i := range files {
		size := 1<<(10+r.IntN(11)) + r.IntN(1024)
		if i < shards { // one for each shard, in parts, so that the one that is killed leaves an upload
			size = 20 * mib
		}
		make(fmt.Sprintf("f%03d.txt", i), size)
	}
	make("big.bam", size)
	make("md5sum.txt", 1<<10)
	make("CopyComplete.txt", 0)
}

// wrapper is a program that is haul, but slow in the first try of the tasks that meet with an accident.
func (y *yard) wrapper() string {
	path := filepath.Join(y.dir, "haul")
	script := fmt.Sprintf(`#!/bin/sh
if [ "$2" = work ] && { [ "$SLURM_ARRAY_TASK_ID" = %d ] || [ "$SLURM_ARRAY_TASK_ID" = %d ]; } && mkdir "%s/slow-$SLURM_ARRAY_TASK_ID" 2>/dev/null; then
	exec %s "$@" --bandwidth 1MiB --concurrency 2
fi
exec %[4]s "$@"
`, killed, requeued, y.dir, built.Haul(y))
	if err := os.WriteFile(path, []byte(script), 0o777); err != nil {
		y.Fatal(err)
	}
	return path
}

// env is what haul, and so its tasks, find the store and the cluster by.
func (y *yard) env() []string { return append(y.cluster.Env(), y.server.Env(y.dir)...) }

// haul runs haul, and gives all that it says.
func (y *yard) haul(code int, args ...string) string {
	y.Helper()
	cmd := exec.Command(built.Haul(y), args...)
	cmd.Env = y.env()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		y.Fatalf("haul %s: %v, want exit code %d\n%s%s", strings.Join(args, " "), err, code, out, y.logs())
	}
	y.Logf("haul %s\n%s", strings.Join(args[:2], " "), out)
	return string(out)
}

func (y *yard) slurm(program string, args ...string) {
	y.Helper()
	if out, err := y.cluster.Command(program, args...).CombinedOutput(); err != nil {
		y.Fatalf("%s %v: %v\n%s%s", program, args, err, out, y.logs())
	}
}

// logs are what the tasks said.
func (y *yard) logs() string {
	var b bytes.Buffer
	names, _ := filepath.Glob(filepath.Join(y.dir, "plan", "logs", "*"))
	for _, name := range names {
		text, _ := os.ReadFile(name)
		fmt.Fprintf(&b, "\n%s:\n%s", filepath.Base(name), text)
	}
	return b.String()
}

// midway waits until a shard has stored one of its objects, and so is in the middle of the others.
func (y *yard) midway(ctx context.Context, plan string, shard int) {
	y.Helper()
	text, err := os.ReadFile(filepath.Join(plan, "shards", fmt.Sprintf("%05d.jsonl", shard)))
	if err != nil {
		y.Fatal(err)
	}
	var keys []string
	for line := range bytes.Lines(text) {
		var task struct{ Source string }
		if err := json.Unmarshal(line, &task); err != nil {
			y.Fatal(err)
		}
		if task.Source != "" {
			keys = append(keys, "in/"+task.Source)
		}
	}
	client := y.server.Client()
	slurm.Await(ctx, y, fmt.Sprintf("shard %d to be midway", shard), func() bool {
		for _, key := range keys {
			if _, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &y.bucket, Key: &key}); err == nil {
				return true
			}
		}
		return false
	})
}

// kill kills the process that does a shard.
func (y *yard) kill(plan string, shard int) {
	y.Helper()
	var progress struct{ PID int }
	text, err := os.ReadFile(filepath.Join(plan, "progress", fmt.Sprintf("%05d.json", shard)))
	if err == nil {
		err = json.Unmarshal(text, &progress)
	}
	if err == nil {
		err = syscall.Kill(progress.PID, syscall.SIGKILL)
	}
	if err != nil {
		y.Fatal(err)
	}
	y.Logf("killed process %d; the store has open uploads of %v", progress.PID, y.server.OpenUploads(y, y.bucket))
}

// check proves that all is there and nothing else.
func (y *yard) check(plan, target string) {
	y.Helper()
	client := y.server.Client()
	open, err := client.ListMultipartUploads(y.Context(), &s3.ListMultipartUploadsInput{Bucket: &y.bucket})
	if err != nil {
		y.Fatal(err)
	}
	for _, u := range open.Uploads {
		y.Errorf("an upload of %s is left open", *u.Key)
	}
	if said := y.haul(0, "sync", "--checksum", "--dryrun", filepath.Join(y.dir, "in"), target); !strings.Contains(said, "would copy 0 objects") {
		y.Errorf("the store has not what the folder has:\n%s", said)
	}
	receipt, err := os.ReadFile(filepath.Join(plan, "receipt.jsonl"))
	if n := bytes.Count(receipt, []byte(`"proved":true`)); err != nil || n != files+1+atEnd {
		y.Errorf("%d objects are proved in the receipt, %v", n, err)
	}
}

// figures prints the balance of the shards.
func (y *yard) figures(plan string) {
	var header struct {
		Shards []struct {
			Objects, Ranges int
			Bytes           int64
		}
	}
	text, err := os.ReadFile(filepath.Join(plan, "plan.json"))
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		y.Fatal(err)
	}
	y.Logf("%5s %7s %6s %10s %7s %5s %s", "shard", "objects", "ranges", "MiB", "seconds", "runs", "node")
	for i, s := range header.Shards {
		f, err := os.Open(filepath.Join(plan, "results", fmt.Sprintf("%05d.jsonl", i)))
		if err != nil {
			y.Fatal(err)
		}
		var result struct {
			Ended struct {
				Seconds float64
				Runs    int
				Host    string
			}
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64*mib)
		for lines.Scan() {
			if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
				y.Fatal(err)
			}
		}
		_ = f.Close()
		e := result.Ended
		y.Logf("%5d %7d %6d %10.1f %7.2f %5d %s", i, s.Objects, s.Ranges, float64(s.Bytes)/mib, e.Seconds, e.Runs, e.Host)
	}
}
