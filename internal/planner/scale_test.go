package planner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/internal/planner"
)

// TestManyRequests: planning asks as much of a platform as there are targets: what
// the sources run in one call, each release, and each first effect once, or once
// a call of several.
func TestManyRequests(t *testing.T) {
	for platform, want := range map[string]int{"moon": 1 + 300 + 300, "fleet": 1 + 300 + 300} {
		r := newRig(t, crowd(300, platform, ""))
		r.passes(r.promote("prod"))
		if got := len(r.platform.had()); got != want {
			t.Errorf("%s: %d requests, want %d", platform, got, want)
		}
	}
	r := newRig(t, fanOut(300))
	r.passes(r.promote("prod"))
	asked := r.platform.had()
	calls := slices.DeleteFunc(asked, func(s string) bool { return !strings.HasPrefix(s, "prepare") })
	if len(calls) != 100 {
		t.Errorf("%d calls for 300 targets, three a call", len(calls))
	}
}

// TestLinear: ten times the targets are at most ten times the values that a plan
// is made of.
func TestLinear(t *testing.T) {
	for name, plan := range plans() {
		allocations := func(targets int) float64 {
			r := fleetOf(t, targets, name != "promote")
			return testing.AllocsPerRun(1, func() { plan(r) })
		}
		few, many := allocations(100), allocations(1000)
		if many > 11*few {
			t.Errorf("%s: ten times the targets make %.1f times the values", name, many/few)
		}
	}
}

// plans are the plans that a fleet asks for.
func plans() map[string]func(*rig) planner.Plan {
	return map[string]func(*rig) planner.Plan{
		"promote":   func(r *rig) planner.Plan { return r.promote("prod", func(p *planner.Promotion) { p.ID = "p" }) },
		"again":     func(r *rig) planner.Plan { return r.promote("prod", func(p *planner.Promotion) { p.ID = only(r) }) },
		"reconcile": func(r *rig) planner.Plan { return r.reconcile() },
		"rollback": func(r *rig) planner.Plan {
			var names []string
			for _, t := range r.stage("prod").Targets {
				names = append(names, t.Name.Value)
			}
			return r.goBack(names...)
		},
	}
}

// fleetOf is a fleet in waves, under way where that is said.
func fleetOf(t testing.TB, targets int, underWay bool) *rig {
	t.Helper()
	r := newRig(t, crowd(targets, "moon", "    waves: {sizes: [1, 25%, 100%]}\n"))
	if underWay {
		r.carry(r.promote("prod"))
	}
	return r
}

// only is the promotion of a state that has one.
func only(r *rig) string {
	for id := range r.state.Promotions {
		return id
	}
	return ""
}

// BenchmarkPlan is the time of planning without that of platforms, a target.
func BenchmarkPlan(b *testing.B) {
	for name, plan := range plans() {
		for _, targets := range []int{1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, targets), func(b *testing.B) {
				r := fleetOf(b, targets, name != "promote")
				for b.Loop() {
					plan(r)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*targets), "ns/target")
			})
		}
	}
}
