package view

import (
	"slices"
	"testing"
)

func TestChanges(t *testing.T) {
	got := changes(
		[]byte(`{"deployment":"a","variables":{"x":"1","y":"2"},"list":[1],"same":true,"gone":null}`),
		[]byte(`{"deployment":"b","variables":{"x":"1","z":"3"},"list":[1,2],"same":true,"canary":{"percent":10.5}}`),
	)
	want := []string{
		"canary.percent: (none) → 10.5", "deployment: a → b", "list: [1] → [1,2]", "variables.y: 2 → (none)", "variables.z: (none) → 3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := changes(nil, nil); got != nil {
		t.Errorf("nothing changes %q", got)
	}
}
