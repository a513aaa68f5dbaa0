package main

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// templates are what maintainers submit to package collections; recipes/README.md says where.
//
//go:embed recipes
var templates embed.FS

// recipes fills in the templates for the address under which the files will be published.
func (d dist) recipes() error {
	if d.config.url == "" {
		return nil
	}
	if strings.Contains(d.release.version, "-") {
		return fmt.Errorf("recipes are for releases, and %s is not one: tag the commit, such as v1.2.3", d.release.version)
	}
	archive, err := os.ReadFile(filepath.Join(d.config.out, d.sourceName()))
	if err != nil {
		return err
	}
	all, err := filled(d.release.version, d.config.url, sha256.Sum256(archive))
	for _, m := range all {
		err = errors.Join(err, d.write(m.path, m.data))
	}
	return err
}

// filled returns the recipes of a version, whose source archive below url has this sum.
func filled(version, url string, sum [32]byte) ([]member, error) {
	fields := strings.NewReplacer("@VERSION@", version, "@URL@", strings.TrimSuffix(url, "/"), "@SHA256@", fmt.Sprintf("%x", sum))
	var all []member
	err := fs.WalkDir(templates, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path == "recipes/README.md" {
			return err
		}
		data, err := templates.ReadFile(path)
		all = append(all, member{path, []byte(fields.Replace(string(data))), 0o644})
		return err
	})
	return all, err
}
