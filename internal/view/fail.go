package view

import "sluice/rollout"

// Fail has targets have failed for a reason that no record tells, by target; ""
// is none. Nobody knows whether something took effect on them.
func (o *Outcome) Fail(why map[string]string) {
	for i := range o.Targets {
		t := &o.Targets[i]
		message := why[t.Target]
		if message == "" {
			continue
		}
		t.Status, t.ErrorMessage, t.WaitingFor, t.Unchanged, t.acted = rollout.PromotionFailed, message, nil, false, true
	}
	o.Sum()
}
