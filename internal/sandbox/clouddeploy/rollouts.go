package clouddeploy

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// wanted is a rollout that somebody wants to have made.
type wanted struct {
	rollout  *wire.Rollout
	release  *wire.Release
	pipeline *wire.DeliveryPipeline
	start    string // the phase to start at; "" for the first
}

// newRollout makes a rollout, which goes as the fault of the request says.
func newRollout(m moment, c *call, name string, r *wire.Rollout) error {
	release, err := googleapi.Find(m.Releases, c.Name)
	if err != nil {
		return err
	}
	w := wanted{rollout: r, release: release, start: c.Param("startingPhaseId")}
	if w.pipeline, err = googleapi.Find(m.Pipelines, parent(release.Name)); err != nil {
		return err
	}
	if err := m.mayCreate(w, name, "CREATE", c.URL.Query()["overrideDeployPolicy"]); err != nil {
		return err
	}
	// docs/platforms.md: "promote: refused while a rollout to that target is in
	// progress, or the release abandoned"
	if busy := m.inProgress(w.pipeline.Name, r.TargetID); busy != nil {
		return googleapi.Precondition("Unable to create rollout %s: rollout %s to target %s is already in progress", kit.Last(name), busy.Name, r.TargetID)
	}
	if !c.Flag("validateOnly") {
		m.plan(r).apply(c.Fault())
	}
	return nil
}

// mayCreate refuses a rollout that must not be made and completes one that may.
func (m moment) mayCreate(w wanted, name, how string, override []string) error {
	if _, ok := m.Rollouts[name]; ok {
		return googleapi.Exists(name)
	}
	// Discovery document: "When suspended, no new releases or rollouts can be created"
	if w.pipeline.Suspended {
		return googleapi.Precondition("DeliveryPipeline %s is suspended", w.pipeline.Name)
	}
	if w.release.Abandoned {
		return googleapi.Precondition("Release %s is abandoned", w.release.Name)
	}
	if w.release.RenderState == "FAILED" {
		return googleapi.Precondition("Release %s failed to render", w.release.Name)
	}
	if err := checkWords(w.rollout); err != nil {
		return err
	}
	if stageOf(w.release, w.pipeline, w.rollout.TargetID) == nil {
		return googleapi.Invalid("Target %q is not in the delivery pipeline of release %s", w.rollout.TargetID, w.release.Name)
	}
	if err := m.allow(action{how, w.pipeline.Name, w.rollout.TargetID, override}); err != nil {
		return err
	}
	return m.fillRollout(w, name)
}

// stageOf is a target's stage in the release's snapshot of the pipeline, as it
// stands now where the release has none.
func stageOf(release *wire.Release, p *wire.DeliveryPipeline, target string) *wire.Stage {
	stages := stagesOf(release.DeliveryPipelineSnapshot)
	if len(stages) == 0 {
		stages = stagesOf(p)
	}
	return kit.Find(stages, func(s *wire.Stage) bool { return s.TargetID == target })
}

// checkWords refuses descriptions and labels that Cloud Deploy does not take.
func checkWords(r *wire.Rollout) error {
	if utf8.RuneCountInString(r.Description) > 255 {
		return googleapi.Invalid("The description has more than 255 characters")
	}
	if len(r.Labels) > 64 {
		return googleapi.Invalid("There are more than 64 labels")
	}
	for key, value := range r.Labels {
		if len(key) > 128 || len(value) > 128 || key == "" {
			return googleapi.Invalid("Label %q: keys and values are at most 128 bytes long", key)
		}
	}
	return nil
}

// fillRollout gives w's rollout what the server gives: phases, times, state.
func (m moment) fillRollout(w wanted, name string) error {
	r := w.rollout
	first := m.current(w.pipeline.Name, r.TargetID) == nil
	children := m.childrenOf(locationOf(name), r.TargetID)
	phases, err := buildPhases(stageOf(w.release, w.pipeline, r.TargetID).Strategy, children, first, w.start)
	if err != nil {
		return err
	}
	r.Name, r.UID, r.CreateTime, r.Phases = name, uid(name), m.stamp(), phases
	r.State, r.ApprovalState = "PENDING", "DOES_NOT_NEED_APPROVAL"
	target := m.target(locationOf(name), r.TargetID)
	switch {
	case target != nil && target.RequireApproval:
		r.State, r.ApprovalState = "PENDING_APPROVAL", "NEEDS_APPROVAL"
	case w.release.RenderState == "IN_PROGRESS":
		r.State = "PENDING_RELEASE"
	default:
		r.EnqueueTime = m.stamp()
	}
	return nil
}

// final reports whether a rollout is over.
//
// docs/platforms.md: "Final: SUCCEEDED, FAILED, CANCELLED, APPROVAL_REJECTED."
func final(r *wire.Rollout) bool {
	return slices.Contains([]string{"SUCCEEDED", "FAILED", "CANCELLED", "APPROVAL_REJECTED"}, r.State)
}

// onTarget lists the rollouts of a delivery pipeline to a target, oldest first.
func (s *state) onTarget(pipeline, target string) []*wire.Rollout {
	found := kit.Those(kit.Sorted(s.Rollouts), func(r *wire.Rollout) bool {
		return r.TargetID == target && strings.HasPrefix(r.Name, pipeline+"/releases/")
	})
	slices.SortStableFunc(found, func(a, b *wire.Rollout) int { return clock(a.CreateTime).Compare(clock(b.CreateTime)) })
	return found
}

// current is the rollout that runs on a target: the one that succeeded last.
func (s *state) current(pipeline, target string) *wire.Rollout {
	var current *wire.Rollout
	for _, r := range s.onTarget(pipeline, target) {
		if r.State == "SUCCEEDED" && (current == nil || !clock(r.DeployEndTime).Before(clock(current.DeployEndTime))) {
			current = r
		}
	}
	return current
}

// inProgress is the rollout that is at work on a target.
func (s *state) inProgress(pipeline, target string) *wire.Rollout {
	return kit.Find(s.onTarget(pipeline, target), func(r *wire.Rollout) bool {
		return r.State == "IN_PROGRESS" || r.State == "CANCELLING" || r.State == "HALTED"
	})
}

// lastEnd is when the newest finished rollout of a target ended.
func (s *state) lastEnd(pipeline, target string) time.Time {
	var last time.Time
	for _, r := range s.onTarget(pipeline, target) {
		if end := clock(r.DeployEndTime); end.After(last) {
			last = end
		}
	}
	return last
}
