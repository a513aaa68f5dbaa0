package array

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/internal/planfile"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// PlanDir is where a plan is stored: a folder that all tasks see, or a prefix of the store.
type PlanDir struct {
	// dir is the folder, or one on this machine for copies of what is below the prefix.
	dir string
	c   *haul.Client // nil for a folder
	ref store.Ref
}

// Folder returns a plan in a folder.
func Folder(dir string) *PlanDir { return &PlanDir{dir: dir} }

// Prefix returns a plan below a prefix, with a folder on this machine for copies of its files.
func Prefix(c *haul.Client, prefix store.Ref, scratch string) *PlanDir {
	if prefix.Key != "" && prefix.Key[len(prefix.Key)-1] != '/' {
		prefix.Key += "/"
	}
	return &PlanDir{dir: scratch, c: c, ref: prefix}
}

// String returns the path or address.
func (d *PlanDir) String() string {
	if d.c == nil {
		return d.dir
	}
	return d.ref.String()
}

// local returns the path of a file of the plan on this machine.
func (d *PlanDir) local(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d *PlanDir) object(name string) store.Ref {
	return store.Ref{Bucket: d.ref.Bucket, Key: d.ref.Key + name}
}

// isWithin reports whether the plan is below an end, which is an absolute path, or a prefix with a slash at its end.
func (d *PlanDir) isWithin(end mirror.End) bool {
	if d.c != nil {
		return end.Path == "" && end.Ref.Bucket == d.ref.Bucket && strings.HasPrefix(d.ref.Key, end.Ref.Key)
	}
	abs, err := filepath.Abs(d.dir)
	if err != nil || end.Path == "" {
		return false
	}
	rel, err := filepath.Rel(end.Path, abs)
	return err == nil && filepath.IsLocal(rel)
}

// open opens a file of the plan; fs.ErrNotExist is in the error's chain if it is missing.
func (d *PlanDir) open(ctx context.Context, name string) (*os.File, error) {
	if d.c != nil {
		_, err := d.c.Download(ctx, d.object(name), d.local(name), haul.DownloadOptions{Resume: haul.ResumeNever}) // nothing is kept of a broken transfer
		if errors.Is(err, store.NotFound) {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return os.Open(d.local(name))
}

// has reports whether a file of the plan exists.
func (d *PlanDir) has(ctx context.Context, name string) (bool, error) {
	var err error
	if d.c != nil {
		_, err = d.c.Store().Head(ctx, store.GetRequest{Ref: d.object(name)})
	} else {
		_, err = os.Stat(d.local(name))
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// write makes a file of the plan with what fill writes; it appears whole or not at all, and survives a power cut.
func (d *PlanDir) write(ctx context.Context, name string, fill func(io.Writer) error) error {
	if err := planfile.Write(d.local(name), true, fill); err != nil {
		return err
	}
	return d.publish(ctx, name)
}

// publish makes a file on this machine part of the plan: it syncs the folder, or uploads the file.
func (d *PlanDir) publish(ctx context.Context, name string) error {
	if d.c == nil {
		return localfile.SyncDir(filepath.Dir(d.local(name)))
	}
	_, err := d.c.Upload(ctx, d.local(name), d.object(name), haul.UploadOptions{Resume: haul.ResumeNever})
	return err
}

// remove removes a file from the plan. A missing one is not an error.
func (d *PlanDir) remove(ctx context.Context, name string) error {
	err := os.Remove(d.local(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if d.c == nil || err != nil {
		return err
	}
	return d.c.Store().Delete(ctx, d.object(name), nil)
}

func (d *PlanDir) writeJSON(ctx context.Context, name string, v any) error {
	return d.write(ctx, name, indented(v))
}

// writeProgress is writeJSON for what may be lost in a power cut.
func (d *PlanDir) writeProgress(ctx context.Context, name string, v any) error {
	err := planfile.Write(d.local(name), false, indented(v))
	if d.c != nil && err == nil {
		err = d.publish(ctx, name)
	}
	return err
}

func indented(v any) func(io.Writer) error {
	return func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(v)
	}
}

func (d *PlanDir) readJSON(ctx context.Context, name string, v any) error {
	f, err := d.open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// errDamaged is in the chain of an error if a file of the plan is not what was written.
var errDamaged = errors.New("it is damaged")

// eachLine reads a file of the plan line by line, and reports where each starts.
func (d *PlanDir) eachLine(ctx context.Context, name string, do func(offset int64, line []byte) error) error {
	f, err := d.open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close() // only read from
	return planfile.EachLine(f, func(n int, offset int64, line []byte) error {
		if err := do(offset, line); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		return context.Cause(ctx)
	})
}

// lineAt returns the line of a file of the plan that starts at offset; the file was read before, and is on this machine.
func (d *PlanDir) lineAt(name string, offset int64) ([]byte, error) {
	f, err := os.Open(d.local(name))
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	return planfile.LineAt(f, offset)
}
