package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const completionLong = `haul completion prints the script that makes a shell complete haul's commands and flags. The deb and rpm packages install the scripts;
after any other installation, run the command for your shell, and start a new shell:

  bash        haul completion bash > ~/.local/share/bash-completion/completions/haul
  zsh         haul completion zsh > "${fpath[1]}/_haul"
  fish        haul completion fish > ~/.config/fish/completions/haul.fish
  powershell  haul completion powershell >> $PROFILE

The directory must exist. bash needs the package bash-completion, and zsh the line "autoload -U compinit; compinit" in ~/.zshrc.`

func (a *app) completion() *cobra.Command {
	var bare bool
	fs := pflag.NewFlagSet("Completion", pflag.ContinueOnError)
	fs.BoolVar(&bare, "no-descriptions", false, "complete without describing commands and flags")
	cmd := &cobra.Command{
		Use:       "completion [flags] bash|zsh|fish|powershell",
		Short:     "Print the completion script of a shell",
		Long:      completionLong,
		Example:   "  source <(haul completion bash)",
		Args:      exactlyOne("shell: bash, zsh, fish or powershell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(_ context.Context, args []string) error {
		root, out := cmd.Root(), a.session.Stdout
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(out, !bare)
		case "zsh":
			if bare {
				return root.GenZshCompletionNoDesc(out)
			}
			return root.GenZshCompletion(out)
		case "fish":
			return root.GenFishCompletion(out, !bare)
		case "powershell":
			if bare {
				return root.GenPowerShellCompletion(out)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		}
		return command.Usagef("completion needs bash, zsh, fish or powershell (got %q)", args[0])
	})
	return cmd
}

// plainUsages removes the quotes around the names of values from the texts of all flags below cmd. Cobra gives shells these texts as
// they are.
func plainUsages(cmd *cobra.Command) {
	for _, set := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		set.VisitAll(func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) })
	}
	for _, c := range cmd.Commands() {
		plainUsages(c)
	}
}
