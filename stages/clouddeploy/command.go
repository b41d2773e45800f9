package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// policyAction is a command in the words of deploy policies.
func policyAction(k driver.Kind) string {
	switch k {
	case driver.Approve, driver.Reject:
		return "APPROVE"
	case driver.Advance:
		return "ADVANCE"
	case driver.RetryJob:
		return "RETRY_JOB"
	case driver.IgnoreJob:
		return "IGNORE_JOB"
	case driver.Terminate:
		return "TERMINATE_JOBRUN"
	default:
		return "CANCEL"
	}
}

// condition is how a rollout stands, before and after a command.
type condition struct {
	Rollout string `json:"rollout"`
	State   string `json:"state"`
	Phase   string `json:"phase,omitempty"`
	Job     string `json:"job,omitempty"`
}

func (c condition) json() json.RawMessage {
	data, _ := json.Marshal(c) //nolint:errchkjson // four strings
	return data
}

// commandDraft is a call that sends a command to a rollout that is there.
type commandDraft struct{ draft }

// command reads the rollout and refuses what Cloud Deploy would refuse.
func (p *commandDraft) command(ctx context.Context) (driver.Prepared, error) {
	name, err := p.rolloutName(ctx)
	if err != nil || name == "" {
		return driver.Prepared{Call: p.call, Findings: p.findings}, err
	}
	raw, err := p.api.client.Get(ctx, root+name)
	if err != nil {
		return driver.Prepared{}, err
	}
	v, err := viewOf(raw)
	if err != nil {
		return driver.Prepared{}, err
	}
	f := p.aim(v)
	f.Rollout = name
	if p.call.Kind == driver.Terminate {
		if err := p.checkRun(ctx, f.JobRun); err != nil {
			return driver.Prepared{}, err
		}
	}
	pipeline, err := p.api.pipeline(ctx, p.at)
	if err != nil {
		return driver.Prepared{}, err
	}
	if f.Policies, err = p.checkPolicies(ctx, pipeline, policyAction(p.call.Kind)); err != nil {
		return driver.Prepared{}, err
	}
	return p.commanded(v, f)
}

// rolloutName is the rollout that the change is about: the one the engine saw
// last, else the only unfinished rollout of the release on the target.
func (p *commandDraft) rolloutName(ctx context.Context) (string, error) {
	var seen struct {
		Name string `json:"name"`
	}
	if len(p.change.Remote) > 0 {
		if err := json.Unmarshal(p.change.Remote, &seen); err != nil {
			return "", &google.InvalidError{Text: fmt.Sprintf("the rollout as last seen: %v", err)}
		}
	}
	if strings.HasPrefix(seen.Name, p.at.pipeline()+"/releases/") || strings.Contains(seen.Name, "/deliveryPipelines/"+p.at.DeliveryPipeline+"/releases/") {
		return seen.Name, nil
	}
	found, err := p.api.rollouts(ctx, "-", unfinished(p.at), newestCreated, 50, every)
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range found {
		if p.change.Release.ID == "" || releaseOf(r.Name) == p.change.Release.ID {
			names = append(names, r.Name)
		}
	}
	if len(names) != 1 {
		p.refuse(fmt.Sprintf("%d unfinished rollouts of release %s are on target %s: it is not known which one is meant", len(names), p.change.Release.ID, p.at.Target), "use gcloud deploy rollouts on the one you mean")
		return "", nil
	}
	return names[0], nil
}

// aim finds the phase and the job that a command is about and refuses the
// states in which Cloud Deploy refuses it.
func (p *commandDraft) aim(v view) frozen {
	f := frozen{Phase: p.change.Phase, Job: p.change.Job}
	wrong := func(rule string) {
		p.refuse(fmt.Sprintf("rollout %s is %s; %s", google.Last(v.Name), v.State, rule), "")
	}
	switch p.call.Kind {
	case driver.Approve, driver.Reject:
		if v.State != "PENDING_APPROVAL" {
			wrong("only a rollout in PENDING_APPROVAL can be approved or rejected")
		}
	case driver.Advance:
		f.Phase = p.aimPhase(v, wrong)
	case driver.RetryJob, driver.IgnoreJob:
		p.aimJob(v, &f, v.failedJobs(), "FAILED", "retried or ignored")
	case driver.Terminate:
		p.aimJob(v, &f, v.jobsIn("IN_PROGRESS"), "IN_PROGRESS", "terminated")
		if f.JobRun == "" {
			wrong("its job has no run yet that could be terminated")
		}
	case driver.Cancel:
		if v.final() || v.State == "CANCELLING" {
			wrong("only a rollout that is not over can be cancelled")
		}
	}
	return f
}

// aimPhase is the phase to start.
func (p *commandDraft) aimPhase(v view, wrong func(string)) string {
	if v.State != "IN_PROGRESS" {
		wrong("only a rollout that is IN_PROGRESS can be advanced")
		return ""
	}
	next, waits := v.nextPhase()
	switch {
	case p.change.Phase == "" && waits, waits && p.change.Phase == next.ID:
		return next.ID
	case p.change.Phase == "":
		wrong("no phase waits to be started: the phase before must be SUCCEEDED or SKIPPED, and the first phase starts by itself")
		return ""
	}
	named, ok := v.phase(p.change.Phase)
	switch {
	case !ok:
		wrong(fmt.Sprintf("it has no phase %q", p.change.Phase))
	case len(v.Phases) > 0 && v.Phases[0].ID == named.ID:
		wrong("its first phase " + named.ID + " starts by itself")
	case named.State != "PENDING":
		wrong(fmt.Sprintf("its phase %s is %s, and only a PENDING one can be started", named.ID, named.State))
	default:
		wrong("the phase before " + named.ID + " is not SUCCEEDED or SKIPPED yet")
	}
	return named.ID
}

// aimJob is the job that is meant of those in a state: the one named, or the only one.
func (p *commandDraft) aimJob(v view, f *frozen, jobs []located, state, verbs string) {
	candidates := slices.DeleteFunc(jobs, func(l located) bool {
		return f.Phase != "" && l.phase.ID != f.Phase || f.Job != "" && l.job.ID != f.Job
	})
	switch len(candidates) {
	case 1:
		f.Phase, f.Job, f.JobRun = candidates[0].phase.ID, candidates[0].job.ID, candidates[0].job.JobRun
	case 0:
		named := strings.Trim(f.Phase+"/"+f.Job, "/")
		p.refuse(fmt.Sprintf("rollout %s is %s and has no job %s in %s: only such a job can be %s", google.Last(v.Name), v.State, named, state, verbs), "")
	default:
		names := make([]string, len(candidates))
		for i, l := range candidates {
			names[i] = l.phase.ID + "/" + l.job.ID
		}
		p.refuse("several jobs are "+state+": "+strings.Join(names, ", "), "name one with --phase and --job")
	}
}

// commanded freezes a command.
func (p *commandDraft) commanded(v view, f frozen) (driver.Prepared, error) {
	name := p.change.Target.Name
	before := condition{Rollout: f.Rollout, State: v.State, Phase: f.Phase, Job: f.Job}
	out := driver.Prepared{Call: p.call, Findings: p.findings, Before: map[string]json.RawMessage{name: before.json()}}
	if p.refused() {
		return out, nil
	}
	data, err := f.freeze()
	if err != nil {
		return out, err
	}
	after := before
	after.State = expectedState(p.call.Kind)
	p.change.Phase, p.change.Job = f.Phase, f.Job
	out.Call.Data, out.Call.Changes = data, []driver.Change{p.change}
	out.After = map[string]json.RawMessage{name: after.json()}
	out.Commands = []string{p.byHand(f)}
	out.Requests = []string{fmt.Sprintf("POST %s:%s", f.resource(p.call.Kind), method(p.call.Kind))}
	return out, nil
}

// expectedState is the rollout's state after a command.
func expectedState(k driver.Kind) string {
	switch k {
	case driver.Approve:
		return "PENDING"
	case driver.Reject:
		return "APPROVAL_REJECTED"
	case driver.Cancel:
		return "CANCELLING"
	default:
		return "IN_PROGRESS"
	}
}

// checkRun refuses to end a run of a job that is not at work: the rollout says so
// only when the run has ended.
func (p *commandDraft) checkRun(ctx context.Context, name string) error {
	if name == "" || p.refused() {
		return nil
	}
	r, err := p.api.jobRun(ctx, name)
	if err != nil {
		return err
	}
	if r.State != "IN_PROGRESS" {
		p.refuse(fmt.Sprintf("run %s of job %s is %s; only one that is IN_PROGRESS can be terminated", google.Last(name), r.JobID, r.State), "")
	}
	return nil
}
