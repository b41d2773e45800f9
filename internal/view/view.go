package view

import (
	"time"

	"sluice/internal/executor"
	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/pipeline"
	"sluice/rollout"
)

// View is what an invocation knows beside records.
type View struct {
	Pipeline *pipeline.Pipeline
	Setting  rollout.Setting
	Run      string // this invocation's lease: what it holds nobody else is at work on
	Now      time.Time
	// Workflow writes a command line as a run of a workflow, such as
	// `gh workflow run sluice.yml -f command=approve`; nil, or "", for none.
	Workflow func(Command) string
}

// telling is one outcome in the making.
type telling struct {
	View
	state    *ledger.State
	declared map[string]*pipeline.Target
	groups   map[string]*rollout.Group
	waved    map[string]map[string]int // by promotion and target
	tried    map[string]bool           // by command line and rollout
}

// tell begins to tell of a state. It is read, and what it holds stays as it is.
func (v View) tell(state *ledger.State) *telling {
	t := &telling{
		View: v, state: state, declared: map[string]*pipeline.Target{}, groups: map[string]*rollout.Group{},
		waved: map[string]map[string]int{}, tried: map[string]bool{},
	}
	if v.Pipeline != nil {
		for target := range v.Pipeline.All() {
			t.declared[target.Name.Value] = target
		}
	}
	return t
}

// nothing is a state of which nothing was read.
func nothing() *ledger.State {
	return &ledger.State{Records: map[string]*rollout.Record{}, Promotions: map[string]*rollout.Promotion{}, Runs: map[string]*rollout.Run{}}
}

// group is the group of a promotion, as nobody works on it; nil where the state
// has no such promotion.
func (t *telling) group(id string) *rollout.Group {
	if g, known := t.groups[id]; known {
		return g
	}
	p := t.state.Promotions[id]
	if p == nil {
		t.groups[id] = nil
		return nil
	}
	entry := p.Clone()
	g := rollout.NewGroup(&entry, t.state.Records)
	for _, name := range entry.Members {
		g.Goes(name, false)
	}
	t.groups[id] = g
	return g
}

// waves are the waves of a promotion's members, from 1; none where it has none.
func (t *telling) waves(p *rollout.Promotion) map[string]int {
	if known, ok := t.waved[p.ID]; ok || p.Waves == nil {
		return known
	}
	waves := make(map[string]int, len(p.Members))
	wave := 0
	for i, name := range p.Members {
		for wave < len(p.Waves.Sizes)-1 && i >= p.Waves.Sizes[wave] {
			wave++
		}
		waves[name] = wave + 1
	}
	t.waved[p.ID] = waves
	return waves
}

// Result is the outcome of a plan that was carried out. state is the one that it
// was carried out on; every target of the plan is told, and every other one that
// the executor had to reach.
func (v View) Result(state *ledger.State, plan planner.Plan, result executor.Result) Outcome {
	t := v.tell(after(state, result))
	moves := make(map[string]planner.Move, len(plan.Moves))
	for _, m := range plan.Moves {
		moves[m.Target] = m
	}
	out := Outcome{Promotion: plan.Promotion.ID, Targets: make([]Target, 0, len(result.Rows))}
	for _, row := range result.Rows {
		d := done{plan: plan, move: moves[row.Target], row: row, err: row.Err, whole: result.Err}
		out.Targets = append(out.Targets, t.done(d))
	}
	out.Sum()
	if out.Promotion == "" {
		out.Promotion = common(out.Targets)
	}
	if status := statusOf(result.Err); status != "" {
		out.Status = status
	}
	return out
}

// after is a state with what the executor left.
func after(state *ledger.State, result executor.Result) *ledger.State {
	s := &ledger.State{
		Records:    make(map[string]*rollout.Record, len(state.Records)),
		Promotions: make(map[string]*rollout.Promotion, len(state.Promotions)),
		Runs:       state.Runs,
	}
	for name, r := range state.Records {
		s.Records[name] = r
	}
	for id, p := range state.Promotions {
		s.Promotions[id] = p
	}
	for _, row := range result.Rows {
		if row.Record != nil {
			s.Records[row.Target] = row.Record
		}
	}
	for id, p := range result.Promotions {
		s.Promotions[id] = p
	}
	return s
}

// common is the promotion that all targets are told of; "" where they differ.
func common(targets []Target) string {
	id := ""
	for i, t := range targets {
		if i > 0 && t.Promotion != id {
			return ""
		}
		id = t.Promotion
	}
	return id
}

// Look is what stands on targets, in their order, of a promotion: their rollouts
// in it; what is at work, else what was newest, where promotion is "", and where a
// target has no part in it. Nobody works on them.
func (v View) Look(state *ledger.State, promotion string, targets ...string) Outcome {
	t := v.tell(state)
	out := Outcome{Promotion: promotion, Targets: make([]Target, 0, len(targets))}
	for _, name := range targets {
		r := state.Records[name]
		e := current(r)
		if r != nil {
			if of, ok := part(r, promotion); ok {
				e = of
			}
		}
		out.Targets = append(out.Targets, t.target(name, r, e, seen{}))
	}
	out.Sum()
	if promotion == "" {
		out.Promotion = common(out.Targets)
	}
	return out
}

// current is the rollout at work, else the newest; nil where there is none.
func current(r *rollout.Record) *rollout.Execution {
	if r == nil {
		return nil
	}
	if e, ok := r.Active(); ok {
		return e
	}
	e, _ := r.Newest()
	return e
}
