package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/pipeline"
)

// remedyTeam is what lets a team be asked about.
const remedyTeam = "give the step a token that may read the organisation's members, an app's or a person's (GITHUB_TOKEN of a workflow may not), or list the approvers' logins"

// teamsOfVoter are those of the approvers whose member the voter is, asked when the
// word is given. A team that cannot be asked about refuses the word by name, unless it
// counts without that team.
func teamsOfVoter(ctx context.Context, c Config, emergency bool, approvers []string) ([]string, error) {
	counts := emergency || slices.ContainsFunc(approvers, func(name string) bool { return strings.EqualFold(name, c.Actor.Login) })
	var mine []string
	var refused error
	for _, name := range approvers {
		if !pipeline.IsTeam(name) {
			continue
		}
		switch in, err := isMember(ctx, c, name); {
		case err != nil:
			refused = planner.Refuse("whether "+c.Actor.Login+" is in "+name+" could not be asked: "+err.Error(), remedyTeam)
		case in:
			mine = append(mine, name)
		}
	}
	if counts || len(mine) > 0 {
		return mine, nil
	}
	return nil, refused
}

func isMember(ctx context.Context, c Config, team string) (bool, error) {
	if c.Member == nil {
		return false, errors.New("nobody can be asked who is in a team")
	}
	return c.Member(ctx, team, c.Actor.Login)
}

// approvers are all that may have a word on targets: those of the file, and where it
// names nobody any more those that rollouts were created with.
func approvers(state *ledger.State, targets []*pipeline.Target) []string {
	var all []string
	for _, t := range targets {
		r := state.Records[t.Name.Value]
		if r == nil {
			continue
		}
		x, ok := r.Active()
		if !ok {
			continue
		}
		named := planner.Approvers(t)
		if len(named) == 0 && x.Spec.Approval != nil {
			named = x.Spec.Approval.Approvers
		}
		all = append(all, named...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
