package command

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"haul.example/haul"
	"haul.example/haul/mirror"
)

// CalledAs returns the words of a command of another program, if a process with these arguments was started under its name, or as
// haul NAME.
func CalledAs(name string, args []string) ([]string, bool) {
	switch {
	case len(args) == 0:
		return nil, false
	case isProgram(filepath.Base(args[0]), name):
		return args[1:], true
	case len(args) > 1 && args[1] == name:
		return args[2:], true
	}
	return nil, false
}

func isProgram(base, name string) bool {
	return base == name || runtime.GOOS == "windows" && strings.EqualFold(base, name+".exe")
}

// FaceTransfer returns the options of transfers under another program's name, which keeps nothing of a failed one, as that program does:
// HAUL_RESUME=1 and HAUL_READ_TWICE=1 in the environment ask for more.
func FaceTransfer() mirror.TransferOptions {
	t := mirror.TransferOptions{Resume: haul.ResumeNever, ReadTwice: enabled("HAUL_READ_TWICE")}
	if enabled("HAUL_RESUME") {
		t.Resume = haul.ResumeAuto
	}
	return t
}

// enabled reports whether an environment variable is set, and not to 0 or false.
func enabled(name string) bool {
	v := os.Getenv(name)
	return v != "" && v != "0" && !strings.EqualFold(v, "false")
}

// AddressingAt is where the AWS CLI and s5cmd put the bucket's name at an endpoint that was named: into the path, also on Amazon's own
// hosts, but for the one of Transfer Acceleration.
func AddressingAt(endpoint string) string {
	if endpoint == "" || strings.Contains(endpoint, "://s3-accelerate.") {
		return "auto"
	}
	return "path"
}
