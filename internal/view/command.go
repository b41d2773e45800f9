package view

import (
	"slices"
	"strings"

	"sluice/rollout"
	"sluice/stages/driver"
)

// Command is a command line that is printed as the way on.
type Command struct {
	Name      string
	To        string // the stage
	Target    string
	Promotion string
	Phase     string
	Job       string
	Release   string
	Block     string // its id, an argument
	Operation string // its name, an argument
	Reason    bool   // it takes a reason, which the person fills in
}

// String is the command line as a person can use it.
func (c Command) String() string {
	words := []string{"sluice", c.Name}
	if c.Block != "" {
		words = append(words, c.Block)
	}
	if c.Operation != "" {
		words = append(words, driver.Shell(c.Operation))
	}
	for _, flag := range [][2]string{
		{"--to", c.To}, {"--target", c.Target}, {"--release", c.Release}, {"--promotion", c.Promotion}, {"--phase", c.Phase}, {"--job", c.Job},
	} {
		if flag[1] != "" {
			words = append(words, flag[0], flag[1])
		}
	}
	if c.Reason {
		words = append(words, "--reason", "'…'")
	}
	return strings.Join(words, " ")
}

// reconcile takes up whatever is due: it is accepted in every state.
func reconcile() Command { return Command{Name: "reconcile"} }

// to is a command to a target's rollout.
func to(i rollout.Intention, target string) Command {
	return Command{Name: string(i), Target: target}
}

// decisions are the command lines by which a person decides about a rollout that
// failed, is HALTED or asks, the likeliest first: each job that could be meant by
// itself, where there are several.
func decisions(r *rollout.Record, e *rollout.Execution) []Command {
	var list []Command
	for _, i := range []rollout.Intention{rollout.ToRetryJob, rollout.ToIgnoreJob} {
		list = append(list, to(i, r.Target))
		for _, failed := range e.Rollout.FailedJobs() {
			c := to(i, r.Target)
			c.Phase, c.Job = failed.Phase, failed.Job
			list = append(list, c)
		}
	}
	return append(list, to(rollout.ToCancel, r.Target), to(rollout.ToRollBack, r.Target))
}

// accepts reports whether a command line would be accepted by the target's record
// as it stands, from a person who may give it, and is about that rollout.
func (t *telling) accepts(c Command, e *rollout.Execution) bool {
	key := c.String() + " " + e.Rollout.Name
	if known, ok := t.tried[key]; ok {
		return known
	}
	r := t.state.Records[c.Target]
	t.tried[key] = r != nil && t.try(r, c, e.Rollout.Name)
	return t.tried[key]
}

// try makes the command on a copy: it must fit that rollout alone.
func (t *telling) try(r *rollout.Record, c Command, name string) bool {
	i := rollout.Intention(c.Name)
	if i == rollout.ToRollBack {
		return t.tryOn(r, c, "")
	}
	var fits []string
	for _, meant := range r.Meant(i, c.Promotion) {
		if t.tryOn(r, c, meant) {
			fits = append(fits, meant)
		}
	}
	return len(fits) == 1 && fits[0] == name
}

func (t *telling) tryOn(r *rollout.Record, c Command, name string) bool {
	copied := lean(r)
	if rollout.Apply(&copied, c.transition(r, name), t.Now) != nil {
		return false
	}
	if t.Setting.Outside == nil {
		return true
	}
	q := rollout.Question{Intention: rollout.Intention(c.Name), Person: true}
	if e, ok := r.Rollout(name); ok {
		q.Release = e.Spec.Release.ID
	}
	return len(t.Setting.Outside(r, q, t.Now)) == 0
}

// transition is what the command does to a rollout.
func (c Command) transition(r *rollout.Record, name string) rollout.Transition {
	by := rollout.Actor{Login: "(a person)", Person: true}
	switch rollout.Intention(c.Name) {
	case rollout.ToApprove, rollout.ToReject:
		return rollout.Vote{Rollout: name, Approve: c.Name == string(rollout.ToApprove), Voter: approver(r, name, by)}
	case rollout.ToAdvance:
		return rollout.Advance{Rollout: name, Phase: c.Phase, By: by}
	case rollout.ToRetryJob:
		return rollout.RetryJob{Rollout: name, Phase: c.Phase, Job: c.Job, By: by}
	case rollout.ToIgnoreJob:
		return rollout.IgnoreJob{Rollout: name, Phase: c.Phase, Job: c.Job, By: by}
	case rollout.ToTerminate:
		return rollout.Terminate{Rollout: name, Phase: c.Phase, Job: c.Job, By: by}
	case rollout.ToRollBack:
		return rollout.GoBack{Promotion: "(a trial)", By: by}
	default:
		return rollout.Cancel{Rollout: name, By: by}
	}
}

// approver is a person who is in every team that may approve.
func approver(r *rollout.Record, name string, by rollout.Actor) rollout.Voter {
	v := rollout.Voter{Actor: by, Verified: true}
	if e, ok := r.Rollout(name); ok && e.Spec.Approval != nil {
		v.Teams = slices.Clone(e.Spec.Approval.Approvers)
		v.Review = &rollout.ReviewOf{Environment: e.Spec.Approval.Environment}
	}
	return v
}

// lean is a copy of a record without its history: what is done to it does not
// reach r.
func lean(r *rollout.Record) rollout.Record {
	short := *r
	short.Events = nil
	return short.Clone()
}
