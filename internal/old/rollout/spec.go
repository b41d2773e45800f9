package rollout

import (
	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Spec is the rollout's plan, frozen when it was created: a later change of the
// pipeline file does not reach it.
type Spec struct {
	Promotion        string            `json:"promotion"`
	Command          string            `json:"command"` // promote, promote-canary, rollback
	Target           driver.Target     `json:"target"`
	Source           *driver.Target    `json:"source,omitzero"`
	Release          driver.Release    `json:"release"` // pinned: never resolved again
	Members          []string          `json:"members,omitempty"`
	Remote           bool              `json:"remote,omitzero"` // the platform owns phases and approval
	Phases           []PhaseSpec       `json:"phases"`
	Wait             *Duration         `json:"wait,omitzero"` // bake after a canary phase; without it a person advances
	Variables        map[string]string `json:"variables,omitempty"`
	UseStageCache    bool              `json:"useStageCache,omitzero"`
	Restore          bool              `json:"restore,omitzero"` // a failed canary puts traffic back at once
	OnFailure        string            `json:"onFailure,omitzero"`
	Gates            Gates             `json:"gates,omitempty"`
	Approval         *ApprovalSpec     `json:"approval,omitzero"`
	Timeout          Duration          `json:"timeout"`
	OperationTimeout Duration          `json:"operationTimeout"`
	Poll             Poll              `json:"poll,omitempty"`
	PipelineDigest   string            `json:"pipelineDigest,omitzero"`
	Creator          string            `json:"creator"`
	Options          driver.Options    `json:"options,omitempty"`
	Unknown          jsontext.Value    `json:",embed"`
}

// PhaseSpec is one phase: the effects of its deploy job, in order.
type PhaseSpec struct {
	ID      string         `json:"id"`
	Percent string         `json:"percent,omitzero"` // of a canary phase
	Effects []driver.Kind  `json:"effects"`
	Unknown jsontext.Value `json:",embed"`
}

// Poll is how operations are followed; zero fields mean the platform's way.
type Poll struct {
	Initial Duration       `json:"initial,omitzero"`
	Max     Duration       `json:"max,omitzero"`
	Factor  float64        `json:"factor,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// ApprovalSpec is who must agree, pinned when the rollout was created.
type ApprovalSpec struct {
	Approvers []string       `json:"approvers,omitempty"` // logins; empty means anybody
	Quorum    int            `json:"quorum"`
	Timeout   Duration       `json:"timeout"`
	Self      bool           `json:"self,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}
