package planner

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// The commands to rollouts that exist.
const (
	CommandApprove   = "approve"
	CommandReject    = "reject"
	CommandAdvance   = "advance"
	CommandCancel    = "cancel"
	CommandRetryJob  = "retry-job"
	CommandIgnoreJob = "ignore-job"
	CommandTerminate = "terminate"
)

// Order is a person's command to rollouts that exist.
type Order struct {
	Command   string
	Targets   []*pipeline.Target // those that the person's words allow
	Promotion string             // "" for any
	Phase     string
	Jump      bool // to a later phase than the next
	Job       string
	Voter     rollout.Voter // approve, reject
	Release   string        // approve, reject: what the word names; "" for whatever waits
	Said      time.Time     // approve, reject: when the word was written; zero for now
	ID        string        // the same for a re-run of the step, see [Planner.OrderID]; "" where nothing makes it the same
}

// OrderID is what makes a re-run of a command's step the same; "" where nothing
// does.
func (p *Planner) OrderID(o Order) string {
	if p.Origin == "" {
		return ""
	}
	return idOf(p.Origin, o.Command, o.Promotion+"/"+o.Phase+"/"+o.Job, names(o.Targets))
}

// candidate is a rollout that an order could be meant for.
type candidate struct {
	target *pipeline.Target
	record *rollout.Record
	name   string
	err    error // why the order does not fit it; nil where it does
}

func (c candidate) rollout() *rollout.Execution {
	x, _ := c.record.Rollout(c.name)
	return x
}

// Order plans a command to rollouts that exist: to those that it fits, where
// they are of one promotion.
func (p *Planner) Order(state *ledger.State, o Order) Plan {
	plan, given := Plan{Command: o.Command}, ordering{o, p, state}
	if plan.Moves = given.before(); len(plan.Moves) > 0 {
		plan.Again = true
		return plan
	}
	fits, others := given.candidates()
	promotions := map[string]bool{}
	for _, c := range fits {
		promotions[c.rollout().Spec.Promotion] = true
	}
	switch {
	case len(fits) == 0:
		plan.Refusals = noCandidate(o, others)
		return plan
	case len(promotions) > 1:
		plan.Refusals = ambiguous(o, fits)
		return plan
	}
	for _, c := range fits {
		if refusal, isAbout := o.isAbout(c); !isAbout {
			plan.Refusals = append(plan.Refusals, refusal)
			continue
		}
		given.to(&plan, c)
	}
	return plan
}

// ordering is an order that is given on a state.
type ordering struct {
	Order
	planner *Planner
	state   *ledger.State
}

// isAbout reports whether a word that was written before can be about a rollout; else
// why not. What somebody read when they wrote it is what they mean.
func (o Order) isAbout(c candidate) (Refusal, bool) {
	x, target := c.rollout(), c.target.Name.Value
	switch release := x.Spec.Release; {
	case o.Release != "" && !release.Called(o.Release):
		return refuse(target, fmt.Sprintf("cannot %s release %s: %s is of release %s", o.Command, o.Release, c.name, release.ID), "`sluice status` shows what waits; name that"), false
	case !o.Said.IsZero() && x.Rollout.CreateTime.After(o.Said):
		return refuse(target, fmt.Sprintf("cannot %s %s: it was created at %s, after the word was written at %s", o.Command, c.name,
			x.Rollout.CreateTime.UTC().Format(time.RFC3339), o.Said.UTC().Format(time.RFC3339)), "look at what waits now, and say it again"), false
	default:
		return Refusal{}, true
	}
}

// before goes on with what the same command of an earlier attempt was given to.
func (o ordering) before() []Move {
	var moves []Move
	for _, t := range o.Targets {
		r := o.planner.declared.record(o.state, t)
		if name, ok := r.WasGiven(o.ID); ok && name != "" {
			moves = append(moves, Move{Target: t.Name.Value})
		}
	}
	return moves
}

// to plans the command for one rollout.
func (o ordering) to(plan *Plan, c candidate) {
	x := c.rollout()
	if err := o.planner.admission.refusedBy(c.record, o.question(c), nil); err != nil {
		plan.Refusals = append(plan.Refusals, refusalOf(c.target.Name.Value, err))
		return
	}
	if r, cannot := o.cannotStop(c); cannot {
		plan.Refusals = append(plan.Refusals, r)
		return
	}
	m := Move{Target: c.target.Name.Value, Shows: Shows{Release: x.Spec.Release, Resumes: c.name}}
	m.Do = []rollout.Transition{o.transition(c.target, c.name)}
	if o.ID != "" {
		m.Do = append(m.Do, rollout.Given{ID: o.ID, Command: o.Command, Rollout: c.name, By: o.planner.Actor})
	}
	plan.Moves = append(plan.Moves, m)
	plan.Findings = append(plan.Findings, driver.Finding{
		Target: m.Target, Severity: driver.Note, Message: fmt.Sprintf("%s release %s (%s)", verb(o.Command), x.Spec.Release.ID, x.Rollout.Name),
	})
}

// question is what blocks are asked about the command.
func (o ordering) question(c candidate) rollout.Question {
	return rollout.Question{
		Intention: rollout.Intention(o.Command), Release: c.rollout().Spec.Release.ID, Person: o.planner.Actor.Person, Overrides: o.planner.Actor.Overrides,
	}
}

// cannotStop refuses to end a job for which the platform is at work that it cannot
// stop.
func (o ordering) cannotStop(c candidate) (Refusal, bool) {
	if o.Command != CommandTerminate || !c.rollout().Steps.AtWork() {
		return Refusal{}, false
	}
	facts := o.planner.Platform.Facts(c.record.Platform)
	if facts.Supports(driver.Terminate) {
		return Refusal{}, false
	}
	name := c.target.Name.Value
	if facts.Remote && facts.Supports(driver.Cancel) {
		return refuse(name, facts.Title+" is at work for the job, and ends what it is at as a whole: it goes back",
			fmt.Sprintf("`sluice cancel --target %s` has it do so", name)), true
	}
	return refuse(name, facts.Title+" is at work for the job, and offers no way to stop that",
		fmt.Sprintf("`sluice cancel --target %s` or `sluice rollback --target %s` goes back once it has answered", name, name)), true
}

// verb says what a command does to a release.
func verb(command string) string {
	return map[string]string{
		CommandApprove: "approves", CommandReject: "rejects", CommandAdvance: "advances", CommandCancel: "cancels",
		CommandRetryJob: "retries a job of", CommandIgnoreJob: "ignores a job of", CommandTerminate: "ends a job of",
	}[command]
}

// transition is what the command does to a rollout.
func (o ordering) transition(t *pipeline.Target, name string) rollout.Transition {
	switch o.Command {
	case CommandApprove, CommandReject:
		if voters, wanted := o.planner.reviews(t); wanted && o.Command == CommandApprove {
			return rollout.Reviewed{Rollout: name, Voters: voters}
		}
		voter := o.Voter
		voter.Approvers = Approvers(t)
		return rollout.Vote{Rollout: name, Approve: o.Command == CommandApprove, Voter: voter}
	case CommandAdvance:
		return rollout.Advance{Rollout: name, Phase: o.Phase, Jump: o.Jump, By: o.planner.Actor}
	case CommandRetryJob:
		return rollout.RetryJob{Rollout: name, Phase: o.Phase, Job: o.Job, By: o.planner.Actor}
	case CommandIgnoreJob:
		return rollout.IgnoreJob{Rollout: name, Phase: o.Phase, Job: o.Job, By: o.planner.Actor}
	case CommandTerminate:
		return rollout.Terminate{Rollout: name, Phase: o.Phase, Job: o.Job, By: o.planner.Actor}
	default:
		return rollout.Cancel{Rollout: name, By: o.planner.Actor}
	}
}

// candidates tries the command on every rollout that it could be meant for.
func (o ordering) candidates() (fits, others []candidate) {
	for _, t := range o.Targets {
		r := o.planner.declared.record(o.state, t)
		for _, name := range r.Meant(rollout.Intention(o.Command), o.Promotion) {
			c := candidate{target: t, record: r, name: name}
			if _, err := o.planner.admission.trial(r, o.transition(t, name)); err != nil {
				c.err = o.planner.admission.refusedBy(r, o.question(c), err)
				others = append(others, c)
				continue
			}
			fits = append(fits, c)
		}
	}
	return fits, others
}

// noCandidate refuses a command that fits nothing.
func noCandidate(o Order, others []candidate) []Refusal {
	if len(others) == 0 {
		return []Refusal{refuse("", "there is no rollout to "+o.Command, "`sluice status` shows what there is")}
	}
	refusals := make([]Refusal, len(others))
	for i, c := range others {
		refusals[i] = refusalOf(c.target.Name.Value, c.err)
	}
	return refusals
}

// ambiguous refuses a command that fits rollouts of several promotions.
func ambiguous(o Order, fits []candidate) []Refusal {
	refusals := []Refusal{refuse("", "several promotions qualify for "+o.Command, "choose with --target, --stage or --promotion:")}
	for _, c := range fits {
		x := c.rollout()
		refusals = append(refusals, Refusal{Target: c.target.Name.Value, Findings: []driver.Finding{{
			Target: c.target.Name.Value, Severity: driver.Refuse,
			Message: fmt.Sprintf("%s of release %s is %s (--promotion %s)", c.name, x.Spec.Release.ID, x.Rollout.State, x.Spec.Promotion),
		}}})
	}
	return refusals
}

// Ordered is the plan of a command that was left, as an order, with the run that
// holds the targets: nothing is done here, and they wait for that run.
func Ordered(targets []*pipeline.Target, held ledger.HeldError) Plan {
	plan := Plan{}
	for _, t := range targets {
		m := Move{Target: t.Name.Value, Unchanged: true}
		if slices.Contains(held.Targets, t.Name.Value) {
			m.Unchanged = false
			m.Pending = &rollout.Waiting{Kind: rollout.WaitOrder, By: cmp.Or(held.Run.Name, held.Run.RunURL, held.Run.ID)}
		}
		plan.Moves = append(plan.Moves, m)
	}
	return plan
}
