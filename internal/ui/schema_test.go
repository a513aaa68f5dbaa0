package ui

import (
	"testing"

	"haul.example/haul/internal/formattest"
)

// TestSchema keeps the published schema of what --json writes.
func TestSchema(t *testing.T) {
	formattest.Publish(t, "../../doc/schema", "event", "One line of what haul prints with --json", formattest.Embed(formattest.Schema[record](t),
		formattest.Schema[objectCounts](t), formattest.Schema[statsFields](t), formattest.Schema[verifyFields](t), formattest.Schema[statDetails](t), formattest.Schema[formsFields](t)))
}
