package engine

import (
	"context"
	"fmt"

	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Import takes what runs on targets today over into the state. With acceptDrift
// also where the state says something else. Errors as [Engine.Promote].
func (e *Engine) Import(ctx context.Context, targets []*pipeline.Target, acceptDrift bool) (Status, error) {
	state, err := e.loadToChange(ctx, names(targets)...)
	if err != nil {
		return Status{}, err
	}
	readings := e.readings(ctx, targets)
	plan := planner.Plan{Command: "state import"}
	for _, t := range targets {
		r, reading := e.recordOf(state.Records, t), readings[t.Name.Value]
		if reading.Err != nil {
			plan.Refusals = append(plan.Refusals, planner.RefuseOne(t.Name.Value, reading.Err.Error(), "nothing was imported"))
			continue
		}
		m := planner.Move{Target: t.Name.Value, Unchanged: true}
		finding, refusal := adopt(r, reading.Live.Release, acceptDrift)
		switch {
		case refusal != nil:
			plan.Refusals = append(plan.Refusals, *refusal)
			continue
		case finding.Severity == "":
			m.Unchanged, m.Do = false, []rollout.Transition{rollout.Adopt{Release: reading.Live.Release, By: e.Actor}}
			finding = note(t.Name.Value, "imported "+reading.Live.Release.ID)
		}
		plan.Moves, plan.Findings = append(plan.Moves, m), append(plan.Findings, finding)
	}
	if err := plan.Err(); err != nil {
		return Status{}, err
	}
	e.tell(state, plan)
	result := e.run(ctx, state, plan)
	for _, row := range result.Rows {
		if row.Record != nil {
			state.Records[row.Target] = row.Record
		}
	}
	return e.standing(ctx, state, targets, nil, readings), result.Err
}

// recordOf is a target's record, fresh where it was never saved.
func (e *Engine) recordOf(records map[string]*rollout.Record, t *pipeline.Target) *rollout.Record {
	if r := records[t.Name.Value]; r != nil {
		return r
	}
	fresh := e.planner.Fresh(t)
	return &fresh
}

// adopt says why what runs is not taken over: a finding without severity means
// that it is.
func adopt(r *rollout.Record, runs driver.Release, acceptDrift bool) (driver.Finding, *planner.Refusal) {
	switch known := r.Release; {
	case runs.ID == "":
		return note(r.Target, "nothing runs there: nothing to import"), nil
	case known != nil && known.ID == runs.ID:
		return note(r.Target, "the state knows already that it runs "+runs.ID), nil
	case known != nil && !acceptDrift:
		return driver.Finding{Target: r.Target, Severity: driver.Warn, Message: fmt.Sprintf("it runs %s and the state says %s; left as it is, say --accept-drift to take it over", runs.ID, known.ID)}, nil
	}
	if x, ok := r.Active(); ok {
		refusal := planner.RefuseOne(r.Target, fmt.Sprintf("rollout %s is %s", x.Rollout.Name, x.Rollout.State), "finish or cancel it first; nothing was imported")
		return driver.Finding{}, &refusal
	}
	return driver.Finding{}, nil
}

func note(target, text string) driver.Finding {
	return driver.Finding{Target: target, Severity: driver.Note, Message: text}
}
