package clouddeploy

import (
	"slices"
	"unicode/utf8"

	"sluice/internal/sandbox/clouddeploy/wire"
)

func (e *Emulator) getRollout(c *call) (any, error) { return e.rollout(c.name) }

// rollout finds a rollout.
func (e *Emulator) rollout(name string) (*wire.Rollout, error) {
	if r, ok := e.state.Rollouts[name]; ok {
		return r, nil
	}
	return nil, notFound(name)
}

func (e *Emulator) listRollouts(c *call) (any, error) {
	if err := e.parentExists(c.name); err != nil {
		return nil, err
	}
	items, next, err := page(e, c, under(e.state.Rollouts, c.name, "rollouts"))
	return &wire.ListRolloutsResponse{Rollouts: items, NextPageToken: next}, err
}

func (e *Emulator) getJobRun(c *call) (any, error) {
	if j, ok := e.state.JobRuns[c.name]; ok {
		return j, nil
	}
	return nil, notFound(c.name)
}

func (e *Emulator) listJobRuns(c *call) (any, error) {
	if err := e.parentExists(c.name); err != nil {
		return nil, err
	}
	items, next, err := page(e, c, under(e.state.JobRuns, c.name, "jobRuns"))
	return &wire.ListJobRunsResponse{JobRuns: items, NextPageToken: next}, err
}

// wanted is a rollout that somebody wants to have made.
type wanted struct {
	rollout  *wire.Rollout
	release  *wire.Release
	pipeline *wire.DeliveryPipeline
	start    string // the phase to start at; "" for the first
}

func (e *Emulator) createRollout(c *call) (any, error) {
	if known, err := e.repeated(c); known != nil || err != nil {
		return known, err
	}
	name, err := named(c, "rollouts", "rolloutId")
	if err != nil {
		return nil, err
	}
	r := &wire.Rollout{}
	if err := c.decode(r); err != nil {
		return nil, err
	}
	release, err := e.release(c.name)
	if err != nil {
		return nil, err
	}
	w := wanted{rollout: r, release: release, start: c.query("startingPhaseId")}
	if w.pipeline, err = e.pipeline(parent(release.Name)); err != nil {
		return nil, err
	}
	if err := e.mayCreate(w, name, "CREATE", c.URL.Query()["overrideDeployPolicy"]); err != nil {
		return nil, err
	}
	// docs/platforms.md: "promote: refused while a rollout to that target is in
	// progress, or the release abandoned"
	if busy := e.inProgress(w.pipeline.Name, r.TargetID); busy != nil {
		return nil, precondition("Unable to create rollout %s: rollout %s to target %s is already in progress", id(name), busy.Name, r.TargetID)
	}
	return e.create(c, creation{name, "Rollout", "create", r, func() { e.planned(r, c.fault) }})
}

// planned keeps a new rollout, which goes as the fault says.
func (e *Emulator) planned(r *wire.Rollout, fault planFault) {
	e.state.Rollouts[r.Name] = r
	e.state.plan(r).apply(fault)
}

// mayCreate refuses a rollout that must not be made and completes one that may.
func (e *Emulator) mayCreate(w wanted, name, how string, override []string) error {
	if _, ok := e.state.Rollouts[name]; ok {
		return exists(name)
	}
	// Discovery document: "When suspended, no new releases or rollouts can be created"
	if w.pipeline.Suspended {
		return precondition("DeliveryPipeline %s is suspended", w.pipeline.Name)
	}
	if w.release.Abandoned {
		return precondition("Release %s is abandoned", w.release.Name)
	}
	if w.release.RenderState == "FAILED" {
		return precondition("Release %s failed to render", w.release.Name)
	}
	if err := checkWords(w.rollout); err != nil {
		return err
	}
	if stageOf(w.release, w.pipeline, w.rollout.TargetID) == nil {
		return invalid("Target %q is not in the delivery pipeline of release %s", w.rollout.TargetID, w.release.Name)
	}
	if err := e.allow(action{how, w.pipeline.Name, w.rollout.TargetID, override}); err != nil {
		return err
	}
	return e.fillRollout(w, name)
}

// stageOf is a target's stage in the release's snapshot of the pipeline, as it
// stands now where the release has none.
func stageOf(release *wire.Release, p *wire.DeliveryPipeline, target string) *wire.Stage {
	stages := stagesOf(release.DeliveryPipelineSnapshot)
	if len(stages) == 0 {
		stages = stagesOf(p)
	}
	i := slices.IndexFunc(stages, func(s *wire.Stage) bool { return s.TargetID == target })
	if i < 0 {
		return nil
	}
	return stages[i]
}

// checkWords refuses descriptions and labels that Cloud Deploy does not take.
func checkWords(r *wire.Rollout) error {
	if utf8.RuneCountInString(r.Description) > 255 {
		return invalid("The description has more than 255 characters")
	}
	if len(r.Labels) > 64 {
		return invalid("There are more than 64 labels")
	}
	for key, value := range r.Labels {
		if len(key) > 128 || len(value) > 128 || key == "" {
			return invalid("Label %q: keys and values are at most 128 bytes long", key)
		}
	}
	return nil
}

// fillRollout gives w's rollout what the server gives: phases, times, state.
func (e *Emulator) fillRollout(w wanted, name string) error {
	r := w.rollout
	first := e.state.current(w.pipeline.Name, r.TargetID) == nil
	children := e.childrenOf(locationOf(name), r.TargetID)
	phases, err := buildPhases(stageOf(w.release, w.pipeline, r.TargetID).Strategy, children, first, w.start)
	if err != nil {
		return err
	}
	r.Name, r.UID, r.CreateTime, r.Phases = name, uid(name), stamp(e.now()), phases
	r.State, r.ApprovalState = "PENDING", "DOES_NOT_NEED_APPROVAL"
	target := e.state.Targets[locationOf(name)+"/targets/"+r.TargetID]
	switch {
	case target != nil && target.RequireApproval:
		r.State, r.ApprovalState = "PENDING_APPROVAL", "NEEDS_APPROVAL"
	case w.release.RenderState == "IN_PROGRESS":
		r.State = "PENDING_RELEASE"
	default:
		r.EnqueueTime = stamp(e.now())
	}
	return nil
}

// inProgress is the rollout that is at work on a target.
func (e *Emulator) inProgress(pipeline, target string) *wire.Rollout {
	for _, r := range e.state.onTarget(pipeline, target) {
		if r.State == "IN_PROGRESS" || r.State == "CANCELLING" || r.State == "HALTED" {
			return r
		}
	}
	return nil
}

// final reports whether a rollout is over.
//
// docs/platforms.md: "Final: SUCCEEDED, FAILED, CANCELLED, APPROVAL_REJECTED."
func final(r *wire.Rollout) bool {
	return slices.Contains([]string{"SUCCEEDED", "FAILED", "CANCELLED", "APPROVAL_REJECTED"}, r.State)
}
