package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// Operation follows a rollout of the target's delivery pipeline, whoever made it:
// by its resource name, as RELEASE/ROLLOUT, or by its id where that is the only
// one on the target. An operation of the location, whose id begins with
// "operation-", is followed as that.
func (d *clouddeploy) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	if strings.Contains(name, "/operations/") || strings.HasPrefix(name, "operation-") {
		op, err := d.api.longRunning(ctx, t, at, google.Last(name))
		return op, 0, err
	}
	rollout, err := d.api.rolloutCalled(ctx, at, name)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	raw, err := d.api.client.Get(ctx, root+rollout)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	v, err := viewOf(raw)
	if err != nil {
		return driver.Operation{}, 0, fmt.Errorf("reading rollout %s: %w", rollout, err)
	}
	if v.TargetID != at.Target {
		return driver.Operation{}, 0, &google.NotFoundError{Text: fmt.Sprintf("rollout %s is on target %s, not on %s", rollout, v.TargetID, at.Target)}
	}
	return d.api.watched(ctx, t, rollout, v, raw), 0, nil
}

// watched is a rollout as an operation.
func (api reader) watched(ctx context.Context, t driver.Target, rollout string, v view, raw json.RawMessage) driver.Operation {
	op := driver.Operation{ID: rollout, Kind: "rollout", Status: v.status(), Progress: v.progress(), Warnings: v.warnings(), Link: console(rollout)}
	result := driver.Result{Outcome: driver.Open, Rollout: raw, Waiting: v.waiting(), Data: v.metadata()}
	api.followJobs(ctx, &op, &result, v)
	op.Data = nil // what polls keep of a call
	switch {
	case v.State == "SUCCEEDED":
		result.Outcome, result.Release = driver.Succeeded, readBack(driver.Change{}, rollout)
	case v.final():
		result.Outcome, result.Errors = driver.Failed, api.problems(ctx, v)
	}
	op.Results = map[string]driver.Result{t.Name: result}
	return op
}

// rolloutCalled is the resource name of the rollout that people call so.
func (api reader) rolloutCalled(ctx context.Context, at place, name string) (string, error) {
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if !google.IsName(part) {
			return "", &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the name of a rollout", name)}
		}
	}
	switch {
	case strings.HasPrefix(name, at.pipeline()+"/releases/"):
		return name, nil
	case len(parts) == 2:
		return at.release(parts[0]) + "/rollouts/" + parts[1], nil
	case len(parts) > 2:
		return "", &google.NotFoundError{Text: fmt.Sprintf("%s is no rollout of %s", name, at.pipeline())}
	}
	found, err := api.rollouts(ctx, "-", onTarget(at), newestCreated, 1000, every)
	if err != nil {
		return "", err
	}
	var named []string
	for _, r := range found {
		if google.Last(r.Name) == name {
			named = append(named, r.Name)
		}
	}
	switch len(named) {
	case 1:
		return named[0], nil
	case 0:
		return "", &google.NotFoundError{Text: fmt.Sprintf("no rollout on target %s is called %s", at.Target, name)}
	default:
		return "", &google.InvalidError{Text: fmt.Sprintf("%d rollouts on target %s are called %s: %s; name one as RELEASE/ROLLOUT", len(named), at.Target, name, strings.Join(named, ", "))}
	}
}

// longRunning is an operation of the location. Errors are not what makes one
// worth reading twice: they are its own.
func (api reader) longRunning(ctx context.Context, t driver.Target, at place, id string) (driver.Operation, error) {
	if !google.IsName(id) {
		return driver.Operation{}, &google.NotFoundError{Text: fmt.Sprintf("%q cannot be the name of an operation", id)}
	}
	o, err := google.Decoded[operation](api.client.Get(ctx, root+at.location()+"/operations/"+id))
	if err != nil {
		return driver.Operation{}, err
	}
	op := driver.Operation{ID: o.Name, Kind: "operation", Status: driver.Running}
	result := driver.Result{Outcome: driver.Open, Data: o.Metadata}
	var about operationMetadata
	if json.Unmarshal(o.Metadata, &about) == nil {
		op.Kind, op.Inserted, op.Ended = about.Verb, google.Clock(about.CreateTime), google.Clock(about.EndTime)
	}
	switch {
	case o.Done && o.Error != nil:
		op.Status, result.Outcome = driver.Done, driver.Failed
		result.Errors = []driver.Problem{{Code: strconv.Itoa(o.Error.Code), Location: about.Target, Message: o.Error.Message}}
	case o.Done:
		op.Status, op.Progress, result.Outcome = driver.Done, 100, driver.Succeeded
	}
	op.Results = map[string]driver.Result{t.Name: result}
	return op, nil
}
