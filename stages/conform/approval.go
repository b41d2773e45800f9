package conform

import "sluice/stages/driver"

// approval: that a platform asks for an approval of its own is known from one request,
// and where it has no such thing nothing is asked.
func approval(b *Bench) {
	if b.Facts.Approves != (b.Asks != nil) {
		b.Fatalf("the facts say that it approves: %t, and the harness has %v that asks for it", b.Facts.Approves, b.Asks)
	}
	b.effects(0, func() { b.approves(b.Target(), false) })
	if b.Asks == nil {
		return
	}
	b.effects(0, func() { b.approves(*b.Asks, true) })
	_, err := b.place(b.Unknown).Approval(b.Context())
	b.refused(err, driver.NotFound)
	if b.Rejected != nil {
		_, err = b.placeWith(*b.Asks, b.Rejected).Approval(b.Context())
		b.refused(err, driver.Denied)
	}
}

// approves holds what is told of a target against what is so.
func (b *Bench) approves(t driver.Target, want bool) {
	b.Helper()
	counted := &counter{}
	place, err := b.stages(counted).Target(again(b, t))
	b.Must(err)
	asks, err := place.Approval(b.Context())
	b.Must(err)
	most := 0
	if b.Facts.Approves {
		most = 1
	}
	if asks != want || counted.sent() > most {
		b.Errorf("%s: it asks for an approval of its own: %t, known by %d requests; want %t by at most %d", t.Name, asks, counted.sent(), want, most)
	}
}
