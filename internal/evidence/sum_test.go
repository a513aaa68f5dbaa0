package evidence_test

import (
	"context"
	"strings"
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/evidence"
)

func TestSumsOfParts(t *testing.T) {
	sums, err := evidence.NewSummer(nil, nil).Parts(t.Context(), checksum.MD5, strings.NewReader("part onepart two"), []int64{8, 8})
	if err != nil || len(sums) != 2 {
		t.Fatal(sums, err)
	}
	if etag, err := checksum.Compose(sums); err != nil || etag.Hex() != "0732917abc3288784e318ac0aab1757a-2" {
		t.Error(etag, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := evidence.NewSummer(nil, nil).Parts(ctx, checksum.MD5, strings.NewReader("x"), []int64{1}); err == nil {
		t.Error("it summed after ctx had ended")
	}
}
