package rollout

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// fleet drives the records of several targets the way the executor does: one
// loop that settles, reacts, asks what is next and does one thing at a time.
type fleet struct {
	t       *testing.T
	now     time.Time
	names   []string
	rigs    map[string]*rig
	groups  map[string]*Group
	setting Setting
	script  map[string][]string // of checks of scope stage, by job: how they end, then well
	done    []string            // what happened since it was last looked at
	checked []string            // checks of scope stage that ran
	asked   int                 // how often Next was asked
}

func newFleet(t *testing.T, names ...string) *fleet {
	f := &fleet{t: t, now: t0, names: names, rigs: map[string]*rig{}, groups: map[string]*Group{}, script: map[string][]string{}}
	for _, n := range names {
		f.rigs[n] = newRigOf(t, n)
	}
	return f
}

// promote makes a promotion of all targets and does not run it.
func (f *fleet) promote(p Promotion, change ...func(*Spec)) *Group {
	f.t.Helper()
	p.Schema, p.Pipeline, p.Command, p.Stage, p.CreateTime = Schema, "shop", CommandPromote, "production", f.now
	p.Members = f.names
	if p.ID == "" {
		p.ID = "p1"
	}
	for _, n := range f.names {
		here := func(s *Spec) { s.Target, s.Controlled = targetOf(n), len(f.names) > 1 }
		spec := plan(append([]func(*Spec){promotion(p.ID), here}, change...)...)
		p.Actor, p.Person = spec.Creator, spec.Person
		if err := f.apply(n, Create{Spec: spec, First: f.rigs[n].runs.Stable == ""}); err != nil {
			f.t.Fatal(err)
		}
	}
	f.groups[p.ID] = NewGroup(&p, f.records())
	return f.groups[p.ID]
}

func (f *fleet) records() map[string]*Record {
	records := map[string]*Record{}
	for n, s := range f.rigs {
		records[n] = &s.r
	}
	return records
}

func (f *fleet) apply(name string, t Transition) error {
	s := f.rigs[name]
	err := Apply(&s.r, t, f.now)
	f.changed(name)
	return err
}

func (f *fleet) changed(name string) {
	for _, g := range f.groups {
		g.Changed(name)
	}
}

// group is that of the promotion at work on a target.
func (f *fleet) group(name string) *Group {
	e, ok := f.rigs[name].r.Active()
	if !ok {
		return nil
	}
	return f.groups[e.Spec.Promotion]
}

// run does what is due until everything must be waited for.
func (f *fleet) run() {
	f.t.Helper()
	for range 2000 {
		if !f.round() {
			return
		}
	}
	f.t.Fatal("there is no end to what is due")
}

// round goes once through the targets; after a check of scope stage it begins
// anew with the first.
func (f *fleet) round() bool {
	moved := false
	for _, n := range f.names {
		checked := len(f.checked)
		moved = f.step(n) || moved
		if len(f.checked) > checked {
			return true
		}
	}
	return moved
}

func (f *fleet) after(d time.Duration) {
	f.t.Helper()
	f.now = f.now.Add(d)
	f.run()
}

// step does one thing on a target and says whether anything happened.
func (f *fleet) step(name string) bool {
	s := f.rigs[name]
	s.now, s.setting = f.now, f.setting
	settled := Settle(&s.r, f.group(name), f.setting, f.now)
	f.changed(name)
	reacted := f.react()
	due := f.next(name)
	if due.Action == ActionStageCheck {
		f.stageCheck(name, due)
		return true
	}
	sent, checks := len(s.sent), len(s.checks)
	moved := s.do(due)
	f.changed(name)
	for _, what := range s.sent[sent:] {
		f.done = append(f.done, name+" "+what)
	}
	for _, what := range s.checks[checks:] {
		f.done = append(f.done, name+" checks "+what)
	}
	return f.react() || moved || settled || reacted
}

// next says what is due for a target, and its group whether it goes on.
func (f *fleet) next(name string) Due {
	f.asked++
	g := f.group(name)
	due := Next(&f.rigs[name].r, g, f.setting, f.now)
	if g != nil {
		stays := due.Action == ActionWait && !slices.Contains([]WaitKind{WaitTargets, WaitCheck, WaitWave, WaitQueue}, due.Waiting.Kind)
		g.Goes(name, !stays && due.Action != ActionYield)
	}
	return due
}

func (f *fleet) react() bool {
	reacted := false
	for _, id := range slices.Sorted(maps.Keys(f.groups)) {
		out := f.groups[id].React(f.now)
		for _, do := range out.Do {
			if err := f.apply(do.Target, do.Transition); err != nil {
				f.t.Fatalf("%s: %v", do.Target, err)
			}
		}
		reacted = reacted || out.Promotion || len(out.Do)+len(out.Woken) > 0
	}
	return reacted
}

func (f *fleet) stageCheck(name string, due Due) {
	g := f.group(name)
	g.StartCheck(name, due, f.now)
	what := due.Phase + "/" + due.Job
	f.checked = append(f.checked, what)
	f.done = append(f.done, fmt.Sprintf("wave %d checks %s", due.Wave, what))
	list := f.script[what]
	state, message := CheckPassed, ""
	if len(list) > 0 {
		switch f.script[what] = list[1:]; list[0] {
		case "fail":
			state, message = CheckFailed, what+" failed for the stage"
		case "unclear":
			state, message = CheckUndecided, what+" told nothing"
		}
	}
	g.EndCheck(name, due, state, message, f.now)
}

// want compares what happened since it was last looked at.
func (f *fleet) want(what string, lines ...string) {
	f.t.Helper()
	if !slices.Equal(f.done, lines) {
		f.t.Errorf("%s:\n got %q\nwant %q", what, f.done, lines)
	}
	f.done = nil
}

// states are those of the promotion's rollouts, in order.
func (f *fleet) states(promotion string) []State {
	var list []State
	for _, n := range f.names {
		if e, ok := f.rigs[n].r.Of(promotion); ok {
			list = append(list, e.Rollout.State)
		}
	}
	return list
}

func (f *fleet) runs() []string {
	var list []string
	for _, n := range f.names {
		list = append(list, f.rigs[n].runs.String())
	}
	return list
}

func (f *fleet) wantAll(what string, got, want any) {
	f.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
