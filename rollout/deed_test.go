package rollout

import (
	"fmt"
	"testing"
	"time"

	"sluice/analysis"
)

// deeds are what the events of a rig's record ended, in words.
func (s *rig) deeds() []string {
	var all []string
	for _, e := range s.r.Events {
		d, ok := s.r.Deed(e)
		if !ok {
			continue
		}
		text := fmt.Sprintf("%s %s", d.Kind, d.Result)
		switch d.Kind {
		case DeedEffect:
			text += " " + string(d.Effect) + " of " + d.Run
		case DeedJob:
			text += " " + d.Run
		case DeedPhase:
			text += " " + d.Phase
		}
		all = append(all, fmt.Sprintf("%s %s", text, d.Ended.Sub(d.Began)))
	}
	return all
}

// TestDeeds: each thing that ended is told with what it was part of and how long it took,
// also where it began in another invocation.
func TestDeeds(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"run"}
	s.script["poll/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run", "run"}
	s.start(gated(JobVerify))
	s.want("nothing is over", s.deeds(), []string(nil))
	s.now = s.now.Add(time.Minute)
	for range 4 {
		s.run()
	}
	s.want("in the end", s.deeds(), []string{
		"effect success deploy of r2-to-web-0001/stable-deploy-1 1m0s", "job success r2-to-web-0001/stable-deploy-1 1m0s",
		"job success r2-to-web-0001/stable-verify-1 0s", "phase success stable 1m0s", "rollout success 1m0s",
	})
}

// TestDeedsOfFailure: what failed, what was ended with it, and what put it right.
func TestDeedsOfFailure(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail"}
	s.start(canary("10"), waits(time.Minute), restores, gated(JobVerify))
	s.run()
	s.want("in the end", s.deeds(), []string{
		"effect success weight of r2-to-web-0001/canary-10-deploy-1 0s", "job success r2-to-web-0001/canary-10-deploy-1 0s",
		"job failure r2-to-web-0001/canary-10-verify-1 0s", "phase failure canary-10 0s",
		"effect success rollback of r2-to-web-0001/canary-10-verify-1 0s", "rollout failure 0s",
	})
	for _, e := range s.r.Events {
		if d, ok := s.r.Deed(e); ok && d.Kind == DeedRollout && d.Cause != ExecutionFailed {
			t.Errorf("%+v", d)
		}
	}
	if _, ok := s.r.Deed(Event{Type: "rollout.failed", Rollout: "nobody"}); ok {
		t.Error("a rollout that is not there")
	}
}

// TestDeedBeganFirst: what asked in between, or was resumed, began where it began first,
// and what is done again begins anew.
func TestDeedBeganFirst(t *testing.T) {
	s := newRig(t)
	add := func(kind string, temporary bool) Event {
		s.now = s.now.Add(time.Minute)
		s.r.AddEvent(Event{Type: kind, Time: s.now, Temporary: temporary, Action: "k1", Rollout: "r2-to-web-0001", Phase: PhaseStable, Job: JobDeploy})
		return s.r.Events[len(s.r.Events)-1]
	}
	s.create(plan(), false)
	took := func(e Event) time.Duration {
		d, ok := s.r.Deed(e)
		if !ok {
			t.Fatalf("%s ended nothing", e.Type)
		}
		return d.Ended.Sub(d.Began)
	}
	add("effect.intended", true)
	add("effect.asking", true)
	s.want("with a question", took(add("effect.failed", false)), 2*time.Minute)
	add("effect.resumed", true)
	s.want("again", took(add("effect.succeeded", false)), time.Minute)
}

// TestDeedsOfChecks: a look knows the job's run that it is of.
func TestDeedsOfChecks(t *testing.T) {
	s := newRig(t)
	s.script["stable/verify"] = []string{"interrupted"}
	e := s.start(gated(JobVerify))
	due := Due{Rollout: e.Rollout.Name, Phase: PhaseStable, Job: JobVerify}
	for verdict, want := range map[analysis.Verdict]Result{analysis.Passed: ResultSuccess, analysis.Failed: ResultFailure, analysis.Inconclusive: ResultUnclear} {
		d := s.r.Checking(due).Checked(Gate{Run: []string{"smoke"}}, analysis.Sample{Verdict: verdict, Value: "0.2"}, t0, t0.Add(time.Second))
		if d.Kind != DeedCheck || d.Result != want || d.Run != "r2-to-web-0001/stable-verify-1" || d.PhaseBegan.IsZero() || d.Value != "0.2" || d.Check == "" {
			t.Errorf("%s: %+v", verdict, d)
		}
	}
}

// TestDeedOfAPromotion: it ends as the worst of its members.
func TestDeedOfAPromotion(t *testing.T) {
	for _, tt := range []struct {
		stands []class
		want   Result
	}{
		{[]class{classGood, classFailed, classEnded}, ResultFailure},
		{[]class{classGood, classEnded, classSkipped}, ResultCancellation},
		{[]class{classSkipped, classGood}, ResultSuccess},
		{[]class{classSkipped}, ResultSkip},
	} {
		g := &Group{Promotion: &Promotion{ID: "p1", CreateTime: t0, EndTime: t0.Add(time.Hour)}}
		for _, c := range tt.stands {
			g.stands = append(g.stands, standing{class: c})
		}
		if d := g.Deed(); d.Result != tt.want || d.Ended.Sub(d.Began) != time.Hour || d.Promotion != "p1" {
			t.Errorf("%v: %+v, want %s", tt.stands, d, tt.want)
		}
	}
}
