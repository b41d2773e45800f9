package rollout

import (
	"time"

	v2 "github.com/go-json-experiment/json"
)

// Seal makes a changed record ready to be saved: the next generation, the
// promotions' statuses, etags, when it is due, and no more history than wanted
// finished rollouts. history 0 keeps all.
func Seal(r *Record, now time.Time, history int) {
	r.Generation++
	for i := range r.Promotions {
		r.sealPromotion(&r.Promotions[i])
	}
	r.trim(history)
	for i := range r.Rollouts {
		e := &r.Rollouts[i]
		if !e.mirrored() {
			e.Rollout.Etag = etag(e.Rollout)
		}
		e.Due = time.Time{}
	}
	if e, ok := r.Active(); ok {
		e.Due = now.UTC()
		if due := Next(r, now, View{}); due.Action == ActionWait {
			e.Due = due.Waiting.Until
		}
	}
}

func etag(r Rollout) string {
	r.Etag = ""
	data, err := v2.Marshal(r, v2.Deterministic(true))
	if err != nil {
		return ""
	}
	return digest(data)
}

// sealPromotion gives a promotion target the status of its rollout. One whose
// rollout is no longer kept has its last status.
func (r *Record) sealPromotion(p *Promotion) {
	e, ok := r.Rollout(p.Rollout)
	if !ok {
		return
	}
	p.Status, p.ErrorMessage = r.share(e)
	if p.Release == "" {
		p.Release = e.Spec.Release.ID
	}
}

// share is what a rollout comes to as its promotion's share. A rollback in the
// same promotion (onFailure: rollback) belongs to it.
func (r *Record) share(e *Execution) (PromotionStatus, string) {
	if !e.Over() {
		return PromotionPending, ""
	}
	if back, ok := r.rollbackOf(e); ok && back.Spec.Promotion == e.Spec.Promotion {
		return e.shareOf(back)
	}
	if e.Rollout.State == StateSucceeded {
		return PromotionSucceeded, ""
	}
	return PromotionFailed, e.failure()
}

// shareOf is what a rollout comes to whose own promotion rolls it back.
func (e *Execution) shareOf(back *Execution) (PromotionStatus, string) {
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
		return PromotionFailed, text + "its rollback " + back.Rollout.Name + " did not succeed: " + back.failure()
	}
}

func (e *Execution) failure() string {
	if e.Rollout.FailureReason != "" {
		return e.Rollout.FailureReason
	}
	return "the rollout is " + string(e.Rollout.State)
}
