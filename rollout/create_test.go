package rollout

import (
	"regexp"
	"strings"
	"testing"

	"sluice/stages/driver"
)

// platformLine is one event of a platform's own history.
type platformLine struct {
	id, message, action string
	temporary           bool
}

func driverEvents(lines []platformLine) []driver.Event {
	var events []driver.Event
	for _, l := range lines {
		events = append(events, driver.Event{ID: l.id, Type: "deploy", Time: t0, Message: l.message, Temporary: l.temporary, Action: l.action})
	}
	return events
}

func TestNames(t *testing.T) {
	slug := "0123abcd-1234-1234-1234-123456789012"
	for _, c := range []struct{ release, target, want string }{
		{"r2", "web", "r2-to-web-0007"},
		{"v1.2.3", "web", "r-e3cad1a6-web-0007"},
		{slug, "web", "r-46a86ef0-web-0007"},
		{"", "web", "r-e3b0c442-web-0007"},
		{"r2", strings.Repeat("a", 63), "r-db77fd01-" + strings.Repeat("a", 40) + "-0007"},
	} {
		got := Name(c.release, c.target, 7)
		if !namePattern().MatchString(got) || len(got) > 63 {
			t.Errorf("%s breaks the pattern", got)
		}
		if got != c.want {
			t.Errorf("%q to %q: %s, want %s", c.release, c.target, got, c.want)
		}
	}
	if a, b := Name("v1.2.3", "web", 1), Name("v1.2.4", "web", 1); a == b {
		t.Errorf("two releases are both %s", a)
	}
}

func TestNamesAreUsedOnce(t *testing.T) {
	s := newRig(t)
	s.want("first", s.start().Rollout.Name, "r2-to-web-0001")
	s.want("second", s.start(promotion("p2")).Rollout.Name, "r2-to-web-0002")
	s.start(release("r3"), promotion("p3"))
	s.want("both moved to the history", len(s.seal().Rollouts), 2)
	s.want("what moved is remembered", s.start(promotion("p4")).Rollout.Name, "r2-to-web-0003")
}

// TestNamedByTheReleasesName, where people have one for it.
func TestNamedByTheReleasesName(t *testing.T) {
	s := newRig(t)
	e := s.start(func(p *Spec) { p.Release.ID, p.Release.Name = "0123abcd-1234-1234-1234-123456789012", "V42" })
	s.want("name", e.Rollout.Name, "v42-to-web-0001")
}

func TestControllerName(t *testing.T) {
	got := ControllerName("r2", "production", "0b7c5a1e-0000-4000-8000-000000000000")
	if !regexp.MustCompile(`^r2-to-production-[0-9a-f]{4}$`).MatchString(got) {
		t.Errorf("%s", got)
	}
	if other := ControllerName("r2", "production", "another"); other == got {
		t.Errorf("two promotions share %s", got)
	}
}

func TestPhasesOf(t *testing.T) {
	s := newRig(t)
	s.want("none", PhasesOf(nil, true), []PhaseSpec{{ID: "stable", Effects: []driver.Kind{driver.Deploy}}})
	s.want("some", PhasesOf(shares("10.5"), true), []PhaseSpec{
		{ID: "canary-10.5", Percent: "10.5", Effects: []driver.Kind{driver.Weight}},
		{ID: "stable", Effects: []driver.Kind{driver.Stable, driver.Disable}},
	})
}

func TestJobsByPhase(t *testing.T) {
	s := newRig(t)
	e := s.create(plan(canary("10", "50"), gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy)), false)
	s.want("first", jobs(t, e, "canary-10"), "predeploy=PENDING deploy=PENDING verify=PENDING analysis=PENDING")
	s.want("middle", jobs(t, e, "canary-50"), "deploy=PENDING verify=PENDING analysis=PENDING")
	s.want("last", jobs(t, e, "stable"), "deploy=PENDING verify=PENDING postdeploy=PENDING")
	s.want("uid", len(e.Rollout.UID), 36)
}

func TestControllerOfSeveralTargets(t *testing.T) {
	s := newRig(t)
	one := s.create(plan(), false).Rollout.ControllerRollout
	s.want("one target has none", one, "")
	many := s.create(plan(func(p *Spec) { p.Controlled = true }), false)
	s.want("several have one", many.Rollout.ControllerRollout, ControllerName("r2", "production", "p1"))
}

// TestChange is what an effect asks of the platform.
func TestChange(t *testing.T) {
	s := newRig(t)
	source := driver.Target{Name: "staging"}
	e := s.start(canary("10", "50"), func(p *Spec) {
		p.Source, p.Variables, p.UseStageCache = &source, map[string]string{"k": "v"}, true
	})
	c := e.Change(Due{Kind: driver.Weight, Phase: "canary-50", Job: JobDeploy})
	s.want("share", []any{c.Percent, c.Variables, c.UseStageCache}, []any{"50", map[string]string{"k": "v"}, true})
	s.want("where", []string{c.Target.Name, c.Source.Name, c.Release.ID, c.Phase, c.Job}, []string{"web", "staging", "r2", "canary-50", "deploy"})
	s.want("expected is what the last effect left", string(c.Expected), string(s.runs.json()))
	s.want("baseline", string(c.Baseline), `{"stable":"r1"}`)
	c = e.Change(Due{Kind: driver.Stable, Phase: "stable"})
	s.want("only a share has a share", c.Percent+"/"+string(c.Remote), "/")
	e.Accepted = true
	c = e.Change(Due{Kind: driver.Stable, Phase: "stable"})
	s.want("what stands is accepted", []any{string(c.Expected), c.Options.Resolved}, []any{"", true})
	s.want("key", e.CallKey(Due{Kind: driver.Weight, Phase: "canary-10"}), "r2-to-web-0001/canary-10/weight/2")
}

// TestBatchKeepsOneTargetsShare: the other members' records hold theirs.
func TestBatchKeepsOneTargetsShare(t *testing.T) {
	s := newRig(t)
	s.create(plan(), false)
	Settle(&s.r, nil, Setting{}, s.now)
	due := Next(&s.r, nil, Setting{}, s.now)
	e := s.rollout(due.Rollout)
	other := e.Change(due)
	other.Target.Name = "api"
	call := driver.Call{Key: "k", Kind: driver.Deploy, Changes: []driver.Change{e.Change(due), other}}
	s.must(s.apply(Intend{Due: due, Call: call, Before: s.runs.json()}))
	s.want("shared", e.Steps[0].Shared, true)
	s.want("changes", e.Steps[0].Call.Names(), []string{"web"})
	s.want("the caller's call is whole", len(call.Changes), 2)
	op := driver.Operation{Status: driver.Done, Results: map[string]driver.Result{
		"web": {Outcome: driver.Succeeded, Release: driver.Release{ID: "r2"}}, "api": {Outcome: driver.Failed},
	}}
	s.must(s.apply(Answer{Key: "k", Operation: op}))
	s.want("results", len(e.Steps[0].Operation.Results), 1)
	s.want("the caller's operation is whole", len(op.Results), 2)
	s.want("state", e.Steps[0].State, StepDone)
	s.must(s.apply(Answer{Key: "k", Operation: driver.Operation{Results: map[string]driver.Result{"web": {Outcome: driver.Failed}}}}))
	s.want("a late answer changes nothing", e.Steps[0].State, StepDone)
}

// TestBaselineIsOfTheFirstEffectThatMayHaveActed, even where it is empty.
func TestBaselineIsOfTheFirstEffectThatMayHaveActed(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/weight"] = []string{"withdraw"}
	e := s.start(canary("10", "50"))
	s.runs = traffic{Stable: "r1b"}
	s.run()
	s.want("a withdrawn effect does not count", string(e.Baseline), `{"stable":"r1b"}`)
	e.Baseline = nil
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("what we did is no baseline", string(e.Baseline), "")
}

func TestCauses(t *testing.T) {
	for code, want := range map[driver.Code]FailureCause{
		driver.NotFound: ReleaseFailed, driver.Unsupported: OperationFeatureNotSupported,
		driver.Denied: ExecutionFailed, driver.Unknown: ExecutionFailed,
	} {
		if got := CauseOf(code); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	s := newRig(t)
	s.want("a problem may name it", causeOf([]driver.Problem{{Code: "500"}, {Code: "release_failed"}}), ReleaseFailed)
	s.want("else", causeOf([]driver.Problem{{Code: "500"}}), ExecutionFailed)
	s.want("without a problem", problemsText(nil), "the platform reports a failure without a reason")
	e := s.start(func(p *Spec) { p.Release.ID = "r5" }, canary("10"))
	s.must(s.apply(Refuse{Due: Due{Phase: "stable", Job: JobDeploy, Kind: driver.Stable}, Cause: OperationFeatureNotSupported, Message: "cannot"}))
	s.want("cause", e.Rollout.DeployFailureCause, OperationFeatureNotSupported)
}

func TestAdopt(t *testing.T) {
	s := newRig(t)
	s.must(s.apply(Adopt{Release: driver.Release{ID: "r7"}, By: person("bob")}))
	s.want("release", s.r.Release.ID, "r7")
	s.want("previous of what comes", s.start().Previous.ID, "r7")
}
