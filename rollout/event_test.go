package rollout

import (
	"fmt"
	"strings"
	"testing"
)

// TestHistoryTellsTheStory of a canary that fails, is retried and cancelled:
// every action that is opened is closed.
func TestHistoryTellsTheStory(t *testing.T) {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail"}
	e := s.start(canary("10"), gated(JobVerify))
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run", "fail"}
	s.run()
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.run()
	var lines []string
	for _, event := range s.r.Events {
		mark := ""
		switch {
		case event.Temporary:
			mark = "["
		case event.Action != "":
			mark = "]"
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", event.Type, event.Phase, event.Job, mark)))
	}
	want := `rollout.created
rollout.started
phase.started canary-10 [
job.started canary-10 deploy[
effect.intended canary-10 deploy[
effect.succeeded canary-10 deploy]
job.succeeded canary-10 deploy]
job.started canary-10 verify[
job.failed canary-10 verify]
phase.failed canary-10 ]
block.placed
effect.intended canary-10 verify[
effect.succeeded canary-10 verify]
rollout.failed
job.retried canary-10 verify
rollout.reopened
phase.started canary-10 [
block.ended
job.started canary-10 deploy[
effect.intended canary-10 deploy[
rollout.cancelling
block.placed
block.placed
effect.failed canary-10 deploy]
job.failed canary-10 deploy]
phase.failed canary-10 ]
effect.intended canary-10 deploy[
effect.succeeded canary-10 deploy]
rollout.cancelled`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
	s.want("open", len(openActions(s.r.Events)), 0)
}

// TestPlatformsEventsAreMergedOnce, and what it left open ends with the rollout.
func TestPlatformsEventsAreMergedOnce(t *testing.T) {
	s := newRig(t)
	s.script["stable/deploy"] = []string{"run"}
	s.script["poll deploy"] = []string{"run"}
	e := s.start()
	s.run()
	events := []platformLine{{"1", "upload", "1", true}, {"2", "upload done", "1", false}, {"3", "restart", "3", true}, {"", "note", "", false}}
	for range 2 {
		s.r.takeEvents(e, driverEvents(events))
	}
	var got []string
	for _, event := range s.r.Events {
		if event.Info[platformEvent] != "" {
			got = append(got, event.Message+" "+event.Action)
		}
	}
	prefix := "r2-to-web-0001/platform/"
	s.want("merged", got, []string{"upload " + prefix + "1", "upload done " + prefix + "1", "restart " + prefix + "3", "note "})
	s.run()
	s.want("state", e.Rollout.State, StateSucceeded)
	s.want("open", len(openActions(s.r.Events)), 0)
}
