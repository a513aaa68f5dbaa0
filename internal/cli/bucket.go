package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"
)

const mbLong = `haul mb creates a bucket, in the region given by --region or the profile. If the bucket already exists, the exit code is 5.`

func (a *app) mb() *cobra.Command {
	var tags string
	fs := pflag.NewFlagSet("The bucket", pflag.ContinueOnError)
	fs.StringVar(&tags, "tags", "", "set the bucket's tags from `NAME=VALUE,…` or NAME=VALUE&…")
	cmd := &cobra.Command{
		Use:     "mb [flags] s3://BUCKET",
		Short:   "Create a bucket",
		Long:    mbLong,
		Example: "  haul mb s3://lab\n  haul mb --region eu-central-1 --tags project=atlas s3://lab-frankfurt",
		Args:    exactlyOne("s3://BUCKET"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		req, err := parseMb(args[0], tags)
		if err != nil {
			return err
		}
		return a.session.MakeBucket(ctx, req)
	})
	return cmd
}

// parseMb returns the bucket that the flags and arguments describe.
func parseMb(word, tags string) (b store.NewBucket, err error) {
	if b.Name, err = parseBucket(word); err != nil || tags == "" {
		return b, err
	}
	b.Tags, err = command.ParseTagPairs(tags)
	return b, err
}

// parseBucket reads s3://BUCKET, or s3://BUCKET/.
func parseBucket(word string) (string, error) {
	l, err := parseLocation(word)
	switch {
	case err != nil:
		return "", err
	case l.Kind != command.Remote:
		return "", command.Usagef("a bucket is written s3://%s", word)
	case l.Ref.Key != "":
		return "", command.Usagef("%s names more than a bucket; write s3://%s", word, l.Ref.Bucket)
	}
	return l.Ref.Bucket, nil
}

const rbLong = `haul rb deletes a bucket, which must be empty. With --force, it first deletes all objects in it, as haul rm --recursive does;
if one of them cannot be deleted, or the listing fails, the bucket is not deleted. A bucket with noncurrent object versions or, on some
servers, unfinished uploads does not count as empty; "haul uploads s3://BUCKET --abort --yes" aborts the uploads.`

func (a *app) rb() *cobra.Command {
	var force bool
	fs := pflag.NewFlagSet("Deleting", pflag.ContinueOnError)
	fs.BoolVar(&force, "force", false, "first delete all objects in the bucket")
	cmd := &cobra.Command{
		Use:     "rb [flags] s3://BUCKET",
		Short:   "Delete a bucket",
		Long:    rbLong,
		Example: "  haul rb s3://lab-scratch\n  haul rb --force s3://lab-scratch",
		Args:    exactlyOne("s3://BUCKET"),
	}
	a.command(cmd, []*pflag.FlagSet{fs}, func(ctx context.Context, args []string) error {
		bucket, err := parseBucket(args[0])
		if err != nil {
			return err
		}
		return a.session.RemoveBucket(ctx, command.RemoveBucketRequest{Bucket: bucket, Force: force})
	})
	return cmd
}

const websiteLong = `haul website configures a bucket as a static website, with its own URL. Many S3-compatible servers do not support this. Read
permissions are not changed.`

// websiteFlags are those of haul website, as typed.
type websiteFlags struct{ index, failed string }

func (f *websiteFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("The site", pflag.ContinueOnError)
	fs.StringVar(&f.index, "index-document", "", "serve the page `NAME`, such as index.html, for URLs that end in a slash")
	fs.StringVar(&f.failed, "error-document", "", "serve the page `KEY` for missing objects")
	return fs
}

func (a *app) website() *cobra.Command {
	var f websiteFlags
	cmd := &cobra.Command{
		Use:     "website [flags] s3://BUCKET",
		Short:   "Configure a bucket as a static website",
		Long:    websiteLong,
		Example: "  haul website s3://lab-site --index-document index.html --error-document error.html",
		Args:    exactlyOne("s3://BUCKET"),
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
		return "", w, command.Usagef("--index-document is missing: the page for URLs that end in a slash, such as index.html")
	case strings.Contains(f.index, "/"):
		return "", w, command.Usagef("--index-document: %q has a slash; it must be a plain name, which is appended to every URL that ends in a slash", f.index)
	}
	return bucket, store.Website{Index: f.index, Error: f.failed}, nil
}

const presignLong = `haul presign prints a URL from which anyone can download an object for a limited time, with a browser or curl, without credentials.
haul sends no request for this, so it does not check that the object exists. The URL also expires when the credentials that signed it expire.
Treat it as a secret while it is valid.

On Amazon S3, specify the bucket's region with --region, because the signature depends on it.`

func (a *app) presign() *cobra.Command {
	var expires, version string
	fs := pflag.NewFlagSet("The URL", pflag.ContinueOnError)
	fs.StringVar(&expires, "expires-in", "", "make the URL valid for `TIME`: seconds, or a duration such as 12h; at most 7d (default 1h)")
	fs.StringVar(&version, "version-id", "", "link to version `ID` of the object")
	cmd := &cobra.Command{
		Use:     "presign [flags] s3://BUCKET/KEY",
		Short:   "Print a URL from which anyone can download an object for a limited time",
		Long:    presignLong,
		Example: "  haul presign s3://lab/runs/42/report.html\n  haul presign --expires-in 7d s3://lab/runs/42/reads.bam",
		Args:    exactlyOne("s3://BUCKET/KEY"),
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
		return ref, 0, command.Usagef("--expires-in: a URL can be valid for 1 second to 7 days")
	}
	return ref, validFor, nil
}
