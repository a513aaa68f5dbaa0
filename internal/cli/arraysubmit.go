package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/array"
	"haul.example/haul/internal/command"
)

const arraySubmitLong = `haul array submit submits a plan to a scheduler.

  haul array submit --slurm [flags] PLAN [-- SBATCH OPTIONS]
      submits an array with one task per shard, and a job that runs haul array finish after it
  haul array submit --batch --print --image IMAGE --queue QUEUE s3://BUCKET/PLAN
      prints the inputs of AWS Batch's RegisterJobDefinition and SubmitJob, as JSON
  haul array submit --k8s --print --image IMAGE s3://BUCKET/PLAN
      prints an Indexed Job and a suspended finish job for kubectl, as JSON

The finish job runs whether or not the array succeeded. Everything after --, and after --sbatch, is passed to sbatch unchanged, for both
jobs. --wait waits for both, shows the overall progress, and exits with the code of haul array finish. --print only prints both scripts.

The output of --print contains no credentials: tasks find them as haul always does. By default, sbatch passes the environment to them.`

// arraySubmitFlags are those of haul array submit, as typed.
type arraySubmitFlags struct {
	slurm, batch, k8s, print, wait bool
	only, program                  string
	sbatch                         []string
	pass                           map[string]*string
	job                            array.Job
	memory                         sizeFlag
}

// sbatchOptions are the options of sbatch that have a flag of their own.
var sbatchOptions = [][2]string{
	{"partition", "use the partition `NAME`"}, {"time", "set the time `LIMIT` of each task, such as 2:00:00"}, {"account", "charge the account `NAME`"},
	{"qos", "use the quality of service `NAME`"}, {"mem", "request memory of `SIZE` for each task, in sbatch's notation, such as 2G"},
	{"cpus-per-task", "request `N` cores for each task"},
}

func (f *arraySubmitFlags) flags() []*pflag.FlagSet {
	fs := pflag.NewFlagSet("Submit", pflag.ContinueOnError)
	fs.BoolVar(&f.slurm, "slurm", false, "submit to Slurm, with sbatch")
	fs.BoolVar(&f.batch, "batch", false, "print jobs for AWS Batch (needs --print)")
	fs.BoolVar(&f.k8s, "k8s", false, "print jobs for Kubernetes (needs --print)")
	fs.BoolVar(&f.print, "print", false, "print the jobs without submitting them")
	fs.StringVar(&f.job.Name, "job-name", "haul", "name the job `NAME`")
	fs.StringVar(&f.only, "only", "", "run only the shards in `LIST`, such as 3,7-9")
	fs.IntVar(&f.job.AtOnce, "at-once", 0, "run at most `N` tasks at the same time (default: as many as the scheduler can)")
	fs.StringVar(&f.program, "haul", "", "run haul from `PATH` in tasks (default: this program on Slurm, haul in containers)")
	sl := pflag.NewFlagSet("Slurm", pflag.ContinueOnError)
	sl.BoolVar(&f.wait, "wait", false, "wait until the jobs end, and show the overall progress")
	f.pass = map[string]*string{}
	for _, p := range sbatchOptions {
		f.pass[p[0]] = sl.String(p[0], "", p[1]+", passed to sbatch")
	}
	sl.StringArrayVar(&f.sbatch, "sbatch", nil, "pass any `OPTION` to sbatch, such as --sbatch=--exclusive; may be repeated")
	c := pflag.NewFlagSet("Containers", pflag.ContinueOnError)
	c.StringVar(&f.job.Image, "image", "", "use the container `IMAGE`, which must contain haul")
	c.IntVar(&f.job.CPUs, "cpus", 2, "request `N` cores for each task")
	c.Var(&f.memory, "memory", "request memory of `SIZE` for each task (default 1GiB)")
	c.StringVar(&f.job.Queue, "queue", "", "use the AWS Batch job queue `NAME`")
	c.StringVar(&f.job.Role, "job-role", "", "use the AWS Batch job role with this `ARN`")
	c.StringVar(&f.job.Namespace, "namespace", "", "use the Kubernetes namespace `NAME`")
	c.StringVar(&f.job.Account, "service-account", "", "use the Kubernetes service account `NAME`")
	return []*pflag.FlagSet{fs, sl, c}
}

func (a *app) arraySubmit() *cobra.Command {
	var f arraySubmitFlags
	cmd := &cobra.Command{
		Use:     "submit --slurm|--batch|--k8s [flags] PLAN [-- SBATCH OPTIONS]",
		Short:   "Submit a plan to Slurm, or print jobs for AWS Batch or Kubernetes",
		Long:    arraySubmitLong,
		Example: "  haul array submit --slurm --wait --partition short plan\n  haul array submit --slurm plan -- --exclusive --mem=4G\n  haul array submit --k8s --print --image lab/haul:1 s3://lab/plan | kubectl apply -f -",
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				args = args[:at]
			}
			return exactlyOne(aPlan)(cmd, args)
		},
	}
	return verb(a, cmd, f.flags(), func(args []string, set *pflag.FlagSet) (command.SubmitRequest, error) {
		return f.parse(set, args)
	}, a.session.SubmitArray)
}

// parse returns the request that the flags and arguments describe.
func (f *arraySubmitFlags) parse(set *pflag.FlagSet, args []string) (r command.SubmitRequest, err error) {
	if r.Plan, err = parsePlan(args[0]); err != nil {
		return r, err
	}
	slurm := []string{"wait", "sbatch"}
	for _, p := range sbatchOptions {
		slurm = append(slurm, p[0])
		if set.Changed(p[0]) {
			f.job.Options = append(f.job.Options, "--"+p[0]+"="+*f.pass[p[0]])
		}
	}
	f.job.Options = append(append(f.job.Options, f.sbatch...), args[1:]...)
	if err := f.check(set, args, r.Plan, slurm); err != nil {
		return r, err
	}
	f.job.MemoryMiB = max(int(f.memory>>20), 1)
	if f.memory == 0 {
		f.job.MemoryMiB = 1024
	}
	r.Job, r.Only, r.Program, r.Print, r.Wait = f.job, f.only, f.program, f.print, f.wait
	r.Scheduler = command.Batch
	switch {
	case f.slurm:
		r.Scheduler = command.Slurm
	case f.k8s:
		r.Scheduler = command.Kubernetes
	}
	return r, nil
}

// check refuses flags that cannot be used together; slurm are those of Slurm alone.
func (f *arraySubmitFlags) check(set *pflag.FlagSet, args []string, plan command.Location, slurm []string) error {
	chosen := 0
	for _, is := range []bool{f.slurm, f.batch, f.k8s} {
		if is {
			chosen++
		}
	}
	containers := []string{"image", "cpus", "memory", "queue", "job-role", "namespace", "service-account"}
	switch {
	case chosen != 1:
		return command.Usagef("the scheduler is missing: --slurm, --batch or --k8s")
	case set.Changed("at-once") && f.job.AtOnce < 1:
		return command.Usagef("--at-once: it must be at least 1")
	case f.slurm && f.print && f.wait:
		return command.Usagef("--print cannot be used with --wait, because it submits nothing")
	case f.slurm:
		return refuseWith(set, "--slurm", containers...)
	case len(args) > 1:
		return command.Usagef("options after -- are passed to sbatch, and need --slurm")
	case !f.print:
		return command.Usagef("haul does not call AWS Batch or Kubernetes itself; use --print to print the jobs")
	case f.job.Image == "":
		return command.Usagef("--image IMAGE is missing: a container image with haul in it")
	case plan.Kind != command.Remote:
		return command.Usagef("containers cannot access a folder of this machine: make the plan under an s3:// prefix")
	case f.job.CPUs < 1:
		return command.Usagef("--cpus: it must be at least 1")
	case f.k8s:
		return refuseWith(set, "--k8s", append(slurm, "queue", "job-role", "only")...)
	case f.job.Queue == "":
		return command.Usagef("--queue NAME is missing: the job queue")
	}
	return refuseWith(set, "--batch", append(slurm, "namespace", "service-account", "at-once")...)
}

// refuseWith refuses flags that have no meaning with another.
func refuseWith(set *pflag.FlagSet, with string, names ...string) error {
	for _, name := range names {
		if set.Changed(name) {
			return command.Usagef("--%s cannot be used with %s", name, with)
		}
	}
	return nil
}
