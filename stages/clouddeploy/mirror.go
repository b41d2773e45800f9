package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// What a rollout can wait for a person to do, as Result.Waiting.
const (
	waitApproval = "approval"
	waitAdvance  = "advance"
	waitRetry    = "retryJob" // HALTED: retry or ignore every failed child job, or cancel
)

// followed is what an operation keeps between polls.
type followed struct {
	Etag string `json:"etag"` // of the rollout when its job runs were last read
}

// mirror takes over the rollout as it is.
func (d *clouddeploy) mirror(ctx context.Context, op driver.Operation, f frozen, raw json.RawMessage) (driver.Operation, error) {
	v, err := viewOf(raw)
	if err != nil {
		return op, fmt.Errorf("reading rollout %s: %w", f.Rollout, err)
	}
	change := op.Call.Changes[0]
	result := driver.Result{Outcome: driver.Open, Rollout: raw, Waiting: v.waiting(), Data: v.metadata()}
	op.Status, op.Warnings, op.Link = v.status(), v.warnings(), console(f.Rollout)
	op.Progress = v.progress()
	d.followJobs(ctx, &op, &result, v)
	switch {
	case op.Call.Kind == driver.Terminate:
		if err := d.judgeTermination(ctx, &result, f); err != nil {
			return op, err
		}
	case op.Call.Kind.IsCommand():
		v.judgeCommand(&result, op.Call.Kind, f)
	default:
		if err := d.judge(ctx, &result, v, change.Target, f); err != nil {
			return op, err
		}
	}
	if result.Outcome == driver.Succeeded {
		result.Release, result.After = readBack(change, f.Rollout), standing{Release: releaseOf(f.Rollout), Rollout: f.Rollout}.json()
	}
	if result.Outcome != driver.Open {
		op.Status = driver.Done
	}
	op.Results = map[string]driver.Result{change.Target.Name: result}
	return op, nil
}

// readBack is the release of the rollout that was read.
func readBack(change driver.Change, rollout string) driver.Release {
	r := driver.Release{ID: releaseOf(rollout)}
	if change.Release.ID == r.ID {
		r = change.Release
	}
	r.Platform = rollout
	return r
}

// judge says what became of a deployment or a rollback.
func (d *clouddeploy) judge(ctx context.Context, result *driver.Result, v view, of driver.Target, f frozen) error {
	switch {
	case v.Annotations[callAnnotation] != f.Request:
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: "FOREIGN", Location: v.Name, Message: "the rollout of this name is not the one that was asked for: somebody else made it"}}
	case v.State == "SUCCEEDED":
		result.Outcome = driver.Succeeded
	case v.final():
		result.Outcome, result.Errors = driver.Failed, d.problems(ctx, v)
		err := d.judgeBack(ctx, result, of, f)
		if code := d.Explain(err).Code; err != nil && code != driver.Retryable && code != driver.Lost {
			return nil // it failed whatever cannot be read of it
		}
		return err
	}
	return nil
}

// judgeBack says whether a rollout that did not succeed leaves the target as it was:
// it never began to deploy (rejected, or cancelled while it waited), or a rollout that
// Cloud Deploy made itself brought back what ran (repair).
func (d *clouddeploy) judgeBack(ctx context.Context, result *driver.Result, of driver.Target, f frozen) error {
	at, err := placeOf(of)
	if err != nil {
		return err
	}
	current, err := d.current(ctx, at)
	if err != nil {
		return err
	}
	had, err := d.rollouts(ctx, "-", onTarget(at), newestCreated, 10, func(all []*rollout) bool { return firstBegun(all) != nil })
	if err != nil {
		return err
	}
	s := observed{current: current, touched: firstBegun(had)}
	untouched := s.current == nil && s.touched == nil
	if standingOf(current).Release != f.Before || !s.settled() && !untouched {
		return nil
	}
	result.Restored = true
	if current != nil {
		result.Release = releaseOn(current)
	}
	result.After = standingOf(current).json()
	return nil
}

// status is the operation's, by the rollout's.
func (v view) status() driver.Status {
	switch {
	case v.final():
		return driver.Done
	case slices.Contains([]string{"PENDING", "PENDING_APPROVAL", "PENDING_RELEASE"}, v.State):
		return driver.Pending
	default:
		return driver.Running
	}
}

// progress is the share of phases that are over, in percent.
func (v view) progress() int {
	if v.State == "SUCCEEDED" {
		return 100
	}
	over := 0
	for _, p := range v.Phases {
		if p.State == "SUCCEEDED" || p.State == "SKIPPED" {
			over++
		}
	}
	return over * 100 / max(len(v.Phases), 1)
}

// waiting is what a person must do, "" while Cloud Deploy works.
func (v view) waiting() string {
	if _, ok := v.nextPhase(); ok {
		return waitAdvance
	}
	switch v.State {
	case "PENDING_APPROVAL":
		return waitApproval
	case "HALTED":
		return waitRetry
	default:
		return ""
	}
}

// warnings explain a rollout that does not go on by itself.
func (v view) warnings() []driver.Problem {
	var warnings []driver.Problem
	switch v.State {
	case "PENDING":
		warnings = append(warnings, driver.Problem{Code: v.State, Message: "the rollout waits behind an earlier one on the target"})
	case "PENDING_RELEASE":
		warnings = append(warnings, driver.Problem{Code: v.State, Message: "the rollout waits until its release is rendered"})
	case "HALTED":
		warnings = append(warnings, driver.Problem{Code: v.State, Message: "one child rollout failed and another did not: retry or ignore every failed job, or cancel"})
	case "PENDING_APPROVAL", "IN_PROGRESS", "CANCELLING", "SUCCEEDED", "FAILED", "CANCELLED", "APPROVAL_REJECTED":
	default:
		warnings = append(warnings, driver.Problem{Code: v.State, Message: "Cloud Deploy gives a state that this version does not know; it is followed until it ends"})
	}
	return append(warnings, v.skipped()...)
}

// skipped explains a target's first rollout: its canary was skipped and nothing
// happens until stable is advanced to.
func (v view) skipped() []driver.Problem {
	next, waits := v.nextPhase()
	if !waits {
		return nil
	}
	var problems []driver.Problem
	for _, p := range v.Phases {
		if p.State == "SKIPPED" {
			problems = append(problems, driver.Problem{Code: p.State, Location: "phase " + p.ID, Message: p.SkipMessage})
		}
	}
	if len(problems) > 0 {
		problems = append(problems, driver.Problem{
			Code: "PENDING", Location: "phase " + next.ID,
			Message: "the phases before it were skipped, and Cloud Deploy waits: advance the rollout to " + next.ID + ", or let an automation rule of the pipeline do it",
		})
	}
	return problems
}

// pollCreation is about a rollout that is not there: it may still be in the
// making.
func (d *clouddeploy) pollCreation(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	creation, err := google.Decoded[operation](d.client.Get(ctx, root+op.ID))
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	if !creation.Done {
		return op, 0, nil
	}
	problem := driver.Problem{Code: "NOT_FOUND", Message: "the rollout was made and is gone"}
	if creation.Error != nil {
		problem = problemOf(creation.Error)
	}
	op.Status = driver.Done
	op.Results = map[string]driver.Result{
		op.Call.Changes[0].Target.Name: {Outcome: driver.Failed, Errors: []driver.Problem{problem}},
	}
	return op, 0, nil
}

func problemOf(s *status) driver.Problem {
	return driver.Problem{Code: fmt.Sprintf("code %d", s.Code), Message: s.Message}
}

// lookupRollout finds the rollout by its frozen name.
func (d *clouddeploy) lookupRollout(ctx context.Context, c driver.Call, f frozen) (driver.Verdict, driver.Operation, error) {
	raw, err := d.client.Get(ctx, root+f.Rollout)
	if err == nil {
		op := driver.Operation{Call: c, Kind: string(c.Kind), Status: driver.Running}
		op, err = d.mirror(ctx, op, f, raw)
		return driver.Found, op, err
	}
	if d.Explain(err).Code != driver.NotFound {
		return driver.Undecided, driver.Operation{}, err
	}
	at, err := placeOf(c.Changes[0].Target)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	newest, err := d.newest(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if newest == nil || newest.Name == f.Newest {
		return driver.Absent, driver.Operation{}, nil
	}
	return driver.ForeignChange, foreign(c, newest), nil
}

// foreign is what somebody else made of the target.
func foreign(c driver.Call, newest *rollout) driver.Operation {
	message := fmt.Sprintf("rollout %s was made on the target meanwhile, and ours was not", google.Last(newest.Name))
	return driver.Operation{
		Call: c, Kind: string(c.Kind), Status: driver.Done,
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {
			Outcome: driver.Failed, Release: driver.Release{ID: releaseOf(newest.Name), Platform: newest.Name},
			After: standingOf(newest).json(), Errors: []driver.Problem{{Code: "FOREIGN", Message: message}},
		}},
	}
}
