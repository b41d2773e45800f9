package entrecode

import (
	"context"

	"sluice/internal/guard"
	"sluice/stages/driver"
)

// Live is what the places run. Those of one platform are read together, each thing
// once; the platforms side by side.
func (p *platform) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	type key struct{ app, platform string }
	var order []key
	of := map[key][]int{}
	for i, t := range targets {
		c, err := configOf(t)
		if errs[i] = err; err != nil {
			continue
		}
		at := key{c.AppID, c.PlatformID}
		if len(of[at]) == 0 {
			order = append(order, at)
		}
		of[at] = append(of[at], i)
	}
	all := guard.Each("reading a platform", p.env.AtOnce(), len(order), func(n int) error {
		v := p.session()
		for _, i := range of[order[n]] {
			live[i], errs[i] = v.live(ctx, targets[i])
		}
		return nil
	})
	for n, err := range all {
		for _, i := range of[order[n]] {
			if err != nil {
				live[i], errs[i] = driver.Live{}, err
			}
		}
	}
	return live, errs
}

// live is what one place runs: the build of the newest successful deployment to
// all of its targets, since that ended, and the newest one that is not over.
func (v *session) live(ctx context.Context, t driver.Target) (driver.Live, error) {
	at, err := v.place(ctx, t)
	if err != nil {
		return driver.Live{}, err
	}
	s, err := v.stand(ctx, at)
	if err != nil {
		return driver.Live{}, err
	}
	live := driver.Live{}
	if s.current != nil {
		r, err := v.release(ctx, *s.current)
		if err != nil {
			return driver.Live{}, err
		}
		live = driver.Whole(r)
		live.Since = s.current.finished
	}
	if len(s.open) > 0 {
		next, err := v.release(ctx, s.open[0])
		if err != nil {
			return driver.Live{}, err
		}
		live.Pending = &next
	}
	return live, nil
}

// release is what a deployment carries.
func (v *session) release(ctx context.Context, d deployment) (driver.Release, error) {
	id, build, err := v.build(ctx, d)
	if err != nil {
		return driver.Release{}, err
	}
	r := releaseOf(id, build)
	r.Platform = looseID(d.fields["deploymentID"])
	return r, nil
}
