package proof_test

import (
	"testing"

	"haul/internal/formattest"
	"haul/proof"
)

// TestFormats keeps receipts.
func TestFormats(t *testing.T) {
	r := formattest.Filled[proof.Record]()
	r.Format = proof.Format
	formattest.Check(t, "receipt", 1, r)
	end := proof.RunRecord(proof.Record{Format: proof.Format, Source: "a source", Target: "a target", Store: "a store", Files: 3, Covered: 2, Complete: true})
	end.Time = r.Time
	formattest.Check(t, "receipt-end", 1, end)
}
