package cli

import (
	"context"
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// release is set when a release is linked: -ldflags "-X haul.example/haul/internal/cli.release=v1.2.3".
var release string

// licenses are the texts under which others' code in the binary is used. Most of them must go with every copy of it.
//
//go:embed licenses.txt
var licenses string

func (a *app) version() *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of haul, or the licenses of the software in it",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("version takes no arguments")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&texts, "licenses", false, "print the licenses of the code by others that is in this program")
	a.command(cmd, nil, func(context.Context, []string) error {
		out := a.screen(false)
		if !texts {
			out.Result(versionText())
			return nil
		}
		for line := range strings.Lines(licenses) {
			out.Result(strings.TrimSuffix(line, "\n"))
		}
		return nil
	})
	return cmd
}

// versionText names release, commit and platform.
func versionText() string {
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

// commitOf gives the commit and its date with a space, or nothing.
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
