package all_test

import (
	"testing"

	"sluice/stages"
	"sluice/stages/all"
	"sluice/stages/driver"
)

// Every platform of the list is found by its own name, which no other has.
func TestPlatforms(t *testing.T) {
	platforms := all.Platforms()
	s := stages.New(driver.Env{}, platforms...)
	for _, p := range platforms {
		name := p.Facts.Platform
		if facts, ok := s.Facts(name); !ok || facts.Title != p.Facts.Title {
			t.Errorf("%s: found %q, %t", name, facts.Title, ok)
		}
		if p.Open == nil {
			t.Errorf("%s cannot be opened", name)
		}
	}
	if len(platforms) == 0 {
		t.Error("no platforms")
	}
}
