package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
)

// status reads what is known of all targets.
func (w *world) status(orphans bool) engine.Status {
	w.t.Helper()
	p := w.start()
	s, err := p.Status(p.ctx, find(p.Engine, nil), orphans)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// TestStatus: what stands where, and what differs from what the state says.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		w.must(rollout.StatusPending, promote("prod"))
		commits := w.memory.Commits()
		s := w.status(true)
		if len(s.Targets) != 2 || s.Targets[0].Runs != "r2" || s.Targets[1].Runs != "r1" {
			t.Errorf("targets %+v", s.Targets)
		}
		waits(t, s.Outcome, "web", rollout.WaitBake)
		if n := w.memory.Commits() - commits; n != 0 {
			t.Errorf("status saved %d times", n)
		}
		w.set("web-dev", func(r *rollout.Record) { r.Adopt(releaseOf("r1"), "alice", time.Now()) })
		if s := w.status(false); !s.Targets[0].Drift {
			t.Errorf("no drift: %+v", s.Targets[0])
		}
		w.sky().spots["web"].gone = true
		if s := w.status(false); s.Targets[1].Problem == "" {
			t.Error("a platform that says no is no problem")
		}
	})
}

// TestOrphans: records of targets that the file no longer has are shown; that
// of a renamed target is not, once it was taken over or not.
func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		w.must(rollout.StatusSucceeded, promote("prod"))
		w.file = strings.Replace(two, "      - {name: api, component: api, sky: {spot: api}}\n", "", 1)
		w.file = strings.Replace(w.file, "{name: web, component: web, sky: {spot: web}}", "{name: shop-web, formerly: web, component: web, sky: {spot: web}}", 1)
		for range 2 {
			var orphans []string
			for _, o := range w.status(true).Targets {
				if o.Orphaned {
					orphans = append(orphans, o.Target)
				}
			}
			if strings.Join(orphans, " ") != "api" {
				t.Errorf("orphans %v", orphans)
			}
			w.sky().put("web-dev", "r3")
			w.do(promote("prod"))
		}
	})
}

// TestFormerly: a renamed target takes over what its earlier name had, what is
// under way included.
func TestFormerly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = time.Hour
		w.must(rollout.StatusPending, promote("prod"))
		w.file = strings.Replace(one, "{name: web, sky", "{name: shop-web, formerly: web, sky", 1)
		time.Sleep(time.Hour)
		out := w.must(rollout.StatusSucceeded, reconcile())
		if o := out.Targets[0]; o.Target != "shop-web" || o.Rollout != "r2-to-web-0001" {
			t.Errorf("outcome %+v", o)
		}
		w.had("web deploy")
		r := w.record("shop-web")
		if r.Release == nil || r.Release.ID != "r2" || r.Target != "shop-web" {
			t.Errorf("record of %s, release %v", r.Target, r.Release)
		}
		said := false
		for _, e := range r.Events {
			said = said || e.Type == "target.renamed"
		}
		if !said {
			t.Error("the history says nothing of it")
		}
		w.sky().slow = 0
		w.must(rollout.StatusSucceeded, rollback("shop-web"))
		if got := w.sky().stand("web").Release; got != "r1" {
			t.Errorf("it runs %s", got)
		}
	})
}

// TestFormerlyHeld: a run that still works under the earlier name is respected.
func TestFormerlyHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, one)
		w.sky().slow = 10 * time.Minute
		done, p := make(chan result), w.start()
		go func() { done <- p.run(promote("prod")) }()
		time.Sleep(time.Minute)
		file := w.file
		w.file = strings.Replace(one, "{name: web, sky", "{name: shop-web, formerly: web, sky", 1)
		r := w.do(promote("prod"), other, func(c *engine.Config) { c.Over = nil })
		w.file = file
		if r.err == nil || !strings.Contains(r.err.Error(), "run/1") {
			t.Errorf("error %v, want who holds it", r.err)
		}
		<-done
		w.had("web deploy")
	})
}

// TestPlan: what would happen, without any of it.
func TestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, with(one, canary30))
		p := w.start()
		plan := func(mods ...func(*engine.Promotion)) engine.Plan {
			req := engine.Promotion{Stage: w.stage("prod"), Targets: w.targets("web")}
			for _, mod := range mods {
				mod(&req)
			}
			got, err := p.Plan(p.ctx, req)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := plan()
		if got.Refused() || len(got.Targets) != 1 {
			t.Fatalf("plan %+v", got)
		}
		if o := got.Targets[0]; o.Release != "r2" || o.Source != "web-dev" || strings.Join(o.Phases, " ") != "canary-10 canary-50 stable" || len(o.Requests) != 1 {
			t.Errorf("target %+v", o)
		}
		if got := plan(func(p *engine.Promotion) { p.Release = "r3" }); !got.Refused() {
			t.Error("a promotion that is refused is not refused in its plan")
		}
		if n := w.memory.Commits() + len(w.effects()); n != 0 {
			t.Errorf("%d commits and effects", n)
		}
	})
}

// TestEvents: the history of targets in the order of time.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, two)
		w.must(rollout.StatusSucceeded, promote("prod", only("web")))
		time.Sleep(time.Minute)
		w.must(rollout.StatusSucceeded, promote("prod", only("api")))
		p := w.start()
		events, err := p.Events(context.WithoutCancel(p.ctx), find(p.Engine, nil))
		if err != nil || len(events) < 8 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		for i, e := range events[1:] {
			if e.Time.Before(events[i].Time) {
				t.Errorf("%s of %s comes before %s", events[i].Type, events[i].Time, e.Time)
			}
		}
	})
}
