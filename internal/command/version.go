package command

import (
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is set when a release is linked: -ldflags "-X haul.example/haul/internal/command.release=v1.2.3".
var release string

// Licenses are the texts under which others' code in the binary is used. Most of them must go with every copy of it.
//
//go:embed licenses.txt
var Licenses string

// Version returns release, commit and platform in one line.
func Version() string {
	version, commit := release, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if version == "" && info.Main.Version != "(devel)" {
			version = info.Main.Version
		}
		commit = commitOf(info.Settings)
	}
	if version == "" {
		version = "(not a release)"
	}
	return fmt.Sprintf("haul %s %s%s/%s %s", version, commit, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// commitOf returns the commit and its date with a space, or nothing.
func commitOf(settings []debug.BuildSetting) string {
	set := map[string]string{}
	for _, s := range settings {
		set[s.Key] = s.Value
	}
	commit := set["vcs.revision"]
	if commit == "" {
		return ""
	}
	commit = commit[:min(12, len(commit))]
	if set["vcs.modified"] == "true" {
		commit += "+changes"
	}
	if date, _, ok := strings.Cut(set["vcs.time"], "T"); ok {
		commit += " " + date
	}
	return commit + " "
}
