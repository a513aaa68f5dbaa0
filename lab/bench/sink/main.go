// Command sink is an S3 endpoint that keeps nothing: see package nullstore. It runs until it is told to stop, or its standard input ends.
//
// Its first and only line on standard output is JSON: the URLs http, https and control, and the path of the certificate to trust.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"haul.example/haul/lab/bench/nullstore"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	c, ca, err := parse()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := nullstore.Start(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
		return err
	}
	where := map[string]string{"http": s.HTTP, "https": s.HTTPS, "control": s.Control, "ca": ca}
	if err := json.NewEncoder(os.Stdout).Encode(where); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	<-ctx.Done()
	return s.Close()
}

// parse reads the command line.
func parse() (c nullstore.Config, ca string, err error) {
	flag.StringVar(&c.Dir, "dir", "", "`folder` for the pattern, best in memory")
	flag.StringVar(&ca, "ca", filepath.Join(os.TempDir(), "sink-ca.pem"), "`file` to write the certificate to trust to")
	flag.BoolVar(&c.Check, "check", false, "sum every body, and compare with what the client promised")
	size := func(name, usage string, to func(int64)) {
		flag.Func(name, usage, func(text string) error {
			n, err := nullstore.ParseSize(text)
			to(n)
			return err
		})
	}
	size("pattern", "`size` of the pattern (else 256MiB)", func(n int64) { c.PatternSize = n })
	flag.Func("object", "an object that is there: `BUCKET/KEY=SIZE`, or BUCKET/PREFIX=COUNTxSIZE; again for more", func(text string) error {
		all, err := nullstore.ParseDeclared(text)
		c.Objects = append(c.Objects, all...)
		return err
	})
	size("conn-rate", "`rate` of each connection in bytes a second, such as 25MB", func(n int64) { c.Shape.ConnRate = float64(n) })
	size("link-rate", "`rate` of the whole link, each direction", func(n int64) { c.Shape.LinkRate = float64(n) })
	flag.Float64Var(&c.Shape.FirstByteMS, "first-byte", 0, "`milliseconds` to the first byte of each answer")
	flag.Float64Var(&c.Shape.Slow, "slow", 0, "`fraction` of data requests at a twentieth of the rate")
	flag.Float64Var(&c.Shape.Stall, "stall", 0, "`fraction` of data requests that stall for ever midway")
	flag.Float64Var(&c.Shape.Cut, "cut", 0, "`fraction` of data requests that are reset midway")
	flag.Float64Var(&c.Shape.Corrupt, "corrupt", 0, "`fraction` of data requests with a bit flipped midway")
	flag.Float64Var(&c.Shape.Refuse, "refuse", 0, "`fraction` of requests that are answered 503 SlowDown")
	flag.Uint64Var(&c.Shape.Seed, "seed", 1, "`number` that chooses which requests these are")
	flag.Parse()
	if flag.NArg() > 0 {
		return c, ca, fmt.Errorf("what is %q?", flag.Arg(0))
	}
	return c, ca, nil
}
