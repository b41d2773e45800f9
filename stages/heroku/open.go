package heroku

import (
	"context"
	"net/http"
	"strings"
	"time"

	"sluice/stages/driver"
)

const (
	keyVar  = "HEROKU_API_KEY"
	hostVar = "HEROKU_HOST"

	defaultHost = "heroku.com"
)

// heroku is the driver.
type heroku struct {
	*client
	now    func() time.Time
	atOnce int
	setups setups
	made   made
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
	return &heroku{client: newClient(base, token, env.Transport), now: env.Time, atOnce: env.AtOnce()}, nil
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

// newClient is a client that follows no redirect: the API documents none, so
// what one leads to is not what was asked for. How long a request may take is
// the transport's to say.
func newClient(base, token string, transport http.RoundTripper) *client {
	c := &client{base: base, token: token, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.tokens.left.Store(fullBudget)
	return c
}
