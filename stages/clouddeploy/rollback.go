package clouddeploy

import (
	"context"
	"fmt"

	"sluice/stages/driver"
)

// prepareRollback checks that the target can go back: to the release that the
// change names, else to the one before the one that runs.
func (d *clouddeploy) prepareRollback(ctx context.Context, c driver.Call, at place) (driver.Prepared, error) {
	p := &draft{call: c, change: c.Changes[0], at: at}
	var err error
	if p.seen, err = d.observe(ctx, at); err != nil {
		return driver.Prepared{}, err
	}
	p.checkForeign()
	id := p.change.Release.ID
	if s := p.seen; id != "" && s.settled() && standingOf(s.current).Release == id {
		return p.unchanged(), nil
	}
	if id, err = d.checkBack(ctx, p, id); err != nil {
		return driver.Prepared{}, err
	}
	return d.offer(ctx, p, "ROLLBACK", id, func(rollout string) string {
		return fmt.Sprintf("POST %s:rollbackTarget {targetId: %s, releaseId: %s, rolloutId: %s}", at.pipeline(), at.Target, id, rollout)
	})
}

// checkBack finds the release to go back to and refuses where there is none.
func (d *clouddeploy) checkBack(ctx context.Context, p *draft, id string) (string, error) {
	if p.seen.pipeline.Suspended {
		p.refuse("delivery pipeline "+p.at.DeliveryPipeline+" is suspended: it takes no new rollouts", "resume it in Cloud Deploy, then run again")
	}
	had, err := d.rollouts(ctx, "-", onTarget(p.at), newestCreated, 2, func(r []*rollout) bool { return len(r) > 1 })
	if err != nil {
		return "", err
	}
	if len(had) < 2 {
		p.refuse(fmt.Sprintf("target %s has had %d rollouts: there is nothing to go back to", p.at.Target, len(had)), "")
		return id, nil
	}
	if id == "" {
		if id, err = d.previous(ctx, p); err != nil || id == "" {
			return "", err
		}
	}
	return id, d.checkRelease(ctx, p, id)
}

// previous is the release of the newest SUCCEEDED rollout before the one to go
// back from, of a release that is not abandoned. Where a later rollout failed or
// has not ended, that one is gone back from, and what runs is the one before.
func (d *clouddeploy) previous(ctx context.Context, p *draft) (string, error) {
	had, err := d.rollouts(ctx, "-", deployed(p.at), newestDeployed, 50, every)
	if err != nil {
		return "", err
	}
	if !p.seen.standsBefore() {
		had = had[min(1, len(had)):]
	}
	for _, r := range had {
		id := releaseOf(r.Name)
		release, err := d.release(ctx, p.at, id)
		if err != nil {
			return "", err
		}
		if !release.Abandoned {
			return id, nil
		}
	}
	p.refuse(fmt.Sprintf("target %s has no earlier successful rollout of a release that is not abandoned", p.at.Target), "name the release to go back to")
	return "", nil
}
