package view

import (
	"fmt"
	"strings"
	"time"

	"sluice/rollout"
	"sluice/stages/driver"
)

// Followed tells of an operation of a platform's own, which no record knows. next
// is when it would be looked at again.
func (v View) Followed(target, name string, op driver.Operation, next time.Time) Outcome {
	t := v.tell(nothing())
	r := op.Results[target]
	told := Target{
		Target: target, Status: rollout.PromotionPending, Release: r.Release.ID, ReleaseName: r.Release.Name,
		PlatformRelease: op.ID, Results: r.Data,
	}
	t.place(&told, nil)
	out := Outcome{Status: Pending, Release: r.Release.ID}
	switch {
	case op.Status == driver.Done && r.Outcome == driver.Succeeded:
		out.Status, told.Status = Succeeded, rollout.PromotionSucceeded
	case op.Status == driver.Done && r.Outcome == driver.Failed:
		out.Status = Failed
		told.Fail(problems(r.Errors))
	default:
		w := t.followedLater(target, name, op, next)
		told.WaitingFor = &w
		out.Next = w.Until
	}
	out.Targets = []Target{told}
	return out
}

// followedLater is what an operation that is not over waits for: its platform, or
// a person there.
func (t *telling) followedLater(target, name string, op driver.Operation, next time.Time) Waiting {
	w := Waiting{Kind: rollout.WaitOperation, Until: next.UTC().Truncate(time.Second), byItself: true}
	if what := op.Results[target].Waiting; what != "" {
		w = Waiting{Kind: rollout.WaitPlatform, Reason: fmt.Sprintf("%s waits there for %s", op.ID, what)}
	}
	t.offer(&w, Command{Name: "operation", Operation: name, Target: target})
	return w
}

// problems are an operation's errors, all of them.
func problems(list []driver.Problem) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, "; ")
}
