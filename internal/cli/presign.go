package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/store"
)

const presignLong = `haul presign prints a URL from which anyone can download an object for a limited time, with a browser or curl, without credentials.
No request is sent, so it does not check that the object exists. The URL also expires when the credentials that signed it expire.
Treat it as a secret while it is valid.

On Amazon S3 give the bucket's region (--region): it is part of what is signed.`

// presignRequest is an address to be signed.
type presignRequest struct {
	ref  store.Ref
	good time.Duration
}

const (
	defaultPresign = time.Hour
	maxPresign     = 7 * 24 * time.Hour
)

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
		req, err := parsePresign(args[0], expires)
		if err != nil {
			return err
		}
		req.ref.Version = version
		st, err := a.connect.open(ctx)
		if err != nil {
			return err
		}
		url, err := st.Presign(ctx, req.ref, req.good)
		if err != nil {
			return err
		}
		a.screen(false).Address(url, req.good.Seconds())
		return nil
	})
	return cmd
}

// parsePresign understands the line; no time is an hour.
func parsePresign(word, expires string) (r presignRequest, err error) {
	if r.ref, err = parseObject(word); err != nil {
		return r, err
	}
	r.good = defaultPresign
	if expires != "" {
		if seconds, err := strconv.ParseInt(expires, 10, 32); err == nil {
			r.good = time.Duration(seconds) * time.Second
		} else if r.good, err = parseSpan(expires); err != nil {
			return r, usagef("--expires-in: %v", err)
		}
	}
	if r.good < time.Second || r.good > maxPresign {
		return r, usagef("--expires-in: an address is good for 1 second to 7 days")
	}
	return r, nil
}
