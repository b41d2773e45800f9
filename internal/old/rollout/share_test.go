package rollout

import (
	"testing"
	"time"
)

// promoted adds the promotion target of a rollout.
func (s *stand) promoted(e *Execution) *Promotion {
	s.r.Promotions = append(s.r.Promotions, Promotion{ID: e.Spec.Promotion, Status: PromotionPending, Release: e.Spec.Release.ID, Rollout: e.Rollout.Name})
	return &s.r.Promotions[len(s.r.Promotions)-1]
}

func TestPromotionFollowsItsRollout(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify")
	p := s.promoted(e)
	Seal(&s.r, s.now, 0)
	s.want("failed", []any{p.Status, p.ErrorMessage}, []any{PromotionFailed, "canary-10/verify failed"})
	s.must(e.RetryJob(&s.r, "", "", "bob", s.now))
	Seal(&s.r, s.now, 0)
	s.want("taken up again", []any{p.Status, p.ErrorMessage}, []any{PromotionPending, ""})
	s.run()
	s.must(e.Cancel(&s.r, "bob", s.now))
	s.run()
	Seal(&s.r, s.now, 0)
	s.want("cancelled", []any{p.Status, p.ErrorMessage}, []any{PromotionFailed, "the rollout is CANCELLED"})
}

// TestRolledBackInTheSamePromotion is onFailure: rollback.
func TestRolledBackInTheSamePromotion(t *testing.T) {
	s := newStand(t)
	name := s.start().Rollout.Name
	p := s.promoted(s.rollout(name))
	Seal(&s.r, s.now, 1)
	s.want("before", p.Status, PromotionSucceeded)
	_, err := Rollback(&s.r, name, plan(promotion("p1"), gated(JobVerify)), s.now)
	s.must(err)
	Seal(&s.r, s.now, 1)
	s.want("meanwhile", p.Status, PromotionPending)
	s.want("outcome", OutcomeOf(&s.r, s.rollout(name)).Status, PromotionPending)
	s.run()
	for range 3 {
		Seal(&s.r, s.now, 1)
		s.want("after", []any{p.Status, p.ErrorMessage}, []any{PromotionFailed, "rolled back by r1-to-web-0001"})
	}
	o := OutcomeOf(&s.r, s.rollout(name))
	s.want("outcome", []any{o.Status, o.ErrorMessage}, []any{PromotionFailed, "rolled back by r1-to-web-0001"})
}

func TestFailedAndRolledBackInTheSamePromotion(t *testing.T) {
	for answer, want := range map[string]string{
		"done":   "canary-10/verify failed; rolled back by r1-to-web-0001",
		"denied": "canary-10/verify failed; its rollback r1-to-web-0001 did not succeed: denied",
	} {
		t.Run(answer, func(t *testing.T) {
			s, e := failedAt(t, "canary-10/verify", holds)
			name := e.Rollout.Name
			p := s.promoted(e)
			s.script["stable/rollback"] = []string{answer}
			s.back(name, promotion("p1"))
			Seal(&s.r, s.now, 1)
			s.want("share", []any{p.Status, p.ErrorMessage}, []any{PromotionFailed, want})
		})
	}
}

// TestRolledBackLater: the promotion succeeded and stays so; what is shown of
// the target now says what became of it.
func TestRolledBackLater(t *testing.T) {
	s := newStand(t)
	name := s.start().Rollout.Name
	p := s.promoted(s.rollout(name))
	s.back(name)
	Seal(&s.r, s.now, 0)
	s.want("promotion", p.Status, PromotionSucceeded)
	s.want("outcome", OutcomeOf(&s.r, s.rollout(name)).ErrorMessage, "rolled back by r1-to-web-0001")
}

func TestPromotionOfATrimmedRolloutKeepsItsStatus(t *testing.T) {
	s := newStand(t)
	s.promoted(s.start())
	for i, id := range []string{"p2", "p3"} {
		s.now = s.now.Add(time.Hour)
		s.promoted(s.start(release([]string{"r3", "r4"}[i]), promotion(id)))
		Seal(&s.r, s.now, 2)
	}
	s.want("rollouts", len(s.r.Rollouts), 2)
	s.r.Promotions = append([]Promotion{{ID: "p1", Status: PromotionSucceeded, Rollout: "r2-to-web-0001"}}, s.r.Promotions...)
	Seal(&s.r, s.now, 10)
	s.want("status", s.r.Promotions[0].Status, PromotionSucceeded)
}

func TestOutcomeOf(t *testing.T) {
	s := newStand(t)
	s.want("no rollout", OutcomeOf(&s.r, nil).Release, "r1")
	e := s.start(canary("10"))
	o := OutcomeOf(&s.r, e)
	s.want("pending", []any{o.Status, o.State, o.Phase, o.Release, o.Rollout}, []any{PromotionPending, StateInProgress, "stable", "r2", "r2-to-web-0001"})
	s.want("an effect", o.Effect, true)
	s.script["stable/deploy"] = []string{"refuse"}
	s.must(e.Cancel(&s.r, "bob", s.now))
	s.run()
	refused := s.start(release("r3"), promotion("p2"))
	o = OutcomeOf(&s.r, refused)
	s.want("refused", []any{o.Status, o.Effect, o.ErrorMessage}, []any{PromotionFailed, false, "refused: stable/deploy"})
}

func TestSum(t *testing.T) {
	unchanged, done := TargetOutcome{Status: PromotionSucceeded, Unchanged: true}, TargetOutcome{Status: PromotionSucceeded, Effect: true}
	pending, failed, refused := TargetOutcome{Status: PromotionPending}, TargetOutcome{Status: PromotionFailed, Effect: true}, TargetOutcome{Status: PromotionFailed}
	for _, c := range []struct {
		want    Status
		targets []TargetOutcome
	}{
		{StatusUnchanged, nil},
		{StatusUnchanged, []TargetOutcome{unchanged, unchanged}},
		{StatusSucceeded, []TargetOutcome{unchanged, done}},
		{StatusPending, []TargetOutcome{done, pending, unchanged}},
		{StatusFailed, []TargetOutcome{pending, failed, done}},
		{StatusRefused, []TargetOutcome{refused, unchanged}},
		{StatusFailed, []TargetOutcome{refused, done}},
	} {
		if got := Sum(c.targets); got != c.want {
			t.Errorf("%+v: %s, want %s", c.targets, got, c.want)
		}
	}
}
