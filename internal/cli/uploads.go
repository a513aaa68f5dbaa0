package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const uploadsLong = `haul uploads lists unfinished uploads, including those of other programs. Interrupted transfers need their uploads to resume; the others
only cost money, because their parts are billed. Each line shows the date, the age, the key and the upload ID.

With --abort, it aborts them. Specify which ones:

  haul uploads s3://BUCKET/KEY --abort                    all uploads of this key
  haul uploads s3://BUCKET/DIR/ --abort --older-than 7d   all under this folder, started at least 7 days ago
  haul uploads s3://BUCKET --abort --yes                  all in the bucket, including those of running transfers
  haul uploads s3://BUCKET/KEY --abort --upload-id ID     only this upload

Aborting the upload of a running transfer makes that transfer fail.`

// uploadsFlags are those of haul uploads, as typed.
type uploadsFlags struct {
	abort, yes, parts bool
	olderThan         spanFlag
	id                string
}

func (f *uploadsFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Unfinished uploads", pflag.ContinueOnError)
	fs.BoolVar(&f.abort, "abort", false, "abort the listed uploads")
	fs.Var(&f.olderThan, "older-than", "select only uploads started at least `TIME` ago, such as 7d")
	fs.StringVar(&f.id, "upload-id", "", "select only the upload with that `ID`")
	fs.BoolVar(&f.yes, "yes", false, "with --abort: confirm that all uploads in the bucket or folder are to be aborted")
	fs.BoolVar(&f.parts, "parts", false, "also print the number of parts and bytes, which takes one request per upload")
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
		return command.UploadsRequest{}, command.Usagef("uploads needs a bucket: s3://%s", strings.TrimLeft(word, "./-"))
	}
	r := command.UploadsRequest{Where: l.Ref, Abort: f.abort, Parts: f.parts, OlderThan: time.Duration(f.olderThan), ID: f.id}
	r.Exact = f.abort && !command.IsFolder(l.Ref.Key)
	if f.yes && !f.abort {
		return r, command.Usagef("--yes needs --abort")
	}
	if f.abort && !r.Exact && !f.yes && r.OlderThan == 0 && r.ID == "" {
		return r, command.Usagef("this would abort all unfinished uploads under %s, including those of running transfers; "+
			"add --older-than 1d (or another time) or --yes", word)
	}
	return r, nil
}
