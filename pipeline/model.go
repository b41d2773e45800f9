// Package pipeline is what is declared: the pipeline file's model with
// positions, its parser, its checks, what a promotion would touch, and the
// policies' windows. It is the only package that reads YAML.
package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/analysis"
	"sluice/stages/driver"
)

// Pos is where a value stands in the file. The zero Pos is a default, which
// stands nowhere.
type Pos struct {
	File string
	Line int // from 1
	Col  int // from 1, in characters
}

// String is "file:line:col".
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// At is a value and where it stands.
type At[T any] struct {
	Value T
	Pos   Pos
}

// Pipeline is one file: named, ordered stages. [Parse] makes it; nothing changes
// it afterwards.
type Pipeline struct {
	File             string
	Digest           string // "sha256:…" of the file's bytes
	Name             At[string]
	Description      At[string]
	Labels           map[string]string
	Annotations      map[string]string
	State            State
	Supersede        bool
	AfterGoingBack   string        // "stop" (default) or "newer": what automation may do after a target went back
	Timeout          time.Duration // of a rollout; default 24h
	OperationTimeout time.Duration // of one platform operation; default 1h
	Stages           []*Stage
	Policies         []*Policy
	Automation       []*Automation
	Deployments      At[bool] // GitHub's deployments show what stages run
	Comment          At[bool] // pull requests have a comment of what is planned and what came of it
	Notify           []*Hook
	lines            []string // the file's, for problems found later

	// what [Pipeline.index] makes of the stages
	byStage  map[string]*Stage
	byTarget map[string]*Target
}

// State is where the pipeline's state is kept.
type State struct {
	Store    At[string] // "artifact" (default), "git", "s3://bucket/prefix", "file:DIR"
	Branch   string     // git: default sluice-state
	Endpoint At[string] // s3
	History  int        // finished rollouts kept per target; default 20
	// Refs are whose runs may change state, in Actions; empty means the default branch.
	// Branches by name, whatever else as a whole ref; * and ** as in GitHub's filters.
	Refs []string
}

// Stage is one step of the order.
type Stage struct {
	Pos       Pos
	Name      At[string]
	Targets   []*Target
	Supersede bool   // the pipeline's, unless the stage says otherwise
	OnFailure string // "continue", "halt", "rollback"
	Waves     *Waves // nil: all targets begin together
	TakeBack  string // onFailure: rollback takes back the "wave" or the whole "promotion"
	// Soak is how long a release must have stood on the stage before.
	Soak time.Duration
	// AfterGoingBack is what automation may do after a target went back: the
	// pipeline's, unless the stage says otherwise.
	AfterGoingBack string
	Approval       *Approval
	URL            At[string] // where people see what it runs; "" where the file does not say
	Predeploy      []*Check   // scope: stage checks alone; those of scope target are resolved into the targets
	Verify         []*Check
	Postdeploy     []*Check
	Identities     []Identity // who asks for its targets, unless they name their own, and for its checks

	after     []At[string] // the stages that it names
	saysAfter bool         // it has the key, perhaps empty
	soakPos   Pos
	// what [Pipeline.index] makes of the stages
	before, next []*Stage
	byComponent  map[string][]*Target
}

// Approval is who must agree before a rollout starts.
type Approval struct {
	Pos         Pos
	Required    bool
	Environment string        // of GitHub: reviews of it are the approvals; "" for words of people's own
	Approvers   []string      // logins and teams, "@org/team"; empty means anybody who may write to the repository, or review
	Quorum      int           // default 1
	Timeout     time.Duration // default 24h
	Self        bool          // whoever started the promotion may approve it alone
	Rollback    bool          // rollbacks need approval too
	Comments    bool          // a comment on GitHub may be the word
}

// Target is one place on one platform. What the stage declares for its targets
// (checks, strategy, timeouts) is already merged in: the target's own wins.
type Target struct {
	Pos              Pos
	Name             At[string]
	Stage            *Stage
	Component        At[string] // "" in a pipeline with one chain
	From             At[string] // the source target's name; "" means the only one of this component in the previous stage
	Formerly         At[string]
	Artifact         At[string] // what its releases are, as an artifact of the organisation; "" records nothing
	Platform         driver.Facts
	Config           json.RawMessage // the platform's keys, a JSON object
	Canary           *Canary         // nil without strategy.canary
	Predeploy        []*Check
	Verify           []*Check
	Postdeploy       []*Check
	Timeout          time.Duration
	OperationTimeout time.Duration
	Poll             driver.Backoff
	Identities       []Identity // who asks for it and for its checks; see [Target.As]
}

// Driver is the target as the driver contract has it.
func (t *Target) Driver() driver.Target {
	return driver.Target{Name: t.Name.Value, Stage: t.Stage.Name.Value, Platform: t.Platform.Platform, Config: t.Config}
}

// Canary is how traffic moves to a new release.
type Canary struct {
	Pos           Pos
	Phases        []*Phase // ascending; stable, which follows them, is not among them
	Stable        *Phase   // what stable has of its own; nil for nothing
	UseStageCache bool
	Disable       bool    // remove the canary when stable
	OnFailure     string  // "restore" or "hold"
	Header        *Header // what testers send, who get the release before any traffic does; nil for none
}

// Header is what requests carry that get a release before any other traffic does.
type Header struct {
	Pos                 Pos
	Domain, Name, Value At[string]
}

// Driver is the header as the driver contract has it; nil where there is none.
func (h *Header) Driver() *driver.Header {
	if h == nil {
		return nil
	}
	return &driver.Header{Domain: h.Domain.Value, Name: h.Name.Value, Value: h.Value.Value}
}

// Phase is one step of a canary. What the canary says for all of them is already
// merged in: the phase's own wins.
type Phase struct {
	Pos       Pos
	Name      At[string]     // "canary-10.5" unless the file names it
	Percent   At[string]     // canonical decimal, 0 < n < 100: "10", "10.5"; "" of stable
	Wait      *time.Duration // bake after it; nil means that a person advances
	Variables map[string]string
	Verify    []*Check // in the place of the target's, where OwnVerify
	OwnVerify bool
	Analysis  []*Check

	variables []pair // Variables with their positions
}

// Check is a hook or a gate. Exactly one of Run, HTTP, Alarms, Metric and
// Compare is set.
type Check struct {
	Pos        Pos
	Run        []string // argv; with Shell one element, given to a shell
	Shell      bool
	HTTP       *HTTPCheck
	Measured   *analysis.Measured // the number that the answer of Run or HTTP holds; nil where they pass or fail alone
	Alarms     *analysis.Alarms
	Metric     *analysis.Metric
	Compare    *analysis.Compare
	Scope      string        // "target" (default) or "stage"
	Timeout    time.Duration // 0 means the check's default
	DryRun     bool          // reports, never fails
	OnRollback bool          // runs in rollbacks too
}

// HTTPCheck asks a URL until it answers as wanted.
type HTTPCheck struct {
	URL      string
	Method   string // default GET
	Status   int    // default 200
	Contains string
	Attempts int           // default 1
	Interval time.Duration // between attempts; default 5s
	Headers  map[string]string
}

// Policy blocks or allows actions in windows of time.
type Policy struct {
	Pos      Pos
	Name     At[string]
	Stages   []string // empty means all
	Targets  []string // empty means all
	Actions  []string // empty means all that go forward, see [Forward]
	Invokers []string // "person", "automation"; empty means both
	Deny     []Window
	Allow    []Window
	Override []string // logins who may override by name
	Standing string   // what becomes of what stands when the window begins: "hold", "back", "finish"; "" refuses what would reach into it
	Resume   string   // "automatic": what was held goes on by itself after the window; else a person takes it up

	stages, targets []At[string]    // Stages and Targets with their positions
	ofTargets       map[string]bool // Targets, to be looked up
}

// Window is a span of time, start inclusive, end exclusive. Exactly one of
// Weekly, Once and Cron is set.
type Window struct {
	Pos    Pos
	Weekly *Weekly
	Once   *Once
	Cron   *Cron
}

// Weekly recurs on days, between two times of day; the whole day without them.
type Weekly struct {
	Days     []time.Weekday // empty means every day
	From, To time.Duration  // since midnight; To 24h is the end of the day
	Zone     *time.Location
}

// Once is one span of time.
type Once struct{ From, To time.Time }

// Cron opens at every match of a schedule, for a duration.
type Cron struct {
	Schedule string
	For      time.Duration
	Zone     *time.Location
}

// Automation is what happens without a person. Exactly one of Promote, Advance and
// Repair is set.
type Automation struct {
	Pos     Pos
	Promote *AutoPromote
	Advance *AutoAdvance
	Repair  *AutoRepair

	stages, phases []At[string] // what it names
}

// AutoPromote promotes what succeeded on a stage to the next one.
type AutoPromote struct {
	From  string
	After time.Duration // since it succeeded
	Cron  string        // only when this schedule matches; "" at any time
	Zone  *time.Location
}

// AutoAdvance starts the next phase of a rollout that waits for a person to.
type AutoAdvance struct {
	Stage  string
	Phases []string      // that are over; empty means any
	After  time.Duration // since the phase was over
}

// AutoRepair runs a failed job again, and then has the target go back.
type AutoRepair struct {
	Stage         string
	Phases, Jobs  []string      // empty means any
	Attempts      int           // 0 means that none is made
	Wait          time.Duration // before the first
	Exponential   bool          // the wait doubles with every attempt; else it grows by itself
	Back          bool          // the target goes back when no attempt helped
	UnlessPending bool          // not while another rollout waits
}

// Problem is one mistake in a file, or one warning.
type Problem struct {
	Pos     Pos
	Message string // what is wrong and what would be right
	Warning bool
	Note    bool   // a warning for `validate` alone: whether it matters the file cannot tell
	Store   string // of a warning: the store it is about; it says nothing where the command line names another
	Unread  string // of a warning about a key that only one kind of store reads: that kind, as its names begin; it says nothing where the command line names such a store
	Line    string // the line of the file, for the caret; "" where there is none
}

// String is "file:line:col: message".
func (p Problem) String() string { return p.Pos.String() + ": " + p.Message }
