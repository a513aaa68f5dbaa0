package array_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/array"
	"haul.example/haul/store"
)

// TestIndex: the variables of each scheduler, and what is none.
func TestIndex(t *testing.T) {
	for _, c := range []struct {
		set  string
		want int // -1: nothing tells
	}{
		{"SLURM_ARRAY_TASK_ID=3", 3},
		{"AWS_BATCH_JOB_ARRAY_INDEX=3", 3},
		{"JOB_COMPLETION_INDEX=0", 0},
		{"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=8", 3},
		{"SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=8 SLURM_ARRAY_TASK_COUNT=8", 7},
		{"SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=8", 7},
		{"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=2", 3}, // sbatch --array=3,7
		{"SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=2", 7},
		{"SLURM_ARRAY_TASK_ID=1 AWS_BATCH_JOB_ARRAY_INDEX=2 JOB_COMPLETION_INDEX=3", 1},
		{"SLURM_ARRAY_TASK_ID= JOB_COMPLETION_INDEX=3", 3},
		{"", -1},
		{"SLURM_ARRAY_TASK_ID=x", -1},
		{"SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=x", -1},
		{"JOB_COMPLETION_INDEX=-1", -1},
	} {
		env := map[string]string{}
		for word := range strings.FieldsSeq(c.set) {
			name, value, _ := strings.Cut(word, "=")
			env[name] = value
		}
		got, err := array.Index(8, func(name string) (string, bool) {
			value, ok := env[name]
			return value, ok
		})
		if c.want < 0 && !errors.Is(err, array.ErrNoIndex) || c.want >= 0 && (err != nil || got != c.want) {
			t.Errorf("%q: %d, %v, want %d", c.set, got, err, c.want)
		}
	}
}

// TestList writes numbers so that they can be read back.
func TestList(t *testing.T) {
	if got := array.List([]int{0, 1, 2, 4, 7, 8}); got != "0-2,4,7-8" {
		t.Error(got)
	}
	rapid.Check(t, func(rt *rapid.T) {
		all := rapid.SliceOfDistinct(rapid.IntRange(0, 50), rapid.ID[int]).Draw(rt, "numbers")
		slices.Sort(all)
		var back []int
		for word := range strings.SplitSeq(array.List(all), ",") {
			a, b, isRange := strings.Cut(word, "-")
			first, _ := strconv.Atoi(a)
			last := first
			if isRange {
				last, _ = strconv.Atoi(b)
			}
			for n := first; n <= last && word != ""; n++ {
				back = append(back, n)
			}
		}
		if !slices.Equal(all, back) {
			rt.Fatalf("%v became %s", all, array.List(all))
		}
	})
}

// TestSlurm: words with quotes and spaces stay one word; what is no option is refused.
func TestSlurm(t *testing.T) {
	h := array.Header{Shards: make([]array.Load, 3)}
	work, finish, err := array.Slurm(h, array.Job{Name: "haul", Program: []string{"/opt/it's here/haul"}, Plan: "/shared/my plan", Options: []string{"--mem=1G"}})
	want := "#!/bin/sh\n#SBATCH --job-name=haul\n#SBATCH --array=0-2\n#SBATCH --requeue\n#SBATCH --mem=1G\nexec '/opt/it'\\''s here/haul' 'array' 'work' '/shared/my plan'\n"
	if err != nil || work != want {
		t.Errorf("%v\n%s", err, work)
	}
	if !strings.HasSuffix(finish, "'array' 'finish' '/shared/my plan'\n") || strings.Contains(finish, "--array") {
		t.Error(finish)
	}
	for _, o := range []string{"--array=1", "-a1", "", "--mem=1G\n#SBATCH --array=1"} {
		if _, _, err := array.Slurm(h, array.Job{Options: []string{o}}); !errors.Is(err, store.Invalid) {
			t.Errorf("%q: %v", o, err)
		}
	}
	if _, err := array.Kubernetes(h, array.Job{Only: []int{1}}); !errors.Is(err, store.Unsupported) {
		t.Error(err)
	}
}
