// Command haul moves big files to and from S3 in parallel, resumes by default, and proves what arrived. See haul --help.
package main

import (
	"context"
	"os"

	"haul/internal/cli"
)

func main() {
	ctx, stop := cli.Interruptible(context.Background(), os.Exit)
	code := cli.Run(ctx, cli.System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	stop()
	os.Exit(code)
}
