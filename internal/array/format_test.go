package array

import (
	"testing"

	"haul.example/haul"
	"haul.example/haul/internal/formattest"
)

// TestFormats keeps what the machines of a plan write for each other.
func TestFormats(t *testing.T) {
	h := formattest.Filled[Header]()
	h.Version, h.Transfer.Resume = version, haul.ResumeAdopt
	formattest.Check(t, "header", 2, h, "Transfer.Annotations@2")
	formattest.Check(t, "task", 1, formattest.Filled[task]())
	s := formattest.Filled[sharedLine]()
	s.Transfer = newSharedLine(s.Transfer).Transfer
	formattest.Check(t, "shared", 2, s)
	formattest.Check(t, "outcome", 1, formattest.Filled[outcome]())
	formattest.Check(t, "progress", 1, formattest.Filled[Progress]())
	formattest.Check(t, "verdict", 1, formattest.Filled[Verdict]())
}
