package servers_test

import (
	"testing"

	"haul/lab/servers"
)

func TestStart(t *testing.T) {
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		for _, secure := range []bool{false, true} {
			s := servers.Start(t, kind, secure)
			b := s.Bucket(t)
			t.Log(s.URL, b, s.OpenUploads(t, b, "x"))
		}
	}
}
