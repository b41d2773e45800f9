package rollout

import (
	"slices"
	"time"

	"sluice/stages/driver"
)

// ask has a command sent to what the platform works on.
func (e *Execution) ask(r *Record, q Request, now time.Time) error {
	if q.Kind != driver.Terminate && !e.Spec.takes(q.Kind) { // who orders terminate says what offers to
		return e.refuse(commandName(q.Kind), ReasonUnsupported)
	}
	if slices.ContainsFunc(e.Asked, func(have Request) bool { return have.Kind == q.Kind && have.Phase == q.Phase && have.Job == q.Job }) {
		return e.refuse(commandName(q.Kind), ReasonAlready)
	}
	e.Asked = append(e.Asked, q)
	r.event(e, now, Event{Type: "rollout.asked", Phase: q.Phase, Job: q.Job, Actor: q.Actor, Message: string(q.Kind)})
	return nil
}

// commandName is what the command to a platform's own rollout is called here.
func commandName(k driver.Kind) string {
	switch k {
	case driver.RetryJob:
		return string(ToRetryJob)
	case driver.IgnoreJob:
		return string(ToIgnoreJob)
	default:
		return string(k)
	}
}

// decidedByPerson is the message of an effect that was withdrawn because a
// person answered the question it asked: alone among withdrawn effects it may
// have been sent.
const decidedByPerson = "a person decided"

// Requests are effects outside the order of jobs that are still to be sent.
type Requests []Request

// has reports whether an effect of a kind is still to be sent.
func (q Requests) has(kind driver.Kind) bool {
	return slices.ContainsFunc(q, func(have Request) bool { return have.Kind == kind })
}

// before reports whether a command to what the platform works on goes out before the
// effect that it works on is followed further.
func (q Requests) before(step *Step) bool {
	return step.State == StepBegun && len(q) > 0 && q[0].Kind.IsCommand()
}

// take takes the request that is due from those still to be sent.
func (q *Requests) take(due Due) *Request {
	i := slices.IndexFunc(*q, func(have Request) bool { return have.Kind == due.Kind && have.Phase == due.Phase })
	if i < 0 {
		return &Request{Kind: due.Kind, Phase: due.Phase, Job: due.Job}
	}
	taken := (*q)[i]
	*q = slices.Delete(*q, i, i+1)
	return &taken
}
