package awscli

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"haul.example/haul/internal/command"
)

// seenVariable is the variable that names the haul programs that a line was handed on by, so that two of them, one a copy of the
// other, do not hand it to each other.
const seenVariable = "HAUL_AWS_SEEN"

// handoversVariable is the variable that says how often commands were handed on, one from within the other, and to which programs this
// very command was: so a script named aws that runs haul aws "$@" gets it once.
const handoversVariable = "HAUL_AWS_HANDED"

// maxHandovers bounds how often commands are handed on, one from within the other: a real aws may run another, as for credentials.
const maxHandovers = 8

type handovers struct {
	times int
	to    []string
}

func parseHandovers(text string, words []string) (h handovers) {
	fields := filepath.SplitList(text)
	if len(fields) < 2 {
		return h
	}
	h.times, _ = strconv.Atoi(fields[0])
	if fields[1] == wordsKey(words) {
		h.to = fields[2:]
	}
	return h
}

func (h handovers) text(words []string) string {
	return strings.Join(append([]string{strconv.Itoa(h.times + 1), wordsKey(words)}, h.to...), string(filepath.ListSeparator))
}

// wordsKey identifies a command without showing it.
func wordsKey(words []string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// passThrough runs the next real aws in PATH on the same words, and returns its exit code.
func (f *face) passThrough(words []string) int {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		f.out.Refuse("haul cannot find itself, and so no other aws: " + err.Error())
		return codeGeneral
	}
	seen := append(filepath.SplitList(os.Getenv(seenVariable)), self)
	before := parseHandovers(os.Getenv(handoversVariable), words)
	program := nextAWS(filepath.SplitList(os.Getenv("PATH")), slices.Concat(seen, before.to))
	switch {
	case program == "" && len(before.to) == 0:
		return f.noOtherAWS()
	case program == "", before.times >= maxHandovers:
		f.out.Refuse("haul handed this command on, and it came back: an aws in PATH runs haul aws, as a script may do. " +
			"Put the real aws behind it in PATH, or let the script run that for everything but s3")
		return codeGeneral
	}
	before.to = append(before.to, program)
	env := withoutVariable(withoutVariable(os.Environ(), seenVariable), handoversVariable)
	env = append(env, seenVariable+"="+strings.Join(slices.Compact(seen), string(filepath.ListSeparator)), handoversVariable+"="+before.text(words))
	code, err := become(program, append([]string{"aws"}, words...), env, f.sys)
	if err != nil {
		f.out.Refuse("haul handed this line to " + program + ": " + err.Error())
		return codeGeneral
	}
	return code
}

// noOtherAWS reports that there is no other aws.
func (f *face) noOtherAWS() int {
	if f.line.Version {
		f.out.Line("aws-cli/2 (" + command.Version() + ", which speaks for aws s3) " + runtime.GOOS + "/" + runtime.GOARCH)
		return codeOK
	}
	what := "aws " + f.line.Service
	if f.line.Globals.Has("cli-auto-prompt") {
		what = "the prompt"
	}
	f.out.Refuse("haul only implements aws s3, and there is no other aws in PATH to run " + what)
	return codeGeneral
}

// nextAWS returns the first program called aws in the folders that is not in seen.
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
