package heroku

import (
	"context"
	"fmt"

	"sluice/stages/driver"
)

// begin sends the promotion or the release, after what must be there before it.
func (f *frozenCall) begin(ctx context.Context) (driver.Operation, error) {
	if err := f.couple(ctx); err != nil {
		return driver.Operation{}, &unsentError{err}
	}
	if f.Source == nil {
		return f.beginRelease(ctx, f.parts[0])
	}
	return f.beginPromotion(ctx)
}

// beginPromotion sends a promotion of what the source runs.
func (f *frozenCall) beginPromotion(ctx context.Context) (driver.Operation, error) {
	if err := f.stillRuns(ctx); err != nil {
		return driver.Operation{}, &unsentError{err}
	}
	var p promotion
	want := asked{pipeline: f.Pipeline, app: f.Source.App}
	if err := f.api.change(ctx, "/pipeline-promotions", promotionOf(f.frozen, f.parts, f.Pipeline), want, &p); err != nil {
		return driver.Operation{}, err
	}
	if err := f.sameSource(ctx, p); err != nil {
		return driver.Operation{}, err
	}
	op := running(f.Call, progress{Promotion: p.ID})
	op.ID, op.Inserted, op.Link = p.ID, p.CreatedAt, f.api.base+path("pipeline-promotions", p.ID)
	return op, nil
}

// stillRuns asks the source once more, right before the promotion takes what
// runs there: the call may have been prepared long ago.
func (f *frozenCall) stillRuns(ctx context.Context) error {
	_, now, err := f.api.stands(ctx, f.Source.App)
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
func (f *frozenCall) sameSource(ctx context.Context, p promotion) error {
	took := p.Source.Release.ID
	if took == f.Source.Release {
		return nil
	}
	r, err := f.api.release(ctx, f.Source.App, took)
	if err != nil {
		return &unexpectedError{fmt.Sprintf("promotion %s took release %s of the source, not the prepared %s, and it cannot be read: %v", p.ID, took, f.Source.Release, err)}
	}
	if r.slug() != f.Slug {
		return &unexpectedError{fmt.Sprintf("promotion %s took v%d of the source with slug %s, not the pinned %s", p.ID, r.Version, r.slug(), f.Slug)}
	}
	return nil
}

// beginRelease makes a release of one app.
func (f *frozenCall) beginRelease(ctx context.Context, p part) (driver.Operation, error) {
	var r release
	if err := f.api.change(ctx, path("apps", p.App, "releases"), releaseOf(f.frozen, p), asked{app: p.App}, &r); err != nil {
		return driver.Operation{}, err
	}
	if r.slug() != f.Slug {
		return driver.Operation{}, &unexpectedError{fmt.Sprintf("Heroku made release v%d with slug %q, not %s", r.Version, r.slug(), f.Slug)}
	}
	op := running(f.Call, progress{Release: r.ID})
	op.ID, op.Inserted, op.Link = r.ID, r.CreatedAt, f.api.base+path("apps", p.App, "releases", r.ID)
	if r.Status == succeeded {
		result := f.success(ctx, p, &r)
		result.Data = p.data()
		op.Results[p.Target.Name] = result
		conclude(&op)
	}
	return op, nil
}

// couple makes the pipeline and the couplings that were declared and are still
// missing. It looks before each, so that it may be repeated.
func (f *frozenCall) couple(ctx context.Context) error {
	if f.Create != "" {
		p, err := f.api.findOrCreate(ctx, f.Create)
		if err != nil {
			return err
		}
		f.Pipeline = p.ID
	}
	for _, body := range couplingsOf(f.frozen, f.parts, f.Pipeline) {
		if err := f.api.coupleOne(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// findOrCreate is the pipeline of a name, made where there is none.
func (c *client) findOrCreate(ctx context.Context, name string) (pipeline, error) {
	var p pipeline
	err := c.get(ctx, path("pipelines", name), asked{id: name}, &p)
	if notFound(err) {
		err = c.change(ctx, "/pipelines", pipelineBody{Name: name}, asked{id: name}, &p)
	}
	return p, err
}

// coupleOne couples an app where it is in no pipeline.
func (c *client) coupleOne(ctx context.Context, body couplingBody) error {
	have, err := c.couplingOf(ctx, body.App, asked{app: body.App})
	if notFound(err) {
		return c.change(ctx, "/pipeline-couplings", body, asked{app: body.App, pipeline: body.Pipeline}, &have)
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
