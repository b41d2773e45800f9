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

// prepareCommand reads the rollout and refuses what Cloud Deploy would refuse.
func (d *clouddeploy) prepareCommand(ctx context.Context, c driver.Call, at place) (driver.Prepared, error) {
	p := &draft{call: c, change: c.Changes[0], at: at}
	name, err := d.rolloutName(ctx, p)
	if err != nil || name == "" {
		return driver.Prepared{Call: c, Findings: p.findings}, err
	}
	raw, err := d.client.Get(ctx, root+name)
	if err != nil {
		return driver.Prepared{}, err
	}
	v, err := viewOf(raw)
	if err != nil {
		return driver.Prepared{}, err
	}
	f := p.aim(v)
	f.Rollout = name
	if c.Kind == driver.Terminate {
		if err := d.checkRun(ctx, p, f.JobRun); err != nil {
			return driver.Prepared{}, err
		}
	}
	if p.seen.pipeline, err = d.pipeline(ctx, at); err != nil {
		return driver.Prepared{}, err
	}
	if f.Policies, err = d.checkPolicies(ctx, p, policyAction(c.Kind)); err != nil {
		return driver.Prepared{}, err
	}
	return p.commanded(v, f)
}

// rolloutName is the rollout that the change is about: the one the engine saw
// last, else the only unfinished rollout of the release on the target.
func (d *clouddeploy) rolloutName(ctx context.Context, p *draft) (string, error) {
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
	found, err := d.rollouts(ctx, "-", unfinished(p.at), newestCreated, 50, every)
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
func (p *draft) aim(v view) frozen {
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
func (p *draft) aimPhase(v view, wrong func(string)) string {
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
func (p *draft) aimJob(v view, f *frozen, jobs []located, state, verbs string) {
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
func (p *draft) commanded(v view, f frozen) (driver.Prepared, error) {
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

// resource is what a command is sent to: the run of a job that is to be ended, else
// the rollout.
func (f frozen) resource(k driver.Kind) string {
	if k == driver.Terminate {
		return f.JobRun
	}
	return f.Rollout
}

func method(k driver.Kind) string {
	if k == driver.Reject {
		return "approve {approved: false}"
	}
	return string(k)
}

// tookEffect reports whether a command shows in the rollout.
func (v view) tookEffect(k driver.Kind, f frozen) bool {
	p, _ := v.phase(f.Phase)
	j, _ := p.job(f.Job)
	switch k {
	case driver.Approve:
		return v.ApprovalState == "APPROVED"
	case driver.Reject:
		return v.ApprovalState == "REJECTED" || v.State == "APPROVAL_REJECTED"
	case driver.Advance:
		return p.State != "" && p.State != "PENDING"
	case driver.RetryJob:
		return j.State != "" && (j.State != "FAILED" || j.JobRun != f.JobRun)
	case driver.IgnoreJob:
		return j.State == "IGNORED"
	default:
		return v.State == "CANCELLING" || v.State == "CANCELLED"
	}
}

// judgeCommand says what became of a command.
func (v view) judgeCommand(result *driver.Result, k driver.Kind, f frozen) {
	if v.tookEffect(k, f) {
		result.Outcome = driver.Succeeded
		return
	}
	if v.final() && k != driver.RetryJob && k != driver.IgnoreJob {
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: v.State, Location: "rollout " + google.Last(v.Name), Message: "the rollout was over before the command took effect"}}
	}
}

// lookupCommand decides a lost command by the rollout.
func (d *clouddeploy) lookupCommand(ctx context.Context, c driver.Call, f frozen) (driver.Verdict, driver.Operation, error) {
	raw, err := d.client.Get(ctx, root+f.Rollout)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	op, err := d.mirror(ctx, driver.Operation{Call: c, Kind: string(c.Kind), Status: driver.Running}, f, raw)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	if op.Results[c.Changes[0].Target.Name].Outcome == driver.Succeeded {
		return driver.Found, op, nil
	}
	// Neither this command nor, where the rollout is over, any other: sent
	// again it is refused with Cloud Deploy's own reason.
	return driver.Absent, driver.Operation{}, nil
}
