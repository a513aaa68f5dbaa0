package haul

import (
	"testing"

	"haul.example/haul/internal/formattest"
)

// TestFormats keeps the records of unfinished transfers.
func TestFormats(t *testing.T) {
	r := formattest.Filled[record]()
	r.Format = recordVersion
	formattest.Check(t, "record", 2, r)
	formattest.Check(t, "entry", 2, formattest.Filled[entry](), "Rate")
}
