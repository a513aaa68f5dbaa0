package storetest_test

import (
	"context"
	"fmt"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// A store whose first answer is lost, though it did what it was asked.
func ExampleMemory_Fault() {
	m := storetest.New() // in a test: storetest.New(storetest.For(t))
	m.Fault(storetest.Put).LoseAnswer()

	ctx, ref := context.Background(), store.Ref{Bucket: storetest.Bucket, Key: "x.vcf"}
	_, err := m.Put(ctx, store.PutRequest{Ref: ref, Body: section([]byte("##fileformat"))})
	fmt.Println(err)
	fmt.Printf("%s\n", m.Bytes(ref))
	// Output:
	// PutObject s3://bucket/x.vcf: network error
	// ##fileformat
}
