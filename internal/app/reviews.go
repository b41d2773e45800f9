package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"sluice/internal/actions"
	"sluice/internal/planner"
	"sluice/rollout"
)

// readsReviews is what the job's token needs for them.
const readsReviews = "actions: read"

// Here are who approved an environment in this run. Nobody did outside of one. Where
// nobody did inside of one it is asked whether anybody could.
func (r repository) Here(ctx context.Context, environment string) ([]rollout.Voter, error) {
	if !r.runner.Inside() {
		return nil, nil
	}
	run, err := r.runner.Context()
	if err != nil {
		return nil, err
	}
	given, err := r.read(ctx, run.RunID, environment)
	if err != nil {
		return nil, planner.Refuse(fmt.Sprintf("the reviews of environment %s cannot be read: %v", environment, err), actions.Remedy(err, readsReviews))
	}
	var voters []rollout.Voter
	for _, one := range given {
		if !one.Approved {
			continue
		}
		voters = append(voters, rollout.Voter{
			Actor: rollout.Actor{Login: one.Login, RunURL: run.RunURL, Person: one.Person}, Verified: true, Comment: one.Comment,
			Review: &rollout.ReviewOf{Environment: environment, Run: strconv.FormatInt(run.RunID, 10)},
		})
	}
	if len(voters) > 0 {
		return voters, nil
	}
	return nil, r.reviewable(ctx, environment)
}

// Given are the logins of who approved an environment in a run.
func (r repository) Given(ctx context.Context, run, environment string) ([]string, error) {
	id, err := strconv.ParseInt(run, 10, 64)
	if err != nil {
		return nil, nil //nolint:nilerr // the state names no run: there is no such review
	}
	given, err := r.read(ctx, id, environment)
	if err != nil {
		return nil, fmt.Errorf("the reviews of environment %s in run %s cannot be read again: %w; %s", environment, run, err, actions.Remedy(err, readsReviews))
	}
	var logins []string
	for _, one := range given {
		if one.Approved {
			logins = append(logins, one.Login)
		}
	}
	return logins, nil
}

func (r repository) read(ctx context.Context, run int64, environment string) ([]actions.Review, error) {
	client, err := r.runner.GitHub()
	if err != nil {
		return nil, err
	}
	reading, done := r.within(ctx, false)
	defer done()
	return client.Reviews(reading, run, environment)
}

// reviewable refuses an environment that nobody could ever approve.
func (r repository) reviewable(ctx context.Context, environment string) error {
	client, err := r.runner.GitHub()
	if err != nil {
		return err
	}
	reading, done := r.within(ctx, false)
	defer done()
	err = client.Reviewable(reading, environment)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, actions.ErrNoReviewers):
		return planner.Refuse(fmt.Sprintf("nobody could approve in environment %s: %v", environment, err),
			"give it required reviewers in the repository's settings, which a private repository has with GitHub Team or Enterprise; or use `approvers` instead")
	default:
		return planner.Refuse(fmt.Sprintf("environment %s cannot be read: %v", environment, err), actions.Remedy(err, readsReviews))
	}
}
