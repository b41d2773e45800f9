package engine

import (
	"fmt"
	"slices"

	"sluice/internal/old/rollout"
	"sluice/stages/driver"
)

// candidate is a rollout that an order could mean.
type candidate struct {
	slot    *slot
	rollout string
	err     error // why the order does not fit it; nil where it does
}

// promotion is the promotion of the candidate's rollout.
func (c candidate) promotion() string {
	x, ok := c.slot.record.Rollout(c.rollout)
	if !ok {
		return ""
	}
	return x.Spec.Promotion
}

func slotsIn(list []candidate) []*slot {
	slots := make([]*slot, len(list))
	for i, c := range list {
		slots[i] = c.slot
	}
	return slots
}

// choose finds the rollouts that the order fits: those of one promotion.
func (e *Engine) choose(o Order, slots []*slot) ([]candidate, error) {
	var fits, others []candidate
	for _, s := range slots {
		for _, c := range e.candidates(o, s) {
			if c.err == nil {
				fits = append(fits, c)
			} else {
				others = append(others, c)
			}
		}
	}
	if len(fits) == 0 {
		return nil, noCandidate(o, others)
	}
	promotions := map[string]bool{}
	for _, c := range fits {
		promotions[c.promotion()] = true
	}
	if len(promotions) > 1 {
		return nil, ambiguous(o, fits)
	}
	return fits, nil
}

func noCandidate(o Order, others []candidate) error {
	if len(others) == 0 {
		return refused("", "there is no rollout to "+o.Command, "`sluice status` shows what there is")
	}
	r := &RefusedError{}
	for _, c := range others {
		r.Findings = append(r.Findings, driver.Finding{Target: c.slot.name(), Severity: driver.Refuse, Message: c.err.Error()})
	}
	return r
}

func ambiguous(o Order, fits []candidate) error {
	r := &RefusedError{Findings: []driver.Finding{{
		Severity: driver.Refuse, Message: "several promotions qualify for " + o.Command, Remedy: "choose with --target, --stage or --promotion:",
	}}}
	for _, c := range fits {
		x, _ := c.slot.record.Rollout(c.rollout)
		r.Findings = append(r.Findings, driver.Finding{
			Target: c.slot.name(), Severity: driver.Refuse,
			Message: fmt.Sprintf("%s of release %s is %s (--promotion %s)", c.rollout, x.Spec.Release.ID, x.Rollout.State, x.Spec.Promotion),
		})
	}
	return r
}

// candidates are the rollouts of a target that the order could mean, tried on
// a copy of the record.
func (e *Engine) candidates(o Order, s *slot) []candidate {
	var list []candidate
	for _, name := range meant(o, &s.record) {
		trial := s.record.Clone()
		list = append(list, candidate{slot: s, rollout: name, err: e.obey(o, &trial, name)})
	}
	return list
}

// meant names the rollouts an order can be about: for an approval those that
// wait for one, else the one at work, else the newest.
func meant(o Order, r *rollout.Record) []string {
	var names []string
	for _, x := range r.Rollouts {
		if o.Promotion != "" && x.Spec.Promotion != o.Promotion {
			continue
		}
		if (o.Command == CommandApprove || o.Command == CommandReject) && x.Rollout.State == rollout.StatePendingApproval {
			names = append(names, x.Rollout.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	if x, ok := r.Active(); ok && (o.Promotion == "" || x.Spec.Promotion == o.Promotion) {
		return []string{x.Rollout.Name}
	}
	for _, x := range slices.Backward(r.Rollouts) {
		if o.Promotion == "" || x.Spec.Promotion == o.Promotion {
			return []string{x.Rollout.Name}
		}
	}
	return nil
}
