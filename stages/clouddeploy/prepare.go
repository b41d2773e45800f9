package clouddeploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// rolloutDraft is a call that makes a rollout, and what it must know of its target.
type rolloutDraft struct {
	draft
	seen observed
}

// deploy checks that a release can get a rollout on the target.
func (p *rolloutDraft) deploy(ctx context.Context) (driver.Prepared, error) {
	var err error
	if p.seen, err = p.api.observe(ctx, p.at); err != nil {
		return driver.Prepared{}, err
	}
	p.checkForeign()
	id := p.change.Release.ID
	if s := p.seen; s.settled() && standingOf(s.current).Release == id {
		return p.unchanged(), nil
	}
	if err := p.checkRelease(ctx, id); err != nil {
		return driver.Prepared{}, err
	}
	p.checkSource()
	if err := p.checkFree(); err != nil {
		return driver.Prepared{}, err
	}
	return p.offer(ctx, "CREATE", id, func(rollout string) string {
		return fmt.Sprintf("POST %s/rollouts?rolloutId=%s {targetId: %s}", p.at.release(id), rollout, p.at.Target)
	})
}

// offer freezes a call that makes a rollout of a release, unless something
// speaks against it. request says for people what will be sent.
func (p *rolloutDraft) offer(ctx context.Context, action, release string, request func(rollout string) string) (driver.Prepared, error) {
	policies, err := p.checkPolicies(ctx, p.seen.pipeline, action)
	if err != nil {
		return driver.Prepared{}, err
	}
	if p.refused() {
		return p.stopped(), nil
	}
	f, err := p.newRollout(ctx, release)
	if err != nil {
		return driver.Prepared{}, err
	}
	f.Policies = policies
	return p.prepared(f, release, request(google.Last(f.Rollout)))
}

// newRollout names the rollout that a call will make for a release.
func (p *rolloutDraft) newRollout(ctx context.Context, release string) (frozen, error) {
	had, err := p.api.had(ctx, p.at, release)
	if err != nil {
		return frozen{}, err
	}
	taken := make([]string, len(had))
	for i, r := range had {
		taken[i] = google.Last(r.Name)
	}
	id, err := rolloutID(release, p.at.Target, taken)
	if err != nil {
		return frozen{}, err
	}
	name := p.at.release(release) + "/rollouts/" + id
	f := frozen{Rollout: name, Request: requestID(p.call.Key, name), Before: standingOf(p.seen.current).Release}
	if p.seen.newest != nil {
		f.Newest = p.seen.newest.Name
	}
	return f, nil
}

// checkForeign compares what runs with what our last effect left.
func (p *rolloutDraft) checkForeign() {
	if len(p.change.Expected) == 0 || p.change.Options.Resolved {
		return
	}
	var expected standing
	if err := json.Unmarshal(p.change.Expected, &expected); err != nil || !bytes.Equal(expected.json(), standingOf(p.seen.current).json()) {
		p.find(driver.Foreign, fmt.Sprintf("somebody else rolled out to the target: release %q runs there by rollout %q",
			standingOf(p.seen.current).Release, google.Last(standingOf(p.seen.current).Rollout)), "")
	}
}

// checkRelease refuses a release that cannot be rolled out.
func (p *rolloutDraft) checkRelease(ctx context.Context, id string) error {
	r, err := p.api.release(ctx, p.at, id)
	if google.IsStatus(err, http.StatusNotFound) || explain(err).Code == driver.NotFound {
		p.refuse(fmt.Sprintf("delivery pipeline %s has no release %q", p.at.DeliveryPipeline, id), "give a release of this pipeline: releases do not travel between pipelines")
		return nil
	}
	if err != nil {
		return err
	}
	if r.Abandoned {
		p.refuse("release "+id+" is abandoned", "promote another release; abandoning cannot be undone")
	}
	if r.Snapshot != nil && stageOf(r.Snapshot, p.at.Target) == nil {
		p.refuse(fmt.Sprintf("release %s was made before delivery pipeline %s had target %s", id, p.at.DeliveryPipeline, p.at.Target), "make a new release")
		return nil
	}
	p.checkRender(r, id)
	return nil
}

// checkRender says how far a release is rendered, for this target too.
func (p *rolloutDraft) checkRender(r *release, id string) {
	const rendering = "look at the render's build log, and make a new release"
	if render, ok := r.Renders[p.at.Target]; ok && render.State == "FAILED" {
		p.refuse(fmt.Sprintf("release %s failed to render for target %s: %s", id, p.at.Target, reason(render.FailureCause, render.FailureMessage)), logs(render.Build, rendering))
		return
	}
	switch r.RenderState {
	case "SUCCEEDED":
	case "FAILED":
		p.refuse("release "+id+" failed to render", rendering)
	case "IN_PROGRESS":
		p.refuse("release "+id+" is still being rendered", "run again when it is")
	default:
		p.find(driver.Warn, fmt.Sprintf("release %s has the unknown render state %q", id, r.RenderState), "")
	}
}

// checkSource warns where the release cannot come from the source.
func (p *rolloutDraft) checkSource() {
	if p.change.Source == nil {
		return
	}
	from, err := placeOf(*p.change.Source)
	if err == nil && from.pipeline() != p.at.pipeline() {
		p.refuse(fmt.Sprintf("releases belong to one delivery pipeline, and the source %s is on another: %s", p.change.Source.Name, from.pipeline()),
			"make both targets of one deliveryPipeline")
	}
}

// checkFree refuses a pipeline or a target that takes no rollout before a person does
// something about it. The error is that of a rollout that ends by itself: nothing
// speaks against the call, but it has to wait.
func (p *rolloutDraft) checkFree() error {
	if p.seen.pipeline.Suspended {
		p.refuse("delivery pipeline "+p.at.DeliveryPipeline+" is suspended: it takes no new rollouts", "resume it in Cloud Deploy, then run again")
	}
	for _, r := range p.seen.unfinished {
		switch at := fmt.Sprintf("rollout %s to target %s is %s", google.Last(r.Name), p.at.Target, r.State); r.State {
		case "IN_PROGRESS", "CANCELLING":
			if !p.refused() {
				return &google.BusyError{Text: at + ": only one is made at a time"}
			}
		case "HALTED":
			p.refuse(at+": only one is made at a time", "take it up in Cloud Deploy, or cancel it")
		default:
			p.find(driver.Warn, at+" and may start later", "")
		}
	}
	return nil
}

// unchanged says that nothing is left to do.
func (p *rolloutDraft) unchanged() driver.Prepared {
	name, stands := p.change.Target.Name, standingOf(p.seen.current).json()
	p.call.Changes = nil
	return driver.Prepared{
		Call: p.call, Findings: p.findings, Unchanged: []string{name},
		Before: map[string]json.RawMessage{name: stands}, After: map[string]json.RawMessage{name: stands},
	}
}

// stopped says what speaks against the call.
func (p *rolloutDraft) stopped() driver.Prepared {
	before := map[string]json.RawMessage{p.change.Target.Name: standingOf(p.seen.current).json()}
	return driver.Prepared{Call: p.call, Findings: p.findings, Before: before, First: p.first(), Runs: p.runs()}
}

// runs is the release that the target runs: what a rollback will go back to.
func (p *rolloutDraft) runs() map[string]driver.Release {
	if p.seen.current == nil {
		return nil
	}
	return map[string]driver.Release{p.change.Target.Name: {ID: standingOf(p.seen.current).Release}}
}

func (p *rolloutDraft) first() []string {
	if p.seen.current == nil {
		return []string{p.change.Target.Name}
	}
	return nil
}

// prepared freezes the call.
func (p *rolloutDraft) prepared(f frozen, release, request string) (driver.Prepared, error) {
	out := p.stopped()
	data, err := f.freeze()
	if err != nil {
		return out, err
	}
	if p.change.Release.ID != release {
		p.change.Release = driver.Release{ID: release}
	}
	p.canaryNote()
	out.Findings = p.findings
	out.Call.Data, out.Call.Changes = data, []driver.Change{p.change}
	after := standing{Release: release, Rollout: f.Rollout}
	out.After = map[string]json.RawMessage{p.change.Target.Name: after.json()}
	out.Requests = []string{request}
	out.Commands = []string{p.byHand(f)}
	return out, nil
}

// canaryNote says beforehand what looks like a hang later.
func (p *rolloutDraft) canaryNote() {
	stage := stageOf(p.seen.pipeline, p.at.Target)
	if p.seen.current == nil && p.call.Kind == driver.Deploy && stage != nil && stage.Strategy.Canary != nil {
		p.find(driver.Note, "nothing runs on the target yet: Cloud Deploy skips the canary phases and waits to be advanced to stable", "")
	}
}
