package rollout

import (
	"fmt"
	"slices"
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
	Beside           []string          `json:"beside,omitempty"`    // the targets beside the source that had to run the release too
	Release          driver.Release    `json:"release"`             // pinned: never resolved again
	Controlled       bool              `json:"controlled,omitzero"` // the promotion has several targets
	Remote           bool              `json:"remote,omitzero"`     // the platform owns phases and approval
	Takes            []driver.Kind     `json:"takes,omitempty"`     // Remote: the commands that the platform takes for its rollouts; none: it is not known
	Phases           []PhaseSpec       `json:"phases"`
	StartingPhase    string            `json:"startingPhase,omitzero"` // those before it are SKIPPED; "" is the first
	SoakUntil        time.Time         `json:"soakUntil,omitzero"`     // until then the release has not stood long enough on the stage before
	Wait             *Duration         `json:"wait,omitzero"`          // bake after a canary phase; without it a person advances
	Variables        map[string]string `json:"variables,omitempty"`
	UseStageCache    bool              `json:"useStageCache,omitzero"`
	Header           *driver.Header    `json:"header,omitzero"`         // what testers send, who get the release in the phase [PhaseTesters]
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
	Percent string         `json:"percent,omitzero"` // of a canary phase; "0" of testers
	Effects []driver.Kind  `json:"effects"`
	Own     *PhaseOwn      `json:"own,omitzero"` // nil: all is the rollout's
	Unknown jsontext.Value `json:",embed"`
}

// PhaseOwn is what a phase has in the place of the rollout's, all of it.
type PhaseOwn struct {
	Wait      *Duration         `json:"wait,omitzero"`
	Variables map[string]string `json:"variables,omitempty"`
	Verify    []Gate            `json:"verify,omitempty"`
	Analysis  []Gate            `json:"analysis,omitempty"`
	Unknown   jsontext.Value    `json:",embed"`
}

// phase is the plan of a phase by its id; one without anything where the plan has none
// of it, as of a rollout that a platform owns.
func (s Spec) phase(id string) PhaseSpec {
	i := slices.IndexFunc(s.Phases, func(p PhaseSpec) bool { return p.ID == id })
	if i < 0 {
		return PhaseSpec{}
	}
	return s.Phases[i]
}

// takes reports whether the platform takes a command for its own rollout.
func (s Spec) takes(k driver.Kind) bool {
	return !s.Remote || len(s.Takes) == 0 || slices.Contains(s.Takes, k)
}

// WaitAfter is the bake after a canary phase; nil where a person advances.
func (s Spec) WaitAfter(phase string) *Duration {
	if own := s.phase(phase).Own; own != nil {
		return own.Wait
	}
	return s.Wait
}

// VariablesIn are the variables that the canary sees differently in a phase.
func (s Spec) VariablesIn(phase string) map[string]string {
	if own := s.phase(phase).Own; own != nil {
		return own.Variables
	}
	return s.Variables
}

// GatesIn are the checks of a phase's jobs.
func (s Spec) GatesIn(phase string) Gates {
	g := s.Gates
	if own := s.phase(phase).Own; own != nil {
		g.Verify, g.Analysis = own.Verify, own.Analysis
	}
	return g
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
	// Environment is the environment of GitHub whose reviews are the approvals; "" for
	// words of people's own.
	Environment string         `json:"environment,omitzero"`
	Approvers   []string       `json:"approvers,omitempty"` // logins and "@org/team"; empty means anybody
	Quorum      int            `json:"quorum"`
	Timeout     Duration       `json:"timeout"`
	Self        bool           `json:"self,omitzero"`
	Unknown     jsontext.Value `json:",embed"`
}

// goesBack reports whether the rollout only takes something back.
func (s Spec) goesBack() bool { return intentionOf(s.Command).Back() }

func (s Spec) overdueText() string {
	return fmt.Sprintf("the rollout took longer than timeout %s", s.Timeout.Std())
}
