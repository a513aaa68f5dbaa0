package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// sumsName lists the SHA-256 of all other files, for sha256sum -c.
const sumsName = "SHA256SUMS"

func (d dist) sums() error {
	var b strings.Builder
	files := os.DirFS(d.config.out)
	err := fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error { // in order
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), path)
		return err
	})
	if err != nil {
		return err
	}
	return d.write(sumsName, []byte(b.String()))
}
