package apigateway

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/canary"
	"sluice/internal/guard"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// asking is a Live on its way: the places of its targets, and what is known.
type asking struct {
	*gateway
	at   []place
	live []driver.Live
	errs []error

	mu    sync.Mutex
	alone []int // targets that are read by themselves
}

// Live is what the stages run. The stages of one API are read with one request
// where several are asked for; AWS does not page them. A stage that the list does
// not show, and those of an API whose stages may not be listed, are read by
// themselves: only GetStage says that a stage is not there.
func (g *gateway) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	a := &asking{gateway: g, at: make([]place, len(targets)), live: make([]driver.Live, len(targets)), errs: make([]error, len(targets))}
	lists := a.sort(targets)
	a.each(len(lists), func(n int) error {
		a.list(ctx, lists[n])
		return nil
	})
	for n, err := range a.each(len(a.alone), func(n int) error { return a.one(ctx, a.alone[n]) }) {
		if err != nil {
			a.errs[a.alone[n]] = err
		}
	}
	return a.live, a.errs
}

func (a *asking) each(n int, f func(int) error) []error {
	return guard.Each("reading stages", a.atOnce, n, f)
}

// sort decodes the targets' configurations and returns those that share an API.
func (a *asking) sort(targets []driver.Target) (lists [][]int) {
	type api struct{ id, region string }
	var order []api
	of := map[api][]int{}
	for i, t := range targets {
		if a.at[i], a.errs[i] = a.place(t); a.errs[i] != nil {
			continue
		}
		key := api{a.at[i].RestAPI, a.at[i].regionOr(a.gateway)}
		if len(of[key]) == 0 {
			order = append(order, key)
		}
		of[key] = append(of[key], i)
	}
	for _, key := range order {
		if which := of[key]; len(which) > 1 {
			lists = append(lists, which)
		} else {
			a.alone = append(a.alone, which...)
		}
	}
	return lists
}

// list reads the stages of one API.
func (a *asking) list(ctx context.Context, which []int) {
	at := a.at[which[0]]
	out, err := a.client.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: &at.RestAPI}, at.region)
	byName := map[string]types.Stage{}
	switch {
	case err != nil && a.Explain(err).Code != driver.Denied:
		for _, i := range which {
			a.errs[i] = err
		}
		return
	case err == nil:
		for _, s := range out.Item {
			byName[aws.ToString(s.StageName)] = s
		}
	}
	for _, i := range which {
		s, shown := byName[a.at[i].Stage]
		if !shown {
			a.leave(i)
			continue
		}
		stands, err := believeStage("GetStages", s, a.at[i].Stage, out.ResultMetadata)
		if err == nil {
			a.live[i], err = liveOf(stands)
		}
		a.errs[i] = err
	}
}

// leave has a target read by itself.
func (a *asking) leave(i int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alone = append(a.alone, i)
}

// one reads one stage.
func (a *asking) one(ctx context.Context, i int) error {
	stands, err := a.read(ctx, a.at[i])
	if err == nil {
		a.live[i], err = liveOf(stands)
	}
	return err
}

// liveOf is what a stage runs: its own deployment, whatever a canary gets, and who
// has how much of the traffic. The time of a stage's last update is not told: it
// is that of any change.
func liveOf(s patch.Stage) (driver.Live, error) {
	split := canary.Split{Stable: s.DeploymentID}
	if s.Canary != nil {
		split.Canary, split.Percent = s.Canary.DeploymentID, s.Canary.Percent
	}
	stands, err := json.Marshal(s)
	live := driver.Live{Release: driver.Release{ID: s.DeploymentID}, Stands: stands}
	for _, share := range split.Shares() {
		live.Shares = append(live.Shares, driver.Share{Release: driver.Release{ID: share.Release}, Percent: share.Percent.String()})
	}
	return live, err
}
