package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"haul/internal/localfile"
)

const installLong = `haul install-aws puts a link to haul into DIR, under the name aws (on Windows a copy, aws.exe). Whoever then calls aws from there
gets haul for aws s3, and the real aws, the next one in PATH, for everything else. DIR is made where it is missing. A file aws that is
not haul's is never replaced. To undo it, remove the link.`

func (a *app) installAWS() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "install-aws DIR",
		Short:   "Let haul answer under the name aws, and say how to use that",
		Long:    installLong,
		Example: "  haul install-aws ~/haul-aws\n  PATH=~/haul-aws:$PATH aws s3 cp NA12878.bam s3://lab/runs/",
		Args:    exactlyOne("install-aws", "DIR"),
	}
	a.command(cmd, nil, func(_ context.Context, args []string) error {
		self, err := os.Executable()
		if err == nil {
			self, err = filepath.EvalSymlinks(self)
		}
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		path, err := installAWS(self, args[0])
		if err != nil {
			return err
		}
		for _, line := range installed(path) {
			a.screen(false).Result(line)
		}
		return nil
	})
	return cmd
}

// installed says how to use what was installed at path.
func installed(path string) []string {
	dir := filepath.Dir(path)
	return []string{
		path + " is haul now. To use it:",
		"  in a shell, and for Snakemake, Cromwell and scripts that it starts:",
		"    export PATH=" + shellLine(dir) + ":$PATH",
		"  Nextflow with AWS Batch, in nextflow.config, where that path is in the image or on the instance of the jobs:",
		"    aws.batch.cliPath = '" + path + "'",
		"  Nextflow elsewhere takes it from PATH.",
		"aws s3 is haul there; every other aws command goes to the next real aws in PATH.",
		"HAUL_RESUME=1 lets broken transfers go on when the same line comes again.",
	}
}

// installAWS puts a link to self, or on Windows a copy, into dir, and gives its absolute path.
func installAWS(self, dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := localfile.MakeDirs(dir, 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "aws")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if strings.EqualFold(path, self) {
		return "", usagef("%s is this very program", path)
	}
	if err := clearOurs(path, self); err != nil {
		return "", err
	}
	if runtime.GOOS == "windows" {
		return path, copyProgram(self, path)
	}
	return path, os.Symlink(self, path)
}

// clearOurs removes what an earlier install-aws put there: a link to something called haul, or a copy of this program.
func clearOurs(path, self string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := false
	if fi.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		base := strings.TrimSuffix(filepath.Base(to), ".exe")
		ours = err == nil && (base == "haul" || sameProgram(path, self))
	} else if fi.Mode().IsRegular() && runtime.GOOS == "windows" {
		ours = sameContent(path, self)
	}
	if !ours {
		return fmt.Errorf("%w: %s is there already, and is not haul's; choose another folder, or move it away", fs.ErrExist, path)
	}
	return os.Remove(path)
}

func sameProgram(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// sameContent compares two programs byte by byte.
func sameContent(a, b string) bool {
	x, errX := os.ReadFile(a)
	y, errY := os.ReadFile(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() // only read from
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
