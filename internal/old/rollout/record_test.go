package rollout

import (
	"encoding/json"
	"testing"
	"time"

	"sluice/stages/driver"
)

func TestFinding(t *testing.T) {
	s := newStand(t)
	_, ok := s.r.Newest()
	s.want("newest of none", ok, false)
	s.promoted(s.start(canary("10")))
	s.promoted(s.start(release("r3"), promotion("p2")))
	newest, _ := s.r.Newest()
	active, _ := s.r.Active()
	s.want("newest and active", []string{newest.Rollout.Name, active.Rollout.Name}, []string{"r3-to-web-0001", "r2-to-web-0001"})
	p, ok := s.r.Promotion("p2")
	s.want("promotion", []any{p.Rollout, ok}, []any{"r3-to-web-0001", true})
	_, ok = s.r.Promotion("p9")
	s.want("no promotion", ok, false)
}

func TestGatesByJob(t *testing.T) {
	g := plan(gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy)).Gates
	for job, want := range map[string]int{JobPredeploy: 1, JobVerify: 1, JobAnalysis: 1, JobPostdeploy: 1, JobDeploy: 0} {
		if got := len(g.Of(job)); got != want {
			t.Errorf("%s has %d checks, want %d", job, got, want)
		}
	}
}

// TestUnknownStatesAreShownAndLeft: a newer version may have states that this
// one does not know.
func TestUnknownStatesAreShownAndLeft(t *testing.T) {
	s := newStand(t)
	e := s.start(canary("10"))
	e.Rollout.State = "PAUSED"
	due := s.after(48 * time.Hour)
	s.wantWait(due, WaitOperator, 0)
	s.want("by", due.Waiting.By, "unknown state PAUSED")
	s.want("state", e.Rollout.State, State("PAUSED"))
	for name, do := range commands {
		if name == "cancel" || name == "rollback" {
			continue // it is not over, and it touched the target
		}
		trial := s.r.Clone()
		x, _ := trial.Active()
		s.wantRefusal(do(&trial, x, s.now), "PAUSED", "")
	}
}

// TestMirrorKeepsWhatOnlyWeKnow beside everything that the platform says.
func TestMirrorKeepsWhatOnlyWeKnow(t *testing.T) {
	s := newStand(t)
	e := Create(&s.r, plan(onRemote, func(p *Spec) { p.Members = []string{"web", "api"} }), false, s.now)
	e.Rollout.RolledBackByRollouts = []string{"back"}
	controller := e.Rollout.ControllerRollout
	e.mirror(driver.Result{Rollout: json.RawMessage(`{"name":"theirs","targetId":"prod","state":"NEWER","createTime":"2026-01-01T00:00:00Z","controllerRollout":"c","metadata":{"x":1},"brandNew":true}`)})
	s.want("name", []string{e.Rollout.Name, e.PlatformName}, []string{"r2-to-web-0001", "theirs"})
	s.want("links", []any{e.Rollout.ControllerRollout, e.Rollout.RolledBackByRollouts}, []any{controller, []string{"back"}})
	s.want("theirs", []any{e.Rollout.TargetID, e.Rollout.State, e.Rollout.CreateTime.Year(), string(e.Rollout.Metadata), string(e.Rollout.Unknown)}, []any{"prod", "NEWER", 2026, `{"x":1}`, `{"brandNew":true}`})
	before := e.Rollout.State
	e.mirror(driver.Result{Rollout: json.RawMessage(`{"state":7}`)})
	s.want("what cannot be read is left", e.Rollout.State, before)
}

func TestResultsAreOfTheNewestWork(t *testing.T) {
	s := newStand(t)
	e := s.start()
	e.Steps[0].Operation = &driver.Operation{Results: map[string]driver.Result{"web": {Data: json.RawMessage(`["log"]`)}}}
	s.want("results", string(OutcomeOf(&s.r, e).Results), `["log"]`)
}

func TestAwaitsOfAPlatformsOwnRollout(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	for waiting, want := range map[string]WaitKind{"approval": WaitApproval, "advance": WaitPerson, "": ""} {
		e.Steps[0].Operation.Results["web"] = driver.Result{Outcome: driver.Open, Waiting: waiting}
		w, _ := e.Awaits(&s.r)
		s.want(waiting, w.Kind, want)
	}
}
