package rollout

import "slices"

// PromotionStatus is a promotion target's status, in Heroku's words.
type PromotionStatus string

// The statuses of a promotion target.
const (
	PromotionPending   PromotionStatus = "pending"
	PromotionSucceeded PromotionStatus = "succeeded"
	PromotionFailed    PromotionStatus = "failed"
)

// ShareOf is what a target came to in a promotion; ok is false where it has no
// part in it. message says why it failed.
func (r *Record) ShareOf(promotion string) (status PromotionStatus, message string, ok bool) {
	if e, ok := r.Of(promotion); ok {
		status, message = r.Share(e)
		return status, message, true
	}
	for i := range slices.Backward(r.Rollouts) {
		if e := &r.Rollouts[i]; e.Spec.Promotion == promotion {
			status, message = r.Share(e)
			return status, message, true
		}
	}
	for _, p := range slices.Backward(r.Past) {
		switch {
		case p.Promotion != promotion:
		case p.State == StateSucceeded:
			return PromotionSucceeded, "", true
		default:
			return PromotionFailed, "the rollout is " + string(p.State), true
		}
	}
	return "", "", false
}

// Share is what one of the target's rollouts comes to as its promotion's share;
// message says why it failed. A rollback in the same promotion (onFailure: rollback)
// belongs to it.
func (r *Record) Share(e *Execution) (status PromotionStatus, message string) {
	if !e.Over() {
		return PromotionPending, ""
	}
	if back, ok := r.rollbackOf(e); ok && back.Spec.Promotion == e.Spec.Promotion {
		return shareWith(e, back)
	}
	if e.Rollout.State == StateSucceeded {
		return PromotionSucceeded, ""
	}
	return PromotionFailed, failureOf(e)
}

// shareWith is what a rollout comes to whose own promotion rolls it back.
func shareWith(e *Execution, back *Execution) (PromotionStatus, string) {
	text := ""
	if e.Rollout.FailureReason != "" {
		text = e.Rollout.FailureReason + "; "
	}
	switch {
	case !back.Over():
		return PromotionPending, ""
	case back.Rollout.State == StateSucceeded:
		return PromotionFailed, text + "rolled back by " + back.Rollout.Name
	default:
		return PromotionFailed, text + "its rollback " + back.Rollout.Name + " did not succeed: " + failureOf(back)
	}
}

func failureOf(e *Execution) string {
	if e.Rollout.FailureReason != "" {
		return e.Rollout.FailureReason
	}
	return "the rollout is " + string(e.Rollout.State)
}
