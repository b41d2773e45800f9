package heroku_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const accept = "application/vnd.heroku+json; version=3"

// client speaks to an emulator as curl would.
type client struct {
	*testing.T
	clock  *sandboxtest.Clock
	server *sandbox.Server
	header http.Header
}

func serve(t *testing.T, p *pipeline.Pipeline, faults ...string) *client {
	t.Helper()
	c := &client{T: t, clock: sandboxtest.NewClock(start)}
	o := sandbox.Options{Emulators: []sandbox.Emulator{heroku.New(c.clock.Now)}, Faults: sandboxtest.Faults(t, faults...)}
	if p != nil {
		o.Pipelines = []*pipeline.Pipeline{p}
	}
	c.server = sandboxtest.Start(t, o)
	c.header = http.Header{"Accept": {accept}, "Authorization": {"Bearer " + c.server.Env()["HEROKU_API_KEY"]}}
	return c
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (c *client) send(method, path string, body any, headers ...string) reply {
	c.Helper()
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		c.must(err)
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(c.Context(), method, c.server.Env()["HEROKU_HOST"]+path, sent)
	c.must(err)
	req.Header = c.header.Clone()
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	c.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	c.must(err)
	return reply{resp.StatusCode, resp.Header, data}
}

// ok sends a request that is not refused and decodes its answer.
func ok[T any](c *client, method, path string, body any, headers ...string) T {
	c.Helper()
	r := c.send(method, path, body, headers...)
	if r.status > 299 {
		c.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	var v T
	c.must(json.Unmarshal(r.body, &v))
	return v
}

// refused sends a request that must be refused with a status and an id.
func (c *client) refused(status int, id, method, path string, body any, headers ...string) {
	c.Helper()
	r := c.send(method, path, body, headers...)
	var e struct{ ID, Message, URL string }
	if json.Unmarshal(r.body, &e) != nil || r.status != status || e.ID != id || e.Message == "" || e.URL == "" || r.header.Get("Request-Id") == "" {
		c.Errorf("%s %s: %d %s %s, want %d %s", method, path, r.status, r.header.Get("Request-Id"), r.body, status, id)
	}
}

func (c *client) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// What tests look at.
type (
	thing struct {
		ID, Name, Stage, Status string
	}
	releaseOf struct {
		ID, Status, Description string
		Version                 int
		Current                 bool
		Slug                    *thing
		App                     thing
		Output                  *string `json:"output_stream_url"`
	}
	couplingOf struct {
		ID, Stage     string
		App, Pipeline thing
	}
	promotionOf struct {
		ID, Status string
		Source     struct{ App, Release thing }
	}
	targetOf struct {
		App     thing
		Status  string
		Error   *string `json:"error_message"`
		Release *thing
	}
)

// keys are a target's keys.
func keys(app, stage string) map[string]any {
	return map[string]any{"app": app, "pipeline": "storefront", "stage": stage}
}

// two is a pipeline staging → production with two production apps.
func two(t *testing.T) *pipeline.Pipeline {
	return sandboxtest.Pipeline(t, "heroku",
		[]sandboxtest.Target{{Name: "staging", Config: keys("storefront-staging", "staging")}},
		[]sandboxtest.Target{{Name: "eu", Config: keys("storefront-eu", "production")}, {Name: "us", Config: keys("storefront-us", "production")}},
	)
}

func (c *client) app(name string) thing {
	c.Helper()
	return ok[thing](c, "GET", "/apps/"+name, nil)
}

// promotion is the body of a promotion from staging.
func (c *client) promotion(to ...string) map[string]any {
	c.Helper()
	var targets []any
	for _, name := range to {
		targets = append(targets, map[string]any{"app": map[string]string{"id": c.app(name).ID}})
	}
	p := ok[thing](c, "GET", "/pipelines/storefront", nil)
	return map[string]any{
		"pipeline": map[string]string{"id": p.ID},
		"source":   map[string]any{"app": map[string]string{"id": c.app("storefront-staging").ID}},
		"targets":  targets,
	}
}

// promoted is a promotion's targets, by app id.
func (c *client) promoted(id string) map[string]targetOf {
	c.Helper()
	byApp := map[string]targetOf{}
	for _, t := range ok[[]targetOf](c, "GET", "/pipeline-promotions/"+id+"/promotion-targets", nil) {
		byApp[t.App.ID] = t
	}
	return byApp
}
