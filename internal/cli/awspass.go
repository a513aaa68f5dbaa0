package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// awsSeen is the variable that names the haul programs that a line was handed on by, so that two of them, one a copy of the
// other, do not hand it to each other.
const awsSeen = "HAUL_AWS_SEEN"

// handOn gives a line to the next real aws in PATH, unchanged, and gives its exit code.
func (f *awsFace) handOn(words []string) int {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		f.out.Refuse("", "haul cannot find itself, and so no other aws: "+err.Error())
		return awsGeneral
	}
	seen := append(filepath.SplitList(os.Getenv(awsSeen)), self)
	program := nextAWS(filepath.SplitList(os.Getenv("PATH")), seen)
	if program == "" {
		return f.nobody()
	}
	env := append(withoutVariable(os.Environ(), awsSeen), awsSeen+"="+strings.Join(slices.Compact(seen), string(filepath.ListSeparator)))
	code, err := become(program, append([]string{"aws"}, words...), env, f.sys)
	if err != nil {
		f.out.Refuse("", "haul handed this line to "+program+": "+err.Error())
		return awsGeneral
	}
	return code
}

// nobody says that there is no other aws.
func (f *awsFace) nobody() int {
	if f.line.Version {
		f.out.Line("aws-cli/2 (" + versionText() + ", which speaks for aws s3) " + runtime.GOOS + "/" + runtime.GOARCH)
		return awsOK
	}
	what := "aws " + f.line.Service
	if f.line.Globals.Has("cli-auto-prompt") {
		what = "the prompt"
	}
	f.out.Refuse("", "haul speaks for aws s3 only, and there is no other aws in PATH to hand "+what+" to")
	return awsGeneral
}

// nextAWS finds the first program called aws in the folders that is none of seen.
func nextAWS(folders, seen []string) string {
	names := []string{"aws"}
	if runtime.GOOS == "windows" {
		names = []string{"aws.exe", "aws.cmd"}
	}
	for _, dir := range folders {
		if dir == "" {
			dir = "."
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			fi, err := os.Stat(path)
			if err != nil || !fi.Mode().IsRegular() || runtime.GOOS != "windows" && fi.Mode()&0o111 == 0 {
				continue
			}
			ours := func(s string) bool {
				other, err := os.Stat(s)
				return err == nil && os.SameFile(fi, other)
			}
			if !slices.ContainsFunc(seen, ours) {
				return path
			}
		}
	}
	return ""
}

func withoutVariable(env []string, name string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}
