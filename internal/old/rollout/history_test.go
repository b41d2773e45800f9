package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// promoteMany rolls releases out, one after another.
func (s *stand) promoteMany(n int) {
	for i := range n {
		s.now = s.now.Add(time.Hour)
		s.promoted(s.start(release(fmt.Sprintf("v%d", i)), promotion(fmt.Sprintf("q%d", i))))
	}
}

func names(r *Record) []string {
	var list []string
	for _, e := range r.Rollouts {
		list = append(list, e.Rollout.Name)
	}
	return list
}

func TestHistoryIsBounded(t *testing.T) {
	s := newStand(t)
	s.promoteMany(5)
	Seal(&s.r, s.now, 0)
	s.want("0 keeps all", len(s.r.Rollouts), 5)
	Seal(&s.r, s.now, 3)
	s.want("the newest", names(&s.r), []string{"v2-to-web-0001", "v3-to-web-0001", "v4-to-web-0001"})
	s.want("promotions too", len(s.r.Promotions), 3)
	s.want("generation", s.r.Generation, 2)
}

func TestHistoryKeepsTheNewestSuccess(t *testing.T) {
	s := newStand(t)
	s.promoteMany(1)
	for i := range 3 {
		s.script["stable/deploy"] = []string{"denied"}
		s.start(release(fmt.Sprintf("bad%d", i)), promotion(fmt.Sprintf("b%d", i)))
	}
	Seal(&s.r, s.now, 1)
	s.want("it and the newest", names(&s.r), []string{"v0-to-web-0001", "bad2-to-web-0001"})
}

func TestHistoryKeepsWhatIsOpen(t *testing.T) {
	s := newStand(t)
	s.promoteMany(1)
	open := s.start(canary("10"))
	s.promoted(open)
	queued := s.start(release("r3"), promotion("p2"))
	s.promoted(queued)
	Seal(&s.r, s.now, 1)
	s.want("rollouts", names(&s.r), []string{"v0-to-web-0001", "r2-to-web-0001", "r3-to-web-0001"})
	s.want("promotions", len(s.r.Promotions), 2)
	s.want("pending", s.r.Promotions[0].Status+s.r.Promotions[1].Status, PromotionPending+PromotionPending)
}

func TestHistoryKeepsWhatARollbackIsAbout(t *testing.T) {
	s := newStand(t)
	s.promoteMany(2)
	_, err := Rollback(&s.r, "v1-to-web-0001", plan(promotion("back"), approved(ApprovalSpec{Quorum: 1})), s.now)
	s.must(err)
	Seal(&s.r, s.now, 1)
	s.want("rollouts", names(&s.r), []string{"v1-to-web-0001", "v0-to-web-0002"})
}

func TestEventsAreBounded(t *testing.T) {
	s := newStand(t)
	e := s.start(canary("10"))
	s.r.AddEvent(Event{Type: "noise"})
	first := s.r.Events[0]
	open := len(openActions(s.r.Events))
	for i := range 3 * eventsPerRollout {
		s.r.AddEvent(Event{Type: "noise", Message: fmt.Sprint(i)})
	}
	last := s.r.Events[len(s.r.Events)-1].ID
	Seal(&s.r, s.now, 1)
	s.want("bounded", len(s.r.Events), eventsPerRollout)
	s.want("open actions stay", len(openActions(s.r.Events)), open)
	s.want("the oldest is gone", slices.ContainsFunc(s.r.Events, func(e Event) bool { return e.ID == first.ID }), false)
	s.r.AddEvent(Event{Type: "next"})
	s.want("ids go on", s.r.Events[len(s.r.Events)-1].ID, last+1)
	s.want("state", e.Rollout.State, StateInProgress)
}

// TestHistoryTellsTheStory of a canary that fails, is retried and cancelled:
// every action that is opened is closed.
func TestHistoryTellsTheStory(t *testing.T) {
	s := newStand(t)
	s.script["canary-10/verify"] = []string{"fail"}
	e := s.start(canary("10"), gated(JobVerify))
	s.must(e.RetryJob(&s.r, "", "", "bob", s.now))
	s.script["canary-10/weight"], s.script["poll weight"] = []string{"run"}, []string{"run", "fail"}
	s.run()
	s.must(e.Cancel(&s.r, "bob", s.now))
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
effect.intended canary-10 verify[
effect.succeeded canary-10 verify]
rollout.failed
job.retried canary-10 verify
rollout.reopened
phase.started canary-10 [
job.started canary-10 deploy[
effect.intended canary-10 deploy[
rollout.cancelling
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
	s := newStand(t)
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

// TestDueIsWhenSomethingIsToBeDone, saved for whoever looks without reading on.
func TestDueIsWhenSomethingIsToBeDone(t *testing.T) {
	for name, c := range map[string]struct {
		change []func(*Spec)
		run    bool
		due    time.Time
	}{
		"created":             {nil, false, t0},
		"over":                {nil, true, time.Time{}},
		"bakes":               {[]func(*Spec){canary("10"), waits(time.Hour)}, true, t0.Add(time.Hour)},
		"waits for a person":  {[]func(*Spec){canary("10")}, true, t0.Add(24 * time.Hour)},
		"waits for approvals": {[]func(*Spec){approved(ApprovalSpec{Quorum: 1, Timeout: Duration(2 * time.Hour)})}, true, t0.Add(2 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			Create(&s.r, plan(c.change...), false, s.now)
			if c.run {
				s.run()
			}
			Seal(&s.r, s.now, 0)
			s.want("due", s.r.Rollouts[0].Due, c.due)
		})
	}
}
