package stage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/pool"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

const address = "s3://"

// sheet reads a sample sheet, and returns it, with paths for addresses, and everything that it names.
func (r *run) sheet(ctx context.Context, in Input) (string, []*item, error) {
	place := in.place()
	text, err := r.readSheet(ctx, in.Source)
	if err != nil {
		return place, nil, fmt.Errorf("sample sheet %s: %w", in.Source, err)
	}
	named, rewritten, err := r.sheetInputs(in.Source, text)
	if err != nil {
		return place, nil, fmt.Errorf("sample sheet %s: %w", in.Source, err)
	}
	sheet := &item{source: in.Source.String(), rel: place, content: rewritten, state: hash(text)}
	all := make([][]*item, len(named))
	err = pool.Each(ctx, requestsAtOnce, named, func(ctx context.Context, i int, one Input) (err error) {
		all[i], err = r.resolveNamed(ctx, one)
		return err
	})
	if err != nil {
		return place, nil, fmt.Errorf("sample sheet %s: %w", in.Source, err)
	}
	items := []*item{sheet}
	for _, some := range all {
		items = append(items, some...)
	}
	return place, items, nil
}

// sheetInputs returns what a sheet names, and the sheet with paths for addresses.
func (r *run) sheetInputs(from mirror.End, text []byte) (named []Input, rewritten []byte, err error) {
	var first error
	rewritten, err = rewriteSheet(path.Ext(filepath.ToSlash(from.Path)+from.Ref.Key), text, func(cell string) string {
		ref, err := r.Address(cell)
		if err != nil {
			first = cmp.Or(first, err)
			return cell
		}
		one := Input{Source: mirror.Remote(ref), Folder: ref.Key == "" || strings.HasSuffix(ref.Key, "/"), Dest: path.Join(sheetFolder, ref.Bucket, ref.Key)}
		if one.Dest != strings.TrimSuffix(path.Join(sheetFolder, ref.Bucket)+"/"+ref.Key, "/") {
			first = cmp.Or(first, invalid("%s cannot be a file here", cell))
		}
		named = append(named, one)
		return filepath.Join(r.folder.work(), filepath.FromSlash(one.Dest))
	})
	return named, rewritten, cmp.Or(first, err)
}

// resolveNamed is resolveInput for what a sheet names, where a folder may lack its slash, as in sheets of Cell Ranger.
func (r *run) resolveNamed(ctx context.Context, one Input) ([]*item, error) {
	_, items, err := r.resolveInput(ctx, one)
	if one.Folder || !errors.Is(err, store.NotFound) {
		return items, err
	}
	one.Folder = true
	if _, items, ferr := r.resolveInput(ctx, one); !errors.Is(ferr, store.NotFound) {
		return items, ferr
	}
	return nil, fmt.Errorf("%w, and nothing is stored below %s/", err, one.Source)
}

func (r *run) readSheet(ctx context.Context, from mirror.End) ([]byte, error) {
	if from.Path == "" {
		return readObject(ctx, r.c, from.Ref, &r.Transfer.Attrs)
	}
	f, err := os.Open(from.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	var text bounded
	_, err = io.Copy(&text, f)
	return text.Bytes(), err
}

// readObject reads a small object into memory.
func readObject(ctx context.Context, c *haul.Client, ref store.Ref, a *store.Attrs) ([]byte, error) {
	var text bounded
	_, err := c.DownloadStream(ctx, ref, &text, haul.DownloadOptions{Attrs: store.Attrs{RequestPayer: a.RequestPayer}})
	return text.Bytes(), err
}

// bounded is a buffer of at most maxSheet bytes.
type bounded struct{ bytes.Buffer }

// Write appends p, if it fits.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxSheet {
		return 0, invalid("it has more than %d bytes", maxSheet)
	}
	return b.Buffer.Write(p)
}
