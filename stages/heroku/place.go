package heroku

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

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

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data: what all
// targets of the call share.
type frozen struct {
	Pipeline string    `json:"pipeline,omitempty"` // its id; "" for none, or where it is still to be made
	Create   string    `json:"create,omitempty"`   // the name of a pipeline that Begin makes where it is missing
	Source   *source   `json:"source,omitempty"`   // nil: the release is made directly
	Slug     string    `json:"slug"`               // what is to run
	Release  string    `json:"release,omitempty"`  // rollback: the release to go back to
	Prepared time.Time `json:"prepared,omitzero"`  // by Heroku's clock
}

// source is the app that a promotion starts from.
type source struct {
	App     string `json:"app"`
	Release string `json:"release"`          // what it ran at Prepare
	Couple  string `json:"couple,omitempty"` // the stage that Begin couples it to
}

// member is what Prepare freezes of one target, in Change.Data.
type member struct {
	App     string `json:"app"`
	Version int    `json:"version"`          // of its newest release at Prepare: what is newer came after
	Slug    string `json:"slug,omitempty"`   // what ran at Prepare
	Couple  string `json:"couple,omitempty"` // the stage that Begin couples it to
	belongs
}

// belongs is where an app is, or will be when Begin has coupled it.
type belongs struct {
	Pipeline string `json:"pipeline,omitempty"` // its name
	Coupling string `json:"coupling,omitempty"` // its id; "" for none yet
	Stage    string `json:"stage,omitempty"`
}

// data is what is kept and shown of it with a result; nil for an app in no pipeline.
func (b belongs) data() json.RawMessage {
	if b == (belongs{}) {
		return nil
	}
	return encode(b)
}

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

// part is one change of a call that was prepared.
type part struct {
	driver.Change
	member
	intended time.Time
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (frozen, []part, error) {
	var f frozen
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return f, nil, &invalidError{text: fmt.Sprintf("the call was not prepared: %v", err)}
	}
	if len(c.Changes) == 0 || f.Source == nil && len(c.Changes) > 1 {
		return f, nil, &invalidError{text: fmt.Sprintf("a release is made on one app in one call, not on %d", len(c.Changes))}
	}
	parts := make([]part, len(c.Changes))
	for i, change := range c.Changes {
		parts[i].Change, parts[i].intended = change, c.Intended
		if err := json.Unmarshal(change.Data, &parts[i].member); err != nil {
			return f, nil, &invalidError{text: fmt.Sprintf("the change of %s was not prepared: %v", change.Target.Name, err)}
		}
	}
	return f, parts, nil
}

func refusal(t driver.Target, message, remedy string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Refuse, Message: message, Remedy: remedy}
}

func warning(t driver.Target, message, remedy string) driver.Finding {
	return driver.Finding{Target: t.Name, Severity: driver.Warn, Message: message, Remedy: remedy}
}
