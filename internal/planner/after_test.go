package planner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// fan has two stages side by side, and one after both.
const fan = `
name: shop
stages:
  - name: dev
    targets: [{name: web-dev, moon: {id: web-dev}}]
  - name: eu
    after: [dev]
    targets: [{name: web-eu, moon: {id: web-eu}}]
  - name: us
    after: [dev]
    targets: [{name: web-us, moon: {id: web-us}}]
  - name: world
    after: [eu, us]
    targets: [{name: web, moon: {id: web}}]
`

// TestAfterSeveral: a release comes from one of several stages and has to be proven on
// all of them.
func TestAfterSeveral(t *testing.T) {
	r := newRig(t, fan)
	r.platform.runs["web-eu"], r.platform.runs["web-us"] = live("r3"), live("r2")
	r.refuses(r.promote("world"), "release r3 does not run on web-us; r2 does")
	r.refuses(r.promote("world", release("r2")), "release r2 does not run on web-eu; r3 does")
	r.refuses(r.promote("eu", func(p *planner.Promotion) { p.From = r.stage("us") }), "leaves stages out")

	r.platform.runs["web-us"] = live("r3")
	plan := r.passes(r.promote("world"))
	m := r.move(plan, "web")
	if s := m.Do[0].(rollout.Create).Spec; s.Release.ID != "r3" || s.Source.Name != "web-eu" || !slices.Equal(s.Beside, []string{"web-us"}) || !slices.Equal(m.Shows.Beside, s.Beside) {
		t.Errorf("from %v beside %v: %+v", s.Source, s.Beside, m.Shows)
	}
	if plan.Promotion.From != "eu, us" {
		t.Errorf("the promotion comes from %q", plan.Promotion.From)
	}
	m = r.move(r.passes(r.promote("world", skipStages, release("r2"))), "web")
	if s := m.Do[0].(rollout.Create).Spec; s.Release.ID != "r2" || s.Beside != nil {
		t.Errorf("a hot fix brings %s, beside %v", s.Release.ID, s.Beside)
	}
}

// TestSoaksOnEach: what soaks has to stand on each stage before, for as long as it
// takes on the last.
func TestSoaksOnEach(t *testing.T) {
	r := newRig(t, staged(fan, "soak: 2h"))
	r.platform.runs["web-eu"] = driver.Live{Release: driver.Release{ID: "r3"}, Since: t0.Add(-3 * time.Hour)}
	r.platform.runs["web-us"] = driver.Live{Release: driver.Release{ID: "r3"}, Since: t0.Add(-time.Hour)}
	m := r.move(r.passes(r.promote("world")), "web")
	if s := m.Do[0].(rollout.Create).Spec; !s.SoakUntil.Equal(t0.Add(time.Hour)) {
		t.Errorf("it soaks until %s", s.SoakUntil)
	}
}

// TestSoaksOnEachNoMore: what waits is cancelled when its release leaves any of the
// stages before, the first of them or one beside it, and the cause names which.
func TestSoaksOnEachNoMore(t *testing.T) {
	for _, leaves := range []string{"web-eu", "web-us"} {
		t.Run(leaves, func(t *testing.T) {
			r := newRig(t, staged(fan, "soak: 2h"))
			r.platform.runs["web-eu"], r.platform.runs["web-us"] = live("r3"), live("r3")
			r.carry(r.passes(r.promote("world")))
			for _, name := range []string{"web-eu", "web-us"} {
				before := rollout.New("shop", driver.Target{Name: name, Stage: name, Platform: "moon"})
				before.Release = &driver.Release{ID: "r3"}
				r.state.Records[name] = &before
			}
			if moves := r.reconcile().Moves; len(moves) != 1 || len(moves[0].Do) > 0 || moves[0].Pending == nil || moves[0].Pending.Kind != rollout.WaitSoak {
				t.Fatalf("while it stands on both: %+v", moves)
			}
			r.state.Records[leaves].Release = &driver.Release{ID: "r2"}
			moves := r.reconcile().Moves
			r.does(moves[0], "Cancel")
			if c, ok := moves[0].Do[0].(rollout.Cancel); !ok || !strings.Contains(c.Cause, "r3 was to stand on "+leaves+" until") {
				t.Errorf("cause: %+v", moves[0].Do[0])
			}
		})
	}
}
