package cli

import (
	"context"
	"strconv"
	"time"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const presignLong = `haul presign prints a URL from which anyone can download an object for a limited time, with a browser or curl, without credentials.
No request is sent, so it does not check that the object exists. The URL also expires when the credentials that signed it expire.
Treat it as a secret while it is valid.

On Amazon S3 give the bucket's region (--region): it is part of what is signed.`

func (a *app) presign() *cobra.Command {
	var expires, version string
	fs := pflag.NewFlagSet("The address", pflag.ContinueOnError)
	fs.StringVar(&expires, "expires-in", "", "the URL is valid for `TIME`: seconds, or a time such as 12h; at most 7d (default 1h)")
	fs.StringVar(&version, "version-id", "", "`ID` of the object's version")
	cmd := &cobra.Command{
		Use:     "presign [flags] s3://BUCKET/KEY",
		Short:   "Print a URL from which anyone can download an object for a limited time",
		Long:    presignLong,
		Example: "  haul presign s3://lab/runs/42/report.html\n  haul presign --expires-in 7d s3://lab/runs/42/reads.bam",
		Args:    exactlyOne("presign", "s3://BUCKET/KEY"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		ref, validFor, err := parsePresign(args[0], expires)
		if err != nil {
			return err
		}
		ref.Version = version
		return a.session.Presign(ctx, ref, validFor)
	})
	return cmd
}

// maxPresign is what S3 allows (API reference, "Authenticating Requests: Using Query Parameters").
const maxPresign = 7 * 24 * time.Hour

func parsePresign(word, expires string) (ref store.Ref, validFor time.Duration, err error) {
	if ref, err = parseObject(word); err != nil {
		return ref, 0, err
	}
	validFor = command.DefaultPresign
	if expires != "" {
		if seconds, err := strconv.ParseInt(expires, 10, 32); err == nil {
			validFor = time.Duration(seconds) * time.Second
		} else if validFor, err = parseSpan(expires); err != nil {
			return ref, 0, command.Usagef("--expires-in: %v", err)
		}
	}
	if validFor < time.Second || validFor > maxPresign {
		return ref, 0, command.Usagef("--expires-in: an address is good for 1 second to 7 days")
	}
	return ref, validFor, nil
}
