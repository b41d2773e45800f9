package conform

import (
	"time"

	"sluice/stages/driver"
)

// latest: the newest release can be promoted, or the platform says that it lists
// none, and what to do then.
func latest(b *Bench) {
	place := b.place(b.Target())
	newest, err := place.Resolve(b.Context(), driver.Latest)
	if err != nil {
		if e := b.refused(err, driver.Invalid, driver.NotFound); e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
		return
	}
	r, err := place.Resolve(b.Context(), newest.ID)
	b.Must(err)
	if r.ID != newest.ID || !r.CreateTime.Equal(newest.CreateTime) || r.CreateTime.Before(b.release.CreateTime) {
		b.Errorf("the latest is %+v, which is known as %+v; the source runs %+v", newest, r, b.release)
	}
}

// makes: a release is made of what stands once for a description, and nothing
// else runs for it; or the platform says where releases are made.
func makes(b *Bench) {
	place := b.place(b.Target())
	if !b.Facts.Makes {
		_, err := place.Make(b.Context(), "commit 1 by run 2")
		if e := b.refused(err, driver.Unsupported); e.Remedy == "" {
			b.Errorf("no remedy in %v", e)
		}
		return
	}
	b.Advance(time.Minute)
	before := b.Current(b.Target())
	made, err := place.Make(b.Context(), "commit 1 by run 2")
	b.Must(err)
	again, err := place.Make(b.Context(), "commit 1 by run 2")
	b.Must(err)
	other, err := place.Make(b.Context(), "commit 1 by run 3")
	b.Must(err)
	newest, err := place.Resolve(b.Context(), driver.Latest)
	b.Must(err)
	if made.ID == "" || again.ID != made.ID || other.ID == made.ID || newest.ID != other.ID {
		b.Errorf("made %+v, again %+v, of another run %+v; the latest is %+v", made, again, other, newest)
	}
	if now := b.Current(b.Target()); now.ID != before.ID {
		b.Errorf("it runs %s now, not %s", now.ID, before.ID)
	}
}
