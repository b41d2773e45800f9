package stages

import (
	"context"
	"fmt"

	"sluice/internal/guard"
	"sluice/stages/driver"
)

// readLive is what reading what runs is called.
const readLive = "read what runs"

// Live is what runs on targets of any platforms now, and why that cannot be
// told, both in their order. A platform is asked once for all of its targets
// that are asked as the same; what goes wrong with one of them, or with one platform, leaves the others. The
// errors are [*Error].
func (s *Stages) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	var order []asked
	of := map[asked][]int{}
	for i, t := range targets {
		o := s.find(t.Platform)
		if o == nil {
			errs[i] = unknownPlatform(t)
			continue
		}
		key := asked{o, string(s.envOf(t).Identity)}
		if len(of[key]) == 0 {
			order = append(order, key)
		}
		of[key] = append(of[key], i)
	}
	guard.Each(readLive, len(order), len(order), func(n int) error {
		which := of[order[n]]
		part := make([]driver.Target, len(which))
		for k, i := range which {
			part[k] = targets[i]
		}
		found, failed := order[n].live(ctx, s.envOf(part[0]), part)
		for k, i := range which {
			live[i], errs[i] = found[k], failed[k]
		}
		return nil
	})
	return live, errs
}

// asked is a platform, and as whom it is asked.
type asked struct {
	*opener
	as string
}

// live asks one platform about its targets.
func (o *opener) live(ctx context.Context, env driver.Env, targets []driver.Target) ([]driver.Live, []error) {
	none := make([]driver.Live, len(targets))
	d, err := o.open(ctx, env)
	if err != nil {
		return none, wrapAll(targets, err, explainOpen(err))
	}
	var live []driver.Live
	var errs []error
	err = guard.Do(readLive, func() error {
		live, errs = d.Live(ctx, targets)
		if len(live) != len(targets) || len(errs) != len(targets) {
			return fmt.Errorf("asked about %d targets it answered about %d: this is a mistake in sluice, please report it", len(targets), len(live))
		}
		return nil
	})
	if err != nil {
		x, err := explain(d, err)
		return none, wrapAll(targets, err, x)
	}
	for i, err := range errs {
		if err != nil {
			x, err := explain(d, err)
			live[i], errs[i] = driver.Live{}, wrapOf(targets[i], readLive, err, x)
		}
	}
	return live, errs
}

func wrapAll(targets []driver.Target, err error, x driver.Explanation) []error {
	errs := make([]error, len(targets))
	for i, t := range targets {
		errs[i] = wrapOf(t, readLive, err, x)
	}
	return errs
}

func unknownPlatform(t driver.Target) error {
	return wrapOf(t, "find the platform", fmt.Errorf("no platform is called %q", t.Platform), driver.Explanation{Code: driver.Unsupported})
}
