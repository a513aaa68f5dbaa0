package cli

import (
	"bytes"
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
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/localfile"
)

// program is another program whose commands haul takes if it is started under that program's name.
type program struct {
	name, long, example string
	// use returns how to use what was installed at path.
	use func(path string, copied bool) []string
}

const installLong = `haul install-%[1]s creates a link to haul in DIR, named %[1]s, or, with --copy, a copy (on Windows, always a copy named %[1]s.exe). When a
program calls this %[1]s, haul runs %[2]s. DIR is created if it is
missing. A file named %[1]s that does not belong to haul is never replaced. To undo the installation, remove the link.`

// programs are those programs.
func programs() []program {
	return []program{{
		name: "aws", use: awsInstalled,
		long: fmt.Sprintf(installLong, "aws", "aws s3 commands, and passes all others to the real aws, the next one in PATH") + `

Nextflow on AWS Batch requires that aws.batch.cliPath ends in /bin/aws. It mounts the parent folder of bin into the job's container,
and no other folder of the machine. Therefore run this when you build the machine image: haul install-aws --copy /opt/haul/bin`,
		example: "  haul install-aws ~/haul-aws\n  PATH=~/haul-aws:$PATH aws s3 cp NA12878.bam s3://lab/runs/\n  haul install-aws --copy /opt/haul/bin",
	}, {
		name: "s5cmd", use: s5cmdInstalled,
		long:    fmt.Sprintf(installLong, "s5cmd", "the commands of s5cmd 2.3, all but select"),
		example: "  haul install-s5cmd ~/haul-s5cmd\n  PATH=~/haul-s5cmd:$PATH s5cmd cp 's3://lab/runs/*.bam' bams/",
	}}
}

func (a *app) install(p program) *cobra.Command {
	var copied bool
	fs := pflag.NewFlagSet("Installing", pflag.ContinueOnError)
	fs.BoolVar(&copied, "copy", runtime.GOOS == "windows", "make a copy instead of a link; it works wherever DIR is mounted")
	cmd := &cobra.Command{
		Use:     "install-" + p.name + " [flags] DIR",
		Short:   "Install haul under the name " + p.name,
		Long:    p.long,
		Example: p.example,
		Args:    exactlyOne("DIR"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(_ context.Context, args []string) error {
		self, err := os.Executable()
		if err == nil {
			self, err = filepath.EvalSymlinks(self)
		}
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		path, err := installAs(p.name, self, args[0], copied || runtime.GOOS == "windows")
		if err != nil {
			return err
		}
		for _, line := range p.use(path, copied) {
			a.session.Screen().Result(line)
		}
		return nil
	})
	return cmd
}

// awsInstalled returns how to use the aws that was installed at path.
func awsInstalled(path string, copied bool) []string {
	dir := filepath.Dir(path)
	lines := []string{
		path + " now runs haul. To use it:",
		"  in a shell, and for Snakemake, Cromwell, Nextflow and scripts that are started from it:",
		"    export PATH=" + command.ShellLine(dir) + ":$PATH",
		"  for Nextflow on AWS Batch, in nextflow.config:",
	}
	if copied && filepath.Base(dir) == "bin" {
		lines = append(lines, "    aws.batch.cliPath = '"+path+"'")
	} else {
		lines = append(lines, "    aws.batch.cliPath must end in /bin/aws, and containers see only the folder above bin: there, haul install-aws --copy DIR/bin")
	}
	return append(lines,
		"There, haul runs aws s3; every other aws command goes to the next real aws in PATH.",
		"HAUL_RESUME=1 lets interrupted transfers resume when the same command is run again.")
}

// s5cmdInstalled returns how to use the s5cmd that was installed at path.
func s5cmdInstalled(path string, _ bool) []string {
	return []string{
		path + " now runs haul. To use it in a shell, and in what is started from it:",
		"  export PATH=" + command.ShellLine(filepath.Dir(path)) + ":$PATH",
		"HAUL_RESUME=1 lets interrupted transfers resume when the same command is run again.",
	}
}

// installAs puts a link to self, or a copy, into dir under another name, and returns its absolute path.
func installAs(name, self, dir string, copied bool) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := localfile.MakeDirs(dir, 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if strings.EqualFold(path, self) {
		return "", command.Usagef("%s is this program itself", path)
	}
	if err := clearOurs(path, self); err != nil {
		return "", err
	}
	if copied {
		return path, copyProgram(self, path)
	}
	return path, os.Symlink(self, path)
}

// clearOurs removes what an earlier installation put there: a link to something called haul, or a program that has haul's grammar
// of aws in it.
func clearOurs(path, self string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := false
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		base := strings.TrimSuffix(filepath.Base(to), ".exe")
		ours = err == nil && (base == "haul" || sameProgram(path, self))
	case fi.Mode().IsRegular():
		data, err := os.ReadFile(path)
		ours = err == nil && bytes.Contains(data, []byte("haul/internal/awsline."))
	}
	if !ours {
		return fmt.Errorf("%w: %s, which is not haul's; choose another folder, or move the file", fs.ErrExist, path)
	}
	return os.Remove(path)
}

func sameProgram(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
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

// aws is only for the help: package awscli runs these commands.
func (a *app) aws() *cobra.Command {
	return &cobra.Command{
		Use:   "aws [options] s3 VERB …",
		Short: "Run an aws s3 command, with the same meaning and output",
		Long: "haul aws s3 … accepts the commands of aws s3, with the same options, output and exit codes; so does haul when it is installed as aws\n" +
			"with \"haul install-aws DIR\". Commands of other services are passed to the next real aws in PATH. doc/aws-compat.md lists all options.",
		Example:            "  haul aws s3 cp NA12878.bam s3://lab/runs/\n  haul aws s3 sync run42 s3://lab/runs/run42 --delete --dryrun",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return command.Usagef("write haul aws … with all options after aws")
		},
	}
}

// s5cmd is only for the help: package s5cli runs these commands.
func (a *app) s5cmd() *cobra.Command {
	return &cobra.Command{
		Use:   "s5cmd [flags] COMMAND …",
		Short: "Run an s5cmd command, with the same meaning and output",
		Long: "haul s5cmd … accepts the commands of s5cmd 2.3, with the same flags and output; so does haul when it is installed as s5cmd\n" +
			"with \"haul install-s5cmd DIR\". doc/s5cmd-compat.md lists all commands and flags.",
		Example:            "  haul s5cmd cp 's3://lab/runs/*.bam' bams/\n  haul s5cmd --numworkers 64 run commands.txt",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return command.Usagef("write haul s5cmd … with all flags after s5cmd")
		},
	}
}
