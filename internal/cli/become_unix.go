//go:build unix

package cli

import "syscall"

// become makes this process another program, which so has its streams, its signals and its name.
func become(program string, argv, env []string, _ System) (int, error) {
	return 0, syscall.Exec(program, argv, env)
}
