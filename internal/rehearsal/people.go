package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// What people are asked for.
const (
	askedApproval = "approval"
	askedAdvance  = "advance"
	askedDecision = "decision"
)

// words are what people say next: approvals and advances, of all targets of a stage
// that wait for the same at once. What they would have to decide is listed.
func (l *life) words() []act {
	var list []act
	seen := map[string]bool{}
	for _, t := range l.last.Targets {
		w := t.WaitingFor
		if w == nil {
			continue
		}
		kind := askedOf(w.Kind)
		what := strings.Join([]string{kind, t.Stage, t.Rollout, t.Phase, w.Words()}, " ")
		since := l.first(what, l.time.Now())
		if kind == "" || kind == askedDecision || seen[kind+t.Stage] {
			continue
		}
		if l.Holds {
			l.note(Asked{Kind: kind, Where: t.Stage + "/" + t.Target, What: w.Waits()})
			continue
		}
		seen[kind+t.Stage] = true
		word := word{kind: kind, stage: t.Stage, promotion: t.Promotion, targets: l.waiting(t.Stage, w.Kind)}
		list = append(list, act{at: since.Add(l.People), do: func(ctx context.Context) error { return l.give(ctx, word) }})
	}
	return list
}

// askedOf is what a person is asked for where something waits so; "" for nothing.
func askedOf(kind rollout.WaitKind) string {
	switch kind {
	case rollout.WaitApproval:
		return askedApproval
	case rollout.WaitPerson:
		return askedAdvance
	case rollout.WaitOperator:
		return askedDecision
	default:
		return ""
	}
}

// note notes once what nobody gives.
func (w *world) note(a Asked) {
	same := func(have Asked) bool { return have.By == "" && have.Kind == a.Kind && have.Where == a.Where }
	if !slices.ContainsFunc(w.asked, same) {
		w.asked = append(w.asked, a)
	}
}

// unanswered notes what people are still asked for at the end.
func (w *world) unanswered() {
	for _, t := range w.last.Targets {
		if t.WaitingFor != nil && askedOf(t.WaitingFor.Kind) != "" {
			w.note(Asked{Kind: askedOf(t.WaitingFor.Kind), Where: t.Stage + "/" + t.Target, What: t.WaitingFor.Waits()})
		}
	}
}

// waiting are the targets of a stage that wait for the same.
func (l *life) waiting(stage string, kind rollout.WaitKind) []*pipeline.Target {
	var targets []*pipeline.Target
	for _, t := range l.last.Targets {
		if t.Stage != stage || t.WaitingFor == nil || t.WaitingFor.Kind != kind {
			continue
		}
		if declared, err := l.Pipeline.Target(t.Target); err == nil {
			targets = append(targets, declared)
		}
	}
	return targets
}

// word is one that somebody gives.
type word struct {
	kind, stage, promotion string
	targets                []*pipeline.Target
}

// give gives a word, by the next who may.
func (l *life) give(ctx context.Context, w word) error {
	command, who := planner.CommandAdvance, you()
	if w.kind == askedApproval {
		var ok bool
		if who, ok = l.approver(w); !ok {
			l.Holds = true // all approvers have, and it takes more
			return nil
		}
		command = planner.CommandApprove
	}
	before := l.events
	err := l.said(l.job(ctx, Dispatch, who, command+" --stage "+w.stage+" by "+who.Login, func(ctx context.Context, e *engine.Engine) (view.Outcome, error) {
		return e.Command(ctx, engine.Order{Command: command, Targets: w.targets, Promotion: w.promotion})
	}))
	l.asked = append(l.asked, Asked{Kind: w.kind, Where: w.stage, By: who.Login, Waited: l.People, Seconds: l.People.Seconds()})
	if l.events == before {
		l.Holds = true // it changed nothing: it never will
	}
	return err
}

// approver is the next of the approvers whose word is wanted on a promotion.
func (l *life) approver(w word) (rollout.Actor, bool) {
	names := l.approvers(w.targets[0])
	n := l.voted[w.promotion]
	if n >= len(names) {
		return rollout.Actor{}, false
	}
	l.voted[w.promotion]++
	l.given = names[:n+1]
	return rollout.Actor{Login: names[n], Person: true}, true
}

// mostUnnamed is how many people there are where the file names no approvers.
const mostUnnamed = 10

// approvers are the people who may approve on a target: those named, one of each team,
// or anybody.
func (l *life) approvers(t *pipeline.Target) []string {
	var names []string
	for _, name := range planner.Approvers(t) {
		if pipeline.IsTeam(name) {
			name = memberOf(name)
		}
		names = append(names, name)
	}
	for i := range mostUnnamed {
		if len(planner.Approvers(t)) > 0 {
			break
		}
		names = append(names, fmt.Sprintf("colleague-%d", i+1))
	}
	return names
}

// memberOf is somebody who is in a team.
func memberOf(team string) string { return "member-of-" + team[strings.LastIndex(team, "/")+1:] }

// member says who is in a team.
func (w *world) member(_ context.Context, team, login string) (bool, error) {
	return strings.EqualFold(memberOf(team), login), nil
}

// Here are who approved an environment in this run, as GitHub would say.
func (w *world) Here(_ context.Context, environment string) ([]rollout.Voter, error) {
	var voters []rollout.Voter
	for _, login := range w.given {
		voters = append(voters, rollout.Voter{
			Actor: rollout.Actor{Login: login, Person: true}, Verified: true, Review: &rollout.ReviewOf{Environment: environment, Run: "rehearsal"},
		})
	}
	return voters, nil
}

// Given are the logins of those who did.
func (w *world) Given(context.Context, string, string) ([]string, error) {
	return slices.Clone(w.given), nil
}
