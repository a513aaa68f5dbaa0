package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"haul.example/haul/internal/cli"
	"haul.example/haul/internal/command"
)

// completions returns the completion scripts, under the names that shells look for.
func completions() ([]member, error) {
	var all []member
	for _, s := range []struct{ shell, name string }{{"bash", "haul.bash"}, {"zsh", "_haul"}, {"fish", "haul.fish"}, {"powershell", "haul.ps1"}} {
		data, err := output("completion", s.shell)
		if err != nil {
			return nil, err
		}
		all = append(all, member{"completions/" + s.name, data, 0o644})
	}
	return all, nil
}

// output runs a command of haul in this process, and returns its standard output.
func output(args ...string) (data []byte, err error) {
	f, err := os.CreateTemp("", "haul-output-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if code := cli.Run(context.Background(), command.System{Stdin: os.Stdin, Stdout: f, Stderr: os.Stderr}, args); code != 0 {
		return nil, fmt.Errorf("haul %v: exit code %d", args, code)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
