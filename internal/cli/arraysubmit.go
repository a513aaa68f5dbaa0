package cli

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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/ui"
)

const arraySubmitLong = `haul array submit submits a plan to a scheduler.

  haul array submit --slurm [flags] PLAN [-- SBATCH OPTIONS]
      submits an array with one task per shard, and a job that runs haul array finish when the array has ended, whether or not
      it succeeded. Everything after --, and after --sbatch, is passed to sbatch unchanged, for both jobs. --wait waits for the
      end, shows the progress of the whole, and exits as haul array finish did. --print only prints both scripts.
  haul array submit --batch --print --image IMAGE --queue QUEUE s3://BUCKET/PLAN
      prints the inputs of AWS Batch's RegisterJobDefinition and SubmitJob, as JSON
  haul array submit --k8s --print --image IMAGE s3://BUCKET/PLAN
      prints an Indexed Job and a suspended finish job for kubectl, as JSON

Its output contains no credentials: tasks find theirs as haul always does. By default sbatch passes the environment on.`

const (
	workScript   = "slurm-work.sh"
	finishScript = "slurm-finish.sh"
)

// arraySubmitFlags are those of haul array submit, as typed.
type arraySubmitFlags struct {
	slurm, batch, k8s, print, wait bool
	only, program                  string
	sbatch                         []string
	pass                           map[string]*string
	job                            array.Job
	memory                         sizeFlag
}

// passed are the options of sbatch that have a flag of their own.
var passed = [][2]string{
	{"partition", "`NAME` of the partition"}, {"time", "`LIMIT` of each task, such as 2:00:00"}, {"account", "`NAME` to charge"},
	{"qos", "`NAME` of the quality of service"}, {"mem", "`SIZE` of memory of each task, in sbatch's words, such as 2G"},
	{"cpus-per-task", "`N` cores for each task"},
}

func (f *arraySubmitFlags) flags() []*pflag.FlagSet {
	fs := pflag.NewFlagSet("Submit", pflag.ContinueOnError)
	fs.BoolVar(&f.slurm, "slurm", false, "to Slurm, by sbatch")
	fs.BoolVar(&f.batch, "batch", false, "for AWS Batch")
	fs.BoolVar(&f.k8s, "k8s", false, "for Kubernetes")
	fs.BoolVar(&f.print, "print", false, "only print what would be submitted")
	fs.StringVar(&f.job.Name, "job-name", "haul", "`NAME` of the job")
	fs.StringVar(&f.only, "only", "", "only these shards, as `LIST` such as 3,7-9")
	fs.IntVar(&f.job.AtOnce, "at-once", 0, "at most `N` tasks at the same time (default: as many as the scheduler can run)")
	fs.StringVar(&f.program, "haul", "", "`PATH` of haul in the tasks (default: this program with Slurm, haul in containers)")
	sl := pflag.NewFlagSet("Slurm", pflag.ContinueOnError)
	sl.BoolVar(&f.wait, "wait", false, "wait for the end, and show the progress of the whole")
	f.pass = map[string]*string{}
	for _, p := range passed {
		f.pass[p[0]] = sl.String(p[0], "", p[1]+", passed to sbatch")
	}
	sl.StringArrayVar(&f.sbatch, "sbatch", nil, "any `OPTION` of sbatch, such as --sbatch=--exclusive; may be repeated")
	c := pflag.NewFlagSet("Containers", pflag.ContinueOnError)
	c.StringVar(&f.job.Image, "image", "", "`IMAGE` with haul in it")
	c.IntVar(&f.job.CPUs, "cpus", 2, "`N` cores for each task")
	c.Var(&f.memory, "memory", "`SIZE` of memory for each task (default 1GiB)")
	c.StringVar(&f.job.Queue, "queue", "", "`NAME` of the AWS Batch job queue")
	c.StringVar(&f.job.Role, "job-role", "", "`ARN` of the AWS Batch job role")
	c.StringVar(&f.job.Namespace, "namespace", "", "`NAME` of the Kubernetes namespace")
	c.StringVar(&f.job.Account, "service-account", "", "`NAME` of the Kubernetes service account")
	return []*pflag.FlagSet{fs, sl, c}
}

func (a *app) arraySubmit() *cobra.Command {
	var f arraySubmitFlags
	cmd := &cobra.Command{
		Use:     "submit --slurm|--batch|--k8s [flags] PLAN [-- SBATCH OPTIONS]",
		Short:   "Submit a plan to Slurm, or print jobs for AWS Batch or Kubernetes",
		Long:    arraySubmitLong,
		Example: "  haul array submit --slurm --wait --partition short plan\n  haul array submit --slurm plan -- --exclusive --mem=4G\n  haul array submit --k8s --print --image registry.example.org/haul:1 s3://lab/plan | kubectl apply -f -",
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				args = args[:at]
			}
			return onePlan(cmd, args)
		},
	}
	a.command(cmd, f.flags(), func(ctx context.Context, args []string) error {
		if err := f.parse(cmd.Flags(), args); err != nil {
			return err
		}
		return a.runArraySubmit(ctx, &f)
	})
	return cmd
}

// parse understands the line.
func (f *arraySubmitFlags) parse(set *pflag.FlagSet, args []string) error {
	f.job.Plan = planWord(args[0])
	slurm := []string{"wait", "sbatch"}
	for _, p := range passed {
		slurm = append(slurm, p[0])
		if set.Changed(p[0]) {
			f.job.Options = append(f.job.Options, "--"+p[0]+"="+*f.pass[p[0]])
		}
	}
	f.job.Options = append(append(f.job.Options, f.sbatch...), args[1:]...)
	chosen := 0
	for _, is := range []bool{f.slurm, f.batch, f.k8s} {
		if is {
			chosen++
		}
	}
	containers := []string{"image", "cpus", "memory", "queue", "job-role", "namespace", "service-account"}
	switch {
	case chosen != 1:
		return usagef("the scheduler is missing: --slurm, --batch or --k8s")
	case set.Changed("at-once") && f.job.AtOnce < 1:
		return usagef("--at-once: it must be at least 1")
	case f.slurm && f.print && f.wait:
		return usagef("--print submits nothing to wait for")
	case f.slurm:
		return idleFor(set, "--slurm", containers...)
	case len(args) > 1:
		return usagef("options after -- are passed to sbatch, and need --slurm")
	case !f.print:
		return usagef("haul does not call AWS Batch or Kubernetes itself: --print prints what they take")
	case f.job.Image == "":
		return usagef("--image IMAGE is missing: a container image with haul in it")
	case !strings.HasPrefix(f.job.Plan, scheme):
		return usagef("containers see no folder of this machine: make the plan below an s3:// prefix")
	case f.job.CPUs < 1:
		return usagef("--cpus: it must be at least 1")
	}
	f.job.MemoryMiB = max(int(f.memory>>20), 1)
	if f.memory == 0 {
		f.job.MemoryMiB = 1024
	}
	if f.k8s {
		return idleFor(set, "--k8s", append(slurm, "queue", "job-role", "only")...)
	}
	if f.job.Queue == "" {
		return usagef("--queue NAME is missing: the job queue")
	}
	return idleFor(set, "--batch", append(slurm, "namespace", "service-account", "at-once")...)
}

// idleFor refuses flags that have no meaning with another.
func idleFor(set *pflag.FlagSet, with string, names ...string) error {
	for _, name := range names {
		if set.Changed(name) {
			return usagef("--%s cannot be used with %s", name, with)
		}
	}
	return nil
}

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
			return nil, usagef("--only: %q names no shards; there are 0 to %d", word, shards-1)
		}
		for ; first <= last; first++ {
			all = append(all, first)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// runArraySubmit does it.
func (a *app) runArraySubmit(ctx context.Context, f *arraySubmitFlags) (err error) {
	b, err := a.bay(ctx, f.job.Plan, haul.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	h, err := array.Read(ctx, b.client, b.depot)
	if err != nil {
		return err
	}
	if f.only != "" {
		if f.job.Only, err = parseShards(f.only, len(h.Shards)); err != nil {
			return err
		}
	}
	f.job.Program = append([]string{"haul"}, a.connect.words()...)
	if f.slurm {
		if f.job.Program[0], err = os.Executable(); err != nil {
			return err
		}
	}
	if f.program != "" {
		f.job.Program[0] = f.program
	}
	if f.slurm {
		return a.submitSlurm(ctx, b, h, f)
	}
	print := array.Batch
	if f.k8s {
		print = array.Kubernetes
	}
	text, err := print(h, f.job)
	if err != nil {
		return err
	}
	return a.print(string(text))
}

// print writes a document, as it is.
func (a *app) print(text string) error {
	if a.json || a.quiet {
		return usagef("--print prints a document, and goes with neither --json nor --quiet")
	}
	for line := range strings.Lines(text) {
		a.screen(false).Result(strings.TrimSuffix(line, "\n"))
	}
	return nil
}

// submitSlurm submits both jobs, and waits for the end where that is wished for.
func (a *app) submitSlurm(ctx context.Context, b *bay, h array.Header, f *arraySubmitFlags) error {
	folder := !strings.HasPrefix(f.job.Plan, scheme)
	if folder {
		f.job.Logs = filepath.Join(f.job.Plan, "logs")
	}
	work, finish, err := array.Slurm(h, f.job)
	if err != nil {
		return err
	}
	if f.print {
		return a.print(work + "\n" + finish)
	}
	screen := a.screen(false)
	if len(h.Shards) > array.MaxSlurmArray {
		screen.Note(fmt.Sprintf("Slurm accepts arrays of fewer than MaxArraySize tasks, by default %d; this plan has %d shards", array.MaxSlurmArray, len(h.Shards)))
	}
	if folder {
		err := errors.Join(os.MkdirAll(f.job.Logs, 0o777),
			os.WriteFile(filepath.Join(f.job.Plan, workScript), []byte(work), 0o777),
			os.WriteFile(filepath.Join(f.job.Plan, finishScript), []byte(finish), 0o777))
		if err != nil {
			return fmt.Errorf("write the scripts: %w", err)
		}
	}
	if err := array.Forget(ctx, b.depot, h); err != nil {
		return err
	}
	id, err := sbatch(ctx, work, "--parsable")
	if err != nil {
		return err
	}
	id, _, _ = strings.Cut(id, ";") // of federated clusters, the cluster's name follows
	after := "--dependency=afterany:" + id
	if !f.wait {
		last, err := sbatch(ctx, finish, "--parsable", after)
		if err != nil {
			return fmt.Errorf("the array is submitted as job %s, but: %w; when the array has ended, run: %s", id, err, a.arrayLine("finish", f.job.Plan))
		}
		a.result(fmt.Sprintf("submitted the array as job %s, and what finishes it as job %s", id, last))
		return nil
	}
	a.result(fmt.Sprintf("submitted the array as job %s, and what finishes it after it", id))
	return a.await(ctx, b, h, f, func(ctx context.Context) error {
		_, err := sbatch(ctx, finish, "--wait", after)
		return err
	})
}

// sbatch submits a script, and gives what sbatch says.
func sbatch(ctx context.Context, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "sbatch", args...)
	cmd.Stdin = strings.NewReader(script)
	var said, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complaint
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", &missingError{"sbatch is not in PATH; run this on a machine of the Slurm cluster"}
	}
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("sbatch: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(said.String()), nil
}

// watchEvery is how often the progress of all shards is looked at.
const watchEvery = 5 * time.Second

// await waits for the end of the finish job, shows how far the whole is, and tells what came of it.
func (a *app) await(ctx context.Context, b *bay, h array.Header, f *arraySubmitFlags, wait func(context.Context) error) error {
	screen := a.screen(false)
	began := time.Now()
	var mu sync.Mutex
	now := haul.Progress{Total: h.Bytes}
	look := func() {
		p, err := array.Watch(ctx, b.depot, h)
		mu.Lock()
		defer mu.Unlock()
		if err == nil { // the next look may tell
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
	task := ui.Task{Verb: string(h.Way), Source: h.From.String(), Target: h.To.String(), Name: planName(f.job.Plan)}
	ended := screen.During(task, func() haul.Progress {
		mu.Lock()
		defer mu.Unlock()
		return now
	}, func() error { return wait(ctx) })
	close(stop)
	wg.Wait()
	if ctx.Err() != nil {
		screen.Note("the jobs keep running; to cancel them: scancel")
		return context.Cause(ctx)
	}
	v, err := array.ReadVerdict(ctx, b.depot, h)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("the finish job ended without a verdict; its log is in %s", cmp.Or(f.job.Logs, "slurm-*.out")), ended)
	}
	if err != nil {
		return err
	}
	if err := a.verdict(v, f.job.Plan); err != nil {
		return err
	}
	a.result(verdictText(v, b.depot))
	return nil
}

func trimSlash(text string) string { return strings.TrimSuffix(text, "/") }
