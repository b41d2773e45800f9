package heroku

import (
	"context"
	"strings"
	"time"

	"sluice/stages/driver"
)

// heroku is the driver.
type heroku struct {
	api    *client
	now    func() time.Time
	atOnce int
	setups *setups
	made   *made
}

var _ driver.Driver = (*heroku)(nil)

// Open connects as Heroku's own CLI does: HEROKU_API_KEY is the token,
// HEROKU_HOST a URL or a bare host whose API is at api.HOST. It sends nothing.
func Open(_ context.Context, env driver.Env) (driver.Driver, error) {
	getenv := env.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	base, err := endpoint(getenv(hostVar))
	if err != nil {
		return nil, err
	}
	token, err := env.Token(keyVar, remedyToken)
	if err != nil {
		return nil, err
	}
	api := newClient(base, token, env.Transport)
	return &heroku{api: api, now: env.Time, atOnce: env.AtOnce(), setups: &setups{api: api, now: env.Time}, made: &made{}}, nil
}

// thaw takes up a call that was prepared.
func (h *heroku) thaw(c driver.Call) (*frozenCall, error) {
	f, parts, err := thaw(c)
	return &frozenCall{Call: c, frozen: f, parts: parts, api: h.api, made: h.made, now: h.now, atOnce: h.atOnce}, err
}

// endpoint is the API's URL for a HEROKU_HOST, without a slash at its end.
func endpoint(host string) (string, error) {
	if host == "" {
		host = defaultHost
	}
	base := host
	if !strings.Contains(host, "://") {
		base = "https://api." + host
	}
	return strings.TrimRight(base, "/"), driver.CheckEndpoint(hostVar, base)
}

// Explain classifies what this driver returns.
func (h *heroku) Explain(err error) driver.Explanation { return explain(err) }

// Begin sends the promotion or the release. What must be there before it, a
// pipeline and couplings, is made first, each only where it is missing.
func (h *heroku) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	f, err := h.thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	return f.begin(ctx)
}

// Lookup looks for releases of our slug that are newer than the call. Heroku
// makes them all from one request: one of them proves that it was sent.
func (h *heroku) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	f, err := h.thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	return f.lookup(ctx)
}

// Poll asks for the promotion's targets once, and then each app that is said
// to be done: it succeeded only where our slug is seen to run. When the promotion told
// which releases it made, the list of what the apps run tells the rest.
func (h *heroku) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	f, err := h.thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	return f.poll(ctx, op)
}

// Make is Unsupported: Heroku makes slugs of source code, in its builds.
func (h *heroku) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, &unsupportedError{"a slug is made by a build of Heroku's", "push to the first stage's app (`git push heroku`), then promote from it"}
}
