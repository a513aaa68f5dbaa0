package s3server_test

import (
	"fmt"
	"strings"

	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// An S3 endpoint for a program under test, which receives the third part with a wrong byte.
func ExampleServe() {
	s := s3server.Serve(nil, storetest.New()) // in a test: s3server.Serve(t, …)
	defer s.Close()
	s.Wire(storetest.PutPart).Part(3).After(1 << 20).CorruptByte()

	fmt.Println(strings.HasPrefix(s.URL, "http://127.0.0.1:"))
	// Output: true
}
