package cli

import (
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// connectionFlags are those of every command that opens a store.
func connectionFlags(c *command.Connection) *pflag.FlagSet {
	fs := pflag.NewFlagSet("Connection", pflag.ContinueOnError)
	fs.StringVar(&c.Endpoint, "endpoint-url", "", "`URL` of the store (default: AWS_ENDPOINT_URL[_S3], the profile's, or Amazon S3)")
	fs.StringVar(&c.Region, "region", "", "`REGION` of the bucket (default: AWS_REGION or the profile's)")
	fs.StringVar(&c.Profile, "profile", "", "`NAME` of the profile in ~/.aws (default: AWS_PROFILE)")
	fs.BoolVar(&c.NoSignRequest, "no-sign-request", false, "send unsigned requests, for public data")
	fs.StringVar(&c.CABundle, "ca-bundle", "", "`FILE` of certificates to trust (default: AWS_CA_BUNDLE)")
	fs.BoolVar(&c.NoVerifySSL, "no-verify-ssl", false, "do not check the server's certificate")
	fs.StringVar(&c.Addressing, "addressing", "auto", "`WHERE` the bucket's name goes in an address: auto, path or virtual")
	fs.BoolVar(&c.Accelerate, "accelerate", false, "use S3 Transfer Acceleration (Amazon only; the bucket must allow it)")
	fs.BoolVar(&c.DualStack, "dualstack", false, "use the endpoints that also speak IPv6 (Amazon only)")
	return fs
}
