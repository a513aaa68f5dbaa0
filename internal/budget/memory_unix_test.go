//go:build unix

package budget_test

import (
	"runtime"
	"testing"

	"haul.example/haul/internal/budget"
)

func TestBuffersLieOutsideTheHeap(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b := budget.New(256 * mib)
	l := take(t, b, 256*mib)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16*mib {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	l.Release()
}
