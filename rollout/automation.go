package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// The kinds of automation rules.
const (
	AutomationPromote = "promote"
	AutomationAdvance = "advance"
	AutomationRepair  = "repair"
)

// Rule is a rule of automation, as a run of it is recorded: a later change of the
// file does not reach what was begun.
type Rule struct {
	Name    string         `json:"name"` // "repair-1": its kind and which of that kind in the file
	Kind    string         `json:"kind"`
	Stage   string         `json:"stage"`            // of repair and advance; of promote the stage before
	Phases  []string       `json:"phases,omitempty"` // empty means all
	Jobs    []string       `json:"jobs,omitempty"`   // empty means all
	After   Duration       `json:"after,omitzero"`
	Cron    string         `json:"cron,omitzero"`
	Zone    string         `json:"zone,omitzero"`
	Retry   *RetryRule     `json:"retry,omitzero"`
	Back    *BackRule      `json:"rollback,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// RetryRule is how often a failed job is run again.
type RetryRule struct {
	Attempts    int      `json:"attempts"`
	Wait        Duration `json:"wait,omitzero"`        // before the first
	Exponential bool     `json:"exponential,omitzero"` // it doubles with every attempt; else it grows by itself
}

// wait is the pause before an attempt, from 1.
func (r RetryRule) wait(attempt int) time.Duration {
	if r.Exponential {
		return r.Wait.Std() << (attempt - 1)
	}
	return r.Wait.Std() * time.Duration(attempt)
}

// BackRule is that the target goes back when no attempt helped.
type BackRule struct {
	UnlessPending bool `json:"unlessPending,omitzero"` // not while another rollout waits behind it
}

// AutomationRun is a run of a rule on a rollout, after Cloud Deploy's automationRun.
type AutomationRun struct {
	Name     string              `json:"name"` // "repair-1-0001"
	Rule     Rule                `json:"rule"`
	State    AutomationState     `json:"state"`
	Phase    string              `json:"phase,omitzero"`
	Job      string              `json:"job,omitzero"`
	Attempts []AutomationAttempt `json:"attempts,omitempty"` // of a repair
	Rollback string              `json:"rollback,omitzero"`  // of a repair: the rollout that went back
	Text     string              `json:"text,omitzero"`
	Created  time.Time           `json:"createTime"`
	Updated  time.Time           `json:"updateTime"`
	Unknown  jsontext.Value      `json:",embed"`
}

// beginAutomation records a run of a rule, and writes it into the rollout's metadata.
func beginAutomation(e *Execution, rule Rule, now time.Time) *AutomationRun {
	before := len(e.Automation)
	run := e.Automation.begin(rule, now)
	if len(e.Automation) > before {
		e.Rollout.tellAutomation(e.Automation)
	}
	return run
}

// AutomationRuns are the runs of rules on a rollout, the newest last.
type AutomationRuns []AutomationRun

// AutomationAttempt is one retry of a repair.
type AutomationAttempt struct {
	At    time.Time `json:"at"`
	Phase string    `json:"phase"`
	Job   string    `json:"job"`
}

// AutomationState is Cloud Deploy's state of an automation run.
type AutomationState string

// The states.
const (
	AutomationInProgress AutomationState = "IN_PROGRESS"
	AutomationSucceeded  AutomationState = "SUCCEEDED"
	AutomationFailed     AutomationState = "FAILED"
	AutomationAborted    AutomationState = "ABORTED"
)

// Repair runs a rule's next step on the newest rollout, which is FAILED: another
// attempt at the job that failed, or, when none is left, going back. [Record.RepairDue]
// says when. It is refused like what it does.
type Repair struct {
	Rule Rule
	By   Actor
}

// RestoredBlock is the id of the block that a rollout's own restoring left.
func RestoredBlock(rollout string) string { return idRestored + rollout }

// RepairStep is what a repair does next.
type RepairStep struct {
	Rollout string
	At      time.Time // not before
	Phase   string    // of a retry
	Job     string
	Back    bool // it goes back instead
}

// RepairDue says what a repair rule does next on the record, and when; false where it
// does nothing: nothing failed, the rule is about other phases or jobs, it is used
// up, or another rollout waits behind.
func (r *Record) RepairDue(rule Rule) (RepairStep, bool) {
	e, failed, ok := toRepair(r)
	if !ok || !covers(rule.Phases, failed.Phase) || !covers(rule.Jobs, failed.Job) {
		return RepairStep{}, false
	}
	run := AutomationRun{Rule: rule}
	if known, ran := e.Automation.of(rule.Name); ran {
		run = *known
	}
	step := RepairStep{Rollout: e.Rollout.Name, Phase: failed.Phase, Job: failed.Job, At: e.Rollout.DeployEndTime}
	switch {
	case run.Rule.Retry != nil && e.Spec.takes(driver.RetryJob) && len(run.Attempts) < run.Rule.Retry.Attempts:
		step.At = step.At.Add(run.Rule.Retry.wait(len(run.Attempts) + 1))
		return step, true
	case run.Rule.Back != nil && run.Rollback == "" && run.State != AutomationAborted && !e.Restored:
		step.Back = true
		return step, true
	default:
		return RepairStep{}, false
	}
}

// toRepair is the newest rollout and the one job of it that failed; false where it did
// not fail, only took something back, or somebody ended the job.
func toRepair(r *Record) (*Execution, FailedJob, bool) {
	e, ok := r.Newest()
	if !ok || !e.Over() || e.Rollout.State != StateFailed || e.Spec.goesBack() || e.Terminated != "" {
		return nil, FailedJob{}, false
	}
	failed := e.Rollout.FailedJobs()
	if len(failed) != 1 {
		return nil, FailedJob{}, false
	}
	return e, failed[0], true
}

func covers(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

// end ends a run.
func (run *AutomationRun) end(state AutomationState, text string, now time.Time) {
	run.State, run.Text, run.Updated = state, text, now.UTC()
}

func (t Repair) apply(r *Record, now time.Time) error {
	step, ok := r.RepairDue(t.Rule)
	if !ok {
		return nil // it ended meanwhile
	}
	e, err := r.rolloutFor("repair", step.Rollout)
	if err != nil {
		return err
	}
	by := t.By
	by.Overrides = append(slices.Clone(by.Overrides), RestoredBlock(e.Rollout.Name)) // its own restoring is what it repairs
	if step.Back {
		return t.back(r, e, by, now)
	}
	if err := (RetryJob{Rollout: e.Rollout.Name, Phase: step.Phase, Job: step.Job, By: by}).apply(r, now); err != nil {
		return err
	}
	run := beginAutomation(e, t.Rule, now)
	run.Phase, run.Job = step.Phase, step.Job
	run.Attempts = append(run.Attempts, AutomationAttempt{At: now.UTC(), Phase: step.Phase, Job: step.Job})
	r.event(e, now, Event{Type: "automation.repair", Phase: step.Phase, Job: step.Job, Actor: by.Login, Message: fmt.Sprintf("%s: attempt %d of %d", run.Name, len(run.Attempts), run.Rule.Retry.Attempts)})
	return nil
}

// back goes back, and blocks automation there as a restore does.
func (t Repair) back(r *Record, e *Execution, by Actor, now time.Time) error {
	name := e.Rollout.Name
	run := beginAutomation(e, t.Rule, now)
	if run.Rule.Back.UnlessPending && pendingBehind(r, name) {
		run.end(AutomationAborted, "another rollout is pending", now)
		return nil
	}
	runName := run.Name
	if err := (GoBack{By: by, Cause: "repair " + runName + ": no attempt helped"}).apply(r, now); err != nil {
		return err
	}
	e, _ = r.Rollout(name)
	back, _ := r.rollbackOf(e)
	run, _ = e.Automation.of(t.Rule.Name)
	run.end(AutomationFailed, "no attempt helped", now)
	if back != nil {
		run.Rollback = back.Rollout.Name
	}
	r.event(e, now, Event{Type: "automation.rollback", Actor: by.Login, Message: runName})
	return nil
}

// pendingBehind reports whether a rollout waits behind another.
func pendingBehind(r *Record, name string) bool {
	return slices.ContainsFunc(r.Rollouts[r.index(name)+1:], func(e Execution) bool { return !e.Over() })
}

// notePhases notes when phases of a platform's own rollout were first seen to be over:
// the platform does not say since when.
func notePhases(e *Execution, now time.Time) {
	if !e.Spec.Remote {
		return
	}
	for _, p := range e.Rollout.Phases {
		if _, known := e.Times[p.ID]; p.State == PhaseSucceeded && !known {
			e.Times.set(p.ID, now)
		}
	}
}

// AutoAdvance starts the next phase by a rule.
type AutoAdvance struct {
	Rule Rule
	By   Actor
}

// AdvanceDue says when an advance rule starts the next phase, and which; false where
// none waits for it.
func (r *Record) AdvanceDue(rule Rule) (phase string, at time.Time, ok bool) {
	e, ok := r.Active()
	if !ok || e.Rollout.State != StateInProgress || len(e.Asked) > 0 {
		return "", time.Time{}, false
	}
	current, i, ok := e.Rollout.current()
	if !ok || i == 0 || current.State != PhasePending || e.Spec.WaitAfter(e.Rollout.Phases[i-1].ID) != nil || !covers(rule.Phases, e.Rollout.Phases[i-1].ID) {
		return "", time.Time{}, false
	}
	ended, known := e.Times[e.Rollout.Phases[i-1].ID]
	if !known || e.Steps.advanced(current.ID) {
		return "", time.Time{}, false
	}
	return current.ID, ended.Add(rule.After.Std()), true
}

func (t AutoAdvance) apply(r *Record, now time.Time) error {
	phase, at, ok := r.AdvanceDue(t.Rule)
	if !ok || now.Before(at) {
		return nil // it went on meanwhile
	}
	e, _ := r.Active()
	if err := (Advance{Rollout: e.Rollout.Name, Phase: phase, By: t.By}).apply(r, now); err != nil {
		return err
	}
	run := beginAutomation(e, t.Rule, now)
	run.Phase = phase
	run.end(AutomationSucceeded, "", now)
	return nil
}

// tellAutomation writes the runs into the rollout's metadata, as Cloud Deploy does.
func (r *Rollout) tellAutomation(runs AutomationRuns) {
	type automation struct {
		Promote string   `json:"promoteAutomationRun,omitzero"`
		Advance []string `json:"advanceAutomationRuns,omitempty"`
		Repair  []string `json:"repairAutomationRuns,omitempty"`
	}
	var told struct {
		Automation automation     `json:"automation"`
		Unknown    jsontext.Value `json:",embed"`
	}
	if len(r.Metadata) > 0 {
		_ = json.Unmarshal(r.Metadata, &told) // what cannot be read is ours to write anew
	}
	told.Automation = automation{}
	for _, run := range runs {
		switch run.Rule.Kind {
		case AutomationPromote:
			told.Automation.Promote = run.Name
		case AutomationAdvance:
			told.Automation.Advance = append(told.Automation.Advance, run.Name)
		case AutomationRepair:
			told.Automation.Repair = append(told.Automation.Repair, run.Name)
		}
	}
	data, err := json.Marshal(told)
	if err == nil {
		r.Metadata = data
	}
}

// of is the newest run of a rule among them.
func (runs AutomationRuns) of(rule string) (*AutomationRun, bool) {
	for i := range slices.Backward(runs) {
		if runs[i].Rule.Name == rule {
			return &runs[i], true
		}
	}
	return nil, false
}

// begin records a run of a rule; the one that is under way goes on.
func (runs *AutomationRuns) begin(rule Rule, now time.Time) *AutomationRun {
	if run, ok := runs.of(rule.Name); ok && run.State == AutomationInProgress {
		run.Updated = now.UTC()
		return run
	}
	*runs = append(*runs, AutomationRun{
		Name: fmt.Sprintf("%s-%04d", rule.Name, len(*runs)+1), Rule: rule, State: AutomationInProgress, Created: now.UTC(), Updated: now.UTC(),
	})
	return &(*runs)[len(*runs)-1]
}

// rolloutOver ends the runs of a rollout that is over in a state.
func (runs AutomationRuns) rolloutOver(state State, now time.Time) {
	for i := range runs {
		run := &runs[i]
		if run.State != AutomationInProgress {
			continue
		}
		switch {
		case state == StateSucceeded:
			run.end(AutomationSucceeded, "", now)
		case state != StateFailed:
			run.end(AutomationAborted, "the rollout is "+string(state), now)
		case run.Rule.Kind == AutomationRepair && run.Rule.Back == nil && run.Rule.Retry != nil && len(run.Attempts) >= run.Rule.Retry.Attempts:
			run.end(AutomationFailed, "no attempt helped", now)
		}
	}
}
