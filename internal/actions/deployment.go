package actions

import (
	"context"
	"errors"

	"github.com/google/go-github/v60/github"
)

// WritesDeployments is the permission that [Client.Deploy] needs.
const WritesDeployments = "deployments: write"

// Deployment is one of GitHub's, which shows what an environment runs, and how it
// stands.
type Deployment struct {
	Environment    string
	Task           string // tells it from others of its environment
	Ref            string // a commit of the repository
	Description    string // at most 140 characters
	Payload        any    // for programs; nil for none
	State          string // "success", "failure", "inactive", "in_progress", "queued" or "pending"
	LogURL         string
	EnvironmentURL string // "" for none
}

// mostSaid is the most characters of a status's description.
const mostSaid = 140

// Deploy makes a deployment, or finds the one that was made before for its
// environment and task, and gives it its state where its newest one is another. Three
// requests at most. The token needs [WritesDeployments].
func (c *Client) Deploy(ctx context.Context, d Deployment) error {
	id, made, err := c.deployment(ctx, d)
	if err != nil {
		return err
	}
	if !made {
		newest, _, err := c.Repositories.ListDeploymentStatuses(ctx, c.Owner, c.Name, id, &github.ListOptions{PerPage: 1})
		if err != nil {
			return err
		}
		if len(newest) > 0 && newest[0].GetState() == d.State && newest[0].GetDescription() == said(d.Description) {
			return nil
		}
	}
	status, _, err := c.Repositories.CreateDeploymentStatus(ctx, c.Owner, c.Name, id, &github.DeploymentStatusRequest{
		State: &d.State, LogURL: &d.LogURL, Description: github.String(said(d.Description)), EnvironmentURL: filled(d.EnvironmentURL),
	})
	if err == nil && status.GetID() == 0 {
		return &AnswerError{"the status of a deployment", errors.New("it has no id")}
	}
	return err
}

// deployment is the id of the one that is meant, and whether it was made just now.
func (c *Client) deployment(ctx context.Context, d Deployment) (id int64, made bool, err error) {
	found, _, err := c.Repositories.ListDeployments(ctx, c.Owner, c.Name, &github.DeploymentsListOptions{
		Environment: d.Environment, Task: d.Task, ListOptions: github.ListOptions{PerPage: 1},
	})
	if err != nil {
		return 0, false, err
	}
	if len(found) > 0 && found[0].GetTask() == d.Task && found[0].GetEnvironment() == d.Environment && found[0].GetID() != 0 {
		return found[0].GetID(), false, nil
	}
	// What is deployed is decided already: nothing is to be merged, or checked, for it.
	answer, _, err := c.Repositories.CreateDeployment(ctx, c.Owner, c.Name, &github.DeploymentRequest{
		Ref: &d.Ref, Task: &d.Task, Environment: &d.Environment, Description: github.String(said(d.Description)), Payload: d.Payload,
		AutoMerge: github.Bool(false), RequiredContexts: &[]string{},
	})
	if err == nil && answer.GetID() == 0 {
		err = &AnswerError{"a new deployment", errors.New("it has no id")}
	}
	return answer.GetID(), true, err
}

// said is a description as long as it may be.
func said(text string) string {
	if runes := []rune(text); len(runes) > mostSaid {
		return string(runes[:mostSaid-1]) + "…"
	}
	return text
}

// filled is a text that is left out where it is empty.
func filled(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
