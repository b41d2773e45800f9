package actions_test

import (
	"testing"

	"sluice/internal/actions"
)

func TestRefs(t *testing.T) {
	for _, c := range []struct {
		pattern, ref string
		want         bool
	}{
		{"main", "refs/heads/main", true},
		{"main", "refs/tags/main", false},
		{"main", "refs/heads/main2", false},
		{"main", "main", false},
		{"release/*", "refs/heads/release/1", true},
		{"release/*", "refs/heads/release/1/x", false},
		{"release/**", "refs/heads/release/1/x", true},
		{"v*", "refs/tags/v2.0.0", false},
		{"refs/tags/v*", "refs/tags/v2.0.0", true},
		{"refs/tags/v2.0.0", "refs/tags/v2.0.0", true},
		{"refs/tags/v2.0.0", "refs/tags/v2x0.0", false},
		{"refs/tags/v*", "refs/heads/v2", false},
		{"refs/tags/v*", "refs/tags/v2\nrefs/heads/x", false},
		{"refs/heads/main", "refs/heads/main", true},
		{"*", "refs/heads/a", true},
		{"*", "refs/pull/1/merge", false},
	} {
		if got := (actions.Refs{c.pattern}).Allow(c.ref); got != c.want {
			t.Errorf("%q allows %q: %v", c.pattern, c.ref, got)
		}
	}
	if (actions.Refs{}).Allow("refs/heads/main") {
		t.Error("no pattern allows a branch")
	}
	names := actions.Refs{"main", "refs/tags/v*"}
	for name, want := range map[string]bool{"main": true, "v2": true, "feature": false} {
		if names.AllowName(name) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
}
