// Package s3 is the store for S3: AWS and compatible servers, using as much of the protocol as each supports.
//
// The AWS SDK finds configuration, credentials and addresses, signs, and makes the control calls. Its retries and its own
// checksums are off: the layers above do both. This package alone interprets answers, from their status, headers and XML,
// as the transport below the SDK saw them:
//
//	do(call):    region of the bucket, as far as known -> SDK -> captureClient -> server
//	             the server names another region -> remember it, try once more
//	             else explain: network, stall, credentials, or the server's code -> store.Error
//	Put, Create: ask the profile which checksum this server accepts; refused or ignored -> remember, use the next lower:
//	             full-object CRC64NVME, CRC32C part by part, Content-MD5, nothing
//
// It remembers, for the life of the Store, the region of each bucket and what the server turned out not to support. What is
// known of providers beforehand is a table in quirks.go.
//
// It promises nothing about parts that were sent twice at once, nor that two Stores for one server learn from each other.
package s3

import (
	"context"
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

// Store is one S3 endpoint with the credentials to use it. It implements store.Store.
type Store struct {
	// immutable
	options      awss3.Options // for a client; the Region is set for each
	endpoint     *url.URL      // nil: AWS finds its own
	region       string        // of buckets of which no other is known
	from         origins
	identity     string
	credentials  *credentials
	anonymous    bool
	profile      *profile
	transport    objectTransport
	stallTimeout time.Duration
	stallFloor   int64
	signPayload  bool

	// guarded by mu
	mu      sync.Mutex
	clients map[string]*awss3.Client // by region
	regions map[string]string        // by bucket
	// addresses are those that the SDK reported.
	addresses map[place]address
}

var _ store.Store = (*Store)(nil)

const defaultStall = 20 * time.Second

// Open returns a Store. It makes no request: credentials are looked up when the first request needs them. Errors are of
// kind store.Invalid.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Endpoint != "" {
		if _, err := parseEndpoint(c.Endpoint); err != nil {
			return nil, err
		}
	}
	cfg, err := load(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &Store{
		anonymous:    c.NoSignRequest,
		stallTimeout: c.StallTimeout,
		stallFloor:   c.StallFloor,
		signPayload:  c.SignPayload,
		clients:      map[string]*awss3.Client{},
		regions:      map[string]string{},
		addresses:    map[place]address{},
	}
	maps.Copy(s.regions, c.Regions)
	if s.stallTimeout <= 0 {
		s.stallTimeout = defaultStall
	}
	s.credentials = &credentials{provider: cfg.Credentials, reload: func(ctx context.Context) (aws.CredentialsProvider, error) {
		cfg, err := load(ctx, c)
		return cfg.Credentials, err
	}}
	s.from = originsOf(ctx, cfg, c)
	return s, s.setUp(ctx, cfg, c)
}

// setUp decides what holds for all requests: where they go, who signs, and over which connections.
func (s *Store) setUp(ctx context.Context, cfg aws.Config, c Config) error {
	s.options = awss3.NewFromConfig(cfg, func(o *awss3.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	}).Options()
	if err := s.place(ctx, cfg); err != nil {
		return err
	}
	t, dial := tlsConfig(cfg, c.NoVerifySSL), max(0, c.DialTimeout)
	s.transport = newDirectTransport(s, rawhttp.New(t, dial))
	o := &s.options
	o.HTTPClient = &captureClient{rawhttp.NewTransport(t, dial), s.profile.encoding()}
	if !s.anonymous {
		o.Credentials = s.credentials
	}
	onlyOnce(o)
	o.UseAccelerate = c.Accelerate
	o.UseARNRegion = useARNRegion(ctx, cfg)
	if c.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	switch c.Addressing {
	case AddressAuto:
		o.UsePathStyle = !s.profile.aws && !s.profile.virtual
	case AddressPath:
		o.UsePathStyle = true
	case AddressVirtual:
		o.UsePathStyle = false
	default:
		return setupError("addressing is auto, path or virtual", errNoSuchAddressing)
	}
	return nil
}

// place finds out which server this is, and the region to try first.
func (s *Store) place(ctx context.Context, cfg aws.Config) error {
	host := ""
	if e := s.options.BaseEndpoint; e != nil {
		u, err := parseEndpoint(*e)
		if err != nil {
			return err
		}
		s.endpoint, host = u, u.Hostname()
	}
	s.profile = newProfile(host)
	s.identity = identity(s.endpoint, cfg.Region)
	s.region = cfg.Region
	if s.region == "" {
		s.region, s.from.region = regionOf(host), "the name of the endpoint"
	}
	if s.region == "" && s.profile.aws {
		s.region, s.from.region = machineRegion(ctx, cfg), "this EC2 instance"
	}
	if s.region == "" {
		s.region, s.from.region = defaultRegion, "default"
	}
	return nil
}

// Identity names the store for records of transfers: the host of its endpoint, without secrets. Buckets of the same name in
// two Stores of the same Identity are the same bucket.
func (s *Store) Identity() string { return s.identity }

// String returns the Identity.
func (s *Store) String() string { return s.identity }

func identity(endpoint *url.URL, region string) string {
	host := ""
	if endpoint != nil {
		host = strings.ToLower(endpoint.Hostname())
	}
	switch {
	case endpoint == nil && strings.HasPrefix(region, "cn-"), strings.HasSuffix(host, ".amazonaws.com.cn"):
		return "s3.amazonaws.com.cn"
	case endpoint == nil, awsHost(host):
		return "s3.amazonaws.com"
	}
	return strings.ToLower(endpoint.Host) + strings.TrimSuffix(endpoint.Path, "/")
}

const (
	kib = int64(1) << 10
	mib = kib << 10
	gib = mib << 10
	tib = gib << 10
)

// directoryBucket reports a bucket of S3 Express One Zone by its name.
func directoryBucket(bucket string) bool { return strings.HasSuffix(bucket, "--x-s3") }
