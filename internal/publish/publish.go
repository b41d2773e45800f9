// Package publish shows on GitHub what an invocation came to: as deployments, as one
// comment on a pull request, as the organisation's records of what is deployed.
// Showing it is never worth a failure: what could not be written is a warning.
package publish

import (
	"context"
	"fmt"

	"sluice/internal/actions"
	"sluice/internal/view"
	"sluice/pipeline"
)

// GitHub is what is asked of it; [*actions.Client] is one.
type GitHub interface {
	Deploy(ctx context.Context, d actions.Deployment) error
	Comment(ctx context.Context, pull int, mark string, body func(old string) string) error
	PullRequestOf(ctx context.Context, commit string) (int, error)
	Record(ctx context.Context, r actions.Record) error
}

// Result is what an invocation came to on one pipeline. It holds no secret.
type Result struct {
	Pipeline *pipeline.Pipeline
	Command  string
	Outcome  view.Outcome
	Problem  string // why the command did not do its work; "" where it did
	Run      actions.Context
}

// Publisher shows results.
type Publisher struct {
	GitHub GitHub
	Warn   func(text string) // says what could not be shown
}

// Show shows a result as the pipeline file asks for it.
func (p Publisher) Show(ctx context.Context, r Result) {
	if r.Pipeline.Deployments.Value {
		for _, d := range deployments(r) {
			p.check(p.GitHub.Deploy(ctx, d), "the deployment to "+d.Environment, actions.WritesDeployments)
		}
	}
	for _, one := range records(r) {
		p.check(p.GitHub.Record(ctx, one), "the record of "+one.Artifact+" on "+one.Name, actions.WritesRecords)
	}
	if r.Pipeline.Comment.Value {
		p.comment(ctx, r)
	}
}

// check warns of what could not be written.
func (p Publisher) check(err error, what, permission string) {
	if err != nil {
		p.Warn(fmt.Sprintf("%s could not be written: %v; %s. No promotion depends on it", what, err, actions.Remedy(err, permission)))
	}
}

// Permissions are what the job's token needs for what a pipeline file asks for.
func Permissions(p *pipeline.Pipeline) []string {
	var list []string
	if p.Deployments.Value {
		list = append(list, actions.WritesDeployments)
	}
	if p.Comment.Value {
		list = append(list, actions.WritesComments)
	}
	for t := range p.All() {
		if t.Artifact.Value != "" {
			return append(list, actions.WritesRecords)
		}
	}
	return list
}
