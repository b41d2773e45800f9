package rollout

import (
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// testers has a plan show its release to testers first. It comes after what it goes on
// from.
func testers(s *Spec) {
	s.LeadTesters(driver.Header{Domain: "api.example.com", Name: "x-canary", Value: "beta"})
}

// Testers have the release alone until somebody goes on, and what stands for them is
// gone in the end.
func TestTestersFirst(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), disabled, testers)
	s.want("sent", s.sent, []string{"host", "route"})
	s.want("runs", s.runs, "r1 hosts r2 for testers")
	s.want("states", states(e), "IN_PROGRESS testers=SUCCEEDED canary-10=PENDING stable=PENDING")
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1+10%r2 hosts r2 for testers")
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent[2:], []string{"weight 10", "stable", "disable", "unroute", "unhost"})
	s.want("runs", s.runs, "r2")
	s.want("states", states(s.rollout(e.Rollout.Name)), "SUCCEEDED testers=SUCCEEDED canary-10=SUCCEEDED stable=SUCCEEDED")
}

// The wait of the canary is that of its testers too, and what is measured in it waits for
// traffic.
func TestTestersWaitAndAreNotMeasured(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), waits(time.Hour), gated(JobVerify, JobAnalysis), testers)
	s.want("jobs", jobs(t, e, "testers"), "deploy=SUCCEEDED verify=SUCCEEDED")
	s.wantWait(s.run(), WaitBake, time.Hour)
	s.after(time.Hour)
	s.want("checks", s.checks[:3], []string{"testers/verify", "canary-10/verify", "canary-10/analysis"})
}

// Every way that a canary ends takes away what stands for testers.
func TestTestersEnd(t *testing.T) {
	name := func(s *rig) string { e, _ := s.r.Active(); return e.Rollout.Name }
	ways := map[string]struct {
		end  func(s *rig)
		sent []string
	}{
		"cancel":   {func(s *rig) { s.must(s.apply(Cancel{Rollout: name(s), By: person("bob")})) }, []string{"rollback", "unroute", "unhost"}},
		"rollback": {func(s *rig) { s.must(s.apply(GoBack{By: person("bob")})) }, []string{"rollback", "unroute", "unhost"}},
		"disable-canary": {func(s *rig) {
			s.must(s.apply(DisableCanary{Spec: plan(), By: person("bob")}))
		}, []string{"disable", "unroute", "unhost"}},
		"a release without a header takes over": {func(s *rig) {
			s.must(s.apply(Replace{Create: Create{Spec: plan(func(p *Spec) { p.Release.ID = "r3" })}}))
		}, []string{"deploy", "unroute", "unhost"}},
	}
	for name, way := range ways {
		for at, began := range map[string][]string{"testers": {"host", "route"}, "canary-10": {"host", "route", "weight 10"}} {
			t.Run(name+" at "+at, func(t *testing.T) {
				s := newRig(t)
				e := s.start(canary("10"), testers)
				if at != "testers" {
					s.must(s.apply(Advance{Rollout: e.Rollout.Name, By: person("bob")}))
					s.run()
				}
				way.end(s)
				s.run()
				s.want("sent", s.sent, append(began, way.sent...))
				if s.runs.Hosted != "" || s.runs.Routed || s.runs.Canary != "" {
					t.Errorf("it runs %s", s.runs)
				}
				if h := s.r.Testers(); h != nil {
					t.Errorf("the record still says that testers are led by %+v", h)
				}
			})
		}
	}
}

// A failure puts everything back where the plan says so, wherever it was.
func TestTestersPutBack(t *testing.T) {
	for failing, sent := range map[string][]string{
		"testers/verify":   {"host", "route", "rollback", "unroute", "unhost"},
		"canary-10/verify": {"host", "route", "weight 10", "rollback", "unroute", "unhost"},
		"stable/stable":    {"host", "route", "weight 10", "stable", "rollback", "unroute", "unhost"},
	} {
		t.Run(failing, func(t *testing.T) {
			s := newRig(t)
			answer := "fail"
			if strings.HasSuffix(failing, "stable") {
				answer = "denied"
			}
			s.script[failing] = []string{answer}
			e := s.start(canary("10"), waits(time.Minute), gated(JobVerify), testers)
			s.after(time.Minute)
			s.after(time.Minute)
			s.want("sent", s.sent, sent)
			s.want("runs", s.runs, "r1")
			s.want("state", s.rollout(e.Rollout.Name).Rollout.State, StateFailed)
		})
	}
}

// What is put back in part goes on where it was, in its order.
func TestTestersPutBackInOrder(t *testing.T) {
	for _, kind := range []string{"rollback", "unroute", "unhost"} {
		t.Run(kind, func(t *testing.T) {
			s := newRig(t)
			s.script["canary-10/verify"], s.script["canary-10/"+kind] = []string{"fail"}, []string{"withdraw"}
			s.start(canary("10"), waits(time.Minute), gated(JobVerify), testers)
			s.after(time.Minute)
			s.run()
			s.run()
			var again []string
			for _, one := range []string{"rollback", "unroute", "unhost"} {
				again = append(again, one)
				if one == kind {
					again = append(again, one)
				}
			}
			s.want("sent", s.sent[3:], again)
			s.want("runs", s.runs, "r1")
		})
	}
}

func TestTestersHeld(t *testing.T) {
	s := newRig(t)
	s.script["testers/verify"] = []string{"fail"}
	e := s.start(canary("10"), gated(JobVerify), holds, testers)
	s.want("runs", s.runs, "r1 hosts r2 for testers")
	s.must(s.apply(GoBack{By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"host", "route", "rollback", "unroute", "unhost"})
	s.want("state", s.rollout(e.Rollout.Name).Rollout.State, StateFailed)
}

// A retry has testers led there again before the canary gets traffic.
func TestTestersStandAgain(t *testing.T) {
	for _, failing := range []string{"testers/verify", "canary-10/verify", "stable/stable"} {
		t.Run(failing, func(t *testing.T) {
			s := newRig(t)
			answer := "fail"
			if failing == "stable/stable" {
				answer = "denied"
			}
			s.script[failing] = []string{answer}
			e := s.start(canary("10"), waits(time.Minute), gated(JobVerify), testers)
			s.after(time.Minute)
			s.after(time.Minute)
			s.want("put back", s.runs, "r1")
			before := len(s.sent)
			s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
			s.run()
			s.after(time.Minute)
			s.after(time.Minute)
			s.want("sent", s.sent[before:], []string{"host", "route", "weight 10", "stable", "unroute", "unhost"})
			s.want("runs", s.runs, "r2+0%r2")
			s.want("state", s.rollout(e.Rollout.Name).Rollout.State, StateSucceeded)
		})
	}
}

// Who goes from testers to all of the traffic has no canary to promote.
func TestFromTestersToStable(t *testing.T) {
	s := newRig(t)
	e := s.start(canary("10"), disabled, testers)
	s.must(s.apply(Advance{Rollout: e.Rollout.Name, Phase: PhaseStable, Jump: true, By: person("bob")}))
	s.run()
	s.want("sent", s.sent, []string{"host", "route", "deploy", "unroute", "unhost"})
	s.want("runs", s.runs, "r2")
	s.want("states", states(s.rollout(e.Rollout.Name)), "SUCCEEDED testers=SUCCEEDED canary-10=SKIPPED stable=SUCCEEDED")
}

// Who begins behind testers shows them nothing.
func TestBehindTesters(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"), testers, func(p *Spec) { p.StartAt("canary-10") })
	s.want("sent", s.sent, []string{"weight 10"})
}

// In a first deployment there is nothing to show beside.
func TestTestersOfAFirstDeployment(t *testing.T) {
	s := newRig(t)
	s.runs = traffic{}
	e := s.start(canary("10"), testers)
	s.want("sent", s.sent, []string{"deploy", "unroute", "unhost"})
	s.want("states", states(e), "SUCCEEDED testers=SKIPPED canary-10=SKIPPED stable=SUCCEEDED")
}

// What cannot be taken away fails the rollout, which keeps its release, and a retry
// takes up where it was.
func TestTestersCannotBeTakenAway(t *testing.T) {
	s := newRig(t)
	s.script["stable/unroute"] = []string{"denied"}
	e := s.start(canary("10"), waits(time.Minute), testers)
	s.after(time.Minute)
	s.after(time.Minute)
	s.want("state", e.Rollout.State, StateFailed)
	s.want("runs", s.runs, "r2+0%r2 hosts r2 for testers")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.want("sent", s.sent[4:], []string{"unroute", "unroute", "unhost"})
	s.want("state", s.rollout(e.Rollout.Name).Rollout.State, StateSucceeded)
}

func TestTestersCannotBeTakenAwayAfterAFailure(t *testing.T) {
	s := newRig(t)
	s.script["testers/verify"], s.script["testers/unroute"] = []string{"fail"}, []string{"denied"}
	e := s.start(canary("10"), gated(JobVerify), testers)
	if why := e.Rollout.FailureReason; !strings.Contains(why, "testers/verify failed; and what stands for testers could not be taken away: denied") {
		t.Errorf("reason %q", why)
	}
	s.want("runs", s.runs, "r1 hosts r2 for testers")
	s.must(s.apply(DisableCanary{Spec: plan(), By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1")
}

// The next promotion goes back to what stood before the canary, not to the canary.
func TestTestersOfTwoReleases(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"), testers)
	s.must(s.apply(Replace{Create: Create{Spec: plan(canary("10"), testers, func(p *Spec) { p.Release.ID = "r3" })}}))
	s.run()
	s.want("runs", s.runs, "r1 hosts r3 for testers")
	s.must(s.apply(GoBack{By: person("bob")}))
	s.run()
	s.want("runs", s.runs, "r1")
}
