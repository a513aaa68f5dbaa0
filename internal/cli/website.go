package cli

import (
	"context"
	"strings"

	"haul.example/haul/internal/command"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/store"
)

const websiteLong = `haul website configures a bucket as a static website, with a URL of its own. Many stores other than Amazon S3 do not support
this. Read permissions are not changed.`

// websiteFlags are those of haul website, as typed.
type websiteFlags struct{ index, failed string }

func (f *websiteFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("The site", pflag.ContinueOnError)
	fs.StringVar(&f.index, "index-document", "", "`NAME` of the page for URLs that end in a slash, such as index.html")
	fs.StringVar(&f.failed, "error-document", "", "`KEY` of the page for missing objects")
	return fs
}

func (a *app) website() *cobra.Command {
	var f websiteFlags
	cmd := &cobra.Command{
		Use:     "website [flags] s3://BUCKET",
		Short:   "Configure a bucket as a static website",
		Long:    websiteLong,
		Example: "  haul website s3://lab-site --index-document index.html --error-document error.html",
		Args:    exactlyOne("website", "s3://BUCKET"),
	}
	a.command(cmd, []*pflag.FlagSet{f.flags()}, func(ctx context.Context, args []string) error {
		bucket, site, err := f.parse(args[0])
		if err != nil {
			return err
		}
		return a.session.SetWebsite(ctx, bucket, site)
	})
	return cmd
}

// parse returns the request that the flags and arguments describe.
func (f *websiteFlags) parse(word string) (bucket string, w store.Website, err error) {
	if bucket, err = parseBucket(word); err != nil {
		return "", w, err
	}
	switch {
	case f.index == "":
		return "", w, command.Usagef("--index-document names the page for addresses that end in a slash, such as index.html")
	case strings.Contains(f.index, "/"):
		return "", w, command.Usagef("--index-document: %q has a slash; it is put behind every address that ends in one", f.index)
	}
	return bucket, store.Website{Index: f.index, Error: f.failed}, nil
}
