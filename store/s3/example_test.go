package s3_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

func ExampleOpen() {
	os.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	os.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	server := s3server.Serve(nil, storetest.New(storetest.Buckets("lab")))
	defer server.Close()

	ctx := context.Background()
	s, err := s3.Open(ctx, s3.Config{Endpoint: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	to := store.Ref{Bucket: "lab", Key: "runs/reads.txt"}
	text := "GATTACA\n"
	scheme := s.Scheme(to.Bucket, checksum.None)
	_, err = s.Put(ctx, store.PutRequest{
		Ref:  to,
		Body: io.NewSectionReader(strings.NewReader(text), 0, int64(len(text))),
		Sum:  checksum.Bytes(scheme.Algorithm, []byte(text)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := s.Get(ctx, store.GetRequest{Ref: to})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer body.Close()
	read, err := io.ReadAll(body)
	fmt.Printf("%s%v, %v\n", read, body.Object.Sums, err)
	// Output:
	// GATTACA
	// [CRC64NVME rHqmvc28HdY=], <nil>
}
