package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// archive writes the archive of a program: a zip for Windows, else a tar.gz.
func (d dist) archive(p program) error {
	data, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	base := d.base(p)
	all := append([]member{{p.name(), data, 0o755}}, d.common...)
	for i := range all {
		all[i].path = base + "/" + all[i].path
	}
	pack, name := tarGz, base+".tar.gz"
	if p.os == "windows" {
		pack, name = zipped, base+".zip"
	}
	packed, err := pack(all, d.release.time)
	if err != nil {
		return err
	}
	return d.write(name, packed)
}

// base returns the name of the files about one program, without extension.
func (d dist) base(p program) string { return "haul_" + d.release.version + "_" + p.os + "_" + p.arch }

// sorted returns the members in the order of their paths.
func sorted(all []member) []member {
	return slices.SortedFunc(slices.Values(all), func(a, b member) int { return cmp.Compare(a.path, b.path) })
}

// tarGz returns a compressed tar file of files of one time and of root.
func tarGz(all []member, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	err = errors.Join(writeTar(z, all, at), z.Close())
	return b.Bytes(), err
}

func writeTar(to io.Writer, all []member, at time.Time) error {
	w := tar.NewWriter(to)
	for _, m := range sorted(all) {
		h := tar.Header{Typeflag: tar.TypeReg, Name: m.path, Size: int64(len(m.data)), Mode: int64(m.mode.Perm()), ModTime: at}
		switch {
		case m.mode.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, m.path+"/"
			if m.mode&fs.ModeSticky != 0 {
				h.Mode |= 0o1000
			}
		case m.mode&fs.ModeSymlink != 0:
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, string(m.data), 0
		}
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if _, err := w.Write(m.data); err != nil {
			return err
		}
	}
	return w.Close()
}

// zipped returns a zip file of files of one time.
func zipped(all []member, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range sorted(all) {
		h := zip.FileHeader{Name: m.path, Method: zip.Deflate, Modified: at}
		h.SetMode(m.mode)
		f, err := w.CreateHeader(&h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(m.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// gzipped returns data as gzip -9n compresses it.
func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = z.Write(data)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}
