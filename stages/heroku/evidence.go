package heroku

import (
	"context"
	"fmt"
	"time"
)

// skew is how far the clocks of Heroku's machines are allowed to differ.
const skew = time.Minute

// evidence is what an app's releases show of a call.
type evidence struct {
	ours    *release // made by the call; nil for none
	running *release
}

// newer reports whether r was made after the call was prepared: by its version,
// which only grows. Of an app whose newest version is not known, Heroku's clock
// tells, as far as it can.
func (p part) newer(f frozen, r *release) bool {
	if p.Version > 0 {
		return r.Version > p.Version
	}
	return !r.CreatedAt.Before(f.Prepared.Add(-skew))
}

// made reports whether r is the call's release on the app: the one with the id,
// where it is known, else one of our slug since the call was prepared.
func (p part) made(f frozen, id string, r *release) bool {
	if id != "" {
		return r.ID == id
	}
	return r.slug() == f.Slug && p.newer(f, r)
}

// examine looks for the call's release on an app. latest, where it says all,
// saves asking the app.
func (f *frozenCall) examine(ctx context.Context, p part, id string, latest *release) (evidence, error) {
	if latest != nil && p.made(f.frozen, id, latest) && latest.runs() && latest.slug() == f.Slug {
		return evidence{ours: latest, running: latest}, nil
	}
	x, s := history{app: p.App}, evidence{}
	for r, err := range f.api.releases(ctx, p.App) {
		if err == nil {
			err = x.take(r)
		}
		if err != nil {
			return s, err
		}
		if x.newest.Version < p.Version {
			return s, x.doubted(fmt.Sprintf("the newest release is v%d, and v%d was there before", x.newest.Version, p.Version))
		}
		if s.ours == nil && p.made(f.frozen, id, r) {
			s.ours = r
		}
		if x.running != nil && (s.ours != nil || r.Version <= p.Version) {
			break
		}
	}
	s.running = x.running
	return s, x.end()
}

// latestFor reads the newest releases in one list where several apps are to be
// asked; of one app its own list is asked.
func (f *frozenCall) latestFor(ctx context.Context, parts []part) (map[string]*release, error) {
	if len(parts) < 2 || f.Pipeline == "" {
		return nil, nil
	}
	return f.api.latest(ctx, f.Pipeline)
}
