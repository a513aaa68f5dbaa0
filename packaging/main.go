// Command packaging builds everything that a release of haul consists of, from a git checkout of it:
//
//	clone the checkout, so that only its commit counts source.go
//	build haul for each platform                       build.go
//	read version, commit and date from what was built  build.go
//	man pages and completions from the command table   man.go, completion.go
//	the files that go beside the program               files.go
//	archives, deb, rpm, OCI image, source, SBOM        archive.go, linux.go, image.go, source.go, sbom.go
//	recipes for Homebrew, bioconda and nf-core         recipes.go
//	SHA256SUMS                                         sums.go
//
// The same commit and the same version of Go give the same bytes on any machine: every time is that of the commit, every mode and
// owner is set here, every list is sorted, and nothing of the machine's paths gets in. It needs no network once Go's module cache has
// what the two go.mod files name.
//
// It signs nothing and publishes nothing.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// allPlatforms are those that a release is built for, as GOOS/GOARCH.
const allPlatforms = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64"

// config is what the command line asks for.
type config struct {
	root      string // a checkout of haul, whose last commit is built
	ignore    bool   // changes in the checkout that are not committed
	out       string // gets the files; what it had is deleted
	platforms []string
	url       string // where the files will be downloaded from; empty: no recipes
	packager  string // the maintainer that deb and rpm name
}

func main() {
	c := config{}
	flag.StringVar(&c.root, "root", "..", "the checkout of haul to build")
	flag.BoolVar(&c.ignore, "ignore-changes", false, "build the last commit even if the checkout has changes, which are not built")
	flag.StringVar(&c.out, "out", "../dist", "the folder to write to; it is replaced")
	platforms := flag.String("platforms", allPlatforms, "what to build for: GOOS/GOARCH, separated by commas")
	flag.StringVar(&c.url, "url", "", "the address under which the files will be published; the recipes need it")
	flag.StringVar(&c.packager, "packager", "haul developers <haul@haul.example>", "the maintainer that deb and rpm name")
	flag.Parse()
	c.platforms = strings.Split(*platforms, ",")
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(1)
	}
}

func run(c config) (err error) {
	if !c.ignore {
		if err := unchanged(c.root); err != nil {
			return err
		}
	}
	if err := clear(c.out); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "haul-dist-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	root := filepath.Join(work, "source")
	if err := clone(c.root, root); err != nil {
		return err
	}
	var programs []program
	for _, platform := range c.platforms {
		fmt.Fprintln(os.Stderr, "build", platform)
		p, err := build(root, work, platform)
		if err != nil {
			return err
		}
		programs = append(programs, p)
	}
	r, err := releaseOf(programs)
	if err != nil {
		return err
	}
	source, err := tracked(root)
	if err != nil {
		return err
	}
	common, err := commonFiles(source, r)
	if err != nil {
		return err
	}
	d := dist{config: c, release: r, work: work, source: source, common: common}
	for _, p := range programs {
		if err := errors.Join(d.archive(p), d.sbom(p), d.linux(p)); err != nil {
			return fmt.Errorf("%s: %w", p.platform(), err)
		}
	}
	for _, step := range []func() error{func() error { return d.image(programs) }, d.writeSource, d.recipes, d.sums} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// dist is one release on its way into a folder.
type dist struct {
	config  config
	release release
	work    string   // a temporary folder
	source  []member // what git knows
	common  []member // man pages, completions, documents and licenses
}

// write makes a file of the release.
func (d dist) write(name string, data []byte) error {
	return writeFile(filepath.Join(d.config.out, filepath.FromSlash(name)), data)
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// clear makes an empty folder out, deleting what an earlier run left there. It refuses a folder that holds anything else.
func clear(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ours := func(e fs.DirEntry) bool { return e.Name() == sumsName }
	if len(entries) > 0 && !slices.ContainsFunc(entries, ours) {
		return fmt.Errorf("%s is not empty and has no %s: it is not an earlier release; delete it first", out, sumsName)
	}
	return errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755))
}
