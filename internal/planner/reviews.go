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
func (c Config) reviews(t *pipeline.Target) ([]rollout.Voter, bool) {
	a := ApprovalOf(t)
	if a == nil || a.Environment == "" {
		return nil, false
	}
	if c.Reviews == nil {
		return nil, true
	}
	voters := slices.Clone(c.Reviews(a.Environment))
	for i := range voters {
		voters[i].Approvers = Approvers(t)
	}
	return voters, true
}

// Approvers are those that the file names for a target today; none where it names
// nobody: then those count that its rollout was created with. Who may change the
// state has the file of a ref that counts.
func Approvers(t *pipeline.Target) []string {
	if t.Stage.Approval == nil {
		return nil
	}
	return t.Stage.Approval.Approvers
}
