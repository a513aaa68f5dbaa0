package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const uploadsLong = `haul uploads lists unfinished uploads, whichever program started them. Interrupted transfers resume them; the others only cost money,
since the store bills the parts it holds. Each line has the date, the age, the key and the upload ID.

With --abort it aborts them. Say exactly which:

  haul uploads s3://BUCKET/KEY --abort                    all of that key, and of no longer key that starts with it
  haul uploads s3://BUCKET/DIR/ --abort --older-than 7d   all below that folder that were started more than 7 days ago
  haul uploads s3://BUCKET --abort --yes                  all of the bucket, including those of running transfers
  haul uploads s3://BUCKET/KEY --abort --upload-id ID     one

Aborting the upload of a running transfer makes that transfer fail.`

// uploadsFlags are those of haul uploads, as typed.
type uploadsFlags struct {
	abort, yes, parts bool
	olderThan         spanFlag
	id                string
}

func (f *uploadsFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Unfinished uploads", pflag.ContinueOnError)
	fs.BoolVar(&f.abort, "abort", false, "abort them")
	fs.Var(&f.olderThan, "older-than", "only those started at least `TIME` ago, such as 7d")
	fs.StringVar(&f.id, "upload-id", "", "only the one with that `ID`")
	fs.BoolVar(&f.yes, "yes", false, "with --abort: confirm aborting all of the bucket or folder")
	fs.BoolVar(&f.parts, "parts", false, "also count parts and bytes, with one request for each upload")
	return fs
}

func (a *app) uploads() *cobra.Command {
	var f uploadsFlags
	cmd := &cobra.Command{
		Use:     "uploads [flags] s3://BUCKET[/PREFIX]",
		Short:   "List or abort unfinished uploads",
		Long:    uploadsLong,
		Example: "  haul uploads s3://lab\n  haul uploads s3://lab/runs/ --parts\n  haul uploads s3://lab --abort --older-than 7d",
		Args:    exactlyOne("s3://BUCKET, s3://BUCKET/KEY or s3://BUCKET/DIR/"),
	}
	return verb(a, cmd, []*pflag.FlagSet{f.flags()}, func(args []string, _ *pflag.FlagSet) (command.UploadsRequest, error) {
		return f.parse(args[0])
	}, a.session.Uploads)
}

// parse returns the request that the flags and arguments describe.
func (f *uploadsFlags) parse(word string) (command.UploadsRequest, error) {
	l, err := parseLocation(word)
	if err != nil {
		return command.UploadsRequest{}, err
	}
	if l.Kind != command.Remote {
		return command.UploadsRequest{}, command.Usagef("uploads are looked for in a bucket: s3://%s", strings.TrimLeft(word, "./-"))
	}
	r := command.UploadsRequest{Where: l.Ref, Abort: f.abort, Parts: f.parts, OlderThan: time.Duration(f.olderThan), ID: f.id}
	r.Exact = f.abort && !command.IsFolder(l.Ref.Key)
	if f.yes && !f.abort {
		return r, command.Usagef("--yes only goes with --abort")
	}
	if f.abort && !r.Exact && !f.yes && r.OlderThan == 0 && r.ID == "" {
		return r, command.Usagef("this would abort all unfinished uploads below %s, those of running transfers too; "+
			"add --older-than 1d (or another time) or --yes", word)
	}
	return r, nil
}
