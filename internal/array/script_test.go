package array_test

import (
	"errors"
	"strings"
	"testing"

	"haul.example/haul/internal/array"
	"haul.example/haul/store"
)

// Nothing in a name becomes a line of a script, or another option.
func TestScriptNames(t *testing.T) {
	h := array.Header{Shards: make([]array.Load, 2)}
	for _, j := range []array.Job{{Name: "a\nrm -rf x"}, {Name: "a", Logs: "/l\nrm -rf x"}, {Name: `a"b`}, {Name: "a", Logs: `/l"x`}} {
		if _, _, err := array.Slurm(h, j); !errors.Is(err, store.Invalid) {
			t.Errorf("%+v: %v", j, err)
		}
	}
	work, _, err := array.Slurm(h, array.Job{Name: "two words"})
	if err != nil || !strings.Contains(work, "\n#SBATCH --job-name=\"two words\"\n") {
		t.Errorf("%s, %v", work, err)
	}
}
