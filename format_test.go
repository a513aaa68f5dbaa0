package haul

import (
	"testing"

	"haul/internal/formattest"
)

// TestFormats keeps the records of unfinished transfers, and what plans hold of the root package.
func TestFormats(t *testing.T) {
	formattest.Check(t, "record", 1, formattest.Filled[record]())
	formattest.Check(t, "entry", 1, formattest.Filled[entry]())
	formattest.Check(t, "shared", 1, formattest.Filled[Shared]())
	formattest.Check(t, "transfer", 1, formattest.Filled[Transfer]())
}
