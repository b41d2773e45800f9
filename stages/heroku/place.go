package heroku

import (
	"encoding/json"
	"fmt"
	"slices"

	"sluice/stages/driver"
)

// place is a target's configuration.
type place struct {
	App      string `json:"app"`
	Pipeline string `json:"pipeline,omitempty"`
	Stage    string `json:"stage,omitempty"`
	Couple   bool   `json:"couple,omitempty"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &invalidError{text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.App == "" {
		return at, &invalidError{text: "the target names no app"}
	}
	if at.Stage == "" && slices.Contains(stageNames(), t.Stage) {
		at.Stage = t.Stage
	}
	return at, nil
}

// stageNames are the stages that Heroku knows.
func stageNames() []string { return append([]string{"test", "review"}, order()...) }

// order is the way of a promotion.
func order() []string { return []string{"development", "staging", "production"} }

// standing is what runs on an app, as records keep it.
type standing struct {
	Slug    string `json:"slug"`
	Release string `json:"release,omitempty"`
	Version int    `json:"version,omitempty"`
}

func standingOf(r *release) json.RawMessage {
	return encode(standing{Slug: r.slug(), Release: r.ID, Version: r.Version})
}

// standingIn reads what a record kept; what it cannot read is nothing.
func standingIn(kept json.RawMessage) standing {
	var s standing
	if json.Unmarshal(kept, &s) != nil {
		return standing{}
	}
	return s
}
