// Command haul moves big files to and from S3 in parallel, resumes by default, and verifies what arrived. See haul --help.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"haul.example/haul/internal/awscli"
	"haul.example/haul/internal/cli"
	"haul.example/haul/internal/command"
	"haul.example/haul/internal/s5cli"
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers send unasked, and has no other place for it
	ctx, stop := command.Interruptible(context.Background(), os.Exit)
	code := run(ctx, command.System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, os.Args)
	stop()
	os.Exit(code)
}

// run picks the face by the name of the program, and runs it.
func run(ctx context.Context, sys command.System, args []string) int {
	if words, ok := awscli.Words(args); ok {
		return awscli.Run(ctx, sys, words)
	}
	if words, ok := s5cli.Words(args); ok {
		return s5cli.Run(ctx, sys, words)
	}
	return cli.Run(ctx, sys, args[1:])
}
