// Command gateway serves S3 from a folder until it is told to stop, or its standard input ends.
//
// The tests start it as a process of its own. They hold the other end of its standard input, so that it never outlives them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"haul.example/haul/lab/gateway"
)

func main() {
	var c gateway.Config
	flag.StringVar(&c.Dir, "dir", "", "absolute path of the folder that holds all data")
	flag.StringVar(&c.Addr, "addr", "", "host:port to listen on")
	flag.StringVar(&c.CertFile, "cert", "", "certificate, for HTTPS")
	flag.StringVar(&c.KeyFile, "key", "", "its private key")
	flag.BoolVar(&c.KeepAlive, "keep-alive", false, "let connections be used again")
	flag.Parse()
	c.AccessKey, c.SecretKey = os.Getenv("ROOT_ACCESS_KEY"), os.Getenv("ROOT_SECRET_KEY")
	c.UserAccessKey, c.UserSecretKey = os.Getenv("USER_ACCESS_KEY"), os.Getenv("USER_SECRET_KEY")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := gateway.Run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}
