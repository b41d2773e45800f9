package rollout

import (
	"testing"

	"sluice/stages/driver"
)

// TestNamedAfter: a rollout is named after what people call the release, where
// that fits Cloud Deploy's pattern.
func TestNamedAfter(t *testing.T) {
	for _, c := range []struct {
		release driver.Release
		want    string
	}{
		{driver.Release{ID: "zjczef"}, "zjczef-to-api-0001"},
		{driver.Release{ID: "0f1e2d3c", Name: "v42"}, "v42-to-api-0001"},
		{driver.Release{ID: "0f1e2d3c", Name: "V42"}, "v42-to-api-0001"},
		{driver.Release{ID: "zjczef", Name: "seeded, 1 days old"}, "zjczef-to-api-0001"},
		{driver.Release{ID: "A/b", Name: "two words"}, "r-3646f792-api-0001"},
	} {
		r := New("shop", driver.Target{Name: "api", Stage: "production", Platform: "moon"})
		if got := r.nextName(c.release, "api"); got != c.want {
			t.Errorf("%+v: %s, want %s", c.release, got, c.want)
		}
	}
}
