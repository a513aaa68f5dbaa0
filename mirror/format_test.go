package mirror

import (
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"haul.example/haul"
	"haul.example/haul/internal/formattest"
)

// TestFormats keeps plans, and the journals of runs.
func TestFormats(t *testing.T) {
	h := formattest.Filled[PlanHeader]()
	h.Version, h.Transfer.Resume = planVersion, haul.ResumeAdopt
	formattest.Check(t, "plan-header", 2, h, "Transfer.Annotations@2")
	formattest.Check(t, "plan-step", 1, formattest.Filled[Step]())
	formattest.Check(t, "plan-summary", 2, formattest.Filled[PlanSummary](), "EmptySource@2")
	formattest.Check(t, "run-header", 1, formattest.Filled[runHeader]())
	formattest.Check(t, "run-entry", 1, runEntry{finishedAs("a", "b")})
}

// TestSchema keeps the published schema of plans.
func TestSchema(t *testing.T) {
	formattest.Publish(t, "../doc/schema", "plan", "One line of a plan: its header, a step, or its summary", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		formattest.Schema[PlanHeader](t), formattest.Schema[Step](t), formattest.Schema[struct {
			Summary PlanSummary `json:"summary"`
		}](t),
	}})
}
