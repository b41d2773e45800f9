// Package patch is how traffic moves on an API Gateway stage: the update-stage
// patch operations that give a deployment a share of it, promote it, remove it
// and go back, and a prediction of the stage that AWS returns for them.
//
// Everything here is a pure function of its arguments. What AWS accepts and
// what it answers was recorded from the real service by others; where nothing
// was recorded, [Predict] refuses rather than guesses.
package patch

import (
	"encoding/json"
	"maps"

	"sluice/canary"
)

// Stage is an API Gateway stage as far as a canary touches it. Every other
// field of the JSON it was read from is kept and written back as it was.
type Stage struct {
	DeploymentID string            // what runs for ordinary traffic; "" where AWS gave none
	Variables    map[string]string // stage variables; nil and empty mean the same
	Canary       *Canary           // nil without canarySettings
	Testers      *Testers          // beside it, for testers alone; nil where nobody looked

	rest map[string]json.RawMessage
}

// Canary is a stage's canarySettings. Unknown fields are kept as in [Stage].
type Canary struct {
	DeploymentID  string
	Percent       canary.Percent    // share of the stage's traffic
	Overrides     map[string]string // stage variables as the canary sees them
	UseStageCache bool

	rest map[string]json.RawMessage
}

type stageFields struct {
	DeploymentID string            `json:"deploymentId,omitempty"`
	Variables    map[string]string `json:"variables,omitempty"`
	Canary       *Canary           `json:"canarySettings,omitempty"`
	Testers      *Testers          `json:"testers,omitempty"` // ours: no field of API Gateway's stages
}

type canaryFields struct {
	DeploymentID  string            `json:"deploymentId,omitempty"`
	Percent       canary.Percent    `json:"percentTraffic"`
	Overrides     map[string]string `json:"stageVariableOverrides,omitempty"`
	UseStageCache bool              `json:"useStageCache"`
}

// UnmarshalJSON reads a stage in API Gateway's own shape.
func (s *Stage) UnmarshalJSON(data []byte) error {
	var f stageFields
	rest, err := split(data, &f, "deploymentId", "variables", "canarySettings", "testers")
	if err != nil {
		return err
	}
	*s = Stage{DeploymentID: f.DeploymentID, Variables: f.Variables, Canary: f.Canary, Testers: f.Testers, rest: rest}
	return nil
}

// MarshalJSON writes the stage in API Gateway's own shape, keys sorted.
func (s Stage) MarshalJSON() ([]byte, error) {
	return join(stageFields{DeploymentID: s.DeploymentID, Variables: s.Variables, Canary: s.Canary, Testers: s.Testers}, s.rest)
}

// UnmarshalJSON reads canarySettings in API Gateway's own shape.
func (c *Canary) UnmarshalJSON(data []byte) error {
	var f canaryFields
	rest, err := split(data, &f, "deploymentId", "percentTraffic", "stageVariableOverrides", "useStageCache")
	if err != nil {
		return err
	}
	*c = Canary{
		DeploymentID: f.DeploymentID, Percent: f.Percent,
		Overrides: f.Overrides, UseStageCache: f.UseStageCache, rest: rest,
	}
	return nil
}

// MarshalJSON writes canarySettings in API Gateway's own shape, keys sorted.
func (c Canary) MarshalJSON() ([]byte, error) {
	return join(canaryFields{
		DeploymentID: c.DeploymentID, Percent: c.Percent,
		Overrides: c.Overrides, UseStageCache: c.UseStageCache,
	}, c.rest)
}

// split decodes an object into known and returns the fields that known has not.
func split(data []byte, known any, names ...string) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(data, known); err != nil {
		return nil, err
	}
	var rest map[string]json.RawMessage
	if err := json.Unmarshal(data, &rest); err != nil {
		return nil, err
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest, nil
}

// join encodes known with the other fields beside it.
func join(known any, rest map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(known)
	if err != nil || len(rest) == 0 {
		return data, err
	}
	all := maps.Clone(rest)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	maps.Copy(all, fields)
	return json.Marshal(all)
}

// clone is a copy that shares nothing that Predict changes.
func (s Stage) clone() Stage {
	s.Variables = maps.Clone(s.Variables)
	if s.Canary != nil {
		c := *s.Canary
		c.Overrides = maps.Clone(c.Overrides)
		s.Canary = &c
	}
	return s
}
