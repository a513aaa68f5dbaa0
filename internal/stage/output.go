package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/pool"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Output is what the command makes.
type Output struct {
	// Pattern is a path below the work folder: a file, a folder, or with wildcards what matches. Inputs never match.
	Pattern string
	// Target is a key for a file, and a prefix for a folder and for what matches. If it ends in a slash, a file is stored below it.
	Target store.Ref
	// Optional: the output may be missing.
	Optional bool
}

// output is one file to upload.
type output struct {
	Rel      string    `json:"rel"`
	Target   store.Ref `json:"target"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// changed reports whether the file has changed.
func (o output) changed(f *folder) bool {
	fi, err := os.Stat(f.file(o.Rel))
	return err != nil || fi.Size() != o.Size || !fi.ModTime().Equal(o.Modified)
}

func (o Output) check() error {
	clean := strings.TrimSuffix(o.Pattern, "/")
	if clean == "." {
		return nil
	}
	return checkLocal(clean)
}

// isMany reports a folder or pattern; a plain name may still turn out to be a folder.
func (o Output) isMany() bool {
	_, pattern := mirror.SplitPattern(o.Pattern)
	return pattern != "" || strings.HasSuffix(o.Pattern, "/") || o.Pattern == "."
}

// fixed is the path before any wildcard: the file, or the folder that is searched.
func (o Output) fixed() string {
	root, _ := mirror.SplitPattern(o.Pattern)
	return path.Clean(root)
}

// find returns the files of some outputs, in order. If one that is not optional is missing, the error is of kind store.NotFound.
func (r *run) find(ctx context.Context, wanted []Output) ([]output, error) {
	staged := map[string]bool{logOut: true, logErr: true}
	for _, it := range r.items {
		staged[it.rel] = true
	}
	var all []output
	var absent []error
	targets := map[store.Ref]string{}
	if at := r.Request.Record; at.Bucket != "" {
		for _, name := range []string{recordName, markerName, logOut, logErr} {
			targets[below(at, name)] = "haul's record of the run"
		}
	}
	for _, o := range wanted {
		found, err := r.findOne(ctx, o, staged)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", o.Pattern, err)
		}
		if len(found) == 0 && !o.Optional {
			absent = append(absent, missing{"the command did not create " + o.Pattern})
		}
		for _, f := range found {
			other, ok := targets[f.Target]
			switch {
			case ok && other == f.Rel:
				continue
			case ok:
				return nil, invalid("both %s and %s would be stored as %s", other, f.Rel, f.Target)
			}
			targets[f.Target] = f.Rel
			all = append(all, f)
		}
	}
	return all, errors.Join(absent...)
}

func (r *run) findOne(ctx context.Context, o Output, staged map[string]bool) ([]output, error) {
	root, pattern := mirror.SplitPattern(o.Pattern)
	at := r.folder.file(path.Clean(root))
	fi, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case pattern == "" && !fi.IsDir():
		key := o.Target
		if key.Key == "" || strings.HasSuffix(key.Key, "/") {
			key.Key += path.Base(root)
		}
		return []output{{root, key, fi.Size(), fi.ModTime()}}, nil
	}
	var choice mirror.Options
	choice.Select = mirror.Select{Pattern: pattern, EmptyOK: true}
	prefix := o.Target.Key
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	var all []output
	for e, err := range mirror.Entries(ctx, r.c, mirror.Local(at), choice) {
		if err != nil {
			return nil, err
		}
		rel := path.Join(path.Clean(root), e.Rel)
		if staged[rel] {
			continue
		}
		if e.Why != nil {
			return nil, fmt.Errorf("%s: %w", rel, e.Why)
		}
		all = append(all, output{rel, store.Ref{Bucket: o.Target.Bucket, Key: prefix + e.Rel}, e.Size, e.Modified})
	}
	return all, nil
}

// stageOut uploads the outputs of a command that succeeded. It has Grace to finish after the end of ctx.
func (r *run) stageOut(ctx context.Context, again bool) error {
	began := time.Now()
	ctx, stop := outlive(ctx, r.Grace)
	defer stop()
	found, err := r.find(ctx, r.Outputs)
	if err != nil {
		return err
	}
	if !again {
		if err := r.folder.commandEnded(r.record, found); err != nil {
			r.Report.Note(fmt.Sprintf("if this run is killed now, the command will run again: %v", err))
		}
	}
	if err := r.removeMarker(ctx); err != nil {
		return err
	}
	if err := r.upload(ctx, found, again); err != nil {
		return err
	}
	r.record.Times.Out = seconds(time.Since(began))
	return r.storeRecord(ctx, r.Request.Record, true)
}

// upload uploads files, and adds them to the record. With again, it leaves out those that are already stored.
func (r *run) upload(ctx context.Context, files []output, again bool) error {
	began := time.Now()
	u := &upload{run: r, sent: map[store.Ref]OutputRecord{}}
	var size int64
	for _, f := range files {
		size += f.Size
	}
	err := r.Report.During("upload", size, func() error {
		if again {
			if err := u.findSent(ctx, files); err != nil {
				return err
			}
		}
		return u.sendMissing(ctx, files)
	})
	unproved := 0
	for _, f := range files {
		if rec, ok := u.sent[f.Target]; ok {
			r.record.Outputs = append(r.record.Outputs, rec)
			if rec.Proof == "" {
				unproved++
			}
		}
	}
	if err != nil {
		return err
	}
	if len(files) > 0 {
		text := fmt.Sprintf("%s, %s in %s", amount.Count(len(files), "output"), amount.Bytes(size), amount.Took(time.Since(began)))
		if u.there > 0 {
			text += fmt.Sprintf("; %d already stored", u.there)
		}
		if unproved > 0 {
			text += fmt.Sprintf("; %d could not be verified", unproved)
		} else {
			text += "; all verified"
		}
		r.Report.Note(text)
	}
	return nil
}

// upload is the upload of some outputs.
type upload struct {
	*run
	mu    sync.Mutex
	sent  map[store.Ref]OutputRecord
	there int
}

// findSent finds what an earlier run has stored.
func (u *upload) findSent(ctx context.Context, files []output) error {
	return pool.Each(ctx, requestsAtOnce, files, func(ctx context.Context, _ int, f output) error {
		same, err := u.c.SameFile(ctx, u.folder.file(f.Rel), f.Target, &u.Transfer.Attrs)
		switch {
		case errors.Is(err, store.NotFound):
			return nil
		case err != nil:
			return err
		case same.Verdict == haul.Equal:
			u.record(f, same.Target, same.Text)
			u.mu.Lock()
			defer u.mu.Unlock()
			u.there++
		}
		return nil
	})
}

func (u *upload) record(f output, obj store.Object, proof string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent[f.Target] = OutputRecord{Path: f.Rel, Target: f.Target.String(), Size: f.Size, ETag: obj.ETag, Version: obj.Version, Sum: sumOf(obj), Proof: proof}
}

// sendMissing uploads those that are not yet stored, by bucket, each with companion files in order.
func (u *upload) sendMissing(ctx context.Context, files []output) error {
	byBucket := map[string][]output{}
	byPath := map[string]output{}
	for _, f := range files {
		if _, ok := u.sent[f.Target]; !ok {
			byBucket[f.Target.Bucket] = append(byBucket[f.Target.Bucket], f)
			byPath[f.Target.String()] = f
		}
	}
	for bucket, files := range byBucket {
		var o mirror.Options
		o.Transfer, o.ContentType = u.Transfer, u.ContentType
		o.Select.Pairs = func(yield func(mirror.Pair, error) bool) {
			for _, f := range files {
				if !yield(mirror.Pair{Source: f.Rel, Target: f.Target.Key}, nil) {
					return
				}
			}
		}
		o.Observe = func(e mirror.Event) {
			switch e.Kind {
			case mirror.Done:
				proof := ""
				if e.Result.Proof.Verified {
					proof = e.Result.Proof.Text
				}
				obj := e.Result.Object
				if sumOf(obj) == "" && !e.Result.Proof.Sum.IsZero() {
					obj.Sums = append(obj.Sums, e.Result.Proof.Sum)
				}
				u.record(byPath[e.Target], obj, proof)
				u.Report.Moved(e.Verb, e.Source, e.Target, e.Result)
			case mirror.Failed, mirror.Skipped:
				u.Report.Failed(e.Verb, e.Source, e.Target, e.Err)
			}
		}
		if _, err := mirror.Up(ctx, u.c, u.folder.work(), store.Ref{Bucket: bucket}, o); err != nil {
			return fmt.Errorf("outputs: %w", err)
		}
	}
	return nil
}

// failed ends a run whose command failed.
func (r *run) failed(ctx context.Context, cause error) error {
	r.record.Why = cause.Error()
	if !r.OnFailure || r.record.Began.IsZero() {
		return cause
	}
	ctx, stop := outlive(ctx, r.Grace)
	defer stop()
	found, ferr := r.find(ctx, r.Outputs)
	if errors.Is(ferr, store.NotFound) { // after a failure, outputs may be missing
		ferr = nil
	}
	err := r.removeMarker(ctx)
	if err == nil {
		err = r.upload(ctx, found, false)
	}
	if err == nil {
		err = r.storeRecord(ctx, r.Request.Record, false)
	}
	return errors.Join(cause, ferr, err)
}

// interrupted ends a run that was interrupted: it uploads OnInterrupt to a prefix that cannot be mistaken for results.
func (r *run) interrupted(ctx context.Context, cause error) error {
	r.record.Outcome, r.record.Why = Interrupted, cause.Error()
	if r.record.Began.IsZero() {
		return cause
	}
	ctx = context.WithoutCancel(ctx)
	aside := r.Request.Record
	if aside.Bucket != "" {
		aside.Key += partialFolder
	}
	wanted := slices.Clone(r.OnInterrupt)
	for i, o := range wanted {
		if wanted[i].Optional = true; o.Target.Bucket == "" {
			wanted[i].Target = store.Ref{Bucket: aside.Bucket, Key: aside.Key + o.fixed()}
			if o.fixed() == "." {
				wanted[i].Target.Key = aside.Key
			}
		}
	}
	found, err := r.find(ctx, wanted)
	if err == nil {
		err = r.upload(ctx, found, false)
	}
	if err == nil {
		err = r.storeRecord(ctx, aside, false)
	}
	if err == nil && aside.Bucket != "" {
		r.Report.Note("partial outputs are under " + aside.String())
	}
	return errors.Join(cause, err)
}
