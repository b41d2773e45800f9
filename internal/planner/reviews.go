package planner

import (
	"slices"

	"sluice/pipeline"
	"sluice/rollout"
)

// Environments are those of GitHub whose reviews approve what goes to targets, by the
// file.
func Environments(targets []*pipeline.Target) []string {
	var list []string
	for _, t := range targets {
		if a := t.Stage.Approval; a != nil && a.Required && a.Environment != "" && !slices.Contains(list, a.Environment) {
			list = append(list, a.Environment)
		}
	}
	return list
}

// Reviewed are those of targets that the reviews of an environment approve.
func Reviewed(targets []*pipeline.Target, environment string) []*pipeline.Target {
	return slices.DeleteFunc(slices.Clone(targets), func(t *pipeline.Target) bool {
		a := t.Stage.Approval
		return a == nil || !a.Required || a.Environment != environment
	})
}

// ApprovalOf is what the file asks for on a target; nil for nothing.
func ApprovalOf(t *pipeline.Target) *rollout.ApprovalSpec { return approval(t.Stage.Approval) }

// reviews are who approved the environment of a target's approval in this run; false
// where it has none.
func (p *Planner) reviews(t *pipeline.Target) ([]rollout.Voter, bool) {
	a := ApprovalOf(t)
	if a == nil || a.Environment == "" {
		return nil, false
	}
	if p.Reviews == nil {
		return nil, true
	}
	voters := slices.Clone(p.Reviews(a.Environment))
	for i := range voters {
		voters[i].Approvers = Approvers(t)
	}
	return voters, true
}

// reviewed has the reviews of this run count for what a draft creates, or goes on with.
func (p *Planner) reviewed(d *draft) {
	d.reviews, _ = p.reviews(d.target)
}

// approvedBy is the transition that takes over who approved a draft's rollout; none
// where nobody did.
func (d *draft) approvedBy() []rollout.Transition {
	if len(d.reviews) == 0 {
		return nil
	}
	return []rollout.Transition{rollout.Reviewed{Rollout: d.resumes, Promotion: d.spec.Promotion, Voters: d.reviews, Optional: true}}
}
