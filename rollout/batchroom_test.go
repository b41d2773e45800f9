package rollout

import (
	"testing"

	"sluice/stages/driver"
)

// TestBatchRoom: a record of a large batch holds its own change, and no room for the
// others: a thousand of them held a million.
func TestBatchRoom(t *testing.T) {
	g, records := promotionOf(t, 50)
	var call driver.Call
	for _, r := range records {
		e, _ := r.Active()
		call.Changes = append(call.Changes, e.Change(Due{Kind: driver.Deploy}))
	}
	for i, r := range records {
		Settle(r, g, Setting{}, t0)
		e, _ := r.Active()
		changes := changesOf(call, r.Target)
		if len(changes) != 1 || cap(changes) != 1 || changes[0].Target.Name != e.Spec.Target.Name {
			t.Fatalf("record %d holds %d changes in room for %d", i, len(changes), cap(changes))
		}
	}
	if got := changesOf(call, "nobody"); len(got) != 0 {
		t.Errorf("a target that is not in the call has %d changes", len(got))
	}
}
