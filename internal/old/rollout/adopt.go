package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Adopt takes over what the platform says runs on the target, without a rollout
// of ours that would have put it there.
func (r *Record) Adopt(release driver.Release, actor string, now time.Time) {
	r.Release = &release
	r.AddEvent(Event{Type: "state.imported", Time: now.UTC(), Actor: actor, Message: release.ID})
}
