package rollout

import "github.com/go-json-experiment/json/jsontext"

// Gates are the checks of the rollout's jobs.
type Gates struct {
	Predeploy  []Gate         `json:"predeploy,omitempty"`
	Verify     []Gate         `json:"verify,omitempty"`
	Analysis   []Gate         `json:"analysis,omitempty"`
	Postdeploy []Gate         `json:"postdeploy,omitempty"`
	Unknown    jsontext.Value `json:",embed"`
}

// Of returns the checks of a job.
func (g Gates) Of(job string) []Gate {
	switch job {
	case JobPredeploy:
		return g.Predeploy
	case JobVerify:
		return g.Verify
	case JobAnalysis:
		return g.Analysis
	case JobPostdeploy:
		return g.Postdeploy
	default:
		return nil
	}
}

// Gate is one check: a program or a URL. Values of headers may name environment
// variables as ${NAME}; they are looked up when it runs and never stored.
type Gate struct {
	Run        []string       `json:"run,omitempty"`
	Shell      bool           `json:"shell,omitzero"`
	HTTP       *HTTPGate      `json:"http,omitzero"`
	StageScope bool           `json:"stageScope,omitzero"` // runs once for all targets of the promotion
	Timeout    Duration       `json:"timeout,omitzero"`
	DryRun     bool           `json:"dryRun,omitzero"`
	OnRollback bool           `json:"onRollback,omitzero"`
	Unknown    jsontext.Value `json:",embed"`
}

// HTTPGate asks a URL until it answers as wanted.
type HTTPGate struct {
	URL      string            `json:"url"`
	Method   string            `json:"method,omitzero"`
	Status   int               `json:"status,omitzero"`
	Contains string            `json:"contains,omitzero"`
	Attempts int               `json:"attempts,omitzero"`
	Interval Duration          `json:"interval,omitzero"`
	Headers  map[string]string `json:"headers,omitempty"`
	Unknown  jsontext.Value    `json:",embed"`
}
