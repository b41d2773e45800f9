package rollout

import (
	"encoding/json"
	"fmt"

	v2 "github.com/go-json-experiment/json"

	"sluice/stages/driver"
)

// Change is what the next effect of kind should make true of e's target.
func (e *Execution) Change(due Due) driver.Change {
	c := driver.Change{
		Target: e.Spec.Target, Source: e.Spec.Source, Release: e.Spec.Release,
		Phase: due.Phase, Job: due.Job, Options: e.Spec.Options,
		Baseline: json.RawMessage(e.Baseline),
	}
	if due.Kind == driver.Weight {
		c.Percent, c.Variables, c.UseStageCache = e.percent(due.Phase), e.Spec.Variables, e.Spec.UseStageCache
	}
	if last, ok := e.Last(); ok && !e.Accepted {
		c.Expected = last.After
	}
	c.Options.Resolved = e.Accepted
	if e.mirrored() {
		c.Remote = e.platformRollout()
	}
	return c
}

// platformRollout is the platform's own rollout under the platform's own name.
func (e *Execution) platformRollout() json.RawMessage {
	theirs := e.Rollout
	if e.PlatformName != "" {
		theirs.Name = e.PlatformName
	}
	data, err := v2.Marshal(theirs)
	if err != nil {
		return nil // it was decoded from JSON: there is nothing that could not be written
	}
	return data
}

// CallKey is the key of the next effect: the same for every attempt to send it,
// another one when a person has it applied again.
func (e *Execution) CallKey(due Due) string {
	sent := 0
	for _, s := range e.Steps {
		if s.Phase == due.Phase && s.Call.Kind == due.Kind {
			sent++
		}
	}
	return fmt.Sprintf("%s/%s/%s/%d", e.Rollout.Name, due.Phase, due.Kind, sent+1)
}
