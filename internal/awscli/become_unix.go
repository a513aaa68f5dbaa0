//go:build unix

package awscli

import (
	"syscall"

	"haul.example/haul/internal/command"
)

// become replaces this process by another program, which gets its streams and signals.
func become(program string, argv, env []string, _ command.System) (int, error) {
	return 0, syscall.Exec(program, argv, env)
}
