package executor

import (
	"context"
	"errors"

	"sluice/rollout"
)

// reviews are those that a row's rollout was approved by. They are read again before
// its first effect: what the state says of them anybody could have written who can
// write the state.
type reviews struct {
	r           *row
	want        *rollout.ApprovalSpec
	environment string
	runs        []string

	given map[string][]string // by run, what GitHub says
	err   error               // why it could not be asked
}

// reviews are those that a call waits for to be read.
func (c *call) reviews(m *machine) []reviews {
	var list []reviews
	for _, r := range c.rows {
		var want *rollout.ApprovalSpec
		if m.approval != nil {
			want = m.approval(r.name)
		}
		if environment, runs, ok := r.active().Reviews(want); ok {
			list = append(list, reviews{r: r, want: want, environment: environment, runs: runs})
		}
	}
	return list
}

// read asks GitHub. It runs in a worker, and touches no record.
func (v *reviews) read(ctx context.Context, s *shell) {
	v.given = make(map[string][]string, len(v.runs))
	for _, run := range v.runs {
		if s.Reviews == nil {
			v.err = errors.New("the reviews of environment " + v.environment + " cannot be read here")
			return
		}
		if v.given[run], v.err = s.Reviews.Given(ctx, run, v.environment); v.err != nil {
			return
		}
	}
}

// unproven reports whether an approval was not found again. Its row waits for one, and
// the others of the call are prepared anew.
func (c *call) unproven(m *machine, list []reviews) bool {
	any := false
	for _, v := range list {
		if v.err != nil {
			v.r.stop(m, v.err, m.now.Add(lookAgain))
			any = true
			continue
		}
		m.apply(v.r, rollout.Prove{Rollout: v.r.due.Rollout, Given: v.given, Want: v.want})
		any = any || v.r.err != nil || v.r.active().Rollout.State == rollout.StatePendingApproval
	}
	if any {
		c.free(m)
	}
	return any
}
