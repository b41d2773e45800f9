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

// reviews are GitHub's of its environments, as far as they were read.
type reviews struct {
	asked  Reviews // nil: there are none
	member Member  // nil where nobody can be asked
	notify func(executor.Notice)
	read   map[string][]rollout.Voter // by environment
}

// of are who approved an environment in this run, as far as that was read.
func (r *reviews) of(environment string) []rollout.Voter { return r.read[environment] }

// readFor reads who approved the environments of targets in this run, before
// anything is planned that wants it. The error is a [planner.RefusedError], or the end
// of ctx.
func (r *reviews) readFor(ctx context.Context, targets []*pipeline.Target) error {
	if r.asked == nil {
		return nil
	}
	for _, environment := range planner.Environments(targets) {
		voters, err := r.asked.Here(ctx, environment)
		if err != nil {
			return err
		}
		if r.read[environment], err = r.inTeams(ctx, voters, planner.Reviewed(targets, environment)); err != nil {
			return err
		}
	}
	return nil
}

// inTeams are reviewers with those of the approvers of targets that are teams of
// theirs. A team that cannot be asked about refuses by its name, unless somebody's
// review counts without it: then it is told.
func (r *reviews) inTeams(ctx context.Context, voters []rollout.Voter, targets []*pipeline.Target) ([]rollout.Voter, error) {
	var unknown error
	counts := false
	for i := range voters {
		teams, named, err := r.teamsOf(ctx, voters[i].Login, targets)
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
		r.notify(executor.Notice{Kind: executor.NoticeWarning, Text: unknown.Error(), Err: unknown})
		return voters, nil
	}
}

// teamsOf are those of the approvers of targets that are teams of a reviewer's; named
// is whether they are an approver by their login, or nobody is named. A target whose
// approver they are already has nobody asked.
func (r *reviews) teamsOf(ctx context.Context, login string, targets []*pipeline.Target) (mine []string, named bool, err error) {
	asked := map[string]bool{}
	for _, t := range targets {
		approvers := planner.Approvers(t)
		if len(approvers) == 0 || slices.ContainsFunc(approvers, func(name string) bool { return strings.EqualFold(name, login) }) {
			named = true
			continue
		}
		for _, team := range approvers {
			if !pipeline.IsTeam(team) || asked[team] || r.member == nil {
				continue
			}
			asked[team] = true
			switch in, unknown := r.member(ctx, team, login); {
			case unknown != nil:
				err = planner.Refuse("whether "+login+" is in "+team+" could not be asked: "+unknown.Error(), remedyTeam)
			case in:
				mine = append(mine, team)
			}
		}
	}
	return mine, named, err
}
