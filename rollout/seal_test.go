package rollout

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// promoteMany rolls releases out, one after another.
func (s *rig) promoteMany(n int) {
	for i := range n {
		s.now = s.now.Add(time.Hour)
		s.start(release(fmt.Sprintf("v%d", i)), promotion(fmt.Sprintf("q%d", i)))
	}
}

func names(list []Execution) []string {
	var names []string
	for _, e := range list {
		names = append(names, e.Rollout.Name)
	}
	return names
}

// everyEvent says that every event was saved before.
const everyEvent = math.MaxInt64

func (s *rig) seal() Moved { return Seal(&s.r, nil, s.setting, everyEvent, s.now) }

func TestWhatIsOverMovesToTheHistory(t *testing.T) {
	s := newRig(t)
	s.promoteMany(5)
	moved := s.seal()
	s.want("what can be gone back from stays", names(s.r.Rollouts), []string{"v4-to-web-0001"})
	s.want("the others moved", names(moved.Rollouts), []string{"v0-to-web-0001", "v1-to-web-0001", "v2-to-web-0001", "v3-to-web-0001"})
	s.want("with their events", slices.ContainsFunc(moved.Events, func(e Event) bool { return e.Rollout == "v3-to-web-0001" }), true)
	for _, e := range s.r.Events {
		s.want("whose events stay", e.Rollout, "v4-to-web-0001")
	}
	s.want("once", s.seal().Empty(), true)
	status, _, ok := s.r.ShareOf("q2")
	s.want("their promotions still know", []any{status, ok}, []any{PromotionSucceeded, true})
	s.want("their names are not used again", s.start(release("v0"), promotion("q9")).Rollout.Name, "v0-to-web-0002")
	s.want("generation is the ledger's", s.r.Generation, 0)
}

// TestFailuresDoNotPileUp: what changed nothing moves, although it is newer than
// what can be gone back from.
func TestFailuresDoNotPileUp(t *testing.T) {
	s := newRig(t)
	s.promoteMany(1)
	for i := range 3 {
		s.script["stable/deploy"] = []string{"denied"}
		s.start(release(fmt.Sprintf("bad%d", i)), promotion(fmt.Sprintf("b%d", i)))
	}
	s.seal()
	s.want("it and the newest", names(s.r.Rollouts), []string{"v0-to-web-0001", "bad2-to-web-0001"})
}

func TestWhatIsOpenStays(t *testing.T) {
	s := newRig(t)
	s.promoteMany(1)
	s.start(canary("10"))
	s.start(release("r3"), promotion("p2"))
	s.seal()
	s.want("rollouts", names(s.r.Rollouts), []string{"v0-to-web-0001", "r2-to-web-0001", "r3-to-web-0001"})
}

func TestWhatARollbackIsAboutStays(t *testing.T) {
	s := newRig(t)
	s.promoteMany(2)
	s.back(GoBack{})
	s.seal()
	s.want("rollouts", names(s.r.Rollouts), []string{"v0-to-web-0001", "v1-to-web-0001", "v0-to-web-0002"})
	s.wantReason(s.apply(GoBack{By: person("bob")}), ReasonThere)
}

// TestLooseEventsAreBounded: those that belong to no rollout.
func TestLooseEventsAreBounded(t *testing.T) {
	s := newRig(t)
	s.start(canary("10"))
	open := len(openActions(s.r.Events))
	for i := range 3 * looseEventsKept {
		s.r.AddEvent(Event{Type: "noise", Message: fmt.Sprint(i)})
	}
	last := s.r.Events[len(s.r.Events)-1].ID
	moved := s.seal()
	s.want("moved", len(moved.Events), 2*looseEventsKept)
	s.want("left", looseEvents(s.r.Events), looseEventsKept)
	s.want("open actions stay", len(openActions(s.r.Events)), open)
	s.r.AddEvent(Event{Type: "next"})
	s.want("ids go on", s.r.Events[len(s.r.Events)-1].ID, last+1)
}

// TestTheHistoryIsBoundedAndInOrder, although what stayed longer comes later.
func TestTheHistoryIsBoundedAndInOrder(t *testing.T) {
	s := newRig(t)
	h := NewHistory("shop", "web")
	s.promoteMany(1)
	s.script["canary-10/verify"] = []string{"fail"}
	s.start(canary("10"), gated(JobVerify))
	s.start(release("r3"), promotion("p3"))
	moved := s.seal()
	h.Add(moved, 0)
	h.Add(moved, 0)
	s.promoteMany(3)
	h.Add(s.seal(), 0)
	if err := h.check(); err != nil {
		t.Error(err)
	}
	all := len(h.Rollouts)
	s.want("each once", all, 5)
	h.Add(Moved{}, 2)
	s.want("bounded", len(h.Rollouts), 2)
	s.want("the newest stay", h.Rollouts[1].Rollout.Name, "v1-to-web-0001")
}

func TestPastIsBounded(t *testing.T) {
	s := newRig(t)
	for i := range pastKept + 5 {
		s.start(release(fmt.Sprintf("v%d", i)), promotion(fmt.Sprintf("q%d", i)))
		s.seal()
	}
	s.want("past", len(s.r.Past), pastKept)
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
			s := newRig(t)
			s.create(plan(c.change...), false)
			if c.run {
				s.run()
			}
			s.seal()
			s.want("due", s.r.Rollouts[0].Due, c.due)
		})
	}
}

// TestOnlyWhatIsDurableMoves: an event that others may yet push to another id, by what
// they saved beside the lease, stays with its rollout until it is stored; nothing is
// told under the id of something else, and nothing is lost.
func TestOnlyWhatIsDurableMoves(t *testing.T) {
	s := newRig(t)
	s.promoteMany(1)
	s.seal()
	base := s.r.Clone()
	for i := range 2 { // of which nothing needs the first
		s.script["stable/deploy"] = []string{"denied"}
		s.start(release(fmt.Sprintf("bad%d", i)), promotion(fmt.Sprintf("b%d", i)))
	}
	told := len(s.r.Events)
	moved := Seal(&s.r, nil, s.setting, base.Events[len(base.Events)-1].ID, s.now)
	theirs := base.Clone()
	theirs.Generation++
	s.must(Apply(&theirs, AddBlock{Block: lockOf("carol")}, s.now))
	if !Rebase(&s.r, base, theirs) {
		t.Fatal("what was saved beside the lease is not taken over")
	}
	ids := map[int64]string{}
	for _, e := range slices.Concat(moved.Events, s.r.Events) {
		if other, twice := ids[e.ID]; twice {
			t.Errorf("event %d is %s and %s", e.ID, other, e.Type)
		}
		ids[e.ID] = e.Type
	}
	s.want("all are told, and the lock", len(ids), told+1)
	s.want("what was not durable stayed", names(s.r.Rollouts), []string{"v0-to-web-0001", "bad0-to-web-0001", "bad1-to-web-0001"})
	s.want("and goes once it is", names(s.seal().Rollouts), []string{"bad0-to-web-0001"})
}

// TestHistoryOfADeadRun: what a process moved that died before it saved the record
// stands in both; what the record came to since then counts.
func TestHistoryOfADeadRun(t *testing.T) {
	s := newRig(t)
	s.promoteMany(2)
	h := NewHistory("shop", "web")
	died := s.r.Clone()
	h.Add(Seal(&died, nil, s.setting, everyEvent, s.now), 0)
	s.want("moved", names(h.Rollouts), []string{"v0-to-web-0001"})
	events := len(h.Events)
	s.r.Rollouts[0].Rollout.RolledBackByRollouts = []string{"v9-to-web-0001"}
	moved := s.seal()
	h.Add(moved, 0)
	s.want("once", names(h.Rollouts), []string{"v0-to-web-0001"})
	s.want("and its events", len(h.Events), events)
	s.want("as the record had it", h.Rollouts[0].Rollout.RolledBackByRollouts, []string{"v9-to-web-0001"})
}
