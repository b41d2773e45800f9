package rollout

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// Schema names the format of a record.
const Schema = "sluice.state/v1"

// Record is everything that is kept of one target. What spans targets is
// derived from the records of its members, never stored twice.
type Record struct {
	Schema         string          `json:"schema"`
	Pipeline       string          `json:"pipeline"`
	Stage          string          `json:"stage"`
	Target         string          `json:"target"`
	Platform       string          `json:"platform"`
	Generation     int64           `json:"generation"`
	PipelineDigest string          `json:"pipelineDigest,omitzero"`
	Release        *driver.Release `json:"release,omitzero"` // last read back
	Lock           *Lock           `json:"lock,omitzero"`
	Promotions     []Promotion     `json:"promotions"`
	Rollouts       []Execution     `json:"rollouts"`
	Abandoned      []Abandonment   `json:"abandoned,omitempty"`
	Events         []Event         `json:"events"`
	Unknown        jsontext.Value  `json:",unknown"`
}

// Lock says who holds a target: a run by a lease that ends, or a person until
// they let go.
type Lock struct {
	Holder  string         `json:"holder"` // repository, run id, job and shard without the attempt; or the person
	RunURL  string         `json:"runURL,omitzero"`
	Actor   string         `json:"actor,omitzero"`
	Reason  string         `json:"reason,omitzero"`
	Since   time.Time      `json:"since"`
	Until   time.Time      `json:"until,omitzero"` // a run's lease ends then; zero for a person's lock
	Person  bool           `json:"person,omitzero"`
	Unknown jsontext.Value `json:",unknown"`
}

// PromotionStatus is a promotion target's status, in Heroku's words.
type PromotionStatus string

// The statuses of a promotion target.
const (
	PromotionPending   PromotionStatus = "pending"
	PromotionSucceeded PromotionStatus = "succeeded"
	PromotionFailed    PromotionStatus = "failed"
)

// Promotion is one target's share of a promotion, and what all of its members
// say alike of the whole.
type Promotion struct {
	ID           string          `json:"promotion"`
	Members      []string        `json:"members"` // the names of all of its targets
	Status       PromotionStatus `json:"status"`
	Release      string          `json:"release"`
	ErrorMessage string          `json:"errorMessage,omitzero"`
	Rollout      string          `json:"rollout,omitzero"` // the rollout of this target; "" where nothing was left to do
	Command      string          `json:"command"`
	Stage        string          `json:"stage"`
	From         string          `json:"from,omitzero"`
	CreateTime   time.Time       `json:"createTime"`
	Actor        string          `json:"actor"`
	RunURL       string          `json:"runURL,omitzero"`
	Origin       string          `json:"origin,omitzero"` // repository, run id, job, step, command, stage and targets: the same for a re-run
	Reason       string          `json:"reason,omitzero"`
	Unknown      jsontext.Value  `json:",unknown"`
}

// Abandonment marks a release that must not be promoted to or from here again.
type Abandonment struct {
	Release string    `json:"release"`
	Actor   string    `json:"actor"`
	Time    time.Time `json:"time"`
	Reason  string    `json:"reason,omitzero"`
}

// Execution is a rollout and what is needed to go on with it in another
// process.
type Execution struct {
	Rollout   Rollout              `json:"rollout"`
	Spec      Spec                 `json:"spec"`
	Baseline  jsontext.Value       `json:"baseline,omitzero"` // what stood before the rollout's first effect
	Previous  string               `json:"previous,omitzero"` // the release that ran before it; "" where nothing ran
	Approvals []Decision           `json:"approvals,omitempty"`
	Steps     []Step               `json:"steps"`
	Attempts  map[string]int       `json:"attempts,omitempty"` // by phase: how often a person had it applied again
	Times     map[string]time.Time `json:"times,omitempty"`    // when phases ended ("canary-10") and analyses began and were last run ("canary-10/analysis", "canary-10/analysis/run")
	Asked     []Request            `json:"asked,omitempty"`    // effects outside the order of jobs that are still to be sent
	Accepted  bool                 `json:"accepted,omitzero"`  // a person accepted what stands: the next effect compares nothing with our last one
	Restored  bool                 `json:"restored,omitzero"`  // traffic is back where it was before the rollout
	Due       time.Time            `json:"due,omitzero"`       // when something is to be done next
	Unknown   jsontext.Value       `json:",unknown"`
}

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
	Gates            Gates             `json:"gates,omitzero"`
	Approval         *ApprovalSpec     `json:"approval,omitzero"`
	Timeout          Duration          `json:"timeout"`
	OperationTimeout Duration          `json:"operationTimeout"`
	Poll             Poll              `json:"poll,omitzero"`
	PipelineDigest   string            `json:"pipelineDigest,omitzero"`
	Creator          string            `json:"creator"`
	Options          driver.Options    `json:"options,omitzero"`
	Unknown          jsontext.Value    `json:",unknown"`
}

// PhaseSpec is one phase: the effects of its deploy job, in order.
type PhaseSpec struct {
	ID      string        `json:"id"`
	Percent string        `json:"percent,omitzero"` // of a canary phase
	Effects []driver.Kind `json:"effects"`
}

// Poll is how operations are followed; zero fields mean the platform's way.
type Poll struct {
	Initial Duration `json:"initial,omitzero"`
	Max     Duration `json:"max,omitzero"`
	Factor  float64  `json:"factor,omitzero"`
}

// ApprovalSpec is who must agree, pinned when the rollout was created.
type ApprovalSpec struct {
	Approvers []string `json:"approvers,omitempty"` // logins; empty means anybody
	Quorum    int      `json:"quorum"`
	Timeout   Duration `json:"timeout"`
	Self      bool     `json:"self,omitzero"`
}

// Gates are the checks of the rollout's jobs.
type Gates struct {
	Predeploy  []Gate `json:"predeploy,omitempty"`
	Verify     []Gate `json:"verify,omitempty"`
	Analysis   []Gate `json:"analysis,omitempty"`
	Postdeploy []Gate `json:"postdeploy,omitempty"`
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
	Run        []string  `json:"run,omitempty"`
	Shell      bool      `json:"shell,omitzero"`
	HTTP       *HTTPGate `json:"http,omitzero"`
	StageScope bool      `json:"stageScope,omitzero"` // runs once for all targets of the promotion
	Timeout    Duration  `json:"timeout,omitzero"`
	DryRun     bool      `json:"dryRun,omitzero"`
	OnRollback bool      `json:"onRollback,omitzero"`
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
}

// Decision is one person's word on an approval.
type Decision struct {
	Actor    string    `json:"actor"`
	Approve  bool      `json:"approve"`
	Time     time.Time `json:"time"`
	Comment  string    `json:"comment,omitzero"`
	RunURL   string    `json:"runURL,omitzero"`
	Verified bool      `json:"verified"` // GitHub said who it was
}

// StepState is how far an effect is.
type StepState string

// The states of an effect.
const (
	StepIntended  StepState = "intended"  // saved; whether it was sent is not known
	StepBegun     StepState = "begun"     // the platform works on it
	StepDone      StepState = "done"      // read back
	StepFailed    StepState = "failed"    // the platform said no
	StepWithdrawn StepState = "withdrawn" // proven never sent, or given up by a person
	StepAsking    StepState = "asking"    // cannot be decided: a person must
)

// Step is one effect on the platform.
type Step struct {
	Call      driver.Call       `json:"call"`              // with this target's change alone
	Members   []string          `json:"members,omitempty"` // of a batch: every target of the call, whose other changes their own records hold
	Phase     string            `json:"phase"`
	Job       string            `json:"job"`
	Attempt   int               `json:"attempt,omitzero"`
	State     StepState         `json:"state"`
	Before    json.RawMessage   `json:"before,omitempty"`
	After     json.RawMessage   `json:"after,omitempty"` // predicted, then read back
	Found     json.RawMessage   `json:"found,omitempty"` // asking: what stands instead
	Operation *driver.Operation `json:"operation,omitzero"`
	Message   string            `json:"message,omitzero"`
	Time      time.Time         `json:"time"`
	Looked    int               `json:"looked,omitzero"` // how often an undecided answer was looked up
	Unknown   jsontext.Value    `json:",unknown"`
}

// Open reports whether the effect still needs an answer.
func (s Step) Open() bool {
	return s.State == StepIntended || s.State == StepBegun || s.State == StepAsking
}

// Request is an effect that somebody or something asked for outside the order
// of jobs: putting traffic back, or a command to a platform's own rollout.
type Request struct {
	Kind    driver.Kind `json:"kind"`
	Phase   string      `json:"phase,omitzero"`
	Job     string      `json:"job,omitzero"`
	Actor   string      `json:"actor,omitzero"`
	Comment string      `json:"comment,omitzero"`
}

// Event is one line of the append-only history. A temporary event opens an
// action; a later event with the same Action closes it.
type Event struct {
	ID        int64             `json:"eventID"`
	Type      string            `json:"type"`
	Time      time.Time         `json:"timestamp"`
	Message   string            `json:"message,omitzero"`
	Temporary bool              `json:"temporary,omitzero"`
	Action    string            `json:"action,omitzero"`
	Actor     string            `json:"actor,omitzero"`
	Rollout   string            `json:"rollout,omitzero"`
	Phase     string            `json:"phase,omitzero"`
	Job       string            `json:"job,omitzero"`
	Info      map[string]string `json:"info,omitempty"`
	Unknown   jsontext.Value    `json:",unknown"`
}

// New is the record of a target about which nothing was ever saved.
func New(pipeline string, target driver.Target) Record {
	return Record{
		Schema: Schema, Pipeline: pipeline, Stage: target.Stage, Target: target.Name, Platform: target.Platform,
		Promotions: []Promotion{}, Rollouts: []Execution{}, Events: []Event{},
	}
}

// Active is the rollout that is not over, the oldest first: the one at work and
// not those queued behind it.
func (r *Record) Active() (*Execution, bool) {
	for i := range r.Rollouts {
		if !r.Rollouts[i].Rollout.State.Final() {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Newest is the rollout created last.
func (r *Record) Newest() (*Execution, bool) {
	if len(r.Rollouts) == 0 {
		return nil, false
	}
	return &r.Rollouts[len(r.Rollouts)-1], true
}

// Rollout finds a rollout by name.
func (r *Record) Rollout(name string) (*Execution, bool) {
	for i := range r.Rollouts {
		if r.Rollouts[i].Rollout.Name == name {
			return &r.Rollouts[i], true
		}
	}
	return nil, false
}

// Promotion finds the target's share of a promotion.
func (r *Record) Promotion(id string) (*Promotion, bool) {
	for i := range r.Promotions {
		if r.Promotions[i].ID == id {
			return &r.Promotions[i], true
		}
	}
	return nil, false
}

// IsAbandoned reports whether a release was abandoned here.
func (r *Record) IsAbandoned(release string) bool {
	return slices.ContainsFunc(r.Abandoned, func(a Abandonment) bool { return a.Release == release })
}

// AddEvent appends to the history; the id is the next one.
func (r *Record) AddEvent(e Event) {
	e.ID = 1
	if n := len(r.Events); n > 0 {
		e.ID = r.Events[n-1].ID + 1
	}
	r.Events = append(r.Events, e)
}

// OpenStep is the effect that still needs an answer: the newest, for a command
// to a platform's own rollout goes out while that rollout is followed.
func (e *Execution) OpenStep() (*Step, bool) {
	for i := range slices.Backward(e.Steps) {
		if e.Steps[i].Open() {
			return &e.Steps[i], true
		}
	}
	return nil, false
}

// Last is the newest effect that was read back.
func (e *Execution) Last() (Step, bool) {
	for _, s := range slices.Backward(e.Steps) {
		if s.State == StepDone {
			return s, true
		}
	}
	return Step{}, false
}

// Touched reports whether an effect of the rollout stands on the platform, or
// may stand there.
func (e *Execution) Touched() bool {
	if e.Restored {
		return false
	}
	return slices.ContainsFunc(e.Steps, func(s Step) bool {
		return s.State != StepWithdrawn && s.State != StepFailed && s.Call.Kind != driver.Rollback
	})
}
