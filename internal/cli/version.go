package cli

import (
	"context"
	_ "embed"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

func (a *app) version() *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of haul, or the licenses of third-party code",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.Usagef("version takes no arguments")
			}
			return nil
		},
	}
	fs := pflag.NewFlagSet("Version", pflag.ContinueOnError)
	fs.BoolVar(&texts, "licenses", false, "print the licenses of the third-party code in this program")
	a.command(cmd, []*pflag.FlagSet{fs}, func(context.Context, []string) error {
		out := a.session.Screen()
		if !texts {
			out.Result(command.Version())
			return nil
		}
		for line := range strings.Lines(command.Licenses) {
			out.Result(strings.TrimSuffix(line, "\n"))
		}
		return nil
	})
	return cmd
}
