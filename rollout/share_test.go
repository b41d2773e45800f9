package rollout

import "testing"

func (s *rig) wantShare(promotion string, status PromotionStatus, message string) {
	s.t.Helper()
	got, text, ok := s.r.ShareOf(promotion)
	s.want("share of "+promotion, []any{got, text, ok}, []any{status, message, true})
}

func TestAShareFollowsItsRollout(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify")
	s.wantShare("p1", PromotionFailed, "canary-10/verify failed")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, By: person("bob")}))
	s.wantShare("p1", PromotionPending, "")
	s.run()
	s.must(s.apply(Cancel{Rollout: e.Rollout.Name, By: person("bob")}))
	s.run()
	s.wantShare("p1", PromotionFailed, "the rollout is CANCELLED")
	_, _, ok := s.r.ShareOf("p9")
	s.want("no part", ok, false)
}

// TestRolledBackInTheSamePromotion is onFailure: rollback.
func TestRolledBackInTheSamePromotion(t *testing.T) {
	s := newRig(t)
	s.start()
	s.wantShare("p1", PromotionSucceeded, "")
	s.must(s.apply(GoBack{Promotion: "p1", By: Actor{Login: "alice"}}))
	s.wantShare("p1", PromotionPending, "")
	s.run()
	s.wantShare("p1", PromotionFailed, "rolled back by r1-to-web-0001")
	s.seal()
	s.wantShare("p1", PromotionFailed, "rolled back by r1-to-web-0001")
}

func TestFailedAndRolledBackInTheSamePromotion(t *testing.T) {
	for answer, want := range map[string]string{
		"done":   "canary-10/verify failed; rolled back by r1-to-web-0001",
		"denied": "canary-10/verify failed; its rollback r1-to-web-0001 did not succeed: denied",
	} {
		t.Run(answer, func(t *testing.T) {
			s, _ := failedAt(t, "canary-10/verify", holds)
			s.script["stable/rollback"] = []string{answer}
			s.back(GoBack{Promotion: "p1"})
			s.wantShare("p1", PromotionFailed, want)
		})
	}
}

// TestRolledBackLater: the promotion succeeded and stays so.
func TestRolledBackLater(t *testing.T) {
	s := newRig(t)
	s.start()
	s.back(GoBack{})
	s.wantShare("p1", PromotionSucceeded, "")
	s.wantShare("p-back", PromotionSucceeded, "")
}
