package heroku

import (
	"context"
	"fmt"

	"sluice/stages/driver"
)

// progress is the driver's own part of an operation. Without an id the answer
// was lost, and the releases themselves tell.
type progress struct {
	Promotion string `json:"promotion,omitempty"`
	Release   string `json:"release,omitempty"`
}

// Begin sends the promotion or the release. What must be there before it, a
// pipeline and couplings, is made first, each only where it is missing.
func (h *heroku) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, parts, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	if err := h.couple(ctx, &f, parts); err != nil {
		return driver.Operation{}, &unsentError{err}
	}
	if f.Source == nil {
		return h.beginRelease(ctx, c, f, parts[0])
	}
	return h.beginPromotion(ctx, c, f, parts)
}

func (h *heroku) beginPromotion(ctx context.Context, c driver.Call, f frozen, parts []part) (driver.Operation, error) {
	if err := h.stillRuns(ctx, f); err != nil {
		return driver.Operation{}, &unsentError{err}
	}
	var p promotion
	want := asked{pipeline: f.Pipeline, app: f.Source.App}
	if err := h.change(ctx, "/pipeline-promotions", promotionOf(f, parts, f.Pipeline), want, &p); err != nil {
		return driver.Operation{}, err
	}
	if err := h.sameSource(ctx, f, p); err != nil {
		return driver.Operation{}, err
	}
	op := running(c, progress{Promotion: p.ID})
	op.ID, op.Inserted, op.Link = p.ID, p.CreatedAt, h.base+path("pipeline-promotions", p.ID)
	return op, nil
}

// stillRuns asks the source once more, right before the promotion takes what
// runs there: the call may have been prepared long ago.
func (h *heroku) stillRuns(ctx context.Context, f frozen) error {
	_, now, err := h.stands(ctx, f.Source.App)
	if err != nil || now.slug() == f.Slug {
		return err
	}
	return &movedError{
		text:   fmt.Sprintf("the source app runs slug %s now, not the pinned %s: nothing was promoted", now.slug(), f.Slug),
		remedy: "start a new promotion of what runs there",
	}
}

// sameSource compares the release that the promotion took with the one that was
// prepared. Another release of the same slug is as good.
func (h *heroku) sameSource(ctx context.Context, f frozen, p promotion) error {
	took := p.Source.Release.ID
	if took == f.Source.Release {
		return nil
	}
	r, err := h.release(ctx, f.Source.App, took)
	if err != nil {
		return &unexpectedError{fmt.Sprintf("promotion %s took release %s of the source, not the prepared %s, and it cannot be read: %v", p.ID, took, f.Source.Release, err)}
	}
	if r.slug() != f.Slug {
		return &unexpectedError{fmt.Sprintf("promotion %s took v%d of the source with slug %s, not the pinned %s", p.ID, r.Version, r.slug(), f.Slug)}
	}
	return nil
}

func (h *heroku) beginRelease(ctx context.Context, c driver.Call, f frozen, p part) (driver.Operation, error) {
	var r release
	if err := h.change(ctx, path("apps", p.App, "releases"), releaseOf(f, p), asked{app: p.App}, &r); err != nil {
		return driver.Operation{}, err
	}
	if r.slug() != f.Slug {
		return driver.Operation{}, &unexpectedError{fmt.Sprintf("Heroku made release v%d with slug %q, not %s", r.Version, r.slug(), f.Slug)}
	}
	op := running(c, progress{Release: r.ID})
	op.ID, op.Inserted, op.Link = r.ID, r.CreatedAt, h.base+path("apps", p.App, "releases", r.ID)
	if r.Status == succeeded {
		result := h.success(ctx, p, &r)
		result.Data = p.data()
		op.Results[p.Target.Name] = result
		conclude(&op)
	}
	return op, nil
}

// running is an operation on every target of the call, none of them decided.
func running(c driver.Call, p progress) driver.Operation {
	kind := "release"
	if p.Promotion != "" {
		kind = "promotion"
	}
	op := driver.Operation{Kind: kind, Status: driver.Running, Results: map[string]driver.Result{}, Data: encode(p)}
	for _, name := range c.Names() {
		op.Results[name] = driver.Result{Outcome: driver.Open}
	}
	return op
}

func promotionOf(f frozen, parts []part, pipelineID string) promotionBody {
	body := promotionBody{Pipeline: identity{pipelineID}, Source: appOf{identity{f.Source.App}}}
	for _, p := range parts {
		body.Targets = append(body.Targets, appOf{identity{p.App}})
	}
	return body
}

func releaseOf(f frozen, p part) releaseBody {
	if f.Release != "" {
		return releaseBody{Release: f.Release}
	}
	return releaseBody{Slug: f.Slug, Description: p.Options.Description}
}

// couplingsOf are the couplings that the call needs and that were missing.
func couplingsOf(f frozen, parts []part, pipelineID string) []couplingBody {
	var all []couplingBody
	if f.Source != nil && f.Source.Couple != "" {
		all = append(all, couplingBody{App: f.Source.App, Pipeline: pipelineID, Stage: f.Source.Couple})
	}
	for _, p := range parts {
		if p.Couple != "" {
			all = append(all, couplingBody{App: p.App, Pipeline: pipelineID, Stage: p.Couple})
		}
	}
	return all
}

// couple makes the pipeline and the couplings that were declared and are still
// missing. It looks before each, so that it may be repeated.
func (h *heroku) couple(ctx context.Context, f *frozen, parts []part) error {
	if f.Create != "" {
		p, err := h.findOrCreate(ctx, f.Create)
		if err != nil {
			return err
		}
		f.Pipeline = p.ID
	}
	for _, body := range couplingsOf(*f, parts, f.Pipeline) {
		if err := h.coupleOne(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

func (h *heroku) findOrCreate(ctx context.Context, name string) (pipeline, error) {
	var p pipeline
	err := h.get(ctx, path("pipelines", name), asked{id: name}, &p)
	if notFound(err) {
		err = h.change(ctx, "/pipelines", pipelineBody{Name: name}, asked{id: name}, &p)
	}
	return p, err
}

func (h *heroku) coupleOne(ctx context.Context, body couplingBody) error {
	have, err := h.couplingOf(ctx, body.App, asked{app: body.App})
	if notFound(err) {
		return h.change(ctx, "/pipeline-couplings", body, asked{app: body.App, pipeline: body.Pipeline}, &have)
	}
	if err != nil {
		return err
	}
	if have.Pipeline.ID != body.Pipeline || have.Stage != body.Stage {
		return &movedError{
			text:   fmt.Sprintf("the app was coupled to pipeline %s, stage %s meanwhile", called(have.Pipeline), have.Stage),
			remedy: remedyMove,
		}
	}
	return nil
}
