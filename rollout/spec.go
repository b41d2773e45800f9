package rollout

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// The commands that make a rollout, see [Spec.Command].
const (
	CommandPromote       = "promote"
	CommandPromoteCanary = "promote-canary"
	CommandRollback      = "rollback"
	CommandDisableCanary = "disable-canary"
)

// What automation may do after a target went back, see [Spec.AfterGoingBack].
const (
	AfterGoingBackStop  = "stop"  // nothing, until a person promotes something newer
	AfterGoingBackNewer = "newer" // bring other releases
)

// Spec is the rollout's plan, frozen when it was created: a later change of the
// pipeline file does not reach it.
type Spec struct {
	Promotion        string            `json:"promotion"`
	Command          string            `json:"command"`
	Target           driver.Target     `json:"target"`
	Source           *driver.Target    `json:"source,omitzero"`
	Release          driver.Release    `json:"release"`             // pinned: never resolved again
	Controlled       bool              `json:"controlled,omitzero"` // the promotion has several targets
	Remote           bool              `json:"remote,omitzero"`     // the platform owns phases and approval
	Phases           []PhaseSpec       `json:"phases"`
	StartingPhase    string            `json:"startingPhase,omitzero"` // those before it are SKIPPED; "" is the first
	SoakUntil        time.Time         `json:"soakUntil,omitzero"`     // until then the release has not stood long enough on the stage before
	Wait             *Duration         `json:"wait,omitzero"`          // bake after a canary phase; without it a person advances
	Variables        map[string]string `json:"variables,omitempty"`
	UseStageCache    bool              `json:"useStageCache,omitzero"`
	Restore          bool              `json:"restore,omitzero"`        // a failed canary puts traffic back at once
	AfterGoingBack   string            `json:"afterGoingBack,omitzero"` // stop or newer; "" is stop
	Gates            Gates             `json:"gates,omitempty"`
	Approval         *ApprovalSpec     `json:"approval,omitzero"`
	Timeout          Duration          `json:"timeout"`
	OperationTimeout Duration          `json:"operationTimeout"`
	Poll             Poll              `json:"poll,omitempty"`
	PipelineDigest   string            `json:"pipelineDigest,omitzero"`
	Creator          string            `json:"creator"`
	Person           bool              `json:"person,omitzero"`     // a person wanted it
	RunURL           string            `json:"runURL,omitzero"`     // of the run that made it
	Rule             *Rule             `json:"rule,omitzero"`       // of automation, that made it
	Reason           string            `json:"reason,omitzero"`     // why, in the creator's words
	Commit           string            `json:"commit,omitzero"`     // of the pipeline file
	Overrides        []string          `json:"overrides,omitempty"` // blocks that it passes
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
	Approvers []string       `json:"approvers,omitempty"` // logins and "@org/team"; empty means anybody
	Quorum    int            `json:"quorum"`
	Timeout   Duration       `json:"timeout"`
	Self      bool           `json:"self,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}
