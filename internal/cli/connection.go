package cli

import (
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// connectionFlags are those of every command that opens a store.
func connectionFlags(c *command.Connection) *pflag.FlagSet {
	fs := pflag.NewFlagSet("Connection", pflag.ContinueOnError)
	fs.StringVar(&c.Store, "store", "", "use the store `NAME` of config.toml for s3:// addresses; NAME:BUCKET/KEY does the same for one address (see haul help stores)")
	fs.StringVar(&c.Endpoint, "endpoint-url", "", "use the endpoint `URL` (default: from the environment or profile, or Amazon S3)")
	fs.StringVar(&c.Region, "region", "", "use `REGION`, such as eu-west-1 (default: AWS_REGION or the profile's region)")
	fs.StringVar(&c.Profile, "profile", "", "use the profile `NAME` from ~/.aws (default: AWS_PROFILE)")
	fs.BoolVar(&c.NoSignRequest, "no-sign-request", false, "do not sign requests (for public data)")
	fs.StringVar(&c.CABundle, "ca-bundle", "", "trust the CA certificates in `FILE` (default: AWS_CA_BUNDLE)")
	fs.BoolVar(&c.NoVerifySSL, "no-verify-ssl", false, "do not verify the server's certificate")
	fs.StringVar(&c.Addressing, "addressing", "auto", "use the bucket addressing `STYLE` auto, path or virtual")
	fs.BoolVar(&c.Accelerate, "accelerate", false, "use S3 Transfer Acceleration (Amazon only; the bucket must allow it)")
	fs.BoolVar(&c.DualStack, "dualstack", false, "use endpoints that support IPv6 as well as IPv4 (Amazon only)")
	return fs
}
