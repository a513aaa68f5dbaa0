package ui_test

import (
	"errors"
	"fmt"
	"testing"

	"haul.example/haul/internal/ui"
)

// Errors that were joined stand in one line, wherever they are in the chain; the end of a line in a name stays what it is.
func TestReason(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("name\nc")
	for _, x := range []struct {
		err  error
		want string
	}{
		{a, "a"},
		{errors.Join(a, b), "a; b"},
		{errors.Join(a), "a"},
		{fmt.Errorf("copy: %w", errors.Join(a, b)), "copy: a; b"},
		{errors.Join(a, fmt.Errorf("x: %w", errors.Join(b, c))), "a; x: b; name\nc"},
		{fmt.Errorf("%w and %w", errors.Join(a, b), c), "a; b and name\nc"},
		{fmt.Errorf("%w: %w", a, errors.Join(b, c)), "a: b; name\nc"},
		{c, "name\nc"},
	} {
		if got := ui.Reason(x.err); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}
