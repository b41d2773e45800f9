package rollout

import (
	"math"
	"slices"
	"strings"
	"time"

	"sluice/analysis"
	"sluice/stages/driver"
)

// DeedKind says what a [Deed] is.
type DeedKind string

// The kinds of deeds, each part of the one before.
const (
	DeedPromotion DeedKind = "promotion"
	DeedRollout   DeedKind = "rollout"
	DeedPhase     DeedKind = "phase"
	DeedJob       DeedKind = "job"
	DeedEffect    DeedKind = "effect"
	DeedCheck     DeedKind = "check" // one look of one check
)

// Result is how something ended.
type Result string

// How something ends.
const (
	ResultSuccess      Result = "success"
	ResultFailure      Result = "failure"
	ResultCancellation Result = "cancellation" // a person or a newer rollout ended it
	ResultTimeout      Result = "timeout"
	ResultSkip         Result = "skip"
	ResultError        Result = "error"        // of an invocation: this program, or what it stands on
	ResultUnclear      Result = "inconclusive" // of a check: a person decides
)

// Deed is something that has ended, with when it began and what it was part of, whichever
// invocations did it.
type Deed struct {
	Kind      DeedKind
	Pipeline  string
	Stage     string
	Promotion string
	Target    string // of what is one target's, as all that follows
	Platform  string
	Rollout   string
	Release   driver.Release
	Command   string // what the promotion or the rollout was made by
	Phase     string
	Job       string
	Run       string      // of a job, or the job that an effect is of: its run; "" where there is none
	Key       string      // of an effect: its call's
	Effect    driver.Kind // of an effect
	Check     string      // of a check: its name, or its program
	DryRun    bool        // of a check
	Value     string      // of a check: what it measured; "" where it measures nothing

	Made       time.Time // when the rollout was created, of what is its
	PhaseBegan time.Time // zero where nobody knows
	Began      time.Time // zero where nobody knows
	Ended      time.Time
	Result     Result
	Cause      FailureCause // of a rollout that failed
	RunURL     string       // of the workflow run that made it
}

// Deed is what an event, which is one of the record's, ended; false for an event that
// ends nothing.
func (r *Record) Deed(event Event) (Deed, bool) {
	kind, result, ends := ending(event.Type)
	e, known := r.Rollout(event.Rollout)
	if !ends || !known {
		return Deed{}, false
	}
	d := deedOf(r, kind, e)
	d.Phase, d.Job, d.Ended, d.Result = event.Phase, event.Job, event.Time, result
	switch kind {
	case DeedRollout:
		d.Began, d.Cause = e.Rollout.CreateTime, e.Rollout.DeployFailureCause
		if d.Cause == DeadlineExceeded {
			d.Result = ResultTimeout
		}
		return d, true
	case DeedJob:
		d.Run = event.Action
	case DeedEffect:
		d.Key = event.Action
		d.Run = runOf(r, event)
		if step, ok := stepOf(e, event.Action); ok {
			d.Effect = step.Call.Kind
		}
	}
	d.Began, d.PhaseBegan = openedSince(r, event.Action, event.ID), openedSince(r, e.Rollout.phaseAction(event.Phase), event.ID)
	return d, event.Action != "" || kind == DeedPhase
}

// Checking is what the checks of a job at work are, but for what each of them is.
func (r *Record) Checking(due Due) Deed {
	e, ok := r.Rollout(due.Rollout)
	if !ok {
		return Deed{}
	}
	d := deedOf(r, DeedCheck, e)
	d.Phase, d.Job = due.Phase, due.Job
	d.Run = runOf(r, Event{ID: math.MaxInt64, Rollout: due.Rollout, Phase: due.Phase, Job: due.Job})
	d.PhaseBegan = openedSince(r, e.Rollout.phaseAction(due.Phase), math.MaxInt64)
	return d
}

// Checked is one look of one of these checks.
func (d Deed) Checked(g Gate, s analysis.Sample, began, ended time.Time) Deed {
	d.Check, d.DryRun, d.Value, d.Began, d.Ended = g.Name(), g.DryRun, s.Value, began, ended
	switch s.Verdict {
	case analysis.Passed:
		d.Result = ResultSuccess
	case analysis.Inconclusive:
		d.Result = ResultUnclear
	default:
		d.Result = ResultFailure
	}
	return d
}

// deedOf is what is known of everything of a rollout.
func deedOf(r *Record, kind DeedKind, e *Execution) Deed {
	return Deed{
		Kind: kind, Pipeline: r.Pipeline, Stage: r.Stage, Promotion: e.Spec.Promotion, Target: r.Target, Platform: r.Platform,
		Rollout: e.Rollout.Name, Release: e.Spec.Release, Command: e.Spec.Command, Made: e.Rollout.CreateTime, RunURL: e.Spec.RunURL,
	}
}

// ending is what an event of a type ends, and how.
func ending(eventType string) (DeedKind, Result, bool) {
	family, how, _ := strings.Cut(eventType, ".")
	kind, ok := map[string]DeedKind{"rollout": DeedRollout, "phase": DeedPhase, "job": DeedJob, "effect": DeedEffect}[family]
	result, ends := map[string]Result{
		"succeeded": ResultSuccess, "failed": ResultFailure, "aborted": ResultCancellation, "withdrawn": ResultCancellation, "ignored": ResultSkip,
		"cancelled": ResultCancellation, "rejected": ResultCancellation,
	}[how]
	return kind, result, ok && ends && eventType != "rollout.withdrawn" // which is followed by its end
}

// openedSince is when an action began that an event ended, be it that it asked or was resumed
// since; zero where the history does not tell any more.
func openedSince(r *Record, action string, before int64) time.Time {
	began := time.Time{}
	for _, e := range slices.Backward(r.Events) {
		if e.ID >= before || e.Action != action {
			continue
		}
		if !e.Temporary {
			break
		}
		began = e.Time
	}
	return began
}

// runOf is the run of the job that an effect is of.
func runOf(r *Record, effect Event) string {
	for _, e := range slices.Backward(r.Events) {
		if e.ID < effect.ID && e.Type == "job.started" && e.Rollout == effect.Rollout && e.Phase == effect.Phase && e.Job == effect.Job {
			return e.Action
		}
	}
	return ""
}

// stepOf finds the effect of a call.
func stepOf(e *Execution, key string) (*Step, bool) {
	for i := range slices.Backward(e.Steps) {
		if e.Steps[i].Call.Key == key {
			return &e.Steps[i], true
		}
	}
	return nil, false
}

// Deed is the promotion, once it has ended.
func (g *Group) Deed() Deed {
	p := g.Promotion
	return Deed{
		Kind: DeedPromotion, Pipeline: p.Pipeline, Stage: p.Stage, Promotion: p.ID, Command: p.Command,
		Made: p.CreateTime, Began: p.CreateTime, Ended: p.EndTime, Result: g.result(), RunURL: p.RunURL,
	}
}

// result is how the promotion ended: as the worst of its members.
func (g *Group) result() Result {
	result := ResultSkip
	for _, s := range g.stands {
		switch {
		case s.class == classFailed:
			return ResultFailure
		case s.class == classEnded:
			result = ResultCancellation
		case s.class == classGood && result == ResultSkip:
			result = ResultSuccess
		}
	}
	return result
}
