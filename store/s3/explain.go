package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

var (
	_ store.Explainer      = (*Store)(nil)
	_ store.Inspector      = (*Store)(nil)
	_ store.MatchingWriter = (*Store)(nil)
	_ http.RoundTripper    = (*Store)(nil)
)

// origins says where the settings of a Store were found.
type origins struct {
	endpoint, region string
	profile          string // in words
	copies           fileCopies
}

// originsOf finds out where the settings in cfg come from. Those that the Store adds are for it to say.
func originsOf(ctx context.Context, cfg aws.Config, c Config) origins {
	o := origins{endpoint: "default", profile: "the default profile"}
	if name := shared(cfg).Profile; name != "" && name != "default" {
		o.profile = "the profile " + name
	}
	var env config.EnvConfig
	for _, source := range cfg.ConfigSources {
		switch source := source.(type) {
		case config.EnvConfig:
			env = source
		case fileCopies:
			o.copies = source
		}
	}
	switch {
	case c.Region != "":
		o.region = cmp.Or(c.Source, "--region")
	case env.Region != "":
		o.region = "AWS_REGION or AWS_DEFAULT_REGION"
	default:
		o.region = o.profile
	}
	_, service, _ := env.GetServiceBaseEndpoint(ctx, "S3") // it reads a variable, which cannot fail
	_, ofProfile, _ := shared(cfg).GetServiceBaseEndpoint(ctx, "S3")
	switch {
	case c.Endpoint != "":
		o.endpoint = cmp.Or(c.Source, "--endpoint-url")
	case service:
		o.endpoint = "AWS_ENDPOINT_URL_S3"
	case ofProfile:
		o.endpoint = o.profile
	case env.BaseEndpoint != "":
		o.endpoint = "AWS_ENDPOINT_URL"
	case cfg.BaseEndpoint != nil:
		o.endpoint = o.profile
	}
	return o
}

// Endpoint returns the URL that requests about a bucket go to. It makes no request, and needs no credentials.
func (s *Store) Endpoint(ctx context.Context, bucket string) (store.Setting, error) {
	o := s.client(s.regionFor(bucket)).Options()
	p := awss3.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint, ForcePathStyle: &o.UsePathStyle, Accelerate: &o.UseAccelerate, UseArnRegion: &o.UseARNRegion,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	}
	if bucket != "" {
		p.Bucket = &bucket
	}
	at, err := o.EndpointResolverV2.ResolveEndpoint(ctx, p)
	if err != nil {
		return store.Setting{}, &store.Error{Kind: store.Invalid, Op: "Open", Hint: "check --endpoint-url and --region", Err: errors.New(lastError(err))}
	}
	from := s.from.endpoint
	if s.endpoint == nil {
		from = "default" // AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
	}
	return store.Setting{Value: (&url.URL{Scheme: at.URI.Scheme, Host: at.URI.Host}).String(), From: from}, nil
}

// Region returns the region that requests about a bucket are signed for: the one that the server named, if it did.
func (s *Store) Region(bucket string) store.Setting {
	if r := s.regionFor(bucket); r != s.region {
		return store.Setting{Value: r, From: "the server"}
	}
	return store.Setting{Value: s.region, From: s.from.region}
}

// Login finds the credentials.
func (s *Store) Login(ctx context.Context) (store.Login, error) {
	if s.anonymous {
		return store.Login{}, nil
	}
	v, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return store.Login{}, err
	}
	l := store.Login{From: s.from.credentials(v.Source)}
	if v.CanExpire {
		l.Expires = v.Expires
	}
	if n := len(v.AccessKeyID); n >= 8 { // of a shorter one, four characters would be most of it
		l.KeyEnd = v.AccessKeyID[n-4:]
	}
	return l, nil
}

// credentials returns in words what the SDK calls a source of credentials.
func (o origins) credentials(source string) string {
	switch source {
	case config.CredentialsSourceName:
		return "AWS_ACCESS_KEY_ID in the environment"
	case ssocreds.ProviderName:
		return "SSO (" + o.profile + ")"
	case logincreds.ProviderName:
		return "aws login (" + o.profile + ")"
	case processcreds.ProviderName:
		return "the credential_process of " + o.profile
	case stscreds.ProviderName:
		return "a role assumed by " + o.profile
	case stscreds.WebIdentityProviderName:
		return "a role assumed with a web identity token"
	case endpointcreds.ProviderName:
		return "the role of this container"
	case ec2rolecreds.ProviderName:
		return "the role of this EC2 instance"
	}
	if file, ok := strings.CutPrefix(source, "SharedConfigCredentials: "); ok {
		if original, copied := o.copies[file]; copied {
			file = original
		}
		return fmt.Sprintf("%s in %s", o.profile, file)
	}
	return source
}

// loginCodes are S3's codes of errors about credentials that no request can succeed with.
var loginCodes = []string{"InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch", "InvalidSecurity", "InvalidToken", "AccountProblem"}

// RefusesLogin reports whether an error means that the server accepts no request with these credentials.
func (s *Store) RefusesLogin(err error) bool {
	var e *store.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Kind == store.NoCredentials || e.Kind == store.Expired || e.Kind == store.ClockSkew || slices.Contains(loginCodes, e.Code)
}

// RoundTrip sends a request as it is, over the connections of the Store: with its proxy and its certificates. An error is an
// Error of package store.
func (s *Store) RoundTrip(req *http.Request) (*http.Response, error) {
	x := &roundTrip{call: &call{op: req.Method}, scheme: req.URL.Scheme}
	x.proxy, _ = http.ProxyFromEnvironment(req) // an invalid one fails below
	resp, err := s.options.HTTPClient.(*captureClient).transport.RoundTrip(req)
	if err == nil && x.proxy != nil && x.scheme == "http" && resp.StatusCode == http.StatusProxyAuthRequired {
		err = errors.Join(&rawhttp.ProxyError{Proxy: x.proxy, Status: resp.StatusCode}, resp.Body.Close())
	}
	if err == nil {
		return resp, nil
	}
	e := &store.Error{Op: req.Method}
	if !x.explainProxy(e, err) {
		explainNet(e, err)
		x.blameProxy(e)
	}
	return nil, e
}
