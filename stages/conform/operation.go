package conform

import "sluice/stages/driver"

// othersOperation: work of the platform's own is read by the name that the
// platform has for it, without the call that began it; or the platform says that
// it has none.
func othersOperation(b *Bench) {
	place := b.place(b.Target())
	_, _, err := place.Operation(b.Context(), "nosuchoperation")
	e := b.refused(err, driver.NotFound, driver.Invalid, driver.Unsupported)
	if none := e.Code == driver.Unsupported; none != (b.Facts.Works == "") {
		b.Errorf("the facts say that it follows %q, and it says %v", b.Facts.Works, err)
	}
	if e.Code == driver.Unsupported {
		if e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
		return
	}
	p := b.Prepare(b.Bring(driver.Deploy))
	begun, err := b.Begin(p.Call)
	b.Must(err)
	b.effects(0, func() {
		op, _, err := place.Operation(b.Context(), begun.ID)
		b.Must(err)
		if r := op.Results[b.Target().Name]; op.ID == "" || op.Finished() != (r.Outcome != driver.Open) || len(op.Results) != 1 {
			b.Errorf("%s is read as %+v", begun.ID, op)
		}
	})
	b.succeeded(p.Call, b.follow(p.Call, begun))
	op, _, err := place.Operation(b.Context(), begun.ID)
	b.Must(err)
	if r := op.Results[b.Target().Name]; !op.Finished() || r.Outcome != driver.Succeeded {
		b.Errorf("%s succeeded, and is read as %+v", begun.ID, op)
	}
}
