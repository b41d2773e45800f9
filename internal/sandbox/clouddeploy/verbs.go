package clouddeploy

import (
	"slices"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
)

// onRollout is a verb on a rollout, refused where a deploy policy does. did is what the
// policies call it.
func onRollout[In interface{ Overrides() []string }](e *Emulator, did string, serve func(m moment, c *call, r *wire.Rollout, in *In) error) googleapi.Method {
	return verb(e, func(m moment, c *call, in *In) (any, error) {
		r, err := googleapi.Find(m.Rollouts, c.Name)
		if err != nil {
			return nil, err
		}
		if err := m.allow(action{did, parent(parent(r.Name)), r.TargetID, (*in).Overrides()}); err != nil {
			return nil, err
		}
		if err := serve(m, c, r, in); err != nil {
			return nil, err
		}
		touch(r)
		return struct{}{}, nil
	})
}

// touch records that a rollout was changed.
func touch(r *wire.Rollout) {
	seal(r, &r.Etag)
}

// approveRollout approves or rejects.
//
// docs/platforms.md: "approve/reject: only PENDING_APPROVAL."
func approveRollout(m moment, c *call, r *wire.Rollout, in *wire.ApproveRolloutRequest) error {
	if r.State != "PENDING_APPROVAL" {
		return googleapi.Precondition("Rollout %s is in state %s; only a rollout in state PENDING_APPROVAL can be approved or rejected", r.Name, r.State)
	}
	now := m.stamp()
	if in.Approved {
		r.ApprovalState, r.State, r.ApproveTime, r.EnqueueTime = "APPROVED", "PENDING", now, now
	} else {
		abortRest(r)
		r.ApprovalState, r.State = "REJECTED", "APPROVAL_REJECTED"
	}
	return nil
}

// advanceRollout starts a phase.
//
// docs/platforms.md: "advance: the prior phase must be SUCCEEDED or SKIPPED;
// not the first phase; rollout IN_PROGRESS."
func advanceRollout(m moment, c *call, r *wire.Rollout, in *wire.AdvanceRolloutRequest) error {
	if r.State != "IN_PROGRESS" {
		return googleapi.Precondition("Rollout %s is in state %s; only a rollout in state IN_PROGRESS can be advanced", r.Name, r.State)
	}
	i := slices.IndexFunc(r.Phases, func(p *wire.Phase) bool { return p.ID == in.PhaseID })
	switch {
	case i < 0:
		return googleapi.Invalid("Rollout %s has no phase %q", r.Name, in.PhaseID)
	case i == 0:
		return googleapi.Precondition("Rollout %s cannot be advanced to its first phase %s", r.Name, in.PhaseID)
	case r.Phases[i].State != "PENDING":
		return googleapi.Precondition("Phase %s of rollout %s is in state %s; only a phase in state PENDING can be started", in.PhaseID, r.Name, r.Phases[i].State)
	}
	if prior := r.Phases[i-1]; prior.State != "SUCCEEDED" && prior.State != "SKIPPED" {
		return googleapi.Precondition("Prior phase %s of rollout %s is in state %s, which is not advanceable", prior.ID, r.Name, prior.State)
	}
	r.Phases[i].State = "IN_PROGRESS"
	m.plan(r).Resumed = m.stamp()
	return nil
}

// cancelRollout ends a rollout early, with its children.
//
// docs/platforms.md: "cancel: not in a final state."
func cancelRollout(m moment, c *call, r *wire.Rollout, in *wire.Override) error {
	if final(r) || r.State == "CANCELLING" {
		return googleapi.Precondition("Rollout %s is in state %s and cannot be cancelled", r.Name, r.State)
	}
	m.cancel(r)
	for _, child := range m.childRollouts(r) {
		if !final(child) {
			m.cancel(child)
		}
	}
	return nil
}

func (m moment) cancel(r *wire.Rollout) {
	if running(r) == nil {
		abortRest(r)
		r.State, r.DeployEndTime = "CANCELLED", m.stamp()
	} else {
		r.State, m.plan(r).Cancelled = "CANCELLING", m.stamp()
	}
	touch(r)
}
