package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Rename makes the record that of a target which was called otherwise before, so
// that what is under way is followed under its new name.
func (r *Record) Rename(t driver.Target, now time.Time) {
	former := r.Target
	r.Target, r.Stage, r.Platform = t.Name, t.Stage, t.Platform
	for i := range r.Rollouts {
		renameExecution(&r.Rollouts[i], former, t)
	}
	r.AddEvent(Event{Type: "target.renamed", Time: now.UTC(), Message: former + " is now " + t.Name})
}

func renameExecution(e *Execution, former string, t driver.Target) {
	e.Spec.Target, e.Rollout.TargetID = t, t.Name
	for i := range e.Steps {
		step := &e.Steps[i]
		for c := range step.Call.Changes {
			if step.Call.Changes[c].Target.Name == former {
				step.Call.Changes[c].Target = t
			}
		}
		if step.Operation == nil {
			continue
		}
		if result, ok := step.Operation.Results[former]; ok {
			step.Operation.Results = map[string]driver.Result{t.Name: result}
		}
	}
}

// Rename has a promotion know one of its members by its new name.
func (p *Promotion) Rename(former, name string) {
	renameIn(p.Members, former, name)
	renameIn(p.Unchanged, former, name)
	for i := range p.Skips {
		renameOne(&p.Skips[i].Target, former, name)
	}
	for i := range p.Calls {
		renameIn(p.Calls[i].Members, former, name)
	}
	for i := range p.Checks {
		renameOne(&p.Checks[i].By, former, name)
	}
	if p.Halted != nil {
		renameOne(&p.Halted.By, former, name)
	}
	if p.Shards == nil {
		return
	}
	for i := range p.Shards.Members {
		renameIn(p.Shards.Members[i], former, name)
	}
}

func renameIn(names []string, former, name string) {
	for i := range names {
		renameOne(&names[i], former, name)
	}
}

func renameOne(have *string, former, name string) {
	if *have == former {
		*have = name
	}
}
