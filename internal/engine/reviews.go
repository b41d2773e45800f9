package engine

import (
	"context"

	"sluice/internal/planner"
	"sluice/pipeline"
)

// readReviews reads who approved the environments of targets in this run, before
// anything is planned that wants it. The error is a [planner.RefusedError], or the end
// of ctx.
func (e *Engine) readReviews(ctx context.Context, targets []*pipeline.Target) error {
	if e.Reviews == nil {
		return nil
	}
	for _, environment := range planner.Environments(targets) {
		voters, err := e.Reviews.Here(ctx, environment)
		if err != nil {
			return err
		}
		for i := range voters {
			if voters[i].Teams, err = e.teamsOf(ctx, voters[i].Login, targets); err != nil {
				return err
			}
		}
		e.reviews[environment] = voters
	}
	return nil
}

// teamsOf are those of the file's approvers on targets that are teams of a reviewer's.
func (e *Engine) teamsOf(ctx context.Context, login string, targets []*pipeline.Target) ([]string, error) {
	var mine []string
	asked := map[string]bool{}
	for _, t := range targets {
		for _, team := range planner.Approvers(t) {
			if !pipeline.IsTeam(team) || asked[team] || e.Member == nil {
				continue
			}
			asked[team] = true
			in, err := e.Member(ctx, team, login)
			if err != nil {
				return nil, planner.Refuse("whether "+login+" is in "+team+" could not be asked: "+err.Error(), remedyTeam)
			}
			if in {
				mine = append(mine, team)
			}
		}
	}
	return mine, nil
}
