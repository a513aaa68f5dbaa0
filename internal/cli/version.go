package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set when a release is linked: -ldflags "-X haul/internal/cli.release=v1.2.3".
var release string

func (a *app) version() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Tell the version of haul",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("version takes no words")
			}
			return nil
		},
	}
	a.command(cmd, nil, func(context.Context, []string) error {
		a.screen(false).Result(versionText())
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

// commitOf gives the commit and a space, or nothing.
func commitOf(settings []debug.BuildSetting) string {
	set := map[string]string{}
	for _, s := range settings {
		set[s.Key] = s.Value
	}
	commit := set["vcs.revision"]
	if commit == "" {
		return ""
	}
	if set["vcs.modified"] == "true" {
		return commit[:min(12, len(commit))] + "+changes "
	}
	return commit[:min(12, len(commit))] + " "
}
