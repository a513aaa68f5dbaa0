package stage

import (
	"testing"

	"haul.example/haul/internal/formattest"
)

// TestFormats keeps records of runs, notes of the cache, and the journals of work folders.
func TestFormats(t *testing.T) {
	formattest.Check(t, "run", 1, formattest.Filled[Record]())
	formattest.Check(t, "kept", 1, formattest.Filled[entry]())
	formattest.Check(t, "state", 2, formattest.Filled[state]())
	formattest.Check(t, "ended", 2, formattest.Filled[endedEntry]())
}

// TestSchema keeps the published schema of run.json.
func TestSchema(t *testing.T) {
	formattest.Publish(t, "../../doc/schema", "run", "The record of haul run, run.json", formattest.Schema[Record](t))
}
