package s3

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"haul.example/haul/internal/rawhttp"
)

// captureClient is the HTTP client that the SDK gets. It records what happens in the roundTrip.
type captureClient struct {
	transport http.RoundTripper
	encoding  string
}

// Do sends one request. It follows no redirect.
func (w *captureClient) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("Accept-Encoding", w.encoding) // after signing: proxies rewrite it
	x := roundTripOf(req.Context())
	if x != nil && x.probe != nil {
		x.probe.url, x.probe.auth = req.URL, req.Header.Get("Authorization")
		return nil, errProbed
	}
	if x == nil {
		return w.transport.RoundTrip(req)
	}
	var err error
	x.scheme = req.URL.Scheme
	if x.proxy, err = http.ProxyFromEnvironment(req); err != nil {
		x.netErr = err
		return nil, err
	}
	resp, err := w.transport.RoundTrip(req.WithContext(x.watchdog.Traced(req.Context())))
	x.sent = true
	if err != nil {
		x.netErr = err
		return nil, err
	}
	x.watchdog.Answered()
	own := awsmiddleware.GetOperationName(req.Context()) == x.call.op
	if own {
		x.status, x.answer = resp.StatusCode, resp.Header
	}
	switch {
	case resp.StatusCode >= 300:
		if err = x.readFault(resp); err == nil && x.ofProxy() {
			x.fault, err = nil, &rawhttp.ProxyError{Proxy: x.proxy, Status: resp.StatusCode}
		}
	case own:
		err = x.take(resp)
	}
	if err != nil {
		resp.Body.Close()
		x.netErr = err
		return nil, err
	}
	return resp, nil
}

func (x *roundTrip) readFault(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFault))
	if err != nil && len(body) == 0 {
		return err
	}
	rest(resp, body)
	x.fault = parseFault(resp, body)
	return nil
}

// userAgent is the name of this client in requests.
const userAgent = "haul"

// onlyOnce leaves to the SDK what only it can do: the layers above retry and verify.
func onlyOnce(o *awss3.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.DisableLogOutputChecksumValidationSkipped = true
	o.ContinueHeaderThresholdBytes = -1
	o.APIOptions = append(o.APIOptions, apiOptions()...)
}

// apiOptions shape the requests of the SDK.
func apiOptions() []func(*middleware.Stack) error {
	return []func(*middleware.Stack) error{
		awsmiddleware.AddUserAgentKey(userAgent),
		func(stack *middleware.Stack) error {
			return stack.Build.Add(middleware.BuildMiddlewareFunc("haul:Headers", addHeaders), middleware.After)
		},
		func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("haul:Unsigned", dropHeaders), "Signing", middleware.Before)
		},
	}
}

// addHeaders puts the call's own headers into the request.
func addHeaders(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
	x := roundTripOf(ctx)
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		dropID(req.URL)
	}
	if req, ok := in.Request.(*smithyhttp.Request); ok && x != nil && awsmiddleware.GetOperationName(ctx) == x.call.op {
		for name, values := range x.call.header {
			req.Header[name] = values
		}
	}
	return next.HandleBuild(ctx, in)
}

// dropID removes the SDK's x-id from a query: no other client sends it, and some stores leave it out of what they sign.
func dropID(u *url.URL) {
	fields := strings.Split(u.RawQuery, "&")
	u.RawQuery = strings.Join(slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "x-id=") }), "&")
}

// dropHeaders removes what must not be signed: some servers and proxies change or do not know it.
func dropHeaders(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if req, ok := in.Request.(*smithyhttp.Request); ok {
		for _, name := range []string{"Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Expect"} {
			req.Header.Del(name)
		}
	}
	return next.HandleFinalize(ctx, in)
}

// client returns the SDK's client for a region.
func (s *Store) client(region string) *awss3.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[region]
	if c == nil {
		o := s.options.Copy()
		o.Region = region
		if s.endpoint != nil && region != s.region && regionOf(s.endpoint.Hostname()) != "" {
			o.BaseEndpoint = nil // a regional host of AWS, but of another region
		}
		c = awss3.New(o)
		s.clients[region] = c
	}
	return c
}

// unsigned sends bodies without a SHA-256 of them, over plain HTTP too: they are verified by the checksum in a header.
func unsigned(o *awss3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// sdkSend and sdkFetch move the data through the SDK: slower than the directTransport, but they work wherever the SDK does.
func sdkSend(ctx context.Context, c *awss3.Client, m dataRequest) (err error) {
	if m.trailing != nil {
		return errNoTrailer
	}
	how := unsigned
	if m.signed {
		how = func(*awss3.Options) {}
	}
	// Each attempt reads from the start, with a position of its own.
	body := io.NewSectionReader(m.body, 0, m.body.Size())
	if m.uploadID == "" {
		_, err = c.PutObject(ctx, &awss3.PutObjectInput{Bucket: &m.ref.Bucket, Key: &m.ref.Key, Body: body}, how)
		return err
	}
	_, err = c.UploadPart(ctx, &awss3.UploadPartInput{Bucket: &m.ref.Bucket, Key: &m.ref.Key, Body: body,
		UploadId: &m.uploadID, PartNumber: aws.Int32(int32(m.part))}, how)
	return err
}

func sdkFetch(ctx context.Context, c *awss3.Client, m dataRequest) (io.ReadCloser, error) {
	out, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: &m.ref.Bucket, Key: &m.ref.Key, VersionId: version(m.ref)})
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}
