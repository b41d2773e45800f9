package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Review is one person's word on what a workflow run deploys to an environment.
type Review struct {
	Login    string
	Person   bool // a user, and no app
	Approved bool
	Comment  string
}

// reviewsAnswer is a run's reviews as the API has them. It does not say when they were
// given.
type reviewsAnswer []struct {
	State        string `json:"state"` // "approved", "rejected", or "pending" with a comment
	Comment      string `json:"comment"`
	Environments []struct {
		Name string `json:"name"`
	} `json:"environments"`
	User struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"user"`
}

// Proven implements [Answer].
func (list *reviewsAnswer) Proven() error {
	if *list == nil {
		return errors.New("no list of reviews")
	}
	for _, one := range *list {
		if one.State == "" || one.User.Login == "" {
			return errors.New("a review without its state or who gave it")
		}
	}
	return nil
}

// Reviews reads the reviews of an environment in a workflow run, as often as somebody
// gave one. The token needs `actions: read`. One request. Its errors are those of
// [Get].
func (c *Client) Reviews(ctx context.Context, run int64, environment string) ([]Review, error) {
	found, err := Get[reviewsAnswer](ctx, c, c.Path(fmt.Sprintf("actions/runs/%d/approvals", run)))
	if err != nil {
		return nil, err
	}
	var reviews []Review
	for _, one := range found {
		for _, of := range one.Environments {
			if of.Name == environment {
				reviews = append(reviews, Review{
					Login: one.User.Login, Person: one.User.Type == "" || one.User.Type == "User", Approved: one.State == "approved", Comment: one.Comment,
				})
			}
		}
	}
	return reviews, nil
}

// environmentAnswer is an environment as the API has it.
type environmentAnswer struct {
	Name  string `json:"name"`
	Rules []struct {
		Type string `json:"type"`
	} `json:"protection_rules"`
}

// Proven implements [Answer].
func (e *environmentAnswer) Proven() error {
	if e.Name == "" {
		return errors.New("an environment without its name")
	}
	return nil
}

// ErrNoReviewers means that nobody has to review what is deployed to an environment.
var ErrNoReviewers = errors.New("it has no required reviewers")

// Reviewable asks whether an environment has required reviewers; [ErrNoReviewers] where
// it has none. The token needs `actions: read`. One request. Its other errors are those
// of [Get].
func (c *Client) Reviewable(ctx context.Context, environment string) error {
	found, err := Get[environmentAnswer](ctx, c, c.Path("environments/"+url.PathEscape(environment)))
	if Status(err) == http.StatusNotFound {
		return fmt.Errorf("%w, or does not exist", ErrNoReviewers)
	}
	if err != nil {
		return err
	}
	for _, rule := range found.Rules {
		if rule.Type == "required_reviewers" {
			return nil
		}
	}
	return ErrNoReviewers
}
