package engine

import (
	"context"
	"fmt"

	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Adoption says which of what runs is taken over beside what the state knows nothing of.
type Adoption struct {
	// AcceptDrift takes over what runs where the state says something else.
	AcceptDrift bool
	// AfterManual does so too, and closes the rollouts that are not over: people did
	// by hand what was left to do.
	AfterManual bool
}

// Import takes what runs on targets today over into the state. Errors as
// [Engine.Promote].
func (e *Engine) Import(ctx context.Context, targets []*pipeline.Target, how Adoption) (Status, error) {
	state, err := e.records.loadToChange(ctx, names(targets)...)
	if err != nil {
		return Status{}, err
	}
	readings := readings(ctx, e.config.Platform, targets)
	plan := planner.Plan{Command: "state import"}
	for _, t := range targets {
		r, reading := e.records.of(state, t), readings[t.Name.Value]
		if reading.Err != nil {
			plan.Refusals = append(plan.Refusals, planner.RefuseOne(t.Name.Value, reading.Err.Error(), "nothing was imported"))
			continue
		}
		m := planner.Move{Target: t.Name.Value, Unchanged: true}
		finding, refusal := adopt(r, reading.Live, how)
		switch {
		case refusal != nil:
			plan.Refusals = append(plan.Refusals, *refusal)
			continue
		case finding.Severity == "":
			m.Unchanged, m.Do = false, []rollout.Transition{rollout.Adopt{Release: reading.Live.Release, By: e.config.Actor, Close: how.AfterManual}}
			finding = note(t.Name.Value, imported(r, reading.Live.Release, how))
		}
		plan.Moves, plan.Findings = append(plan.Moves, m), append(plan.Findings, finding)
	}
	if err := plan.Err(); err != nil {
		return Status{}, err
	}
	tell(e.config.Notify, state, plan)
	result := e.runner.run(ctx, state, plan)
	for _, row := range result.Rows {
		if row.Record != nil {
			state.Records[row.Target] = row.Record
		}
	}
	return e.standing(ctx, state, targets, nil, readings), result.Err
}

// imported says what is taken over, and what is closed with it.
func imported(r *rollout.Record, runs driver.Release, how Adoption) string {
	text := "imported " + runs.ID
	if how.AfterManual {
		for _, x := range r.Rollouts {
			if !x.Over() {
				text += fmt.Sprintf("; rollout %s, which was %s, is closed", x.Rollout.Name, x.Rollout.State)
			}
		}
	}
	return text
}

// adopt says why what runs is not taken over: a finding without severity means
// that it is.
func adopt(r *rollout.Record, live driver.Live, how Adoption) (driver.Finding, *planner.Refusal) {
	runs := live.Release
	x, open := r.Active()
	switch known := r.Release; {
	case how.AfterManual && live.Pending != nil:
		refusal := planner.RefuseOne(r.Target, fmt.Sprintf("%s is still on its way there", live.Pending.ID), "say it again when that is over; nothing was imported")
		return driver.Finding{}, &refusal
	case how.AfterManual && open && runs.ID != "":
		return driver.Finding{}, nil
	case runs.ID == "":
		return note(r.Target, "nothing runs there: nothing to import"), nil
	case known != nil && known.ID == runs.ID:
		return note(r.Target, "the state knows already that it runs "+runs.ID), nil
	case known != nil && !how.AcceptDrift && !how.AfterManual:
		return driver.Finding{Target: r.Target, Severity: driver.Warn, Message: fmt.Sprintf("it runs %s and the state says %s; left as it is, say --accept-drift to take it over", runs.ID, known.ID)}, nil
	}
	if open {
		refusal := planner.RefuseOne(r.Target, fmt.Sprintf("rollout %s is %s", x.Rollout.Name, x.Rollout.State), "finish or cancel it first, or say --after-manual with --reason where people did by hand what was left to do; nothing was imported")
		return driver.Finding{}, &refusal
	}
	return driver.Finding{}, nil
}

func note(target, text string) driver.Finding {
	return driver.Finding{Target: target, Severity: driver.Note, Message: text}
}
