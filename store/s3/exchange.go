package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

// call describes one operation.
type call struct {
	op  string // in S3's words
	ref store.Ref
	// header is sent and signed on top of what the SDK sends.
	header http.Header
	attrs  *store.Attrs
	// sums names the algorithm of a checksum that the request relies on, so that a refusal of it can be recognized.
	sums checksum.Algorithm
	// size of the body in bytes.
	size int64
	// part is the number of the part that the request sends, or how many parts it names.
	part int
	// slow answers may take minutes (Complete, Copy).
	slow bool
	// pinned: a 412 is about the state of the object that is read; else about the one that is written.
	pinned bool
	// stream: the answer's body continues after the call.
	stream bool
	// everywhere: the call is not about a bucket.
	everywhere bool
}

// roundTrip is what one request and its answer left behind. The transport below the SDK fills it in, so that headers and
// errors are read in one way, however the request was made.
type roundTrip struct {
	call     *call
	region   string
	sent     bool
	status   int
	answer   http.Header
	body     []byte // of an answer of XML
	netErr   error  // the answer never came
	fault    *fault // the answer was an error
	watchdog *rawhttp.Watchdog
	scheme   string   // of the request that net/http made
	proxy    *url.URL // that it went through; nil is none
	probe    *probe   // not nil: only look where the request would go
	// credentials is the age of those it was signed with.
	credentials int
}

type roundTripKey struct{}

func roundTripOf(ctx context.Context) *roundTrip {
	x, _ := ctx.Value(roundTripKey{}).(*roundTrip)
	return x
}

// attempt makes one request through the SDK.
type attempt func(context.Context, *awss3.Client) error

// do makes a call, and repeats it once if the server names another region, which is remembered for the bucket. That is
// addressing, not retrying: the first request did nothing. The error is an Error of package store, or the context's.
func (s *Store) do(ctx context.Context, c *call, try attempt) (*roundTrip, error) {
	if c.ref.Bucket == "" && !c.everywhere {
		return nil, c.invalid("name a bucket: s3://BUCKET/KEY", errors.New("no bucket is named"))
	}
	if err := s.checkCustomerKeys(c); err != nil {
		return nil, err
	}
	region := s.regionFor(c.ref.Bucket)
	x, err := s.once(ctx, c, region, try)
	if err == nil {
		return x, nil
	}
	if other := x.otherRegion(); other != "" && s.canMove() {
		s.learnRegion(c.ref.Bucket, other)
		return s.once(ctx, c, other, try)
	}
	return x, err
}

func (s *Store) once(ctx context.Context, c *call, region string, try attempt) (*roundTrip, error) {
	limit := s.stallTimeout
	patience := rawhttp.AnswerFactor*limit + time.Duration(c.size/answerRate)*time.Second
	if c.slow {
		patience = max(patience, slowAnswer)
		limit = patience
	}
	gctx, w := rawhttp.Watch(ctx, limit, patience, s.stallFloor)
	x := &roundTrip{call: c, region: region, watchdog: w}
	gctx = context.WithValue(gctx, roundTripKey{}, x)
	err := try(gctx, s.client(region))
	if err == nil && x.fault == nil {
		w.Pause()
		if !c.stream {
			w.Stop()
		}
		return x, nil
	}
	e := s.explain(ctx, gctx, x, err)
	w.Stop()
	if known := new(*store.Error); errors.As(e, known) && (*known).Kind == store.Expired {
		s.credentials.lasting(*known)
		s.credentials.expire(x.credentials)
	}
	return x, e
}

const (
	// answerRate: a store may take one more second before it answers for each so many bytes.
	answerRate = 8 << 20
	// slowAnswer is how long Complete and Copy may be silent. S3 sends spaces to keep the connection alive meanwhile.
	slowAnswer = 10 * time.Minute
)

// otherRegion returns the region that the server sent this request to, or "".
func (x *roundTrip) otherRegion() string {
	if x == nil || x.fault == nil {
		return ""
	}
	switch x.fault.status {
	case 301, 302, 307, 308, 400:
		if r := x.fault.region(); r != x.region {
			return r
		}
	}
	return ""
}

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

func (s *Store) regionFor(bucket string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.regions[bucket]; r != "" {
		return r
	}
	return s.region
}

func (s *Store) learnRegion(bucket, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regions[bucket] = region
}

// canMove reports whether requests can go to another region: not if the endpoint is one host of AWS within a private
// network of the user.
func (s *Store) canMove() bool {
	return s.endpoint == nil || !awsHost(s.endpoint.Hostname()) || regionOf(s.endpoint.Hostname()) != "" ||
		s.endpoint.Hostname() == "s3.amazonaws.com"
}
