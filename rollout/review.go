package rollout

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ReviewOf is where GitHub keeps a review of an environment, so that it can be read
// there again.
type ReviewOf struct {
	Environment string         `json:"environment"`
	Run         string         `json:"run"` // the workflow run's id
	Unknown     jsontext.Value `json:",embed"`
}

// Reviewed takes over who approved a rollout's environment in a run. Each review counts
// as that person's approval would, or not at all; where none adds anything it is
// refused as the last of them is, unless Optional.
type Reviewed struct {
	Rollout   string // "" that of Promotion
	Promotion string
	Voters    []Voter
	Optional  bool
}

// Prove records what GitHub said when the reviews of a rollout were read again before
// its first effect. Given are those who approved, by run. Where what stands is not
// enough the rollout waits for approval again.
type Prove struct {
	Rollout string
	Given   map[string][]string
	Want    *ApprovalSpec // what the file asks for now; nil where the rollout's own counts
}

func (t Reviewed) apply(r *Record, now time.Time) error {
	e, err := t.find(r)
	if err != nil || t.Optional && (e == nil || e.Rollout.State != StatePendingApproval) {
		return err
	}
	refused, counted := error(noReview(e)), false
	for _, v := range t.Voters {
		if e.Rollout.State != StatePendingApproval {
			break
		}
		if err := (Vote{Rollout: e.Rollout.Name, Approve: true, Voter: v}).apply(r, now); err != nil {
			refused = err
			continue
		}
		counted = true
	}
	if counted || t.Optional {
		return nil
	}
	return refused
}

// noReview refuses an approval that is no review of the rollout's environment.
func noReview(e *Execution) *RefusedError {
	err := e.refuse(string(ToApprove), ReasonNoReview)
	if a := e.Spec.Approval; a != nil {
		err.Other = a.Environment
	}
	return err
}

func (t Reviewed) find(r *Record) (*Execution, error) {
	if t.Rollout == "" {
		e, _ := r.Of(t.Promotion)
		return e, nil
	}
	return r.rolloutFor(string(ToApprove), t.Rollout)
}

// Reviews are the runs whose reviews of an environment are to be read before the
// rollout's first effect; none where no review is wanted, or it has acted already.
// want is what the file asks for now.
func (e *Execution) Reviews(want *ApprovalSpec) (environment string, runs []string, ok bool) {
	asked := wantedOf(e, want)
	if asked == nil || asked.Environment == "" || e.Steps.Acted() {
		return "", nil, false
	}
	for _, d := range e.Approvals {
		if d.Review != nil && d.Review.Environment == asked.Environment && !slices.Contains(runs, d.Review.Run) {
			runs = append(runs, d.Review.Run)
		}
	}
	return asked.Environment, runs, true
}

// wantedOf is the approval that counts: what the file asks for now, else what the rollout
// was created with. What goes back asks for what it was created with alone.
func wantedOf(e *Execution, file *ApprovalSpec) *ApprovalSpec {
	if file != nil && e.Spec.Command == CommandPromote {
		return file
	}
	return e.Spec.Approval
}

func (t Prove) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor(string(ToApprove), t.Rollout)
	if err != nil {
		return err
	}
	asked := wantedOf(e, t.Want)
	if asked == nil {
		return nil
	}
	stands := slices.DeleteFunc(slices.Clone(e.Approvals), func(d Decision) bool { return !d.stands(asked.Environment, t.Given) })
	if asked.satisfied(stands, e.Spec.Creator) {
		return nil
	}
	copied := *asked
	e.Approvals, e.Spec.Approval = stands, &copied
	e.Rollout.ApprovalState, e.Rollout.State = NeedsApproval, StatePendingApproval
	e.Rollout.ApproveTime = time.Time{}
	e.Times.set(timeApproval, now)
	r.event(e, now, Event{Type: "approval.withdrawn", Message: "GitHub has not got the reviews of environment " + asked.Environment + " that the state says"})
	return nil
}

// stands reports whether GitHub has the review that a decision is.
func (d Decision) stands(environment string, given map[string][]string) bool {
	return d.Approve && d.Review != nil && d.Review.Environment == environment &&
		slices.ContainsFunc(given[d.Review.Run], func(login string) bool { return strings.EqualFold(login, d.Actor) })
}
