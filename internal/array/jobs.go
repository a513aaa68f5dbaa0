package array

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"haul.example/haul/store"
)

// ErrNoIndex is in the chain of an error if a task does not know which shard to do.
var ErrNoIndex = errors.New("it is not known which shard to do")

// Variables are those in which schedulers pass a task its number, in the order in which Index reads them.
func Variables() []string {
	return []string{"SLURM_ARRAY_TASK_ID", "AWS_BATCH_JOB_ARRAY_INDEX", "JOB_COMPLETION_INDEX"}
}

// Index returns the shard of this task, from the variables of its environment, for a plan of so many shards. The numbers are those
// of the shards, from 0. A Slurm array that has a task for each shard may also start at another number, such as 1: then the least,
// SLURM_ARRAY_TASK_MIN, is subtracted; but not if only some shards are done again, as by sbatch --array=3,7.
func Index(shards int, lookup func(string) (string, bool)) (int, error) {
	number := func(name string) (int, bool, error) {
		text, ok := lookup(name)
		if !ok || text == "" {
			return 0, false, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return 0, false, fmt.Errorf("%w: %s must be the number of a task (got %q)", ErrNoIndex, name, text)
		}
		return n, true, nil
	}
	for _, name := range Variables() {
		n, ok, err := number(name)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		if name == "SLURM_ARRAY_TASK_ID" {
			least, hasLeast, err := number("SLURM_ARRAY_TASK_MIN")
			most, hasMost, merr := number("SLURM_ARRAY_TASK_MAX")
			count, hasCount, cerr := number("SLURM_ARRAY_TASK_COUNT")
			if err := errors.Join(err, merr, cerr); err != nil {
				return 0, err
			}
			if hasLeast && hasMost && most-least+1 == shards && (!hasCount || count == shards) {
				n -= least
			}
		}
		return n, nil
	}
	return 0, fmt.Errorf("%w: --shard is missing, and none of %s is set", ErrNoIndex, strings.Join(Variables(), ", "))
}

// Job is how the tasks of a plan are to be run.
type Job struct {
	// Name is the job's; that of the finish job has -finish behind it.
	Name string
	// Program is haul with the flags that reach the store, and Plan the address or path of the plan.
	Program []string
	Plan    string
	// Only are the shards to do; none is all.
	Only []int
	// AtOnce bounds how many tasks run at the same time; 0 is no limit.
	AtOnce int
	// Options are passed to sbatch as they are; Logs is a folder for the output of tasks, or empty to leave that to Slurm.
	Options []string
	Logs    string
	// The rest is for containers. Image has haul in it.
	Image     string
	CPUs      int
	MemoryMiB int
	// Queue and Role are those of AWS Batch, Namespace and Account those of Kubernetes; all but Queue may be empty.
	Queue, Role        string
	Namespace, Account string
}

func (j Job) work(more ...string) []string {
	words := append(append([]string{}, j.Program...), "array", "work")
	return append(append(words, more...), j.Plan)
}

func (j Job) finish() []string {
	return append(append([]string{}, j.Program...), "array", "finish", j.Plan)
}

// List writes numbers in order as sbatch --array and people do: 0-2,7.
func List(numbers []int) string {
	var b strings.Builder
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(numbers[i]))
		if j > i {
			fmt.Fprintf(&b, "-%d", numbers[j])
		}
		i = j + 1
	}
	return b.String()
}

// Slurm returns the scripts for sbatch: one for an array with a task for each shard, and one for the job that finishes the plan, which
// is to be submitted with --dependency=afterany on the first. Slurm requeues a task whose node fails.
func Slurm(h Header, j Job) (work, finish string, err error) {
	for _, word := range []string{j.Name, j.Logs} {
		if strings.ContainsAny(word, "\n\r\"") {
			return "", "", fmt.Errorf("%w: %q is not allowed in a script for sbatch", store.Invalid, word)
		}
	}
	for _, o := range j.Options {
		if strings.ContainsAny(o, "\n\r") || o == "" {
			return "", "", fmt.Errorf("%w: %q is not an option of sbatch", store.Invalid, o)
		}
		if strings.HasPrefix(o, "--array") || strings.HasPrefix(o, "-a") && !strings.HasPrefix(o, "--") {
			return "", "", fmt.Errorf("%w: the array is that of the plan, and %s would change it", store.Invalid, o)
		}
	}
	only := j.Only
	if only == nil {
		for i := range h.Shards {
			only = append(only, i)
		}
	}
	script := func(name, log string, more []string, words []string) string {
		var b strings.Builder
		if strings.ContainsAny(name, " \t#") {
			name = `"` + name + `"`
		}
		fmt.Fprintf(&b, "#!/bin/sh\n#SBATCH --job-name=%s\n", name)
		if j.Logs != "" {
			fmt.Fprintf(&b, "#SBATCH --output=\"%s/%s\"\n", j.Logs, log)
		}
		for _, o := range append(more, j.Options...) {
			fmt.Fprintf(&b, "#SBATCH %s\n", o)
		}
		b.WriteString("exec")
		for _, w := range words {
			b.WriteString(" '" + strings.ReplaceAll(w, "'", `'\''`) + "'")
		}
		return b.String() + "\n"
	}
	tasks := "--array=" + List(only)
	if j.AtOnce > 0 {
		tasks += fmt.Sprintf("%%%d", j.AtOnce)
	}
	work = script(j.Name, "work-%A_%a.log", []string{tasks, "--requeue"}, j.work())
	return work, script(j.Name+"-finish", "finish-%j.log", nil, j.finish()), nil
}

// MaxSlurmArray is Slurm's own default of MaxArraySize, which bounds the shards of one array.
const MaxSlurmArray = 1001

type object map[string]any

// Batch returns the inputs of AWS Batch as JSON: of RegisterJobDefinition, of SubmitJob for the array, and of SubmitJob for the job
// that finishes the plan, which depends on the array once its ID replaces the placeholder. The least size of an array is 2, so that a
// plan of one shard, or Only, makes a job for each shard instead.
func Batch(h Header, j Job) ([]byte, error) {
	container := object{
		"image":   j.Image,
		"command": j.work(),
		"resourceRequirements": []object{
			{"type": "VCPU", "value": strconv.Itoa(j.CPUs)},
			{"type": "MEMORY", "value": strconv.Itoa(j.MemoryMiB)},
		},
	}
	if j.Role != "" {
		container["jobRoleArn"] = j.Role
	}
	submit := func(name string, more object) object {
		job := object{"jobName": name, "jobQueue": j.Queue, "jobDefinition": j.Name}
		for k, v := range more {
			job[k] = v
		}
		return job
	}
	var jobs []object
	if only := j.singleShards(h); only != nil {
		for _, shard := range only {
			n := strconv.Itoa(shard)
			jobs = append(jobs, submit(j.Name+"-"+n, object{"containerOverrides": object{"command": j.work("--shard", n)}}))
		}
	} else {
		jobs = append(jobs, submit(j.Name, object{"arrayProperties": object{"size": len(h.Shards)}}))
	}
	return json.MarshalIndent(object{
		"registerJobDefinition": object{
			"jobDefinitionName": j.Name, "type": "container", "containerProperties": container,
			"retryStrategy": object{"attempts": 3},
		},
		"submitJobs": jobs,
		"submitFinishJob": submit(j.Name+"-finish", object{
			"containerOverrides": object{"command": j.finish()},
			"dependsOn":          []object{{"jobId": "JOB-ID-OF-THE-ARRAY"}},
		}),
	}, "", "  ")
}

// singleShards returns the shards that need a job each.
func (j Job) singleShards(h Header) []int {
	if j.Only == nil && len(h.Shards) == 1 {
		return []int{0}
	}
	return j.Only
}

// Kubernetes returns a List with an Indexed Job that does the shards, and a suspended Job that finishes the plan, as JSON for kubectl.
func Kubernetes(h Header, j Job) ([]byte, error) {
	if j.Only != nil {
		return nil, fmt.Errorf("%w: an Indexed Job does all indexes from 0; its own backoffLimitPerIndex does shards again", store.Unsupported)
	}
	meta := func(name string) object {
		m := object{"name": name, "labels": object{"app.kubernetes.io/name": "haul"}}
		if j.Namespace != "" {
			m["namespace"] = j.Namespace
		}
		return m
	}
	pod := func(words []string) object {
		size := object{"cpu": strconv.Itoa(j.CPUs), "memory": strconv.Itoa(j.MemoryMiB) + "Mi"}
		spec := object{
			"restartPolicy": "Never",
			"containers": []object{{
				"name": "haul", "image": j.Image, "command": words,
				"resources": object{"requests": size, "limits": object{"memory": size["memory"]}},
			}},
		}
		if j.Account != "" {
			spec["serviceAccountName"] = j.Account
		}
		return object{"spec": spec}
	}
	job := func(name string, spec object) object {
		return object{"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(name), "spec": spec}
	}
	n, parallel := len(h.Shards), len(h.Shards)
	if j.AtOnce > 0 {
		parallel = min(parallel, j.AtOnce)
	}
	return json.MarshalIndent(object{
		"apiVersion": "v1", "kind": "List",
		"items": []object{
			job(j.Name, object{
				"completionMode": "Indexed", "completions": n, "parallelism": parallel, "backoffLimitPerIndex": 3, "template": pod(j.work()),
			}),
			job(j.Name+"-finish", object{"suspend": true, "backoffLimit": 0, "template": pod(j.finish())}),
		},
	}, "", "  ")
}
