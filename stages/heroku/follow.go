package heroku

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"sluice/stages/driver"
)

// followable is what a release or a promotion goes by: v42, 42 or an id.
var followable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:v?[0-9]{1,9}|` + idPattern + `)$`) })

// Operation follows a release of the app by its id or version, or a promotion
// that it is a target of by its id, whoever made them.
func (h *heroku) Operation(ctx context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	at, err := placeOf(t)
	if err != nil {
		return driver.Operation{}, 0, err
	}
	if !followable().MatchString(name) {
		return driver.Operation{}, 0, &invalidError{text: fmt.Sprintf("%q names no release and no promotion", name), remedy: "give a version such as v42, or the id of a release or a promotion"}
	}
	r, err := h.api.releaseCalled(ctx, at.App, name)
	if err == nil {
		return h.api.watchedRelease(ctx, t, r), 0, nil
	}
	if !notFound(err) || !regexp.MustCompile(`^`+idPattern+`$`).MatchString(name) {
		return driver.Operation{}, 0, err
	}
	op, ofPromotion := h.api.watchedPromotion(ctx, t, at, name)
	if notFound(ofPromotion) {
		return driver.Operation{}, 0, err
	}
	return op, 0, ofPromotion
}

// watchedRelease is a release as an operation.
func (c *client) watchedRelease(ctx context.Context, t driver.Target, r *release) driver.Operation {
	op := driver.Operation{
		ID: r.ID, Kind: "release", Status: driver.Running, Inserted: r.CreatedAt,
		Link: c.base + path("apps", r.App.ID, "releases", r.ID),
	}
	result := driver.Result{Outcome: driver.Open, Release: driver.Release{
		ID: r.slug(), Name: fmt.Sprintf("v%d", r.Version), Platform: r.ID, CreateTime: r.CreatedAt, Comment: r.Description,
	}}
	switch r.Status {
	case succeeded:
		result.Outcome, result.Log = driver.Succeeded, c.output(ctx, r)
	case failed:
		result.Outcome, result.Log = driver.Failed, c.output(ctx, r)
		result.Errors = []driver.Problem{{Location: fmt.Sprintf("release v%d", r.Version), Message: fmt.Sprintf("release v%d failed in its release phase", r.Version)}}
	case pending:
	default:
		op.Warnings = waits(fmt.Sprintf("release v%d", r.Version), r.Status).strange
	}
	op.Results = map[string]driver.Result{t.Name: result}
	conclude(&op)
	return op
}

// watchedPromotion is the app's part of a promotion, as an operation.
func (c *client) watchedPromotion(ctx context.Context, t driver.Target, at place, id string) (driver.Operation, error) {
	app, err := c.appCalled(ctx, at.App)
	if err != nil {
		return driver.Operation{}, err
	}
	of := request{method: http.MethodGet, path: path("pipeline-promotions", id, "promotion-targets"), ranged: longest, asked: asked{promotion: id}}
	targets, err := list[promotionTarget](ctx, c, of)
	if err != nil {
		return driver.Operation{}, err
	}
	op := driver.Operation{ID: id, Kind: "promotion", Status: driver.Running, Link: c.base + path("pipeline-promotions", id)}
	for _, one := range targets {
		if one.App.ID != app.ID {
			continue
		}
		result, strange := c.watchedTarget(ctx, app.ID, one)
		op.Results, op.Warnings = map[string]driver.Result{t.Name: result}, strange
		conclude(&op)
		return op, nil
	}
	return driver.Operation{}, &invalidError{text: fmt.Sprintf("promotion %s has no target %s", id, at.App), remedy: "name a target of the promotion"}
}

// watchedTarget is what a promotion did to one app. A release that it made tells
// how its release phase goes, which the promotion's own status may not.
func (c *client) watchedTarget(ctx context.Context, app string, one promotionTarget) (driver.Result, []driver.Problem) {
	result := driver.Result{Outcome: driver.Open}
	if one.Release != nil {
		if r, err := c.release(ctx, app, one.Release.ID); err == nil {
			result = c.watchedRelease(ctx, driver.Target{}, r).Results[""]
		}
	}
	switch one.Status {
	case succeeded:
		if one.Release == nil {
			result.Outcome = driver.Succeeded
		}
	case failed:
		result.Outcome = driver.Failed
		result.Errors = append(result.Errors, driver.Problem{Location: "promotion", Message: one.Error})
	case pending:
		result.Outcome = driver.Open
	default:
		result.Outcome = driver.Open
		return result, waits("the promotion target", one.Status).strange
	}
	return result, nil
}
