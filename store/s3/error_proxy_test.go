package s3_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// TestProxyRefuses: the proxy answers in place of the store. Over HTTPS, that is to CONNECT.
func TestProxyRefuses(t *testing.T) {
	const page = "<html><body>by the proxy</body></html>"
	for _, tt := range []struct {
		status int
		kind   store.Kind
		hint   string
	}{
		{407, store.Denied, "rejects the login"},
		{403, store.Denied, "does not allow this host"},
		{502, store.Network, "could not reach the store"},
		{503, store.Network, "could not reach the store"},
		{504, store.Network, "could not reach the store"},
		{404, store.Unsupported, "the address of a proxy"},
	} {
		for _, scheme := range []string{"http", "https"} {
			for _, op := range []string{"CreateMultipartUpload", "UploadPart", "GetObject"} {
				t.Run(fmt.Sprintf("%d/%s/%s", tt.status, scheme, op), func(t *testing.T) {
					internet(t, script(t, answer(tt.status, page, "Content-Type: text/html")))
					e := storeError(t, operations[op](context.Background(), open(t, s3.Config{Endpoint: scheme + "://s3.example.org"}), nil))
					said := fmt.Sprintf("%v %+v %#v %s", e, e, e, e.Hint)
					if e.Kind != tt.kind || e.Status != 0 || !strings.Contains(e.Hint, tt.hint) || !strings.Contains(e.Error(), fmt.Sprint(tt.status)) {
						t.Errorf("%+v", e)
					}
					if !strings.Contains(said, proxy.name) || strings.Contains(said, "hunter2") {
						t.Errorf("it should name %s, without the password: %s", proxy.name, said)
					}
				})
			}
		}
	}
}

// TestStoreRefusesBehindProxy: what the store itself says through a proxy stays its own.
func TestStoreRefusesBehindProxy(t *testing.T) {
	for name, tt := range map[string]struct {
		s    *scripted
		kind store.Kind
	}{
		"in XML":     {script(t, fails(503, "SlowDown", "Please reduce your request rate.")), store.Throttled},
		"by its ID":  {script(t, answer(500, "", "X-Amz-Request-Id: RID1")), store.Unavailable},
		"to HEAD":    {script(t, answer(404, "")), store.NotFound},
		"permission": {script(t, fails(403, "AccessDenied", "Access Denied")), store.Denied},
	} {
		internet(t, tt.s)
		e := storeError(t, operations["GetObject"](context.Background(), open(t, s3.Config{Endpoint: "http://s3.example.org"}), nil))
		if e.Kind != tt.kind || e.Status == 0 || strings.Contains(e.Error()+e.Hint, "the proxy "+proxy.name) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestLateSumThroughProxy: the way through a proxy is the SDK's, which frames no body. That is said as of a server that
// does not take trailing checksums, before anything is sent.
func TestLateSumThroughProxy(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		srv := script(t, repeating(checksum.Bytes(checksum.CRC64NVME, []byte("ACGT"))))
		internet(t, srv)
		s := open(t, s3.Config{Endpoint: scheme + "://s3.example.org"})
		e := storeError(t, func() error { _, err := s.PutPart(t.Context(), lateRequest([]byte("ACGT"))); return err }())
		if e.Kind != store.ChecksumRefused || s.TakesLateSums(lateUpload) || len(srv.requests()) > 0 {
			t.Errorf("%s: %+v", scheme, e)
		}
	}
}
