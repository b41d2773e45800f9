package heroku

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/stages/driver"
)

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

// part is one change of a call that was prepared.
type part struct {
	driver.Change
	member
}

// frozenCall is a call that was prepared: it is sent, looked for and followed.
type frozenCall struct {
	driver.Call
	frozen
	parts  []part
	api    *client
	made   *made
	now    func() time.Time
	atOnce int
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
		parts[i].Change = change
		if err := json.Unmarshal(change.Data, &parts[i].member); err != nil {
			return f, nil, &invalidError{text: fmt.Sprintf("the change of %s was not prepared: %v", change.Target.Name, err)}
		}
	}
	return f, parts, nil
}

func promotionOf(f frozen, parts []part, pipelineID string) promotionBody {
	body := promotionBody{Pipeline: identity{pipelineID}, Source: appOf{identity{f.Source.App}}}
	for _, p := range parts {
		body.Targets = append(body.Targets, appOf{identity{p.App}})
	}
	return body
}

func releaseOf(f frozen, p part) releaseBody {
	if f.Release != "" {
		return releaseBody{Release: f.Release}
	}
	return releaseBody{Slug: f.Slug, Description: p.Options.Description}
}

// couplingsOf are the couplings that the call needs and that were missing.
func couplingsOf(f frozen, parts []part, pipelineID string) []couplingBody {
	var all []couplingBody
	if f.Source != nil && f.Source.Couple != "" {
		all = append(all, couplingBody{App: f.Source.App, Pipeline: pipelineID, Stage: f.Source.Couple})
	}
	for _, p := range parts {
		if p.Couple != "" {
			all = append(all, couplingBody{App: p.App, Pipeline: pipelineID, Stage: p.Couple})
		}
	}
	return all
}

// progress is the driver's own part of an operation. Without an id the answer
// was lost, and the releases themselves tell.
type progress struct {
	Promotion string `json:"promotion,omitempty"`
	Release   string `json:"release,omitempty"`
}

// running is an operation on every target of the call, none of them decided.
func running(c driver.Call, p progress) driver.Operation {
	kind := "release"
	if p.Promotion != "" {
		kind = "promotion"
	}
	op := driver.Operation{Kind: kind, Status: driver.Running, Results: map[string]driver.Result{}, Data: encode(p)}
	for _, name := range c.Names() {
		op.Results[name] = driver.Result{Outcome: driver.Open}
	}
	return op
}

// conclude sets an operation's status by its results.
func conclude(op *driver.Operation) {
	final := 0
	for _, r := range op.Results {
		if r.Outcome != driver.Open {
			final++
		}
	}
	op.Status, op.Progress = driver.Running, 100*final/max(len(op.Results), 1)
	if final == len(op.Results) {
		op.Status = driver.Done
	}
}
