package haul

import (
	"testing"

	"haul.example/haul/internal/formattest"
)

// TestFormats keeps the records of unfinished transfers.
func TestFormats(t *testing.T) {
	r := formattest.Filled[record]()
	r.Format = recordVersion
	formattest.Check(t, "record", 3, r, "From@3", "FromIdentity@3")
	formattest.Check(t, "entry", 3, formattest.Filled[entry](), "Rate@2", "ETag@3", "Sent@3")
}
