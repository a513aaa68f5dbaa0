package main

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// image writes an OCI image of the programs for Linux as a tar file of an image layout. It holds haul, its licenses, CA certificates
// and an empty /tmp; there is no shell in it.
func (d dist) image(programs []program) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	n := 0
	for _, p := range programs {
		if p.os != "linux" {
			continue
		}
		img, err := d.imageOf(p)
		if err != nil {
			return err
		}
		platform := &v1.Platform{OS: p.os, Architecture: p.arch}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: platform}})
		n++
	}
	if n == 0 {
		return nil
	}
	dir := filepath.Join(d.work, "image")
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": d.release.version})
	if err := to.AppendIndex(index, name); err != nil {
		return err
	}
	all, err := membersOf(os.DirFS(dir))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := writeTar(&b, all, d.release.time); err != nil {
		return err
	}
	return d.write("haul_"+d.release.version+"_oci.tar", b.Bytes())
}

// imageOf returns the image of one program.
func (d dist) imageOf(p program) (v1.Image, error) {
	binary, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	doc := "usr/share/doc/haul/"
	content := []member{
		{"etc", nil, fs.ModeDir | 0o755}, {"etc/ssl", nil, fs.ModeDir | 0o755}, {"etc/ssl/certs", nil, fs.ModeDir | 0o755},
		{"etc/ssl/certs/ca-certificates.crt", rootCertificates(), 0o644},
		{"tmp", nil, fs.ModeDir | fs.ModeSticky | 0o777},
		{"usr", nil, fs.ModeDir | 0o755}, {"usr/bin", nil, fs.ModeDir | 0o755}, {"usr/share", nil, fs.ModeDir | 0o755},
		{"usr/share/doc", nil, fs.ModeDir | 0o755}, {"usr/share/doc/haul", nil, fs.ModeDir | 0o755},
		{"usr/bin/haul", binary, 0o755},
		{doc + "LICENSE", find(d.common, "LICENSE").data, 0o644},
		{doc + licensesName, find(d.common, licensesName).data, 0o644},
	}
	var b bytes.Buffer
	if err := writeTar(&b, content, d.release.time); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	at := v1.Time{Time: d.release.time}
	img, err = mutate.Append(img, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: at, CreatedBy: "make dist"}})
	if err != nil {
		return nil, err
	}
	c, err := imageConfig(img, p, d.release)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, c)
}

// imageConfig says what a runtime does with the image.
func imageConfig(img v1.Image, p program, r release) (*v1.ConfigFile, error) {
	c, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.Created, c.OS, c.Architecture = v1.Time{Time: r.time}, p.os, p.arch
	c.Config.Entrypoint, c.Config.Cmd = nil, []string{"haul", "--help"}  // jobs name haul themselves: haul array work …
	c.Config.Env = []string{"PATH=/usr/bin", "HAUL_STATE_DIR=/tmp/haul"} // any user may write there
	c.Config.Labels = map[string]string{
		"org.opencontainers.image.title":    "haul",
		"org.opencontainers.image.version":  r.version,
		"org.opencontainers.image.revision": r.commit,
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	return c, nil
}

// rootCertificates returns Mozilla's CA certificates as PEM. Those that Mozilla trusts only in part are left out, because a PEM file
// cannot say so.
func rootCertificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}

// membersOf returns the files of a folder, all readable and none executable.
func membersOf(folder fs.FS) ([]member, error) {
	var all []member
	err := fs.WalkDir(folder, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if e.IsDir() {
			all = append(all, member{path, nil, fs.ModeDir | 0o755})
			return nil
		}
		data, err := fs.ReadFile(folder, path)
		all = append(all, member{path, data, 0o644})
		return err
	})
	return all, err
}
