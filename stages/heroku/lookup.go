package heroku

import (
	"context"
	"fmt"
	"sync"

	"sluice/stages/driver"
)

// lookup says whether the call was sent.
func (f *frozenCall) lookup(ctx context.Context) (driver.Verdict, driver.Operation, error) {
	settled := !f.now().Before(f.Intended.Add(settle))
	seen, err := f.search(ctx, settled)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	for _, s := range seen {
		if s.ours != nil {
			return driver.Found, f.foundAs(s), nil
		}
	}
	if !settled {
		return driver.Undecided, driver.Operation{}, nil
	}
	if op, foreign := f.intruders(seen); foreign {
		return driver.ForeignChange, op, nil
	}
	return driver.Absent, driver.Operation{}, nil
}

// foundAs is the operation of a call that was seen to have been sent.
func (f *frozenCall) foundAs(s evidence) driver.Operation {
	if f.Source != nil {
		op := running(f.Call, progress{})
		op.Kind = "promotion"
		return op
	}
	op := running(f.Call, progress{Release: s.ours.ID})
	op.ID, op.Inserted = s.ours.ID, s.ours.CreatedAt
	return op
}

// search examines every app, by target. Until the settling time is over the
// pipeline's list says which apps need to be asked at all; after it, each is.
func (f *frozenCall) search(ctx context.Context, settled bool) (map[string]evidence, error) {
	latest, err := f.latestFor(ctx, f.parts)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	seen := map[string]evidence{}
	err = each(ctx, f.atOnce, f.parts, func(ctx context.Context, p part) error {
		l := latest[p.App]
		if l != nil && !settled && l.Version <= p.Version {
			return nil // nothing new there
		}
		s, err := f.examine(ctx, p, "", l)
		mu.Lock()
		defer mu.Unlock()
		seen[p.Target.Name] = s
		return err
	})
	return seen, err
}

// intruders reports whether some app runs neither what it ran before the call
// nor what the call makes, and what it is.
func (f *frozenCall) intruders(seen map[string]evidence) (driver.Operation, bool) {
	op := running(f.Call, progress{})
	found := false
	for _, p := range f.parts {
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
