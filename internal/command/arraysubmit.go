package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/ui"
)

const (
	workScript   = "slurm-work.sh"
	finishScript = "slurm-finish.sh"
)

// SubmitRequest submits a plan to a scheduler.
type SubmitRequest struct {
	Plan      Location
	Scheduler Scheduler
	// Job has what the scheduler's job consists of, without its Plan, Program, Only and Logs.
	Job array.Job
	// Only names the shards to submit, such as 3,7-9; "" is all.
	Only string
	// Program is the path of haul in the tasks; "" is this program in Slurm, and haul in containers.
	Program string
	Print   bool // print what would be submitted
	Wait    bool // wait for the end; only for Slurm
}

// Scheduler names a scheduler.
type Scheduler string

// The schedulers. Jobs for Batch and Kubernetes are only printed.
const (
	Slurm      Scheduler = "slurm"
	Batch      Scheduler = "batch"
	Kubernetes Scheduler = "k8s"
)

// parseShards reads a list of shards such as 3,7-9.
func parseShards(text string, shards int) ([]int, error) {
	var all []int
	for word := range strings.SplitSeq(text, ",") {
		a, b, isRange := strings.Cut(word, "-")
		first, err := strconv.Atoi(a)
		last := first
		if isRange && err == nil {
			last, err = strconv.Atoi(b)
		}
		if err != nil || last < first || first < 0 || last >= shards {
			return nil, Usagef("--only: %q is not a list of shards; they are numbered 0 to %d", word, shards-1)
		}
		for ; first <= last; first++ {
			all = append(all, first)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// SubmitArray runs r.
func (s *Session) SubmitArray(ctx context.Context, r SubmitRequest) (err error) {
	b, err := s.openArray(ctx, r.Plan, haul.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	h, err := array.Read(ctx, b.client, b.plan)
	if err != nil {
		return err
	}
	r.Job.Plan = planWord(r.Plan.Text)
	if r.Only != "" {
		if r.Job.Only, err = parseShards(r.Only, len(h.Shards)); err != nil {
			return err
		}
	}
	r.Job.Program = append([]string{"haul"}, s.Connection.words()...)
	if r.Scheduler == Slurm {
		if r.Job.Program[0], err = os.Executable(); err != nil {
			return err
		}
	}
	if r.Program != "" {
		r.Job.Program[0] = r.Program
	}
	if r.Scheduler == Slurm {
		return s.submitSlurm(ctx, b, h, r)
	}
	print := array.Batch
	if r.Scheduler == Kubernetes {
		print = array.Kubernetes
	}
	text, err := print(h, r.Job)
	if err != nil {
		return err
	}
	return s.print(string(text))
}

// print prints a document as it is.
func (s *Session) print(text string) error {
	if s.JSON || s.Quiet {
		return Usagef("--print prints a document; it cannot be used with --json or --quiet")
	}
	for line := range strings.Lines(text) {
		s.Screen().Result(strings.TrimSuffix(line, "\n"))
	}
	return nil
}

// submitSlurm submits both jobs, and waits for the end if asked to.
func (s *Session) submitSlurm(ctx context.Context, b *arrayEnv, h array.Header, r SubmitRequest) error {
	folder := !strings.HasPrefix(r.Job.Plan, Scheme)
	if folder {
		r.Job.Logs = filepath.Join(r.Job.Plan, "logs")
	}
	work, finish, err := array.Slurm(h, r.Job)
	if err != nil {
		return err
	}
	if r.Print {
		return s.print(work + "\n" + finish)
	}
	screen := s.Screen()
	if len(h.Shards) > array.MaxSlurmArray {
		screen.Note(fmt.Sprintf("Slurm accepts arrays of fewer than MaxArraySize tasks, by default %d; this plan has %d shards", array.MaxSlurmArray, len(h.Shards)))
	}
	if folder {
		err := errors.Join(os.MkdirAll(r.Job.Logs, 0o777),
			os.WriteFile(filepath.Join(r.Job.Plan, workScript), []byte(work), 0o777),
			os.WriteFile(filepath.Join(r.Job.Plan, finishScript), []byte(finish), 0o777))
		if err != nil {
			return fmt.Errorf("write the scripts: %w", err)
		}
	}
	if err := array.Forget(ctx, b.plan, h); err != nil {
		return err
	}
	id, err := sbatch(ctx, work, "--parsable")
	if err != nil {
		return err
	}
	id, _, _ = strings.Cut(id, ";") // of federated clusters, the cluster's name follows
	after := "--dependency=afterany:" + id
	if !r.Wait {
		last, err := sbatch(ctx, finish, "--parsable", after)
		if err != nil {
			return fmt.Errorf("the array is submitted as job %s, but: %w; when the array has ended, run: %s", id, err, s.arrayLine("finish", r.Job.Plan))
		}
		s.result(fmt.Sprintf("submitted the array as job %s, and the finish job as job %s", id, last))
		return nil
	}
	s.result(fmt.Sprintf("submitted the array as job %s, with a finish job after it", id))
	return s.await(ctx, b, h, r.Job, func(ctx context.Context) error {
		_, err := sbatch(ctx, finish, "--wait", after)
		return err
	})
}

// sbatch submits a script, and returns what sbatch prints.
func sbatch(ctx context.Context, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "sbatch", args...)
	cmd.Stdin = strings.NewReader(script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", &MissingError{"sbatch is not in PATH; run this on a machine of the Slurm cluster"}
	}
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("sbatch: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// watchEvery is how often the progress of all shards is looked at.
const watchEvery = 5 * time.Second

// await waits for the end of the finish job, and shows the progress of all shards until then.
func (s *Session) await(ctx context.Context, b *arrayEnv, h array.Header, job array.Job, wait func(context.Context) error) error {
	screen := s.Screen()
	began := time.Now()
	var mu sync.Mutex
	now := haul.Progress{Total: h.Bytes}
	look := func() {
		p, err := array.Watch(ctx, b.plan, h)
		mu.Lock()
		defer mu.Unlock()
		if err == nil { // the next look may succeed
			now.Done, now.Moved = p.Bytes, p.Bytes
		}
		now.Elapsed = time.Since(began)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				look()
			}
		}
	})
	task := ui.Task{Verb: string(h.Way), Source: h.From.String(), Target: h.To.String(), Name: planName(job.Plan)}
	ended := screen.During(task, ui.Look(func() haul.Progress {
		mu.Lock()
		defer mu.Unlock()
		return now
	}), func() error { return wait(ctx) })
	close(stop)
	wg.Wait()
	if ctx.Err() != nil {
		screen.Note("the jobs keep running; to cancel them: scancel")
		return context.Cause(ctx)
	}
	v, err := array.ReadVerdict(ctx, b.plan, h)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("the finish job ended without a verdict; its log is in %s", cmp.Or(job.Logs, "slurm-*.out")), ended)
	}
	if err != nil {
		return err
	}
	if err := s.verdict(v, job.Plan); err != nil {
		return err
	}
	s.result(verdictText(v, b.plan))
	return nil
}

func trimSlash(text string) string { return strings.TrimSuffix(text, "/") }
