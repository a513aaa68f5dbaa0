//go:build !linux

package servers

import (
	"testing"

	"haul.example/haul/lab/endpoint"
)

func startCeph(tb testing.TB, _ bool) endpoint.Endpoint {
	tb.Helper()
	tb.Skip("Ceph's daemons run on Linux only")
	return endpoint.Endpoint{}
}

// Stop stops what the tests of this process shared.
func Stop() {}
