package work

import "time"

// Limits bound one invocation. The zero value of a field stands for its default.
type Limits struct {
	Started time.Time     // when the invocation began; [Begin] sets it
	Budget  time.Duration // how long the invocation may wait and follow (--wait-budget); default 15 minutes
	Inline  time.Duration // waits that are over sooner are waited for (--inline-wait); 0 waits for none
	Places  int           // how many targets are begun and neither waiting nor over (--concurrency); default 8
	// Answers and Saves run from the moment of an interruption: how long a request
	// under way may still be answered, and how long what happened may still be
	// saved. Defaults 2.5 s and 4.5 s: together with what ends a process they stay
	// below the 7.5 s that GitHub gives it between SIGINT and SIGTERM.
	Answers, Saves time.Duration
}

const (
	defaultBudget  = 15 * time.Minute
	defaultPlaces  = 8
	defaultAnswers = 2500 * time.Millisecond
	defaultSaves   = 4500 * time.Millisecond
)

// filled is the limits with their defaults, from now on.
func (l Limits) filled(now time.Time) Limits {
	if l.Started.IsZero() {
		l.Started = now
	}
	if l.Budget <= 0 {
		l.Budget = defaultBudget
	}
	if l.Places <= 0 {
		l.Places = defaultPlaces
	}
	if l.Answers <= 0 {
		l.Answers = defaultAnswers
	}
	if l.Saves <= 0 {
		l.Saves = defaultSaves
	}
	return l
}

// Deadline is when the invocation stops waiting for what is not over.
func (l Limits) Deadline() time.Time { return l.Started.Add(l.Budget) }

// Left is how much of the budget is left at now, never less than 0.
func (l Limits) Left(now time.Time) time.Duration { return max(0, l.Deadline().Sub(now)) }

// Beyond reports whether a wait that begins now ends after the deadline.
func (l Limits) Beyond(now time.Time, wait time.Duration) bool { return wait > l.Deadline().Sub(now) }
