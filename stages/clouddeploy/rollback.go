package clouddeploy

import (
	"context"
	"fmt"

	"sluice/stages/driver"
)

// rollback checks that the target can go back: to the release that the change
// names, else to the one before the one that runs.
func (p *rolloutDraft) rollback(ctx context.Context) (driver.Prepared, error) {
	var err error
	if p.seen, err = p.api.observe(ctx, p.at); err != nil {
		return driver.Prepared{}, err
	}
	p.checkForeign()
	id := p.change.Release.ID
	if s := p.seen; id != "" && s.settled() && standingOf(s.current).Release == id {
		return p.unchanged(), nil
	}
	if id, err = p.checkBack(ctx, id); err != nil {
		return driver.Prepared{}, err
	}
	return p.offer(ctx, "ROLLBACK", id, func(rollout string) string {
		return fmt.Sprintf("POST %s:rollbackTarget {targetId: %s, releaseId: %s, rolloutId: %s}", p.at.pipeline(), p.at.Target, id, rollout)
	})
}

// checkBack finds the release to go back to and refuses where there is none.
func (p *rolloutDraft) checkBack(ctx context.Context, id string) (string, error) {
	if p.seen.pipeline.Suspended {
		p.refuse("delivery pipeline "+p.at.DeliveryPipeline+" is suspended: it takes no new rollouts", "resume it in Cloud Deploy, then run again")
	}
	had, err := p.api.rollouts(ctx, "-", onTarget(p.at), newestCreated, 2, func(r []*rollout) bool { return len(r) > 1 })
	if err != nil {
		return "", err
	}
	if len(had) < 2 {
		p.refuse(fmt.Sprintf("target %s has had %d rollouts: there is nothing to go back to", p.at.Target, len(had)), "")
		return id, nil
	}
	if id == "" {
		if id, err = p.previous(ctx); err != nil || id == "" {
			return "", err
		}
	}
	return id, p.checkRelease(ctx, id)
}

// previous is the release of the newest SUCCEEDED rollout before the one to go
// back from, of a release that is not abandoned. Where a later rollout failed or
// has not ended, that one is gone back from, and what runs is the one before.
func (p *rolloutDraft) previous(ctx context.Context) (string, error) {
	had, err := p.api.rollouts(ctx, "-", deployed(p.at), newestDeployed, 50, every)
	if err != nil {
		return "", err
	}
	if !p.seen.standsBefore() {
		had = had[min(1, len(had)):]
	}
	for _, r := range had {
		id := releaseOf(r.Name)
		release, err := p.api.release(ctx, p.at, id)
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
