package view

import (
	"strconv"
	"time"

	"sluice/rollout"
)

// Automation is a run of a rule on a target's rollout.
type Automation struct {
	Run      string                  `json:"run"`
	Kind     string                  `json:"kind"`
	State    rollout.AutomationState `json:"state"`
	Attempts int                     `json:"attempts,omitzero"` // of a repair
	Phase    string                  `json:"phase,omitzero"`
	Job      string                  `json:"job,omitzero"`
	Rollback string                  `json:"rollback,omitzero"` // of a repair: the rollout that went back
	Text     string                  `json:"text,omitzero"`
	Updated  time.Time               `json:"updated"`
}

func automation(e *rollout.Execution) []Automation {
	var list []Automation
	for _, run := range e.Automation {
		list = append(list, Automation{
			Run: run.Name, Kind: run.Rule.Kind, State: run.State, Attempts: len(run.Attempts), Phase: run.Phase, Job: run.Job,
			Rollback: run.Rollback, Text: run.Text, Updated: whole(run.Updated),
		})
	}
	return list
}

// Words is the run in one line.
func (a Automation) Words() string {
	text := a.Run + " is " + string(a.State)
	if a.Attempts > 0 {
		text += " after " + strconv.Itoa(a.Attempts) + " attempts"
	}
	return text + by(": ", a.Text)
}
