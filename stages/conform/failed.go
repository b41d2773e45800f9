package conform

import "sluice/stages/driver"

// deployFailed: the platform took a deployment and failed it. Whether anything is left
// to go back from is said, and it is so: where the platform put the target back by
// itself a rollback would have nothing to do, and a person is not sent to try it.
func deployFailed(b *Bench, kind driver.Kind) {
	p, op := driver.Prepared{}, driver.Operation{}
	b.effects(1, func() { p, op = b.do(b.Bring(kind)) })
	r := op.Results[b.Target().Name]
	if r.Outcome != driver.Failed || len(r.Errors) == 0 {
		b.Fatalf("%+v, want failed, and why", r)
	}
	change := driver.Change{
		Target: b.Target(), Release: b.earlier, Phase: "stable", Job: "deploy",
		Baseline: p.Before[b.Target().Name], Options: driver.Options{Resolved: true},
	}
	back, err := b.place(b.Target()).Prepare(b.Context(), again(b, b.call(driver.Rollback, change)))
	b.Must(err)
	if nothing := len(back.Unchanged) == 1; nothing != r.Restored {
		b.Errorf("a rollback has nothing left to do: %t, and the failure says that the target is as it was: %t", nothing, r.Restored)
	}
	if !r.Restored {
		return
	}
	if now := b.Current(b.Target()); now.ID != b.earlier.ID || r.Release.ID != now.ID {
		b.Errorf("it runs %q again by what is told, and %q by what is read; want %q", r.Release.ID, now.ID, b.earlier.ID)
	}
}
