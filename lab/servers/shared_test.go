package servers_test

import (
	"path/filepath"
	"testing"

	"haul.example/haul"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestShared: real servers let several clients fill one upload, one copy, or one file, and prove the whole; and they list parts so
// that who is asked again sends none twice.
func TestShared(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		bucket, dir := s.Bucket(t), t.TempDir()
		content := storetest.Generated(33*mib+5, 1)
		path, back := file(t, filepath.Join(dir, "in"), content), filepath.Join(dir, "out")
		up, copied := store.Ref{Bucket: bucket, Key: "shared/up"}, store.Ref{Bucket: bucket, Key: "shared/copy"}
		o := haul.UploadOptions{PartSize: 5 * mib}
		sharedBy(t, s, "upload", func(c *haul.Client) (haul.Distributed, error) { return c.DistributeUpload(t.Context(), path, up, o) })
		if s.Kind == servers.Ceph { // it reports no parts, so that nothing verifies a copy that several processes make
			copied = up
		} else {
			sharedBy(t, s, "copy", func(c *haul.Client) (haul.Distributed, error) {
				return c.DistributeCopy(t.Context(), up, copied, haul.CopyOptions{})
			})
		}
		sharedBy(t, s, "download", func(c *haul.Client) (haul.Distributed, error) {
			return c.DistributeDownload(t.Context(), copied, back, haul.DownloadOptions{PartSize: o.PartSize})
		})
		isFile(t, back, content)
		if open := s.OpenUploads(t, bucket, up.Key, copied.Key); len(open) > 0 {
			t.Errorf("uploads are left open: %v", open)
		}
	})
}

// sharedBy lets two clients, each of which might be another machine, do what a third began; one is asked twice.
func sharedBy(t *testing.T, s *servers.Server, what string, share func(*haul.Client) (haul.Distributed, error)) {
	t.Helper()
	shared, err := share(client(t, open(t, s)))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var told []store.Part
	half := shared.Parts() / 2
	for _, r := range [][2]int{{half + 1, shared.Parts()}, {1, half}, {1, half}} {
		parts, err := client(t, open(t, s)).MoveParts(t.Context(), shared, r[0], r[1], haul.MovePartsOptions{})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		told = append(told, parts...)
	}
	r, err := client(t, open(t, s)).CompleteDistributed(t.Context(), shared, told, haul.CompleteOptions{})
	if err != nil || !r.Proof.Verified || r.Size != shared.Size {
		t.Errorf("%s: %v; %+v", what, err, r)
	}
	again, err := client(t, open(t, s)).CompleteDistributed(t.Context(), shared, told, haul.CompleteOptions{})
	if err != nil || !again.Proof.Verified {
		t.Errorf("%s, completed again: %v; %+v", what, err, again)
	}
}
