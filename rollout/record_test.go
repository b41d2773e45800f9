package rollout

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

func TestFinding(t *testing.T) {
	s := newRig(t)
	_, ok := s.r.Newest()
	s.want("newest of none", ok, false)
	s.start(canary("10"))
	s.start(release("r3"), promotion("p2"))
	newest, _ := s.r.Newest()
	active, _ := s.r.Active()
	s.want("newest and active", []string{newest.Rollout.Name, active.Rollout.Name}, []string{"r3-to-web-0001", "r2-to-web-0001"})
	e, ok := s.r.Of("p2")
	s.want("promotion", []any{e.Rollout.Name, ok}, []any{"r3-to-web-0001", true})
	_, ok = s.r.Of("p9")
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
	s := newRig(t)
	e := s.start(canary("10"))
	e.Rollout.State = "PAUSED"
	due := s.after(48 * time.Hour)
	s.wantWait(due, WaitOperator, 0)
	s.want("why", []any{due.Waiting.Cause, due.Waiting.State}, []any{CauseState, State("PAUSED")})
	s.want("state", e.Rollout.State, State("PAUSED"))
	for name, do := range commands {
		if name == "cancel" || name == "rollback" {
			continue // it is not over, and it touched the target
		}
		trial := s.r.Clone()
		x, _ := trial.Active()
		s.wantRefusal(Apply(&trial, do(x), s.now), "PAUSED", "")
	}
}

func TestIntentIsDatedAnew(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"lost"}
	e := s.start()
	s.must(s.apply(Redate{Key: e.Steps[0].Call.Key, At: t0.Add(time.Hour)}))
	s.want("intended", e.Steps[0].Call.Intended, t0.Add(time.Hour))
	s.run()
	s.must(s.apply(Redate{Key: e.Steps[0].Call.Key, At: t0.Add(2 * time.Hour)}))
	s.want("not when it is over", e.Steps[0].Call.Intended, t0.Add(time.Hour))
}

// TestMirrorKeepsWhatOnlyWeKnow beside everything that the platform says.
func TestMirrorKeepsWhatOnlyWeKnow(t *testing.T) {
	s := newRig(t)
	e := s.create(plan(onRemote, func(p *Spec) { p.Controlled = true }), false)
	e.Rollout.RolledBackByRollouts = []string{"back"}
	controller := e.Rollout.ControllerRollout
	theirs, err := decodePlatform(json.RawMessage(`{"name":"theirs","targetId":"prod","state":"NEWER","createTime":"2026-01-01T00:00:00Z","controllerRollout":"c","metadata":{"x":1},"brandNew":true}`))
	if err != nil {
		t.Fatal(err)
	}
	mirror{e}.took(theirs)
	s.want("name", []string{e.Rollout.Name, e.PlatformName}, []string{"r2-to-web-0001", "theirs"})
	s.want("links", []any{e.Rollout.ControllerRollout, e.Rollout.RolledBackByRollouts}, []any{controller, []string{"back"}})
	s.want("theirs", []any{e.Rollout.TargetID, e.Rollout.State, e.Rollout.CreateTime.Year(), string(e.Rollout.Metadata), string(e.Rollout.Unknown)}, []any{"prod", "NEWER", 2026, `{"x":1}`, `{"brandNew":true}`})
}

// TestAPlatformsRolloutThatCannotBeRead is told, and the state stays as it was.
func TestAPlatformsRolloutThatCannotBeRead(t *testing.T) {
	s := newRemote(t)
	e := s.start(onRemote)
	for _, text := range []string{`{"state":7}`, `{"name":"x"}`, `[]`} {
		before := encoded(t, s.r)
		op := driver.Operation{Status: driver.Done, Results: map[string]driver.Result{"web": {Outcome: driver.Succeeded, Rollout: json.RawMessage(text)}}}
		refused := s.refusal(s.apply(Answer{Key: e.Steps[0].Call.Key, Operation: op}), ReasonUndecodable)
		s.want("message", strings.HasPrefix(refused.Message, "the platform's rollout cannot be read: "), true)
		s.want("as it was", string(encoded(t, s.r)), string(before))
	}
	s.want("still followed", s.run().Action, ActionFollow)
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
