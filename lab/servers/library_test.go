package servers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestSizes(t *testing.T) {
	alsoPoor(t, func(t *testing.T, s *servers.Server) {
		c, bucket, dir := client(t, open(t, s)), s.Bucket(t), t.TempDir()
		for i, size := range []int64{0, 1, 5*mib - 1, 5 * mib, 5*mib + 1, 16 * mib, 16*mib + 1, 40*mib + 7} {
			content := storetest.Generated(size, uint64(i))
			path := file(t, filepath.Join(dir, "in"), content)
			ref := store.Ref{Bucket: bucket, Key: fmt.Sprintf("sizes/%d", size)}
			up, err := c.Upload(t.Context(), path, ref, haul.UploadOptions{PartSize: 5 * mib})
			proved(t, s, fmt.Sprintf("upload of %d bytes", size), up, err)
			back := filepath.Join(dir, "out")
			down, err := c.Download(t.Context(), ref, back, haul.DownloadOptions{})
			proved(t, s, fmt.Sprintf("download of %d bytes", size), down, err)
			isFile(t, back, content)
		}
	})
}

func TestStreamsAndCopies(t *testing.T) {
	alsoPoor(t, func(t *testing.T, s *servers.Server) {
		c, bucket := client(t, open(t, s)), s.Bucket(t)
		for i, size := range []int64{0, 100, 33*mib + 5} {
			content := storetest.Generated(size, uint64(i))
			from := store.Ref{Bucket: bucket, Key: fmt.Sprintf("streams/%d", size)}
			to := store.Ref{Bucket: bucket, Key: fmt.Sprintf("copies/%d", size)}
			up, err := c.UploadStream(t.Context(), content.Section(), from, haul.UploadOptions{})
			proved(t, s, fmt.Sprintf("stream up, %d bytes", size), up, err)
			copied, err := c.Copy(t.Context(), from, to, haul.CopyOptions{})
			proved(t, s, fmt.Sprintf("copy of %d bytes", size), copied, err)
			var out bytes.Buffer
			down, err := c.DownloadStream(t.Context(), to, &out, haul.DownloadOptions{})
			proved(t, s, fmt.Sprintf("stream down, %d bytes", size), down, err)
			isContent(t, &out, content)
		}
	})
}

// proved checks that the best checksum verified a transfer that the server keeps.
func proved(t *testing.T, s *servers.Server, what string, r haul.Result, err error) {
	t.Helper()
	if s.Kind == servers.Rclone { // it keeps no checksums, and changes ETags
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	best := r.Proof.Sum.Algorithm == checksum.CRC64NVME && r.Proof.Sum.Parts == 0
	if s.Kind == servers.Ceph {
		best = r.Proof.Sum.Algorithm == checksum.MD5
	}
	if err != nil || !r.Proof.Verified || !best {
		t.Errorf("%s: %v; proof: %+v", what, err, r.Proof)
	}
}

// interrupted ends a context when so many parts went through.
type interrupted struct {
	store.Store
	left atomic.Int64
	stop context.CancelFunc
}

func interrupt(t *testing.T, s store.Store, parts int64) (context.Context, *interrupted) {
	ctx, stop := context.WithCancel(t.Context())
	i := &interrupted{Store: s, stop: stop}
	i.left.Store(parts)
	return ctx, i
}

func (i *interrupted) PutPart(ctx context.Context, r store.PutPartRequest) (store.Part, error) {
	p, err := i.Store.PutPart(ctx, r)
	if err == nil && i.left.Add(-1) == 0 {
		i.stop()
	}
	return p, err
}

func (i *interrupted) Get(ctx context.Context, r store.GetRequest) (*store.Body, error) {
	if i.left.Add(-1) < 0 {
		i.stop()
	}
	return i.Store.Get(ctx, r)
}

// Identity is that of the store: records of unfinished transfers are found by it.
func (i *interrupted) Identity() string {
	return i.Store.(interface{ Identity() string }).Identity()
}

func TestResume(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		st, bucket, dir := open(t, s), s.Bucket(t), t.TempDir()
		options := haul.Options{StateDir: t.TempDir(), Concurrency: 2}
		content := storetest.Generated(42*mib, 9)
		path, back := file(t, filepath.Join(dir, "in"), content), filepath.Join(dir, "out")
		ref := store.Ref{Bucket: bucket, Key: "resume/me"}
		parts := haul.UploadOptions{PartSize: 5 * mib}

		ctx, cut := interrupt(t, st, 3)
		_, err := haul.New(cut, options).Upload(ctx, path, ref, parts)
		var left *haul.IncompleteUploadError
		if !errors.As(err, &left) || !left.Resumable {
			t.Fatalf("interrupted upload: %v", err)
		}
		up, err := haul.New(st, options).Upload(t.Context(), path, ref, parts)
		proved(t, s, "resumed upload", up, err)
		if up.Kept < 3*5*mib || up.Kept+up.Moved != up.Size {
			t.Errorf("resumed upload: kept %d, moved %d of %d", up.Kept, up.Moved, up.Size)
		}

		ctx, cut = interrupt(t, st, 4)
		_, err = haul.New(cut, options).Download(ctx, ref, back, haul.DownloadOptions{PartSize: parts.PartSize})
		var kept *haul.PartialFileError
		if !errors.As(err, &kept) {
			t.Fatalf("interrupted download: %v", err)
		}
		down, err := haul.New(st, options).Download(t.Context(), ref, back, haul.DownloadOptions{PartSize: parts.PartSize})
		proved(t, s, "resumed download", down, err)
		if down.Kept == 0 || down.Kept+down.Moved != down.Size {
			t.Errorf("resumed download: kept %d, moved %d of %d", down.Kept, down.Moved, down.Size)
		}
		isFile(t, back, content)
	})
}

// settled waits until the store lists so many parts of the open upload. MinIO may list none while it is still busy with parts
// whose connections broke just now; another machine would come later.
func settled(t *testing.T, c *haul.Client, ref store.Ref, parts int) {
	t.Helper()
	for looks, until := 1, time.Now().Add(20*time.Second); ; looks++ {
		most := 0
		for u, err := range c.Uploads(t.Context(), ref.Bucket, ref.Key) {
			if err != nil {
				t.Fatal(err)
			}
			_, held, err := c.Store().Parts(t.Context(), u, nil)
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, len(held))
		}
		switch {
		case most >= parts:
			t.Logf("%d parts are listed, at look %d", most, looks)
			return
		case time.Now().After(until):
			t.Fatalf("the store lists %d parts after %d looks; %d were stored", most, looks, parts)
		}
	}
}

func TestAdopt(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		st, bucket := open(t, s), s.Bucket(t)
		content := storetest.Generated(42*mib, 10)
		path := file(t, filepath.Join(t.TempDir(), "in"), content)
		ref := store.Ref{Bucket: bucket, Key: "adopt/me"}
		ctx, cut := interrupt(t, st, 3)
		if _, err := client(t, cut).Upload(ctx, path, ref, haul.UploadOptions{PartSize: 5 * mib}); err == nil {
			t.Fatal("the upload was not interrupted")
		}
		settled(t, client(t, st), ref, 3)
		up, err := client(t, st).Upload(t.Context(), path, ref, haul.UploadOptions{Resume: haul.ResumeAdopt}) // its record is elsewhere
		if s.Kind != servers.SeaweedFS {
			proved(t, s, "adopted upload", up, err)
		} else if err != nil || !up.Proof.Verified { // by an MD5, since its list of uploads does not name their checksums
			t.Errorf("adopted upload: %v; proof: %+v", err, up.Proof)
		}
		if up.Kept < (5+5+2)*mib { // three parts, of which one may be the last, which is smaller
			t.Errorf("adopted upload: kept %d of %d", up.Kept, up.Size)
		}
		if open := s.OpenUploads(t, bucket, ref.Key); len(open) > 0 {
			t.Errorf("left open: %q", open)
		}
	})
}
