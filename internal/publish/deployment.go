package publish

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// The states of GitHub's deployments that are used here.
const (
	succeeded  = "success"
	failed     = "failure"
	withdrawn  = "inactive"
	inProgress = "in_progress"
	queued     = "queued"
	waiting    = "pending"
)

// part is a promotion's share of a stage: one deployment, however many targets it has.
// Deployments are content that GitHub takes 80 a minute of.
type part struct {
	promotion string
	stage     string
	targets   []view.Target
}

// parts are the promotions of a result, stage by stage, in the order of its targets. A
// target whose rollout is of none is left out: nothing was deployed there.
func parts(r Result) []part {
	var list []part
	for _, t := range r.Outcome.Targets {
		if t.Promotion == "" || t.Rollout == "" {
			continue
		}
		i := slices.IndexFunc(list, func(p part) bool { return p.promotion == t.Promotion && p.stage == t.Stage })
		if i < 0 {
			i, list = len(list), append(list, part{promotion: t.Promotion, stage: t.Stage})
		}
		list[i].targets = append(list[i].targets, t)
	}
	return list
}

// deployments are what a result is to GitHub.
func deployments(r Result) []actions.Deployment {
	var list []actions.Deployment
	for _, p := range parts(r) {
		list = append(list, actions.Deployment{
			Environment: p.stage, Task: "sluice/" + p.promotion, Ref: cmp.Or(p.commit(), r.Run.SHA), Description: p.says(),
			Payload: map[string]string{"pipeline": r.Pipeline.Name.Value, "promotion": p.promotion, "release": p.release()},
			State:   p.state(), LogURL: r.Run.RunURL, EnvironmentURL: urlOf(r.Pipeline, p.stage),
		})
	}
	return list
}

// urlOf is where people see what a stage runs; "" where the file does not say.
func urlOf(p *pipeline.Pipeline, stage string) string {
	s, err := p.Stage(stage)
	if err != nil {
		return ""
	}
	return s.URL.Value
}

// commit is what the promotion was made with; "" where nobody knows.
func (p part) commit() string { return p.targets[0].Commit }

// release is the one that all targets get; "" where they differ.
func (p part) release() string {
	for _, t := range p.targets {
		if t.Release != p.targets[0].Release {
			return ""
		}
	}
	return p.targets[0].Release
}

// says is what the deployment is, in a line.
func (p part) says() string {
	what := cmp.Or(p.release(), "several releases")
	if w := p.waits(); w != nil {
		return what + " " + w.Words()
	}
	return what + " on " + strings.Join(p.names(), ", ")
}

func (p part) names() []string {
	var names []string
	for _, t := range p.targets {
		names = append(names, t.Target)
	}
	return names
}

// waits is what the first target that is not over waits for; nil where all are.
func (p part) waits() *view.Waiting {
	for _, t := range p.targets {
		if t.Status == rollout.PromotionPending && t.WaitingFor != nil {
			return t.WaitingFor
		}
	}
	return nil
}

// state is the one that tells most: what failed before what is under way. What is
// pending is never a success.
func (p part) state() string {
	has := func(test func(view.Target) bool) bool { return slices.ContainsFunc(p.targets, test) }
	switch {
	case has(func(t view.Target) bool { return t.Status == rollout.PromotionFailed && !t.Withdrawn }):
		return failed
	case has(func(t view.Target) bool { return t.Status == rollout.PromotionPending }):
		return p.pending()
	case has(func(t view.Target) bool { return !t.Withdrawn }):
		return succeeded
	default:
		return withdrawn
	}
}

// pending tells what waits for a person, and what waits for its turn, from what is under
// way.
func (p part) pending() string {
	w := p.waits()
	switch {
	case w == nil:
		return inProgress
	case w.Kind == rollout.WaitApproval:
		return waiting
	case w.Kind == rollout.WaitQueue:
		return queued
	default:
		return inProgress
	}
}
