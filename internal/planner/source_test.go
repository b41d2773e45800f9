package planner_test

import (
	"testing"

	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// TestNothingRuns: a source where nothing runs has nothing to promote.
func TestNothingRuns(t *testing.T) {
	r := newRig(t, one)
	r.platform.runs["web-dev"] = driver.Live{}
	r.refuses(r.promote("prod"), "nothing runs on web-dev yet")
}

// TestOtherRelease: a release that does not run on the source is not promoted
// from there; one that does may be called by its name.
func TestOtherRelease(t *testing.T) {
	r := newRig(t, one)
	r.refuses(r.promote("prod", release("r3")), "release r3 does not run on web-dev")
	r.platform.runs["web-dev"] = driver.Live{Release: driver.Release{ID: "abcdef0999", Name: "v42"}}
	for _, named := range []string{"abcdef0999", "v42", "abcdef0"} {
		m := r.move(r.passes(r.promote("prod", release(named))), "web")
		if got := m.Do[0].(rollout.Create).Spec.Release.ID; got != "abcdef0999" {
			t.Errorf("%s is %s", named, got)
		}
	}
	r.refuses(r.promote("prod", release("abcdef")), "does not run on web-dev") // too short for an id
}

// TestDrift: a source that runs something else than its record says is refused,
// until a person says that it is right.
func TestDrift(t *testing.T) {
	r := newRig(t, chain)
	r.carry(r.promote("staging"))
	r.drive("web-staging")
	r.passes(r.promote("prod"))
	r.platform.runs["web-staging"] = live("r3")
	r.refuses(r.promote("prod"), "web-staging runs r3, but the state says r2")
	m := r.move(r.passes(r.promote("prod", acceptDrift)), "web")
	if got := m.Do[0].(rollout.Create).Spec.Release.ID; got != "r3" {
		t.Errorf("brings %s", got)
	}
}

// TestFailedSource: a release that failed on its source goes no further, until
// somebody retried or ignored it, or takes it past the stage.
func TestFailedSource(t *testing.T) {
	for name, do := range map[string]rollout.Transition{
		"retry-job":  rollout.RetryJob{By: rollout.Actor{Login: "bob", Person: true}},
		"ignore-job": rollout.IgnoreJob{By: rollout.Actor{Login: "bob", Person: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, chain)
			r.carry(r.promote("staging"))
			r.drive("web-staging", rollout.JobVerify)
			r.refuses(r.promote("prod"), "release r2 failed on web-staging")
			r.passes(r.promote("prod", skipStages))
			r.apply("web-staging", do)
			r.drive("web-staging")
			r.passes(r.promote("prod"))
		})
	}
}

// TestUnfinishedSource: a release that is still being rolled out on its source
// goes no further; what goes back there is no such thing.
func TestUnfinishedSource(t *testing.T) {
	r := newRig(t, chain)
	r.carry(r.promote("staging"))
	r.drive("web-staging", "lost")
	r.platform.runs["web-staging"] = live("r2")
	r.refuses(r.promote("prod"), "release r2 is still being rolled out on web-staging")
	r.passes(r.promote("prod", skipStages))
}

// TestAbandoned: an abandoned release is promoted neither to a place nor from it,
// not past stages either, unless the block is overridden.
func TestAbandoned(t *testing.T) {
	for _, where := range []string{"web", "web-staging"} {
		r := newRig(t, chain)
		r.carry(r.promote("staging"))
		r.drive("web-staging")
		r.apply(where, rollout.AddBlock{Block: rollout.Block{ID: "b1", Kind: rollout.BlockAbandon, Release: "r2", Whom: rollout.Everybody, By: "carol", Reason: "leaks"}})
		plan := r.promote("prod")
		r.refuses(plan, "leaks")
		if reason := plan.Refusals[0].Reason; reason == nil || len(reason.Blocks) != 1 || reason.Blocks[0].ID != "b1" || reason.Release != "r2" {
			t.Errorf("refused for %+v", reason)
		}
		r.actor.Overrides = []string{"b1"}
		r.passes(r.promote("prod"))
	}
	r := newRig(t, chain)
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "b1", Kind: rollout.BlockAbandon, Release: "r3", Whom: rollout.Everybody}})
	r.refuses(r.promote("prod", release("r3"), skipStages), "abandon")
	r.passes(r.promote("prod", release("r2"), skipStages))
}

// TestAbandonedEverywhere: a block that stands where the release comes from is told
// beside those of the target, with the place where it stands; one that stands on both
// is told once.
func TestAbandonedEverywhere(t *testing.T) {
	r := newRig(t, chain)
	r.carry(r.promote("staging"))
	r.drive("web-staging")
	abandon := rollout.AddBlock{Block: rollout.Block{ID: "b1", Kind: rollout.BlockAbandon, Release: "r2", Whom: rollout.Everybody}}
	r.apply("web-staging", abandon)
	r.apply("web", rollout.AddBlock{Block: rollout.Block{ID: "lock-1", Kind: rollout.BlockLock, Whom: rollout.Everybody}})
	r.blockedBy(r.promote("prod"), "lock-1", "b1 on web-staging")
	r.apply("web", abandon)
	r.blockedBy(r.promote("prod"), "lock-1", "b1")
	r.actor.Overrides = []string{"lock-1"}
	r.blockedBy(r.promote("prod"), "b1")
}

// TestSkipStages: a hot fix leaves stages out on purpose: from the start of its
// chain, from a stage that is named, or a release by its name.
func TestSkipStages(t *testing.T) {
	r := newRig(t, chain)
	from := func(p *planner.Promotion) { p.From = r.stage("dev") }
	r.refuses(r.promote("prod", from), "leaves stages out")
	for name, c := range map[string]struct {
		plan planner.Plan
		want string
	}{
		"from":    {r.promote("prod", from, skipStages), "r2"},
		"chain":   {r.promote("prod", skipStages), "r2"},
		"release": {r.promote("prod", skipStages, release("r3")), "r3"},
	} {
		create := r.move(r.passes(c.plan), "web").Do[0].(rollout.Create)
		if create.Spec.Release.ID != c.want {
			t.Errorf("%s brings %s, want %s", name, create.Spec.Release.ID, c.want)
		}
		if (c.plan.Promotion.From == "dev") != (name == "from") {
			t.Errorf("%s comes from %q", name, c.plan.Promotion.From)
		}
	}
	approved := newRig(t, staged(chain, "approval: {approvers: [bob], quorum: 1}"))
	m := approved.move(approved.passes(approved.promote("prod", skipStages, release("r3"))), "web")
	if spec := m.Do[0].(rollout.Create).Spec; !m.Shows.Approval || spec.Approval == nil || spec.Approval.Quorum != 1 {
		t.Error("a hot fix needs no approval any more")
	}
}

// TestFrom: a stage that is named as the source, before the target's or after it.
func TestFrom(t *testing.T) {
	r := newRig(t, chain)
	r.platform.runs["web"] = live("r3")
	m := r.move(r.passes(r.promote("staging", func(p *planner.Promotion) { p.From = r.stage("prod") })), "web-staging")
	if s := m.Do[0].(rollout.Create).Spec; s.Release.ID != "r3" || !s.Options.AnyOrder || s.Source.Name != "web" || m.Shows.Source != "web" {
		t.Errorf("%+v: the driver must be told that the order is on purpose", s)
	}
}

// TestFromSeveral: of several sources in a named stage the file says which.
func TestFromSeveral(t *testing.T) {
	const file = `
name: shop
stages:
  - name: dev
    targets:
      - {name: eu-dev, component: web, moon: {id: eu-dev}}
      - {name: us-dev, component: web, moon: {id: us-dev}}
      - {name: api-dev, component: api, fleet: {id: api-dev}}
  - name: prod
    targets:
      - {name: us, component: web, from: us-dev, moon: {id: us}}
  - name: late
    targets:
      - {name: last, component: web, moon: {id: last}}
`
	r := newRig(t, file)
	from := func(p *planner.Promotion) { p.From = r.stage("dev") }
	if m := r.move(r.passes(r.promote("prod", from)), "us"); m.Shows.Source != "us-dev" {
		t.Errorf("comes from %s", m.Shows.Source)
	}
	r.refuses(r.promote("late", from, skipStages), "several targets of this component")
	none := func(p *planner.Promotion) { p.From, p.Targets = r.stage("prod"), r.targets("api-dev") }
	r.refuses(r.promote("dev", none, skipStages), "no target of this component on this platform")
}
