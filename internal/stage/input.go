package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/pool"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Input is what the command needs: an object, a file, or many of them.
type Input struct {
	// Source is an object, or the root of many; Path where it is local.
	Source mirror.End
	// Folder selects everything below Source, Pattern what matches it there.
	Folder  bool
	Pattern string
	// Sheet: it is a sample sheet, in which paths replace addresses.
	Sheet bool
	// Dest is its path below the work folder, with slashes. If empty it keeps its name; with a slash at the end it is a folder to put
	// it into.
	Dest string
}

// item is one file of the work folder that exists before the command starts.
type item struct {
	source string // an address or a path
	rel    string
	// object is what it is fetched from; otherwise it is a link to path, or has content.
	ref     store.Ref
	object  store.Object
	path    string
	content []byte

	size    int64
	state   string // identifies the state of the source: an ETag, size and time of a file, the hash of a sheet
	sum     string // by which it was verified, or which the store recorded
	present bool   // an earlier run brought it
}

const (
	// requestsAtOnce is how many requests about inputs and outputs are made at once.
	requestsAtOnce = 16
	// maxSheet bounds a sample sheet, which is held in memory.
	maxSheet = 64 << 20
	// sheetFolder is the folder for objects that sample sheets name, each by its bucket and key.
	sheetFolder = "s3"
)

// resolve finds the current state of all inputs.
func (r *run) resolve(ctx context.Context) error {
	found := make([][]*item, len(r.Inputs))
	r.places = make([]string, len(r.Inputs))
	streams := make([]store.Object, len(r.Streams))
	err := pool.Each(ctx, requestsAtOnce, r.Inputs, func(ctx context.Context, i int, in Input) (err error) {
		r.places[i], found[i], err = r.resolveInput(ctx, in)
		return err
	})
	if err == nil {
		err = pool.Each(ctx, requestsAtOnce, r.Streams, func(ctx context.Context, i int, s Stream) (err error) {
			streams[i], err = r.c.Store().Head(ctx, store.GetRequest{Ref: s.Source, Attrs: &r.Transfer.Attrs})
			return err
		})
	}
	if err != nil {
		return err
	}
	taken := map[string]string{} // path below the work folder to source
	if !r.NoLogs {               // a log in place of an input would be written into it, and what that is a link to
		taken[logOut], taken[logErr] = "what the command writes", "what the command writes"
	}
	for i, s := range r.Streams {
		if other, ok := taken[s.Name]; ok {
			return sameFile(other, s.Source.String(), s.Name)
		}
		taken[s.Name] = s.Source.String()
		r.record.Streams = append(r.record.Streams, InputRecord{Source: s.Source.String(), Path: s.Name, Size: streams[i].Size, State: streams[i].ETag})
	}
	for _, items := range found {
		for _, it := range items {
			if taken[it.rel] == it.source {
				continue
			}
			if other, ok := taken[it.rel]; ok {
				return sameFile(other, it.source, it.rel)
			}
			if err := checkLocal(it.rel); err != nil {
				return fmt.Errorf("input %s: %w", it.source, err)
			}
			taken[it.rel] = it.source
			r.items = append(r.items, it)
			r.record.Inputs = append(r.record.Inputs, it.recorded())
		}
	}
	return checkFolders(taken)
}

func sameFile(a, b, rel string) error {
	return invalid("both %s and %s would be the file %s; give one another name: SOURCE:NAME", a, b, rel)
}

// checkFolders refuses a file whose name another one needs for a folder.
func checkFolders(taken map[string]string) error {
	for rel, source := range taken {
		for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
			if other, ok := taken[dir]; ok {
				return invalid("%s would be the file %s, and %s needs a folder of that name", other, dir, source)
			}
		}
	}
	return nil
}

// resolveInput returns the files of one input, and its place in the work folder.
func (r *run) resolveInput(ctx context.Context, in Input) (place string, items []*item, err error) {
	switch {
	case in.Sheet:
		return r.sheet(ctx, in)
	case in.Folder || in.Pattern != "":
		return r.listInputs(ctx, in)
	case in.Source.Path != "":
		it, err := localItem(in.Source.Path, in.place())
		return in.place(), []*item{it}, err
	}
	obj, err := r.c.Store().Head(ctx, store.GetRequest{Ref: in.Source.Ref, Attrs: &r.Transfer.Attrs})
	obj.Ref = in.Source.Ref
	return in.place(), []*item{remoteItem(obj, in.place())}, err
}

func remoteItem(obj store.Object, rel string) *item {
	return &item{source: obj.Ref.String(), rel: rel, ref: obj.Ref, object: obj, size: obj.Size, state: obj.ETag, sum: sumOf(obj)}
}

func localItem(file, rel string) (*item, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("input %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, invalid("the input %s is not a file; write a folder with a slash at its end", file)
	}
	return &item{source: abs, rel: rel, path: abs, size: fi.Size(), state: fmt.Sprintf("%d bytes, %s", fi.Size(), fi.ModTime().UTC().Format(time.RFC3339Nano))}, nil
}

// listInputs returns everything in a folder or below a prefix.
func (r *run) listInputs(ctx context.Context, in Input) (string, []*item, error) {
	place := in.place()
	var o mirror.Options
	o.Select.Pattern, o.Select.EmptyOK = in.Pattern, true
	o.Transfer.Attrs.RequestPayer = r.Transfer.Attrs.RequestPayer
	var items []*item
	for e, err := range mirror.Entries(ctx, r.c, in.Source, o) {
		if err == nil {
			err = e.Why
		}
		if err != nil {
			return place, nil, fmt.Errorf("input %s: %w", in.Source, err)
		}
		it := remoteItem(e.Object, path.Join(place, e.Rel))
		if err := checkLocal(e.Rel); err != nil {
			return place, nil, fmt.Errorf("input %s: %w", it.source, err)
		}
		if e.Path != "" {
			if it, err = localItem(e.Path, path.Join(place, e.Rel)); err != nil {
				return place, nil, err
			}
		}
		items = append(items, it)
	}
	switch {
	case len(items) > 0:
		return place, items, nil
	case in.Pattern != "":
		return place, nil, missing{fmt.Sprintf("input: nothing matches %s in %s", in.Pattern, in.Source)}
	}
	return place, nil, missing{fmt.Sprintf("input: there is nothing in %s", in.Source)}
}

// place is the path of an input below the work folder: a file, or for many a folder, which may be the work folder itself.
func (in Input) place() string {
	name := path.Base(strings.TrimSuffix(in.Source.Ref.Key, "/"))
	switch {
	case in.Source.Path != "":
		name = filepath.Base(in.Source.Path)
	case in.Source.Ref.Key == "":
		name = in.Source.Ref.Bucket
	}
	dest, isFolder := strings.CutSuffix(in.Dest, "/")
	switch {
	case in.Pattern != "" && in.Dest == "":
		return "."
	case in.Dest == "":
		return name
	case isFolder && in.Pattern == "" && !in.Folder:
		return path.Join(dest, name)
	}
	return path.Clean(dest)
}

func (it *item) recorded() InputRecord {
	return InputRecord{Source: it.source, Path: it.rel, Size: it.size, State: it.state, Version: it.object.Version, Sum: it.sum}
}

// sumOf returns the first checksum that the store recorded.
func sumOf(o store.Object) string {
	for _, s := range o.Sums {
		return sumText(s)
	}
	return ""
}

func sumText(s checksum.Sum) string {
	if s.IsZero() {
		return ""
	}
	return string(s.Algorithm) + " " + s.Base64()
}

// hash returns the SHA-256 of a text in hex.
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
