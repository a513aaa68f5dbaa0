package proof_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// stored is what a store records of an object.
type stored struct {
	name    string
	bucket  string // else storetest.Bucket
	takes   storetest.Checksums
	how     storetest.Made // of an object of 9 MiB, or, without parts, of 1000 bytes
	unsaid  bool           // the store does not report the sizes of parts
	edit    func(*store.Object)
	same    string // the answer about the same bytes
	differs string // and about others
}

const (
	match    = "match"
	mismatch = "mismatch"
	unknown  = "unknown"
)

// What stores record, as doc/SEMANTICS.md has it: of Amazon S3 before it computed checksums by itself (2025) an ETag is all there is.
func profiles() []stored {
	parts := func(sizes ...int64) storetest.Made { return storetest.Made{Parts: sizes} }
	by := func(a checksum.Algorithm, k checksum.Kind, sizes ...int64) storetest.Made {
		return storetest.Made{Parts: sizes, Scheme: checksum.Scheme{Algorithm: a, Kind: k}}
	}
	kms := storetest.Made{Attrs: &store.Attrs{Encryption: store.Encryption{SSE: "aws:kms"}}}
	bare := func(o *store.Object) { o.Sums = nil }
	known := func(o *store.Object) { o.MD5ETag = true }
	named := func(etag string) func(*store.Object) { return func(o *store.Object) { o.Sums, o.ETag = nil, etag } }
	const hex, express = "0123456789abcdef0123456789abcdef", "lab--use1-az4--x-s3"
	all, md5s, ignored := storetest.AllChecksums, storetest.MD5Checksums, storetest.IgnoredChecksums
	one := storetest.Made{}
	return []stored{
		{"Amazon S3", "", all, one, false, nil, match, mismatch},
		{"Amazon S3, in parts", "", all, parts(5 * mib), false, nil, match, mismatch},
		{"Amazon S3, CRC32C part by part", "", all, by(checksum.CRC32C, checksum.Composite, 5*mib), false, nil, match, mismatch},
		{"Amazon S3, SHA256", "", all, by(checksum.SHA256, ""), false, nil, match, mismatch},
		{"Amazon S3, SHA256 part by part", "", all, by(checksum.SHA256, checksum.Composite, 5*mib), false, nil, match, mismatch},
		{"Amazon S3 before 2025", "", all, one, false, bare, match, mismatch},
		{"Amazon S3 before 2025, in parts", "", all, parts(5*mib, 4*mib), false, bare, match, mismatch},
		{"Amazon S3 under KMS", "", all, kms, false, nil, match, mismatch},
		{"Amazon S3 under KMS before 2025", "", all, kms, false, bare, unknown, unknown},
		{"Amazon S3 under SSE-C before 2025", "", all, one, false, func(o *store.Object) { o.Sums, o.ETag, o.Encryption = nil, hex, "SSE-C" }, unknown, unknown},
		{"S3 Express", express, all, by(checksum.CRC32, checksum.FullObject, 5*mib), false, nil, match, mismatch},
		{"S3 Express, its ETag alone", express, all, one, false, named(hex), unknown, unknown},
		{"MinIO", "", md5s, one, false, known, match, mismatch},
		{"MinIO, in parts", "", md5s, parts(5 * mib), false, nil, match, unknown},
		{"MinIO, a random ETag of one part", "", md5s, parts(9 * mib), false, named(hex + "-1"), unknown, unknown},
		{"MinIO, CRC64NVME in parts", "", all, parts(5 * mib), false, nil, match, mismatch},
		{"versitygw", "", all, one, false, nil, match, mismatch},
		{"Cloudflare R2, in parts", "", all, parts(5 * mib), false, nil, match, mismatch},
		{"Ceph", "", ignored, one, false, nil, match, unknown},
		{"Ceph, in parts", "", ignored, parts(5 * mib), false, nil, match, unknown},
		{"Ceph 16, in parts", "", ignored, parts(8 * mib), true, nil, match, unknown},
		{"Ceph 16, in parts of a size that no tool uses", "", ignored, parts(5_123_456), true, nil, unknown, unknown},
		{"Google Cloud Storage", "", md5s, one, true, nil, match, unknown},
		{"Google Cloud Storage, in parts", "", md5s, parts(5 * mib), true, nil, match, unknown},
		{"Google Cloud Storage, composed", "", md5s, one, true, named("CKjX4bq1m4kDEAE="), unknown, unknown},
		{"SeaweedFS", "", md5s, one, true, nil, match, unknown},
		{"SeaweedFS, an ETag of chunks", "", md5s, one, true, named(hex + "-7"), unknown, unknown},
		{"moto, in parts", "", md5s, parts(5 * mib), true, nil, match, unknown},
		{"rclone serve, in parts", "", md5s, parts(5 * mib), true, named(hex), unknown, unknown},
		{"ETags that are no MD5s", "", storetest.OddETags, one, false, nil, unknown, unknown},
		{"a checksum part by part, without the parts", "", storetest.CompositeChecksums, parts(5 * mib), true, nil, match, unknown},
		{"the part size in metadata", "", md5s, storetest.Made{Parts: []int64{5_123_456}, Attrs: &store.Attrs{Metadata: map[string]string{"haul-part-size": "5123456"}}},
			true, nil, match, unknown},
	}
}

// Whatever asks whether two ends hold the same bytes gets the same answer.
func TestEveryVerbAnswersAlike(t *testing.T) {
	for _, r := range profiles() {
		t.Run(r.name, func(t *testing.T) {
			size := 1000
			if r.how.Parts != nil {
				size = 9 * mib
			}
			right := data(size, 7)
			wrong := bytes.Clone(right)
			wrong[size/2] ^= 1
			for _, side := range []struct {
				here []byte
				want string
			}{{right, r.same}, {wrong, r.differs}} {
				ends := newEnds(t, r, right, side.here)
				for verb, ask := range map[string]func() string{
					"sync --checksum": ends.compare, "verify": ends.verify, "cp": ends.download, "cat": ends.stream,
				} {
					if got := ask(); got != side.want {
						t.Errorf("%s says %s of bytes that are the same: %v; want %s", verb, got, bytes.Equal(side.here, right), side.want)
					}
				}
			}
		})
	}
}

// ends are a file and an object of the same bytes; what the store records of the object is of the right ones.
type ends struct {
	*testing.T
	m   *storetest.Memory
	c   *haul.Client
	ref store.Ref
	dir string
}

func newEnds(t *testing.T, r stored, right, here []byte) ends {
	t.Helper()
	options := []storetest.Option{storetest.Takes(r.takes)}
	if r.unsaid {
		options = append(options, storetest.NoLayout())
	}
	e := ends{t, storetest.New(options...), nil, at("x.bam"), t.TempDir()}
	if r.bucket != "" {
		e.ref.Bucket = r.bucket
	}
	e.c = client(t, e.m)
	recorded := e.m.Make(e.ref, bytes.NewReader(right), r.how)
	if r.edit != nil {
		r.edit(&recorded)
	}
	e.m.Make(e.ref, bytes.NewReader(here), r.how)
	e.m.Edit(e.ref, func(o *store.Object) { *o = recorded })
	write(t, e.dir, "x.bam", here)
	return e
}

func (e ends) compare() string {
	same, err := e.c.SameFile(context.Background(), filepath.Join(e.dir, "x.bam"), e.ref, nil)
	if err != nil {
		e.Error(err)
	}
	return map[haul.Verdict]string{haul.Equal: match, haul.Different: mismatch, haul.Undecided: unknown}[same.Verdict]
}

func (e ends) verify() string {
	target := store.Ref{Bucket: e.ref.Bucket}
	f, _ := verify(e.T, e.c, proof.Tree(entries(e.c, mirror.Local(e.dir))), entries(e.c, mirror.Remote(target)), proof.Options{})
	return map[proof.Verdict]string{proof.OK: match, proof.Bad: mismatch, proof.Unprovable: unknown}[f["x.bam"].Verdict]
}

func (e ends) download() string {
	r, err := e.c.Download(context.Background(), e.ref, filepath.Join(e.TempDir(), "x.bam"), haul.DownloadOptions{})
	return e.moved(r, err)
}

func (e ends) stream() string {
	r, err := e.c.DownloadStream(context.Background(), e.ref, io.Discard, haul.DownloadOptions{})
	return e.moved(r, err)
}

func (e ends) moved(r haul.Result, err error) string {
	switch {
	case errors.Is(err, haul.ErrMismatch):
		return mismatch
	case err != nil:
		e.Error(err)
	case r.Proof.Verified:
		return match
	}
	return unknown
}
