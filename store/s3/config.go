package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"haul.example/haul/store"
)

// Addressing says where a bucket's name goes in an address.
type Addressing string

// The ways of addressing. Auto is virtual for hosts of AWS and path for any other endpoint; names of buckets that cannot be
// part of a host name (dots over TLS, upper case) always go into the path.
const (
	AddressAuto    Addressing = ""
	AddressPath    Addressing = "path"
	AddressVirtual Addressing = "virtual"
)

// Config configures an S3 store. The zero value is AWS as the environment and the shared config files describe it.
type Config struct {
	// Endpoint is the URL of a store other than AWS; empty leaves it to AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and the
	// profile.
	Endpoint string
	// Region is empty for that of the environment or profile, or else us-east-1 until the server names another.
	Region string
	// Profile of the shared config files; empty is AWS_PROFILE, or else default.
	Profile string
	// Source is where Endpoint and Region were found, in words, for store.Explainer; empty is flags of haul.
	Source string
	// NoSignRequest sends requests without credentials, as public buckets allow.
	NoSignRequest bool
	// NoVerifySSL accepts any certificate.
	NoVerifySSL bool
	// CABundle is a file of PEM certificates to trust instead of the system's; empty is AWS_CA_BUNDLE or the profile's.
	CABundle   string
	Addressing Addressing
	// Accelerate uses S3 Transfer Acceleration, DualStack the endpoints that also support IPv6; both only have a meaning on
	// AWS.
	Accelerate bool
	DualStack  bool
	// Regions are those of buckets, by name, if they are known; the server reports others.
	Regions map[string]string
	// StallTimeout is how long a connection may move fewer than StallFloor bytes before it is cut; 0 is 20 s.
	StallTimeout time.Duration
	// StallFloor in bytes for each StallTimeout; 0 is one byte.
	StallFloor int64
	// DialTimeout is how long one address of a server may take to accept a connection; 0 is 10 s.
	DialTimeout time.Duration
	// SignPayload signs a SHA-256 of each body, so that each is read twice. The zero value relies on the checksums.
	SignPayload bool
	// MFA returns the code of the device with that serial number, for a role that requires one; nil if that is impossible.
	MFA func(serial string) (string, error)
	// RoleCache is the directory where the AWS CLI keeps credentials of roles between runs (~/.aws/cli/cache); empty keeps
	// none.
	RoleCache string
}

// load finds configuration and credentials as the SDK does.
func load(ctx context.Context, c Config) (aws.Config, error) {
	opts, copies, err := sharedFiles()
	if err != nil {
		return aws.Config{}, err
	}
	defer copies.remove()
	opts = append(opts, config.WithLogger(logging.Nop{}), assuming(c))
	if c.Region != "" {
		opts = append(opts, config.WithRegion(c.Region))
	}
	if c.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(c.Profile))
	}
	if c.NoSignRequest {
		opts = append(opts, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	if c.CABundle != "" {
		f, err := os.Open(c.CABundle)
		if err != nil {
			return aws.Config{}, setupError("--ca-bundle needs a file with PEM certificates", fmt.Errorf("open CA bundle: %w", err))
		}
		defer f.Close()
		opts = append(opts, config.WithCustomCABundle(f))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, explainLoad(err)
	}
	cfg.ConfigSources = append(cfg.ConfigSources, copies)
	if file := cacheFile(c.RoleCache, cfg); file != "" {
		cfg.Credentials = aws.NewCredentialsCache(&roleCache{cfg.Credentials, file})
	}
	return cfg, nil
}

func explainLoad(err error) error {
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) {
		return setupError("to list the profiles: `aws configure list-profiles`, or see ~/.aws/config", fmt.Errorf("no profile %q", missing.Profile))
	}
	var unread config.SharedConfigLoadError
	if errors.As(err, &unread) {
		return setupError("correct the file "+unread.Filename, unread.Err)
	}
	return setupError("check the AWS_* variables and ~/.aws/config", errors.New(redact(err.Error())))
}

// setupError returns an error of configuration, before any request.
func setupError(hint string, err error) error {
	return &store.Error{Kind: store.Invalid, Op: "Open", Hint: hint, Err: err}
}

// parseEndpoint parses the URL of an endpoint.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || !strings.Contains(s, "://"):
		return nil, setupError("write the endpoint as a URL, such as https://s3.example.org or http://localhost:9000", errors.New("the endpoint is not a URL"))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, setupError("the endpoint must start with https:// or http://", fmt.Errorf("endpoint has the scheme %q", u.Scheme))
	case u.Host == "":
		return nil, setupError("write the endpoint as a URL, such as https://s3.example.org", errors.New("endpoint names no host"))
	case u.User != nil:
		return nil, setupError("credentials come from the environment or a profile", errors.New("endpoint holds a user name or password"))
	case u.RawQuery != "" || u.Fragment != "":
		return nil, setupError("remove everything after ? or # from the endpoint", errors.New("endpoint has a query or a fragment"))
	}
	return u, nil
}

// loopback reports whether host is this machine.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// tlsConfig returns a configuration with the CA bundle that the SDK found.
func tlsConfig(cfg aws.Config, noVerify bool) *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		if found := b.GetTransport().TLSClientConfig; found != nil {
			t.RootCAs = found.RootCAs
		}
	}
	t.InsecureSkipVerify = noVerify
	return t
}
