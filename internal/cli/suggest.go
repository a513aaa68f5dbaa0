package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// helpWith adds to an error of usage whose help to read, and what may have been meant by a command or flag that does not exist.
func helpWith(err error, cmd *cobra.Command, args []string) {
	usage := new(command.UsageError)
	if !errors.As(err, &usage) || usage.Command != "" {
		return
	}
	if sub, _, err := cmd.Find(args); err == nil && sub != cmd {
		usage.Command = sub.CommandPath()
		return
	}
	for _, word := range args {
		if strings.HasPrefix(word, "-") {
			continue
		}
		var names []string
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				names = append(append(names, sub.Name()), sub.SuggestFor...)
			}
		}
		if like := nearest(word, names); like != "" {
			if sub, _, err := cmd.Find([]string{like}); err == nil {
				like = sub.Name()
			}
			usage.Instead = cmd.Name() + " " + like
		}
		return
	}
}

// likeFlag returns the flag that may have been meant by one that does not exist; empty if none is like it.
func likeFlag(cmd *cobra.Command, err error) string {
	unknown := new(pflag.NotExistError)
	if !errors.As(err, &unknown) || len(unknown.GetSpecifiedName()) < 2 {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if like := nearest(unknown.GetSpecifiedName(), names); like != "" {
		return "--" + like
	}
	return ""
}

// nearest returns the name that differs least from a word, if it does so in two letters at most; or that begins with it.
func nearest(word string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		d := distance(word, n)
		if len(word) > 2 && strings.HasPrefix(n, word) {
			d = min(d, 2)
		}
		if d < least && d < len(word) {
			best, least = n, d
		}
	}
	return best
}

// distance returns how many letters must be put in, left out or replaced to make b of a (Levenshtein, 1965).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
