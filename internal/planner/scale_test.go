package planner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/stages/driver"
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

// TestReadAhead: where a platform reads many targets at once, none is read by itself
// for its first effect, which is as old as that read; what could not be read so, or
// was read long ago, is.
func TestReadAhead(t *testing.T) {
	prepares := func(r *rig) (asked []string, all int) {
		asked = r.platform.had()
		all = len(asked)
		return slices.DeleteFunc(asked, func(s string) bool { return !strings.HasPrefix(s, "prepare") }), all
	}
	r := newRig(t, crowd(300, "list", ""))
	r.platform.age = time.Second
	plan := r.passes(r.promote("prod"))
	if single, all := prepares(r); len(single) != 0 || all != 2+300 {
		t.Errorf("%d requests, of which %q", all, single)
	}
	for _, m := range plan.Moves {
		if m.First == nil || !m.ReadAt.Equal(t0.Add(-time.Second)) {
			t.Fatalf("%s stands on what was read at %v", m.Target, m.ReadAt)
		}
	}
	name := plan.Moves[7].Target
	r.platform.trouble["live "+name] = &outage{code: driver.Lost}
	plan = r.passes(r.promote("prod"))
	if single, _ := prepares(r); len(single) != 1 || !strings.HasSuffix(single[0], " "+name) || !r.move(plan, name).ReadAt.Equal(t0) {
		t.Errorf("of one that the list does not tell: %q", single)
	}
	r.platform.age = 6 * time.Second
	r.passes(r.promote("prod"))
	if single, _ := prepares(r); len(single) != 300 {
		t.Errorf("after a while %d are read", len(single))
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
