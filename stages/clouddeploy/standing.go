package clouddeploy

import (
	"context"
	"encoding/json"

	"sluice/stages/driver"
)

// standing is what runs on a target.
type standing struct {
	Release string `json:"release,omitempty"`
	Rollout string `json:"rollout,omitempty"` // resource name
}

func standingOf(r *rollout) standing {
	if r == nil {
		return standing{}
	}
	return standing{Release: releaseOf(r.Name), Rollout: r.Name}
}

func (s standing) json() json.RawMessage {
	data, _ := json.Marshal(s) //nolint:errchkjson // two strings
	return data
}

// observed is what a new rollout must know of its target.
type observed struct {
	pipeline   *deliveryPipeline
	current    *rollout   // what runs; nil for nothing
	newest     *rollout   // made last; nil for none
	touched    *rollout   // the newest that began to deploy; nil for none
	unfinished []*rollout // not over
}

func (api reader) observe(ctx context.Context, at place) (observed, error) {
	var s observed
	var err error
	if s.pipeline, err = api.pipeline(ctx, at); err != nil {
		return s, err
	}
	if s.current, err = api.current(ctx, at); err != nil {
		return s, err
	}
	had, err := api.sinceBegun(ctx, at)
	if err != nil {
		return s, err
	}
	if s.touched = firstBegun(had); len(had) > 0 {
		s.newest = had[0]
	}
	s.unfinished, err = api.rollouts(ctx, "-", unfinished(at), newestCreated, 50, every)
	return s, err
}

// settled reports whether what runs is what was last tried: nothing later
// started on the target and failed half-way.
func (s observed) settled() bool {
	return s.current != nil && s.touched != nil && s.current.Name == s.touched.Name
}

// standsBefore reports whether what runs is known to be older than what was last
// tried. It is not the opposite of settled: an answer that tells neither has a
// rollback take what runs for what is to be gone back from.
func (s observed) standsBefore() bool { return s.current != nil && s.touched != nil && !s.settled() }

// releaseOn is a rollout's release.
func releaseOn(r *rollout) driver.Release {
	return driver.Release{ID: releaseOf(r.Name), Platform: r.Name, Comment: r.Description}
}
