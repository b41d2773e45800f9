package heroku

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/stages/driver"
)

// freeze turns what was found into the prepared call.
func (d *deployment) freeze(now time.Time) {
	out := &d.prepared
	out.Before, out.After = map[string]json.RawMessage{}, map[string]json.RawMessage{}
	out.Call.Changes = nil
	for i, change := range d.call.Changes {
		d.freezeTarget(change, d.targets[i])
	}
	if len(out.Call.Changes) == 0 || d.refused() {
		return
	}
	f := frozen{Pipeline: d.pipeline.ID, Create: d.create, Slug: d.wanted(), Release: d.back, Prepared: now}
	if d.source != nil {
		f.Source = &source{App: d.source.app.ID, Release: d.source.running.ID, Couple: d.source.couples()}
	}
	out.Call.Data = encode(f)
	parts := partsOf(out.Call)
	out.Requests = requests(f, parts)
	out.Commands = d.commands(f, parts)
}

func (d *deployment) freezeTarget(change driver.Change, p *participant) {
	out, name := &d.prepared, change.Target.Name
	if p.running.slug() != "" {
		out.Before[name] = standingOf(p.running)
	} else if p.missing == "" {
		out.First = append(out.First, name)
	}
	if d.unchanged(p) {
		out.Unchanged = append(out.Unchanged, name)
		out.After[name] = out.Before[name]
		return
	}
	m := p.member()
	m.belongs = d.belongs(p)
	change.Data = encode(m)
	out.After[name] = encode(standing{Slug: change.Release.ID})
	out.Call.Changes = append(out.Call.Changes, change)
}

// belongs is where an app is, as far as the call's reads tell.
func (d *deployment) belongs(p *participant) belongs {
	if p.coupling == nil && p.couples() == "" {
		return belongs{}
	}
	b := belongs{Pipeline: d.pipelineName(), Stage: p.stage()}
	if p.coupling != nil {
		b.Coupling = p.coupling.ID
	}
	return b
}

// member is what is frozen of a target.
func (p *participant) member() member {
	m := member{App: p.app.ID, Slug: p.running.slug(), Couple: p.couples()}
	if p.newest != nil {
		m.Version = p.newest.Version
	}
	return m
}

// couples is the stage that Begin couples the app to, "" for none.
func (p *participant) couples() string {
	if p.coupling != nil || !p.place.Couple {
		return ""
	}
	return p.place.Stage
}

// prepareDeploy reads where the apps are and what they run, and finds what speaks
// against the call.
func (h *heroku) prepareDeploy(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	s, err := observedOf(c, h.api, h.atOnce)
	if err != nil {
		return driver.Prepared{}, err
	}
	if err := s.look(ctx); err != nil {
		return driver.Prepared{}, err
	}
	if err := s.run(ctx); err != nil {
		return driver.Prepared{}, err
	}
	d := &deployment{observed: s, call: c, prepared: driver.Prepared{Call: c}}
	d.check()
	if err := d.advise(ctx, h.setups); err != nil {
		return driver.Prepared{}, err
	}
	d.freeze(h.api.tokens.time())
	return d.prepared, nil
}

// prepareRollback freezes the way back to what the baseline names. Where an app
// belongs does not matter to it.
func (h *heroku) prepareRollback(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	change := c.Changes[0]
	at, err := placeOf(change.Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	base := standingIn(change.Baseline)
	if base.Slug == "" {
		f := refusal(change.Target, "nothing is recorded that ran here before this rollout", "promote an earlier release by its id (--release)")
		return driver.Prepared{Call: c, Findings: []driver.Finding{f}}, nil
	}
	p := &participant{target: change.Target, place: at, app: app{ID: at.App, Name: at.App}}
	if p.newest, p.running, err = h.api.stands(ctx, at.App); err != nil {
		return driver.Prepared{}, err
	}
	if change.Release.ID != base.Slug {
		change.Release = driver.Release{ID: base.Slug}
	}
	c.Changes = []driver.Change{change}
	d := &deployment{observed: &observed{api: h.api, targets: []*participant{p}}, call: c, back: base.Release, prepared: driver.Prepared{Call: c}}
	if !d.unchanged(p) {
		d.checkExpected(change, p)
	}
	d.freeze(h.api.tokens.time())
	return d.prepared, nil
}

// partsOf are the changes of a call that was frozen a moment ago.
func partsOf(c driver.Call) []part {
	parts := make([]part, len(c.Changes))
	for i, change := range c.Changes {
		parts[i].Change = change
		_ = json.Unmarshal(change.Data, &parts[i].member) // encoded a moment ago
	}
	return parts
}

// requests are what Begin will send, for people.
func requests(f frozen, parts []part) []string {
	var all []string
	in := f.Pipeline
	if f.Create != "" {
		in = f.Create
		all = append(all, fmt.Sprintf("POST /pipelines %s", encode(pipelineBody{Name: f.Create})))
	}
	for _, b := range couplingsOf(f, parts, in) {
		all = append(all, fmt.Sprintf("POST /pipeline-couplings %s", encode(b)))
	}
	if f.Source != nil {
		return append(all, fmt.Sprintf("POST /pipeline-promotions %s", encode(promotionOf(f, parts, in))))
	}
	return append(all, fmt.Sprintf("POST %s %s", path("apps", parts[0].App, "releases"), encode(releaseOf(f, parts[0]))))
}

// Prepare reads where the apps are and what they run, and freezes the one
// request that Begin sends.
func (h *heroku) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) > 1 && (c.Kind == driver.Rollback || c.Changes[0].Source == nil) {
		return driver.Prepared{}, &invalidError{text: fmt.Sprintf("a release is made on one app in one call, not on %d", len(c.Changes))}
	}
	if c.Kind == driver.Rollback {
		return h.prepareRollback(ctx, c)
	}
	return h.prepareDeploy(ctx, c)
}
