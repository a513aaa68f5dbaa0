//go:build !unix

package awscli

import (
	"errors"
	"os/exec"

	"haul.example/haul/internal/command"
)

// become runs another program on the process's own streams, and returns its exit code.
func become(program string, argv, env []string, sys command.System) (int, error) {
	cmd := exec.Command(program, argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, sys.Stdin, sys.Stdout, sys.Stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode(), nil
	}
	return 0, err
}
