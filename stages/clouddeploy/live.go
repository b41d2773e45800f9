package clouddeploy

import (
	"context"
	"slices"

	"sluice/internal/guard"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// listed is how many of a pipeline's newest rollouts are looked through for what
// several of its targets run.
const listed = 100

// asking is a Live on its way.
type asking struct {
	reader
	at   []place
	live []driver.Live
	errs []error
}

// Live is what the targets run: the release of the newest SUCCEEDED rollout there,
// which took all of the traffic. The targets of one pipeline share a list of what
// succeeded and a list of what is not over; what these do not tell is asked for.
func (d *clouddeploy) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	a := &asking{reader: d.api, at: make([]place, len(targets)), live: make([]driver.Live, len(targets)), errs: make([]error, len(targets))}
	var order []string
	of := map[string][]int{}
	for i, t := range targets {
		if a.at[i], a.errs[i] = placeOf(t); a.errs[i] != nil {
			continue
		}
		pipeline := a.at[i].pipeline()
		if len(of[pipeline]) == 0 {
			order = append(order, pipeline)
		}
		of[pipeline] = append(of[pipeline], i)
	}
	// The pipelines are read side by side, and the targets of one after another:
	// a pipeline has few.
	all := guard.Each("reading a delivery pipeline", d.atOnce, len(order), func(n int) error { return a.pipelineOf(ctx, of[order[n]]) })
	for n, err := range all {
		for _, i := range of[order[n]] {
			if err != nil {
				a.live[i], a.errs[i] = driver.Live{}, err
			}
		}
	}
	return a.live, a.errs
}

// pipelineOf reads targets of one pipeline.
func (a *asking) pipelineOf(ctx context.Context, which []int) error {
	all := a.at[which[0]]
	if len(which) > 1 {
		all.Target = "" // of any target
	}
	current := map[string]*rollout{}
	enough := func([]*rollout) bool { return true } // one page
	size := listed
	if len(which) == 1 {
		enough, size = one, 1
	}
	succeeded, err := a.rollouts(ctx, "-", deployed(all), newestDeployed, size, enough)
	if err != nil {
		return err
	}
	for _, r := range succeeded {
		if current[r.TargetID] == nil {
			current[r.TargetID] = r
		}
	}
	open, err := a.rollouts(ctx, "-", unfinished(all), newestCreated, listed, every)
	if err != nil {
		return err
	}
	for _, i := range which {
		a.errs[i] = a.one(ctx, i, current[a.at[i].Target], open, len(which) > 1)
	}
	return nil
}

// one says what one target runs. r is the newest rollout that succeeded there, as
// far as the lists tell; more says that they may not tell it.
func (a *asking) one(ctx context.Context, i int, r *rollout, open []*rollout, more bool) error {
	at := a.at[i]
	var err error
	if r == nil && more {
		if r, err = a.current(ctx, at); err != nil {
			return err
		}
	}
	live := driver.Live{}
	if r == nil {
		err = a.targetExists(ctx, at)
	} else {
		live = driver.Whole(releaseOn(r))
		live.Since = google.Clock(r.DeployEndTime)
	}
	if next := onItsWay(open, at.Target, r); next != nil && err == nil {
		on := releaseOn(next)
		live.Pending = &on
	}
	a.live[i] = live
	return err
}

// onItsWay is the newest rollout to a target that is not over
// and was made after what runs there, nil for none. One that nobody has approved
// yet does not come by itself.
func onItsWay(open []*rollout, target string, runs *rollout) *rollout {
	i := slices.IndexFunc(open, func(r *rollout) bool {
		return r.TargetID == target && r.State != "PENDING_APPROVAL" &&
			(runs == nil || google.Clock(r.CreateTime).After(google.Clock(runs.CreateTime)))
	})
	if i < 0 {
		return nil
	}
	return open[i]
}
