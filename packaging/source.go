package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// clone makes a clone of the checkout at root, which has its last commit and nothing else. Go records the commit only where .git is a
// folder, as it is in a clone; in a worktree it is a file.
func clone(root, to string) error {
	_, err := git(".", "clone", "--quiet", "--shared", "--config", "core.autocrlf=false", root, to)
	return err
}

// unchanged returns an error if the checkout has anything that is not committed.
func unchanged(root string) error {
	out, err := git(root, "status", "--porcelain")
	if err == nil && out != "" {
		err = fmt.Errorf("the checkout has changes that would not be in the release; commit them first, or build the last commit with -ignore-changes:\n%s", out)
	}
	return err
}

// git runs git in a folder, and returns its standard output.
func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	var stdout, stderr strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", args[0], err, stderr.String())
	}
	return stdout.String(), nil
}

// tracked returns the files that git knows, with its modes.
func tracked(root string) ([]member, error) {
	out, err := git(root, "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	var all []member
	for entry := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		stage, path, _ := strings.Cut(entry, "\t")
		from := filepath.Join(root, filepath.FromSlash(path))
		m := member{path: path, mode: 0o644}
		switch mode, _, _ := strings.Cut(stage, " "); mode {
		case "120000":
			target, err := os.Readlink(from)
			if err != nil {
				return nil, err
			}
			m.data, m.mode = []byte(target), fs.ModeSymlink|0o777
			all = append(all, m)
			continue
		case "100755":
			m.mode = 0o755
		}
		if m.data, err = os.ReadFile(from); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// sourceName returns the name of the archive of the source.
func (d dist) sourceName() string { return "haul_" + d.release.version + "_source.tar.gz" }

// writeSource writes the archive of the source. It also has the man pages, so that those who build haul need not make them.
func (d dist) writeSource() error {
	all := append([]member{}, d.source...)
	for _, m := range d.common {
		if strings.HasPrefix(m.path, "man/") {
			all = append(all, m)
		}
	}
	for i := range all {
		all[i].path = "haul-" + d.release.version + "/" + all[i].path
	}
	packed, err := tarGz(all, d.release.time)
	if err != nil {
		return err
	}
	return d.write(d.sourceName(), packed)
}
