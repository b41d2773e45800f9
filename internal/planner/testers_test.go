package planner_test

import (
	"slices"
	"testing"

	"sluice/rollout"
	"sluice/stages/driver"
)

// shown is a pipeline whose canary is shown to testers first.
const shown = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, sun: {id: dev}}]
  - name: prod
    targets:
      - name: web
        sun: {id: web}
        strategy: {canary: {percentages: [10], wait: 1h, header: {domain: api.example.com, name: x-canary, value: beta}}}
`

// TestTestersFirst: the phase of testers comes before all others, and its first effect is
// what a promotion is judged by.
func TestTestersFirst(t *testing.T) {
	r := newRig(t, shown)
	m := r.move(r.passes(r.promote("prod")), "web")
	r.does(m, "Create")
	s := m.Do[0].(rollout.Create).Spec
	if len(s.Phases) != 3 || s.Phases[0].ID != rollout.PhaseTesters || s.Header == nil || s.Header.Value != "beta" {
		t.Errorf("phases %+v, header %+v", s.Phases, s.Header)
	}
	if last := s.Phases[2].Effects; !slices.Equal(last, []driver.Kind{driver.Stable, driver.Unroute, driver.Unhost}) {
		t.Errorf("stable does %v", last)
	}
	if c := m.First.Call; c.Kind != driver.Host || c.Changes[0].Header == nil || c.Changes[0].Phase != rollout.PhaseTesters {
		t.Errorf("first %+v", c)
	}
}

// TestTestersAreNotTheRelease: what stands for testers already is not what runs.
func TestTestersAreNotTheRelease(t *testing.T) {
	r := newRig(t, shown)
	r.platform.shown["web"] = true
	if m := r.move(r.passes(r.promote("prod")), "web"); m.Unchanged {
		t.Error("the target is called unchanged, and runs another release")
	}
	r.platform.runs["web"] = live("r2")
	if m := r.move(r.passes(r.promote("prod")), "web"); !m.Unchanged {
		t.Errorf("it runs the release: %+v", m)
	}
}

// TestDisableWhatTestersHave: what stands for testers alone is taken away too.
func TestDisableWhatTestersHave(t *testing.T) {
	r := newRig(t, shown)
	r.platform.bare["web"] = true
	if m := r.move(r.passes(r.disableCanary()), "web"); !m.Unchanged || len(m.Do) > 0 {
		t.Errorf("nothing stands: %+v", m)
	}
	r.platform.shown["web"] = true
	m := r.move(r.passes(r.disableCanary()), "web")
	r.does(m, "DisableCanary")
	if m.First == nil || m.First.Call.Kind != driver.Unroute {
		t.Errorf("first %+v", m.First)
	}
}

// TestPromoteCanaryClearsUp: a canary that is promoted by hand leaves nothing for testers.
func TestPromoteCanaryClearsUp(t *testing.T) {
	r := intruded(t, shown)
	s := r.move(r.passes(r.promoteCanary(false)), "web").Do[0].(rollout.Create).Spec
	if !slices.Equal(s.Phases[0].Effects, []driver.Kind{driver.Stable, driver.Unroute, driver.Unhost}) {
		t.Errorf("effects %v", s.Phases[0].Effects)
	}
}
