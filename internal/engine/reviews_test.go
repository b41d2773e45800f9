package engine_test

import (
	"context"
	"errors"
	"testing"

	"sluice/internal/view"
	"sluice/rollout"
	"sluice/stages/driver"
)

// reviewer is one person who approved every environment in this run.
type reviewer string

func (r reviewer) Here(_ context.Context, environment string) ([]rollout.Voter, error) {
	return []rollout.Voter{{
		Actor: rollout.Actor{Login: string(r), Person: true}, Verified: true, Review: &rollout.ReviewOf{Environment: environment, Run: "7"},
	}}, nil
}

func (r reviewer) Given(context.Context, string, string) ([]string, error) {
	return []string{string(r)}, nil
}

// TestTeamsReview: a review of an environment counts where its author is in a team
// among the approvers, as GitHub says then; nobody else's does, and a team that cannot
// be asked about refuses by name before any effect.
func TestTeamsReview(t *testing.T) {
	const approval = "    approval: {environment: production, approvers: [\"@octo/leads\"]}\n"
	world := func(t *testing.T, by reviewer, err error) *world {
		w := newWorld(t, driver.Facts{Platform: "apigateway"}, 1, approval, "")
		w.reviews = by
		w.member = func(_ context.Context, team, login string) (bool, error) {
			return team == "@octo/leads" && login == "berta", err
		}
		return w
	}
	t.Run("a member", func(t *testing.T) {
		w := world(t, "berta", nil)
		w.does(view.Succeeded, "anna", w.promote)
	})
	t.Run("a stranger", func(t *testing.T) {
		w := world(t, "mallory", nil)
		w.does(view.Pending, "anna", w.promote)
		w.nothingSent()
	})
	t.Run("nobody tells", func(t *testing.T) {
		w := world(t, "berta", errors.New("403 Forbidden"))
		w.refused("whether berta is in @octo/leads could not be asked: 403 Forbidden", "anna", w.promote)
		w.nothingSent()
	})
}

// TestReviewsWithoutTheTeam: who is an approver by name needs no team that nobody can
// ask about, for themselves or beside them.
func TestReviewsWithoutTheTeam(t *testing.T) {
	const approval = "    approval: {environment: production, approvers: [berta, \"@octo/leads\"]}\n"
	asked := 0
	w := newWorld(t, driver.Facts{Platform: "apigateway"}, 1, approval, "")
	w.reviews = reviewer("Berta")
	w.member = func(context.Context, string, string) (bool, error) {
		asked++
		return false, errors.New("403 Forbidden")
	}
	w.does(view.Succeeded, "anna", w.promote)
	if asked != 0 {
		t.Errorf("the team was asked about %d times", asked)
	}
	w = newWorld(t, driver.Facts{Platform: "apigateway"}, 1, approval, "")
	w.reviews, w.member = reviewers{"mallory", "berta"}, func(context.Context, string, string) (bool, error) { return false, errors.New("403 Forbidden") }
	w.does(view.Succeeded, "anna", w.promote)
}

// reviewers are several who approved every environment in this run.
type reviewers []string

func (all reviewers) Here(ctx context.Context, environment string) ([]rollout.Voter, error) {
	var voters []rollout.Voter
	for _, one := range all {
		found, err := reviewer(one).Here(ctx, environment)
		if err != nil {
			return nil, err
		}
		voters = append(voters, found...)
	}
	return voters, nil
}

func (all reviewers) Given(context.Context, string, string) ([]string, error) { return all, nil }
