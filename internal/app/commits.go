package app

import (
	"context"
	"slices"
	"strings"

	rest "github.com/google/go-github/v60/github"

	"sluice/internal/view"
)

// mostCommits is how many commits are listed of a target, and pageSize how many are asked for.
const (
	mostCommits = 10
	pageSize    = 100 // GitHub gives no more at once, and the oldest first
)

// between asks GitHub for the commits between what runs and what comes, where both
// releases name one of this repository: one request for each pair. Where GitHub does
// not know them, or cannot be asked, none are told.
func (r repository) between(ctx context.Context, plan view.Plan) {
	asked := map[[2]string]*view.Commits{}
	for i := range plan.Targets {
		t := &plan.Targets[i]
		if t.Commit == "" || t.RunsCommit == "" || t.Commit == t.RunsCommit {
			continue
		}
		pair := [2]string{t.RunsCommit, t.Commit}
		commits, known := asked[pair]
		if !known {
			commits = r.compare(ctx, pair[0], pair[1])
			asked[pair] = commits
		}
		t.Commits = commits
	}
}

// compare asks GitHub how one commit stands to another; nil where it does not say.
func (r repository) compare(ctx context.Context, runs, comes string) *view.Commits {
	client, err := r.runner.GitHub()
	if err != nil {
		return nil
	}
	reading, done := r.within(ctx, false)
	defer done()
	answer, _, err := client.Repositories.CompareCommits(reading, client.Owner, client.Name, runs, comes, &rest.ListOptions{PerPage: pageSize})
	if err != nil || answer.Status == nil {
		return nil
	}
	found := &view.Commits{Brings: answer.GetAheadBy(), Takes: answer.GetBehindBy(), URL: answer.GetHTMLURL()}
	for _, c := range slices.Backward(answer.Commits) {
		if len(found.First) == mostCommits {
			break
		}
		subject, _, _ := strings.Cut(c.GetCommit().GetMessage(), "\n")
		found.First = append(found.First, view.Commit{ID: c.GetSHA(), Subject: subject, Author: c.GetCommit().GetAuthor().GetName()})
	}
	return found
}
