package array

import (
	"testing"

	"haul/internal/formattest"
)

// TestFormats keeps what the machines of a plan write for each other.
func TestFormats(t *testing.T) {
	formattest.Check(t, "header", 1, formattest.Filled[Header]())
	formattest.Check(t, "task", 1, formattest.Filled[task]())
	s := formattest.Filled[shared]()
	s.Transfer = sharedLine(s.Transfer).Transfer
	formattest.Check(t, "shared", 1, s)
	formattest.Check(t, "outcome", 1, formattest.Filled[outcome]())
	formattest.Check(t, "progress", 1, formattest.Filled[Progress]())
	formattest.Check(t, "verdict", 1, formattest.Filled[Verdict]())
}
