package mirror

import (
	"testing"

	"haul/internal/formattest"
)

// TestFormats keeps plans, and the journals of runs.
func TestFormats(t *testing.T) {
	formattest.Check(t, "plan-header", 1, formattest.Filled[PlanHeader]())
	formattest.Check(t, "plan-step", 1, formattest.Filled[Step]())
	formattest.Check(t, "plan-summary", 1, formattest.Filled[PlanSummary]())
	formattest.Check(t, "run-header", 1, formattest.Filled[runHeader]())
	formattest.Check(t, "run-entry", 1, runEntry{finishedAs("a", "b")})
}
