package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/nullstore"
)

// sumFile reads a file, all of it.
func sumFile(path string) (checksum.Sum, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return checksum.Sum{}, 0, err
	}
	h := checksum.CRC64NVME.New()
	n, err := f.WriteTo(h)
	return checksum.Of(checksum.CRC64NVME, h), n, errors.Join(err, f.Close())
}

// check runs a tool once outside of the measurement, and looks at every byte that arrived. It warms everything up, too.
func (b *bench) check(ctx context.Context, r *Row, t *tool, in inputs, s, checker *sink) error {
	if r.Name == "start" {
		_, err := b.starts(ctx, t)
		return err
	}
	j, err := b.jobOf(r, t, in)
	if err != nil {
		return err
	}
	if j.up {
		if _, err := b.run(ctx, t, j, checker); err != nil {
			return err
		}
		return checkUp(ctx, j, in, checker)
	}
	_, err = b.run(ctx, t, j, s)
	if err == nil {
		err = checkDown(j, in)
	}
	return errors.Join(err, b.fresh())
}

// checkUp compares what the checking endpoint computed with the sources.
func checkUp(ctx context.Context, j job, in inputs, checker *sink) error {
	stats, err := checker.stats(ctx)
	if err != nil {
		return err
	}
	if stats.WrongCount > 0 {
		return fmt.Errorf("the endpoint found wrong: %s", strings.Join(stats.Wrong, "; "))
	}
	objects, err := checker.objects(ctx)
	if err != nil {
		return err
	}
	if j.many > 0 {
		return checkSmall(objects, j, in)
	}
	// The floors send an object for each part.
	var parts []checksum.Sized
	var size int64
	for _, o := range objects {
		if !strings.HasPrefix(o.Name, bucket+"/"+j.key) {
			continue
		}
		sum, err := checksum.FromBase64(checksum.CRC64NVME, o.CRC64NVME)
		if err != nil {
			return err
		}
		parts = append(parts, checksum.Sized{Sum: sum, Size: o.Size})
		size += o.Size
	}
	whole, err := checksum.Combine(parts)
	switch {
	case err != nil:
		return err
	case size != j.size:
		return fmt.Errorf("%d bytes arrived, and not %d", size, j.size)
	case whole != in.sum:
		return fmt.Errorf("other bytes arrived: %s, and not %s", whole, in.sum)
	}
	return nil
}

func checkSmall(objects []nullstore.Object, j job, in inputs) error {
	if len(objects) != j.many {
		return fmt.Errorf("%d objects arrived, and not %d", len(objects), j.many)
	}
	for i, o := range objects {
		if name := filepath.Base(o.Name); name != smallName(i) || o.Size != j.size || o.CRC64NVME != in.sums[i].Base64() {
			return fmt.Errorf("%s arrived with %d bytes and %s", o.Name, o.Size, o.CRC64NVME)
		}
	}
	return nil
}

// checkDown compares what was fetched with the sums that the endpoint has of its objects.
func checkDown(j job, in inputs) error {
	compare := func(path string, want checksum.Sum) error {
		sum, n, err := sumFile(path)
		if err == nil && (n != j.size || sum != want) {
			err = fmt.Errorf("%s has %d bytes and %s, and not %d and %s", filepath.Base(path), n, sum, j.size, want)
		}
		return err
	}
	if j.many == 0 {
		return compare(j.local, in.sum)
	}
	for i := range j.many {
		if err := compare(filepath.Join(j.local, smallName(i)), in.sums[i]); err != nil {
			return err
		}
	}
	return nil
}
