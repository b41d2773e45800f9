package heroku

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/stages/driver"
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
func (h *heroku) examine(ctx context.Context, f frozen, p part, id string, latest *release) (evidence, error) {
	if latest != nil && p.made(f, id, latest) && latest.runs() && latest.slug() == f.Slug {
		return evidence{ours: latest, running: latest}, nil
	}
	x, s := history{app: p.App}, evidence{}
	for r, err := range h.releases(ctx, p.App) {
		if err == nil {
			err = x.take(r)
		}
		if err != nil {
			return s, err
		}
		if x.newest.Version < p.Version {
			return s, x.doubted(fmt.Sprintf("the newest release is v%d, and v%d was there before", x.newest.Version, p.Version))
		}
		if s.ours == nil && p.made(f, id, r) {
			s.ours = r
		}
		if x.running != nil && (s.ours != nil || r.Version <= p.Version) {
			break
		}
	}
	s.running = x.running
	return s, x.end()
}

// Lookup looks for releases of our slug that are newer than the call. Heroku
// makes them all from one request: one of them proves that it was sent.
func (h *heroku) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, parts, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	settled := !h.now().Before(c.Intended.Add(settle))
	seen, err := h.search(ctx, f, parts, settled)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	for _, s := range seen {
		if s.ours != nil {
			return driver.Found, foundAs(c, f, s), nil
		}
	}
	if !settled {
		return driver.Undecided, driver.Operation{}, nil
	}
	if op, foreign := intruders(c, f, parts, seen); foreign {
		return driver.ForeignChange, op, nil
	}
	return driver.Absent, driver.Operation{}, nil
}

// foundAs is the operation of a call that was seen to have been sent.
func foundAs(c driver.Call, f frozen, s evidence) driver.Operation {
	if f.Source != nil {
		op := running(c, progress{})
		op.Kind = "promotion"
		return op
	}
	op := running(c, progress{Release: s.ours.ID})
	op.ID, op.Inserted = s.ours.ID, s.ours.CreatedAt
	return op
}

// search examines every app, by target. Until the settling time is over the
// pipeline's list says which apps need to be asked at all; after it, each is.
func (h *heroku) search(ctx context.Context, f frozen, parts []part, settled bool) (map[string]evidence, error) {
	latest, err := h.latestFor(ctx, f, parts)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	seen := map[string]evidence{}
	err = each(ctx, h.atOnce, parts, func(ctx context.Context, p part) error {
		l := latest[p.App]
		if l != nil && !settled && l.Version <= p.Version {
			return nil // nothing new there
		}
		s, err := h.examine(ctx, f, p, "", l)
		mu.Lock()
		defer mu.Unlock()
		seen[p.Target.Name] = s
		return err
	})
	return seen, err
}

// intruders reports whether some app runs neither what it ran before the call
// nor what the call makes, and what it is.
func intruders(c driver.Call, f frozen, parts []part, seen map[string]evidence) (driver.Operation, bool) {
	op := running(c, progress{})
	found := false
	for _, p := range parts {
		r := seen[p.Target.Name].running
		if r == nil || r.slug() == p.Slug || r.slug() == f.Slug {
			continue
		}
		found = true
		op.Results[p.Target.Name] = driver.Result{
			Outcome: driver.Failed,
			Release: driver.Release{ID: r.slug(), Platform: r.ID, Comment: r.Description},
			After:   standingOf(r),
			Errors:  []driver.Problem{{Message: fmt.Sprintf("somebody else released v%d with slug %s there meanwhile", r.Version, r.slug())}},
		}
	}
	return op, found
}
