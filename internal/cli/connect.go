package cli

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// connection says which store, and as whom. What is not said is found as the AWS SDK finds it: environment, ~/.aws, SSO, IMDS.
type connection struct {
	endpoint, region, profile string
	noSign                    bool
	caBundle                  string
	noVerify                  bool
	addressing                string
	accelerate, dualStack     bool

	regions map[string]string // of buckets, as --source-region says
}

func (c *connection) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Connection", pflag.ContinueOnError)
	fs.StringVar(&c.endpoint, "endpoint-url", "", "`URL` of a store other than Amazon S3 (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the profile's)")
	fs.StringVar(&c.region, "region", "", "`REGION` of the bucket (default: AWS_REGION or the profile's)")
	fs.StringVar(&c.profile, "profile", "", "`NAME` of the profile in ~/.aws (default: AWS_PROFILE)")
	fs.BoolVar(&c.noSign, "no-sign-request", false, "send unsigned requests, for public data")
	fs.StringVar(&c.caBundle, "ca-bundle", "", "`FILE` of certificates to trust (default: AWS_CA_BUNDLE)")
	fs.BoolVar(&c.noVerify, "no-verify-ssl", false, "do not check the server's certificate")
	fs.StringVar(&c.addressing, "addressing", "auto", "`WHERE` the bucket's name goes in an address: auto, path or virtual")
	fs.BoolVar(&c.accelerate, "accelerate", false, "use S3 Transfer Acceleration (Amazon only; the bucket must allow it)")
	fs.BoolVar(&c.dualStack, "dualstack", false, "use the endpoints that also speak IPv6 (Amazon only)")
	return fs
}

// check finds what is wrong with the choices before anything is asked.
func (c *connection) check() error {
	if c.endpoint != "" {
		u, err := url.Parse(c.endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usagef("--endpoint-url: %q is not a URL; write it like https://s3.example.org", c.endpoint)
		}
		if u.User != nil {
			return usagef("--endpoint-url: credentials do not belong in the address; use a profile or AWS_ACCESS_KEY_ID")
		}
	}
	switch c.addressing {
	case "auto", "path", "virtual":
	default:
		return usagef("--addressing must be auto, path or virtual (got %q)", c.addressing)
	}
	return checkProxies()
}

// checkProxies refuses the address of a proxy that cannot be read: net/http would go without a proxy, and not say so.
func checkProxies() error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		address := os.Getenv(name)
		if address == "" {
			continue
		}
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return usagef("%s is not a proxy address; write it like http://gate.example.org:3128 or http://USER:PASSWORD@gate.example.org:3128, with special characters as %%XX", name)
		}
	}
	return nil
}

// words are the flags that a suggested line needs to reach the same store as the same user.
func (c *connection) words() []string {
	var w []string
	add := func(flag, value string) {
		if value != "" {
			w = append(w, flag, value)
		}
	}
	add("--endpoint-url", c.endpoint)
	add("--region", c.region)
	add("--profile", c.profile)
	add("--ca-bundle", c.caBundle)
	if c.noSign {
		w = append(w, "--no-sign-request")
	}
	if c.noVerify {
		w = append(w, "--no-verify-ssl")
	}
	if c.addressing != "auto" {
		add("--addressing", c.addressing)
	}
	if c.accelerate {
		w = append(w, "--accelerate")
	}
	if c.dualStack {
		w = append(w, "--dualstack")
	}
	return w
}

// open connects.
func (c *connection) open(ctx context.Context) (*s3.Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.halfKeys() {
		return nil, &store.Error{Kind: store.NoCredentials, Op: "Open", Hint: "set AWS_SECRET_ACCESS_KEY as well, or unset AWS_ACCESS_KEY_ID to use a profile",
			Err: errors.New("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")}
	}
	return s3.Open(ctx, c.config())
}

// halfKeys reports that the environment, where it counts, has an access key without its secret.
func (c *connection) halfKeys() bool {
	return c.profile == "" && !c.noSign && os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") == ""
}

func (c *connection) config() s3.Config {
	likeCLI()
	cfg := s3.Config{
		Endpoint: c.endpoint, Region: c.region, Profile: c.profile, NoSignRequest: c.noSign,
		NoVerifySSL: c.noVerify, CABundle: c.caBundle, Accelerate: c.accelerate, DualStack: c.dualStack,
		Regions: c.regions, MFA: askMFA, RoleCache: roleCache(),
	}
	switch c.addressing {
	case "path":
		cfg.Addressing = s3.AddressPath
	case "virtual":
		cfg.Addressing = s3.AddressVirtual
	}
	return cfg
}

// likeCLI gives variables that the AWS CLI reads in a way of its own the form in which the SDK reads them: to the CLI any value of
// a switch but true is false, it knows one more mode of retries (haul's are its own), and an older name of the session token.
func likeCLI() {
	for _, name := range []string{"AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_S3_USE_ARN_REGION",
		"AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"} {
		if v := os.Getenv(name); v != "" && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			_ = os.Setenv(name, "false")
		}
	}
	if os.Getenv("AWS_RETRY_MODE") == "legacy" {
		_ = os.Setenv("AWS_RETRY_MODE", "standard")
	}
	if v := os.Getenv("AWS_SECURITY_TOKEN"); v != "" && os.Getenv("AWS_SESSION_TOKEN") == "" {
		_ = os.Setenv("AWS_SESSION_TOKEN", v)
	}
}
