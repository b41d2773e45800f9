package patch

import (
	"fmt"
	"maps"
)

// Testers is what stands beside a stage for testers alone.
type Testers struct {
	Stage *TestersStage `json:"stage,omitempty"` // nil where there is none of ours
	Taken bool          `json:"taken,omitempty"` // a stage that somebody else made has its name
	Rule  *Rule         `json:"rule,omitempty"`  // that leads to it; nil for none
}

// TestersStage is a stage that testers are led to.
type TestersStage struct {
	DeploymentID string            `json:"deploymentId"`
	Variables    map[string]string `json:"variables,omitempty"`
}

// Rule is a routing rule that leads to it.
type Rule struct {
	ID       string `json:"id,omitempty"` // "" of one that is still to be made
	Priority int    `json:"priority"`
	Header   string `json:"header"`
	Value    string `json:"value"`              // with * at its beginning or end for anything
	BasePath string `json:"basePath,omitempty"` // "" for every path
	Strip    bool   `json:"stripBasePath,omitempty"`
	Other    string `json:"other,omitempty"` // conditions that no rule of ours has
}

// Same reports whether two rules lead the same requests, whatever their ids.
func (r Rule) Same(o Rule) bool {
	r.ID, o.ID = "", ""
	return r == o
}

// Become makes a stage for testers another one: only what differs.
func (s TestersStage) Become(want TestersStage) []Operation {
	var ops []Operation
	if s.DeploymentID != want.DeploymentID {
		ops = Move(want.DeploymentID)
	}
	return append(ops, setAll(variablesPath, s.Variables, want.Variables)...)
}

// testersDifferences compares what stands for testers, where both sides looked.
func testersDifferences(have, want *Testers) []string {
	if have == nil || want == nil {
		return nil
	}
	return append(hostDifferences(have.Stage, want.Stage), ruleDifferences(have.Rule, want.Rule)...)
}

func hostDifferences(have, want *TestersStage) []string {
	switch {
	case have == nil && want == nil:
		return nil
	case have == nil:
		return []string{"the testers' stage is missing"}
	case want == nil:
		return []string{"there is a stage for testers, of deployment " + name(have.DeploymentID)}
	}
	var d []string
	if have.DeploymentID != want.DeploymentID {
		d = append(d, fmt.Sprintf("the testers' stage runs deployment %s, not %s", name(have.DeploymentID), name(want.DeploymentID)))
	}
	if !maps.Equal(have.Variables, want.Variables) {
		d = append(d, variableDifferences("the testers' variable", have.Variables, want.Variables)...)
	}
	return d
}

func ruleDifferences(have, want *Rule) []string {
	switch {
	case have == nil && want == nil:
		return nil
	case have == nil:
		return []string{"the testers' routing rule is missing"}
	case want == nil:
		return []string{"routing rule " + have.ID + " leads to the testers' stage"}
	case !have.Same(*want):
		return []string{fmt.Sprintf("the testers' routing rule %s is %s, not %s", have.ID, have, want)}
	}
	return nil
}

// String is which requests the rule leads.
func (r Rule) String() string {
	text := fmt.Sprintf("%s: %s at priority %d", r.Header, r.Value, r.Priority)
	if r.BasePath != "" {
		text += " under /" + r.BasePath
	}
	if r.Other != "" {
		text += " with " + r.Other
	}
	return text
}
