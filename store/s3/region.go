package s3

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

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

// defaultRegion is the first one to try if none is configured; servers answer with the right one.
const defaultRegion = "us-east-1"

// regionTimeout bounds the request to the metadata service of EC2 for the machine's region, as in the AWS CLI.
const regionTimeout = time.Second

// machineRegion returns the region of this EC2 instance, or "".
func machineRegion(ctx context.Context, cfg aws.Config) string {
	ctx, cancel := context.WithTimeout(ctx, regionTimeout)
	defer cancel()
	out, err := imds.NewFromConfig(cfg, func(o *imds.Options) { o.Retryer = aws.NopRetryer{} }).GetRegion(ctx, &imds.GetRegionInput{})
	if err != nil {
		return "" // not on EC2
	}
	return out.Region
}

// regionOf returns the region in a plain regional host of AWS, such as s3.eu-west-1.amazonaws.com; or "".
func regionOf(host string) string {
	rest, ok := strings.CutPrefix(strings.ToLower(host), "s3.")
	if !ok {
		return ""
	}
	rest = strings.TrimPrefix(rest, "dualstack.")
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn"} {
		if r, ok := strings.CutSuffix(rest, suffix); ok && r != "" && !strings.Contains(r, ".") {
			return r
		}
	}
	return ""
}

// awsHost reports whether AWS itself answers at host.
func awsHost(host string) bool {
	host = strings.ToLower(host)
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
