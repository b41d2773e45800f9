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

// mirror takes over the rollout as it is.
func (f frozenCall) mirror(ctx context.Context, op driver.Operation, raw json.RawMessage) (driver.Operation, error) {
	v, err := viewOf(raw)
	if err != nil {
		return op, fmt.Errorf("reading rollout %s: %w", f.Rollout, err)
	}
	change := f.change()
	result := driver.Result{Outcome: driver.Open, Rollout: raw, Waiting: v.waiting(), Data: v.metadata()}
	op.Status, op.Warnings, op.Link = v.status(), v.warnings(), console(f.Rollout)
	op.Progress = v.progress()
	f.api.followJobs(ctx, &op, &result, v)
	switch {
	case f.Kind == driver.Terminate:
		if err := f.judgeTermination(ctx, &result); err != nil {
			return op, err
		}
	case f.Kind.IsCommand():
		v.judgeCommand(&result, f.Kind, f.frozen)
	default:
		if err := f.judge(ctx, &result, v); err != nil {
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
func (f frozenCall) pollCreation(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	creation, err := google.Decoded[operation](f.api.client.Get(ctx, root+op.ID))
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
		f.change().Target.Name: {Outcome: driver.Failed, Errors: []driver.Problem{problem}},
	}
	return op, 0, nil
}

func problemOf(s *status) driver.Problem {
	return driver.Problem{Code: fmt.Sprintf("code %d", s.Code), Message: s.Message}
}
