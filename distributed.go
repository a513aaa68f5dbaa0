package haul

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/layout"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Distributed is one big transfer that several processes share, on one machine or many: one process opens it, any number of
// them transfer its parts, and one completes it. It is plain data without secrets, which one process saves and the others
// read. Nothing else is recorded: no machine keeps a record of the transfer, and Client.Uploads lists its upload as open.
//
//	one:     s := DistributeUpload, DistributeDownload or DistributeCopy; save s
//	each:    moved := MoveParts of some of the parts; save moved
//	one:     CompleteDistributed with all parts that moved; or AbortDistributed
type Distributed struct {
	// Path is the local file, absolute: the source of an upload, or the target of a download; empty for a copy.
	Path string `json:"path,omitempty"`
	// Temp is the hidden file beside Path that a download fills; it must be the same file for every process.
	Temp string `json:"temp,omitempty"`
	// From is the source of a download or a copy, pinned to ETag.
	From store.Ref `json:"from,omitzero"`
	ETag string    `json:"etag,omitempty"`
	// Upload is the multipart upload that an upload or a copy fills.
	Upload store.Upload `json:"upload,omitzero"`
	// Algorithm is that of the parts' checksums.
	Algorithm checksum.Algorithm `json:"algorithm,omitempty"`
	// Size is in bytes; all parts but the last have PartSize.
	Size     int64 `json:"size"`
	PartSize int64 `json:"part_size"`
	// Modified is the modification time of the source.
	Modified time.Time `json:"modified,omitzero"`
}

// PartsError lists the parts that prevent a distributed transfer from being completed: no process reported them, or the store
// does not have them, or has other data for them. They must be transferred again.
type PartsError struct {
	Missing []int // numbers, from 1
	what    string
}

// Error returns their number, and the first of them.
func (e *PartsError) Error() string {
	return fmt.Sprintf("%s: parts are missing, or differ from those recorded: %d, the first is %d", e.what, len(e.Missing), e.Missing[0])
}

// Parts returns the number of parts.
func (s Distributed) Parts() int { return s.layout().Count }

// Part returns the range of part n, counted from 1.
func (s Distributed) Part(n int) store.Range { return s.layout().Part(n) }

// Bytes returns the size of the parts from first to last.
func (s Distributed) Bytes(first, last int) int64 { return s.Part(last).End() - s.Part(first).Offset }

func (s Distributed) layout() layout.Split {
	return layout.Split{Size: s.Size, PartSize: s.PartSize, Count: int(max(1, (s.Size+s.PartSize-1)/s.PartSize))}
}

func (s Distributed) source() string { return cmp.Or(s.sourcePath(), s.From.String()) }

func (s Distributed) target() string {
	if s.Temp != "" {
		return s.Path
	}
	return s.Upload.Ref.String()
}

func (s Distributed) sourcePath() string {
	if s.Temp != "" {
		return ""
	}
	return s.Path
}

// sharedParts is the default number of parts of a distributed transfer: as many as one page of ListParts returns, so that
// one request lists what is there.
const sharedParts = 1000

// sharedLayout splits an object into parts.
func sharedLayout(size, want int64, l store.Limits) (layout.Split, error) {
	split, err := layout.Parts(size, want, l)
	if err != nil || want != 0 || split.Count <= sharedParts {
		return split, err
	}
	const mib = 1 << 20
	want = (size/sharedParts + mib) / mib * mib
	if l.MaxPart > 0 {
		want = min(want, l.MaxPart)
	}
	return layout.Parts(size, want, l)
}

// DistributeUpload opens the upload of a local file, which must have the same path for all processes that transfer parts. Of
// the options, it uses PartSize, Checksum, NoClobber, Times, Attrs and OnOpen.
func (c *Client) DistributeUpload(ctx context.Context, path string, to store.Ref, o UploadOptions) (Distributed, error) {
	src, err := localfile.OpenSource(path)
	if err != nil {
		return Distributed{}, err
	}
	defer src.Close() // only its size and time are of interest
	print := src.Fingerprint()
	layout, err := sharedLayout(print.Size, o.PartSize, c.store.Limits(to.Bucket))
	if err != nil {
		return Distributed{}, err
	}
	t := c.begin(path, to.String(), o.all().stamped(src.ModTime()))
	a := &multipart{transfer: t, up: store.Upload{Ref: to}}
	if err := a.create(ctx, checksum.Scheme{Algorithm: t.want()}, &t.o.attrs, nil); err != nil {
		return Distributed{}, err
	}
	a.sweepLost(ctx)
	if err := t.asked(a.up.Scheme); err != nil {
		return Distributed{}, a.abort(ctx, err)
	}
	return Distributed{
		Path: src.Path(), Upload: a.up, Algorithm: a.up.Scheme.Algorithm, Size: print.Size, PartSize: layout.PartSize,
		Modified: src.ModTime(),
	}, nil
}

// DistributeDownload creates the hidden file that a download fills, beside path, in a directory that must be accessible to
// all processes that transfer parts. Of the options, it uses PartSize, IfMatch, Attrs and Root.
func (c *Client) DistributeDownload(ctx context.Context, from store.Ref, path string, o DownloadOptions) (Distributed, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Distributed{}, fmt.Errorf("find %s: %w", path, err)
	}
	t := c.begin(from.String(), path, o.all())
	obj, err := t.head(ctx, from)
	if err == nil {
		err = t.expected(obj)
	}
	if err != nil {
		return Distributed{}, err
	}
	layout, err := sharedLayout(obj.Size, o.PartSize, store.Limits{})
	if err != nil {
		return Distributed{}, err
	}
	target, err := t.o.below().Create(path, obj.Size, nil)
	if err != nil {
		return Distributed{}, err
	}
	s := Distributed{
		Path: path, Temp: target.Temp(), From: from, ETag: obj.ETag, Algorithm: t.newSource(ctx, from, obj).algorithm,
		Size: obj.Size, PartSize: layout.PartSize, Modified: obj.Modified,
	}
	return s, target.Keep()
}

// DistributeCopy opens the upload that a copy on the server fills, with the parts of the source if those are of equal size.
// It uses all options but Digests, WantLayout and OnProgress.
func (c *Client) DistributeCopy(ctx context.Context, from, to store.Ref, o CopyOptions) (Distributed, error) {
	t := c.begin(from.String(), to.String(), o.all())
	src, err := t.headSource(ctx, from)
	if err == nil {
		err = t.expected(src)
	}
	if err != nil {
		return Distributed{}, err
	}
	t.replace()
	limits := c.store.Limits(to.Bucket)
	ranges, err := t.copyRanges(ctx, src, limits)
	if err != nil {
		return Distributed{}, err
	}
	layout := layout.Split{Size: src.Size, PartSize: ranges[0].Length, Count: len(ranges)}
	for i, r := range ranges {
		if r.Length != layout.PartSize && i < len(ranges)-1 || r.Length > layout.PartSize {
			if layout, err = evenCopy(src.Size, 0, limits); err != nil {
				return Distributed{}, err
			}
			break
		}
	}
	a := &multipart{transfer: t, up: store.Upload{Ref: to}}
	if err := t.openCopy(ctx, src, a, nil); err != nil {
		return Distributed{}, err
	}
	a.sweepLost(ctx)
	return Distributed{From: from, ETag: src.ETag, Upload: a.up, Size: src.Size, PartSize: layout.PartSize, Modified: src.Modified}, nil
}

// AbortDistributed aborts a distributed transfer and deletes all parts transferred so far. Aborting a transfer that no longer
// exists is not an error.
func (c *Client) AbortDistributed(ctx context.Context, s Distributed) error {
	if s.Temp != "" {
		return localfile.RemoveTemp(s.Path, s.Temp)
	}
	return c.Store().Abort(ctx, s.Upload, nil)
}
