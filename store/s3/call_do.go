package s3

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"haul.example/haul/internal/rawhttp"
	"haul.example/haul/store"
)

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

// method is a method of the SDK's client.
type method[In, Out any] func(*awss3.Client, context.Context, *In, ...func(*awss3.Options)) (*Out, error)

// ask makes a call that is one method of the SDK.
func ask[In, Out any](ctx context.Context, s *Store, c *call, m method[In, Out], in *In) (out *Out, x *roundTrip, err error) {
	x, err = s.do(ctx, c, func(ctx context.Context, client *awss3.Client) (err error) {
		out, err = m(client, ctx, in)
		return err
	})
	return out, x, err
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
