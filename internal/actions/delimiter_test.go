package actions

import (
	"strings"
	"testing"
)

// TestDelimiterIsDrawnAgain is inside the package, because chance cannot be
// asked for a collision.
func TestDelimiterIsDrawnAgain(t *testing.T) {
	draws := []string{"A", "B", "C"}
	random := func() string {
		next := draws[0]
		draws = draws[1:]
		return next
	}
	text, err := encodeOutput("x", "ghadelimiter_A\nmid ghadelimiter_B", random)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "x<<ghadelimiter_C\n") || !strings.HasSuffix(text, "\nghadelimiter_C\n") {
		t.Errorf("encoded %q", text)
	}
}
