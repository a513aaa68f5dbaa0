package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// program is haul, built for one platform.
type program struct {
	os, arch string // as Go has them
	path     string
	info     *debug.BuildInfo
}

func (p program) platform() string { return p.os + "/" + p.arch }

// name returns the file name of the program.
func (p program) name() string {
	if p.os == "windows" {
		return "haul.exe"
	}
	return "haul"
}

// build builds haul for a platform, GOOS/GOARCH, in a folder below work.
func build(root, work, platform string) (program, error) {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return program{}, fmt.Errorf("the platform %q is not GOOS/GOARCH", platform)
	}
	p := program{os: goos, arch: goarch}
	out, err := filepath.Abs(filepath.Join(work, goos+"-"+goarch, p.name()))
	if err != nil {
		return p, err
	}
	p.path = out
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", p.path, "./cmd/haul")
	cmd.Dir = root
	// What a user or `go env -w` has set must not change the bytes.
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("build haul for %s: %w\n%s", platform, err, out)
	}
	if p.info, err = buildinfo.ReadFile(p.path); err != nil {
		return p, fmt.Errorf("%s: %w", p.path, err)
	}
	return p, nil
}

// release is what Go recorded in the programs about the commit they were built from.
type release struct {
	version string // of the tag, such as 1.2.3, or made from the commit, such as 0.0.0-20261130205010-a415e37abcde; no v
	commit  string
	time    time.Time // of the commit
}

// releaseOf returns the release that all programs belong to.
func releaseOf(programs []program) (release, error) {
	var first release
	for i, p := range programs {
		settings := map[string]string{}
		for _, s := range p.info.Settings {
			settings[s.Key] = s.Value
		}
		r := release{version: strings.TrimPrefix(p.info.Main.Version, "v"), commit: settings["vcs.revision"]}
		if r.commit == "" {
			return r, errors.New("go build recorded no commit: a release is built from a git checkout")
		}
		at, err := time.Parse(time.RFC3339, settings["vcs.time"])
		if err != nil {
			return r, fmt.Errorf("the time of the commit: %w", err)
		}
		r.time = at.UTC()
		if i == 0 {
			first = r
		}
		if r != first {
			return r, fmt.Errorf("%s is %s, and %s is %s: the checkout changed while it was built", p.platform(), r.version, programs[0].platform(), first.version)
		}
	}
	return first, nil
}

// packageVersion returns the version as dpkg and rpm order it: what precedes a release, such as 1.2.3-rc.1, has a tilde.
func (r release) packageVersion() string {
	base, before, ok := strings.Cut(r.version, "-")
	if !ok {
		return base
	}
	return base + "~" + strings.ReplaceAll(before, "-", ".")
}
