package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/lab/gateway"
	"haul.example/haul/lab/link"
)

const (
	seed   = 42
	file   = "NA12878_S1_L001_R1.fastq"
	bucket = "lab"
	folder = "s3://lab/run42/"
	object = "s3://lab/run42/NA12878_S1_L001_R1.fastq"
	back   = "back/" + file
)

// story is told once.
type story struct {
	work  string
	size  int64
	wire  *link.Link
	slow  *link.Link // to the same server
	haul  program
	began time.Time
}

func (s *story) path(parts ...string) string {
	return filepath.Join(append([]string{s.work}, parts...)...)
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (s *story) tell(ctx context.Context, addr string) error {
	say("haul, on a real S3 server: two kills, a slow link, three resumes, one proof\n")
	if err := s.makeBucket(ctx, addr); err != nil {
		return fmt.Errorf("make bucket: %w", err)
	}
	say("     server  versitygw %s, inside this process, at http://%s", gateway.Version(), addr)
	if err := s.makeFile(); err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	for _, chapter := range []func(context.Context) error{s.upload, s.download, s.compare, s.slowLink, s.lookAround} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	say("\n     Done in %s; every claim was checked.", time.Since(s.began).Round(time.Second/10))
	return nil
}

func (s *story) makeBucket(ctx context.Context, addr string) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + addr),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	return err
}

func (s *story) makeFile() error {
	f, err := os.Create(s.path("work", file))
	if err != nil {
		return err
	}
	began := time.Now()
	reads := newFASTQ(s.size, seed)
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, reads, make([]byte, 1<<20))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	s.size = n
	say("     file    %s: %s, %d reads of %d bases, made in %s", file, amount(n), reads.reads, readLength, seconds(time.Since(began)))
	return nil
}

func (s *story) upload(ctx context.Context) error {
	say("\n1.  Upload it, and pull the plug: kill -9 at 40 %%")
	first, err := s.interrupt(ctx, &s.wire.Up, "cp", file, folder)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	say("\n2.  What the server holds now")
	out, _, err := s.haul.run(ctx, "uploads", "s3://"+bucket+"/")
	if err != nil {
		return err
	}
	if !strings.Contains(out, file) {
		return errors.New("the unfinished upload is not in the list of uploads")
	}
	say("\n3.  The same command again")
	return s.goOn(ctx, &s.wire.Up, first, "cp", file, folder)
}

func (s *story) download(ctx context.Context) error {
	say("\n4.  Now a download, and again kill -9 at 40 %%")
	first, err := s.interrupt(ctx, &s.wire.Down, "cp", object, back)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	if _, err := os.Lstat(s.path("work", back)); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("half a download stands under its real name (%w)", err)
	}
	say("     nothing stands at %s: half a file never shows under its real name", back)
	say("\n5.  The same command again")
	return s.goOn(ctx, &s.wire.Down, first, "cp", object, back)
}

// interrupt runs haul and kills it when 40 % of the file have passed; it gives how many bytes had in fact.
func (s *story) interrupt(ctx context.Context, f *link.Flow, args ...string) (int64, error) {
	before := f.Bytes()
	took, err := s.haul.killed(ctx, f, s.size*4/10, args...)
	if err != nil {
		return 0, err
	}
	sent := f.Bytes() - before
	say("     killed after %s; %s had crossed the wire (%s/s)", seconds(took), amount(sent), amount(perSecond(sent, took)))
	return sent, nil
}

// goOn runs the same line to its end, and checks that it moved only what was missing and says what it proved.
func (s *story) goOn(ctx context.Context, f *link.Flow, first int64, args ...string) error {
	before := f.Bytes()
	out, took, err := s.haul.run(ctx, args...)
	if err != nil {
		return err
	}
	second := f.Bytes() - before
	say("     took %s; %s crossed the wire (%s/s)", seconds(took), amount(second), amount(perSecond(second, took)))
	twice := first + second - s.size
	say("     both runs together: %s for a file of %s, so the kill cost %s", amount(first+second), amount(s.size), amount(max(0, twice)))
	if !strings.Contains(out, "CRC64NVME") {
		return errors.New("haul does not say that CRC64NVME proved it")
	}
	// What is lost is at most what was in flight, one part of 8 MiB on each connection; the rest are headers.
	if most := s.wire.Peak()*8<<20 + s.size/1000; twice > most {
		return fmt.Errorf("%s moved twice; no more than %s may be in flight", amount(twice), amount(most))
	}
	return nil
}

func (s *story) compare(ctx context.Context) error {
	say("\n6.  Proof without haul: every byte against the reads as they were made")
	f, err := os.Open(s.path("work", back))
	if err != nil {
		return err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.Close() })
	defer stop()
	began := time.Now()
	n, err := sameBytes(newFASTQ(s.size, seed), bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	say("     %d bytes compared in %s, all equal", n, seconds(time.Since(began)))
	return nil
}

const (
	slowRate = 10_000_000 // bytes a second
	slowSize = 80_000_000
)

// slowLink stops an upload with Ctrl-C on a link that has no byte to spare, and runs the same line again.
func (s *story) slowLink(ctx context.Context) error {
	const name, patience = "slow.fastq", 4 * time.Second
	say("\n7.  A slow link, of %s/s: %s up, and Ctrl-C after %s", amount(slowRate), amount(slowSize), patience)
	f, err := os.Create(s.path("work", name))
	if err != nil {
		return err
	}
	size, err := io.Copy(f, newFASTQ(slowSize, seed+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	haul := newProgram(s.haul.path, s.work, s.slow.URL())
	said, err := haul.stopped(ctx, patience, "cp", name, folder)
	if err != nil {
		return err
	}
	if !strings.Contains(said, "already stored") {
		return errors.New("haul does not report how much is already stored")
	}
	sent := s.slow.Up.Bytes()
	if said, _, err = haul.run(ctx, "cp", name, folder); err != nil {
		return err
	}
	all := s.slow.Up.Bytes()
	say("     both runs together: %s for a file of %s, so Ctrl-C cost %s", amount(all), amount(size), amount(max(0, all-size)))
	if !strings.Contains(said, "CRC64NVME") {
		return errors.New("haul does not say that CRC64NVME proved it")
	}
	if all-size > sent/2 {
		return fmt.Errorf("%s of the %s that the first run sent were lost", amount(all-size), amount(sent))
	}
	if _, _, err := haul.run(ctx, "rm", "-q", folder+name); err != nil {
		return err
	}
	return os.Remove(s.path("work", name))
}

func (s *story) lookAround(ctx context.Context) error {
	say("\n8.  What is left behind")
	out, _, err := s.haul.run(ctx, "uploads", "s3://"+bucket+"/")
	if err != nil {
		return err
	}
	if strings.Contains(out, file) {
		return errors.New("an upload is still open")
	}
	for _, dir := range []string{"home", "work"} {
		err := filepath.WalkDir(s.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() == file {
				return err
			}
			return fmt.Errorf("%s is left behind", path)
		})
		if err != nil {
			return err
		}
	}
	say("     no open upload, no record, no temporary file")
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func perSecond(n int64, d time.Duration) int64 { return int64(float64(n) / max(d.Seconds(), 0.001)) }

// amount gives bytes for people.
func amount(n int64) string {
	switch {
	case n >= gib:
		return fmt.Sprintf("%.2f GiB", float64(n)/gib)
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
