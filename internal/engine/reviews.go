package engine

import (
	"context"
	"slices"
	"strings"

	"sluice/internal/executor"
	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
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
		if e.reviews[environment], err = e.inTeams(ctx, voters, planner.Reviewed(targets, environment)); err != nil {
			return err
		}
	}
	return nil
}

// inTeams are reviewers with those of the approvers of targets that are teams of
// theirs. A team that cannot be asked about refuses by its name, unless somebody's
// review counts without it: then it is told.
func (e *Engine) inTeams(ctx context.Context, voters []rollout.Voter, targets []*pipeline.Target) ([]rollout.Voter, error) {
	var unknown error
	counts := false
	for i := range voters {
		teams, named, err := e.teamsOf(ctx, voters[i].Login, targets)
		voters[i].Teams = teams
		counts = counts || named || len(teams) > 0
		if err != nil {
			unknown = err
		}
	}
	switch {
	case unknown == nil:
		return voters, nil
	case !counts || ctx.Err() != nil:
		return nil, unknown
	default:
		e.Notify(executor.Notice{Kind: executor.NoticeWarning, Text: unknown.Error(), Err: unknown})
		return voters, nil
	}
}

// teamsOf are those of the approvers of targets that are teams of a reviewer's; named
// is whether they are an approver by their login, or nobody is named. A target whose
// approver they are already has nobody asked.
func (e *Engine) teamsOf(ctx context.Context, login string, targets []*pipeline.Target) (mine []string, named bool, err error) {
	asked := map[string]bool{}
	for _, t := range targets {
		approvers := planner.Approvers(t)
		if len(approvers) == 0 || slices.ContainsFunc(approvers, func(name string) bool { return strings.EqualFold(name, login) }) {
			named = true
			continue
		}
		for _, team := range approvers {
			if !pipeline.IsTeam(team) || asked[team] || e.Member == nil {
				continue
			}
			asked[team] = true
			switch in, e := e.Member(ctx, team, login); {
			case e != nil:
				err = planner.Refuse("whether "+login+" is in "+team+" could not be asked: "+e.Error(), remedyTeam)
			case in:
				mine = append(mine, team)
			}
		}
	}
	return mine, named, err
}
