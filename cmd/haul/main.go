// Command haul moves big files to and from S3 in parallel, resumes by default, and proves what arrived. See haul --help.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"haul.example/haul/internal/cli"
)

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers send unasked, and has no other place for it
	ctx, stop := cli.Interruptible(context.Background(), os.Exit)
	code := cli.Run(ctx, cli.System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	stop()
	os.Exit(code)
}
