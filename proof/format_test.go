package proof

import (
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"haul.example/haul/internal/formattest"
)

// TestFormats keeps receipts.
func TestFormats(t *testing.T) {
	r := formattest.Filled[Record]()
	r.Format = Format
	formattest.Check(t, "receipt", 1, r)
	end := RunRecord(Record{Format: Format, Source: "a source", Target: "a target", Store: "a store", Files: 3, Covered: 2, Complete: true})
	end.Time = r.Time
	formattest.Check(t, "receipt-end", 1, end)
}

// TestSchema keeps the published schemas of receipts, and of the reports of haul verify.
func TestSchema(t *testing.T) {
	receipt := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{formattest.Schema[written](t), formattest.Schema[runLine](t)}}
	formattest.Publish(t, "../doc/schema", "receipt", "One line of a receipt: an object, or the end of a run", receipt)
	formattest.Publish(t, "../doc/schema", "verify-report", "A report of haul verify as JSON", formattest.Schema[struct {
		reportHead
		Files []Row `json:"files"`
	}](t))
}
