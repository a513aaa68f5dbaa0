package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// notInEnvironment are the flags that no variable sets. Of these, HAUL_OUT and HAUL_WORKDIR are set by haul run for its command.
var notInEnvironment = []string{"help", "version", "in", "out", "workdir"}

// mustBeTyped are the flags that delete or overwrite, that select what is deleted or overwritten, or that name the subject of one command.
var mustBeTyped = []string{
	"delete", "max-delete", "allow-empty-source", "force", "abort", "older-than", "upload-id", "yes", "write", "rerun", "recursive",
	"include", "exclude", "only", "shard", "size-only", "exact-timestamps", "checksum", "metadata-directive", "copy-props",
	"plan", "receipt", "report", "output", "record", "out-optional", "out-on-failure", "on-interrupt", "in-stream", "samplesheet", "files-from",
	"version-id", "expected-size", "last", "licenses",
	// of Slurm, which has variables of its own
	"partition", "account", "qos", "time", "mem", "cpus-per-task", "job-name", "sbatch", "extra", "at-once",
}

// fromEnvironment gives flags that were not typed the values of their variables: of --bandwidth, HAUL_BANDWIDTH. They count as
// defaults, not as typed, so that one that has no meaning for a command is ignored.
func fromEnvironment(set *pflag.FlagSet) (err error) {
	set.VisitAll(func(f *pflag.Flag) {
		name := "HAUL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := os.Getenv(name)
		switch {
		case err != nil, value == "", f.Changed, slices.Contains(notInEnvironment, f.Name):
		case slices.Contains(mustBeTyped, f.Name):
			err = command.Usagef("%s is set, but --%s must be typed: it is not taken from the environment; unset %s", name, f.Name, name)
		default:
			if wrong := f.Value.Set(value); wrong != nil {
				err = command.Usagef("%s=%s: %v", name, value, wrong)
			}
		}
	})
	return err
}
