// Command demo tells the story of haul on one machine in about a minute, and fails where the story is not true.
//
// It starts versitygw, a real S3 server, inside itself; makes 1 GiB of FASTQ; uploads and downloads it with the real haul program,
// which it kills with SIGKILL midway, both ways; runs the same lines again; and compares every byte with what it made. Then it
// stops an upload over a slow link with Ctrl-C, and looks what was kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"haul.example/haul/lab/gateway"
	"haul.example/haul/lab/link"
)

const (
	accessKey = "demo-access-key"
	secretKey = "demo-secret-key"
	gib       = 1 << 30
)

func main() {
	haul := flag.String("haul", "", "absolute path of the haul program")
	size := flag.Int64("size", gib, "bytes of FASTQ to make")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demo(ctx, *haul, *size); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// demo sets the stage, tells the story, and clears away.
func demo(ctx context.Context, haul string, size int64) (err error) {
	if _, err := os.Stat(haul); err != nil || !filepath.IsAbs(haul) {
		return errors.New("-haul must be the absolute path of the haul program; `make demo` builds it and says where it is")
	}
	work, err := os.MkdirTemp("", "haul-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	// The file, its parts at the server, the object while it is put together, the file that comes back.
	if err := needDisk(work, 4*size+size/4); err != nil {
		return err
	}
	for _, dir := range []string{"work", "home", "server"} {
		if err := os.Mkdir(filepath.Join(work, dir), 0o700); err != nil {
			return err
		}
	}
	addr, err := gateway.FreeAddr()
	if err != nil {
		return err
	}
	serving, stop := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := gateway.Run(serving, gateway.Config{Dir: filepath.Join(work, "server"), Addr: addr,
			AccessKey: accessKey, SecretKey: secretKey, KeepAlive: true})
		stop(errors.Join(errors.New("the server ended"), err))
		ended <- err
	}()
	defer func() {
		stop(nil)
		err = errors.Join(err, <-ended)
	}()
	if err := gateway.Await(serving, addr); err != nil {
		return err
	}
	wire, err := link.New(addr, 0)
	if err != nil {
		return err
	}
	defer wire.Close()
	slow, err := link.New(addr, slowRate)
	if err != nil {
		return err
	}
	defer slow.Close()
	s := &story{work: work, size: size, wire: wire, slow: slow, haul: newProgram(haul, work, wire.URL()), began: time.Now()}
	return s.tell(serving, addr)
}

func needDisk(dir string, need int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("look for free disk: %w", err)
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < need {
		return fmt.Errorf("%s has %s free, and the demo needs %s: set TMPDIR to a larger place", dir, amount(free), amount(need))
	}
	return nil
}
