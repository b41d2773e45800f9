package heroku

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What the API answers, as far as it is used.

type app struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Stack      named  `json:"stack"`
	BuildStack named  `json:"build_stack"`
}

// containers reports whether the app runs container images, which no promotion
// can carry.
func (a app) containers() bool {
	return a.Stack.Name == "container" || a.BuildStack.Name == "container"
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type pipeline struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

type coupling struct {
	ID       string `json:"id"`
	App      named  `json:"app"`
	Pipeline named  `json:"pipeline"`
	Stage    string `json:"stage"`
}

// The statuses of a release and of a promotion target.
const (
	pending   = "pending"
	succeeded = "succeeded"
	failed    = "failed"
)

type release struct {
	ID          string    `json:"id"`
	App         named     `json:"app"`
	Version     int       `json:"version"`
	Status      string    `json:"status"`
	Current     *bool     `json:"current"` // nil where the answer does not say
	CreatedAt   time.Time `json:"created_at"`
	Description string    `json:"description"`
	Slug        nullable  `json:"slug"`
	Output      string    `json:"output_stream_url"`
}

// nullable is a thing, or null: there is none. A field that an answer lacks says
// neither.
type nullable struct {
	given bool
	thing *named
}

// UnmarshalJSON reads the thing or the null.
func (n *nullable) UnmarshalJSON(data []byte) error {
	n.given = true
	return json.Unmarshal(data, &n.thing)
}

// slug is the id of the slug that the release runs, "" for none.
func (r *release) slug() string {
	if r == nil || r.Slug.thing == nil {
		return ""
	}
	return r.Slug.thing.ID
}

// runs reports whether the release is what runs now, where no newer one does.
// Heroku marks it as current; where it marks none, the newest that succeeded is.
func (r *release) runs() bool {
	if r.Current != nil {
		return *r.Current
	}
	return r.Status == succeeded
}

// unknown reports whether the release has a status that this version does not
// know: what it means is not guessed at.
func (r *release) unknown() bool { return unknown(r.Status) }

func unknown(status string) bool {
	return status != pending && status != succeeded && status != failed
}

type slug struct {
	ID          string    `json:"id"`
	CreatedAt   time.Time `json:"created_at"`
	Commit      string    `json:"commit"`
	Description string    `json:"commit_description"`
	Stack       named     `json:"stack"`
}

type promotion struct {
	ID        string    `json:"id"`
	Pipeline  named     `json:"pipeline"`
	CreatedAt time.Time `json:"created_at"`
	Source    struct {
		App     named `json:"app"`
		Release named `json:"release"`
	} `json:"source"`
}

type promotionTarget struct {
	App       named  `json:"app"`
	Promotion named  `json:"pipeline_promotion"`
	Error     string `json:"error_message"`
	Release   *named `json:"release"`
	Status    string `json:"status"`
}

type buildpack struct {
	Ordinal   int `json:"ordinal"`
	Buildpack struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"buildpack"`
}

// What is sent.

type identity struct {
	ID string `json:"id"`
}

type appOf struct {
	App identity `json:"app"`
}

type promotionBody struct {
	Pipeline identity `json:"pipeline"`
	Source   appOf    `json:"source"`
	Targets  []appOf  `json:"targets"`
}

type pipelineBody struct {
	Name string `json:"name"`
}

type couplingBody struct {
	App      string `json:"app"`
	Pipeline string `json:"pipeline"`
	Stage    string `json:"stage"`
}

type releaseBody struct {
	Slug        string `json:"slug,omitempty"`
	Release     string `json:"release,omitempty"` // roll back to it
	Description string `json:"description,omitempty"`
}

// unread is a JSON value that is not looked at.
type unread struct{}

// UnmarshalJSON reads past the value.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// path joins segments, each escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// longest asks for the longest pages of a list that the API gives: they are 200
// otherwise, and each costs a request.
const longest = "id ..; max=1000"

func (c *client) couplings(ctx context.Context, pipelineID string) ([]coupling, error) {
	return list[coupling](ctx, c, request{
		method: http.MethodGet, path: path("pipelines", pipelineID, "pipeline-couplings"), ranged: longest, asked: asked{pipeline: pipelineID},
	})
}

// couplingOf reads where an app belongs. Couplings carry ids alone: whether it
// is the app's is seen only where the app is named by its id.
func (c *client) couplingOf(ctx context.Context, app string, want asked) (coupling, error) {
	var where coupling
	err := c.get(ctx, path("apps", app, "pipeline-couplings"), want, &where)
	return where, err
}

// apps reads apps by their ids. The POST only reads.
func (c *client) apps(ctx context.Context, ids []string) ([]app, error) {
	body := map[string]any{"in": map[string]any{"id": ids}}
	return list[app](ctx, c, request{method: http.MethodPost, path: "/filters/apps", variant: acceptFilters, ranged: longest, body: body})
}

// latest reads the newest release of each app of a pipeline, by app id. It may
// lack apps: what it does not tell is asked of the app itself.
func (c *client) latest(ctx context.Context, pipelineID string) (map[string]*release, error) {
	all, err := list[release](ctx, c, request{method: http.MethodGet, path: path("pipelines", pipelineID, "latest-releases"), ranged: longest})
	if err != nil && !notFound(err) {
		return nil, err
	}
	byApp := map[string]*release{}
	for _, r := range all {
		byApp[r.App.ID] = &r
	}
	return byApp, nil
}

// releases reads an app's releases, newest first, as far as the caller goes. An
// app's releases are numbered from 1 on, so a list that is read to its end and
// does not end there is not the whole of it.
func (c *client) releases(ctx context.Context, app string) iter.Seq2[*release, error] {
	r := request{
		method: http.MethodGet, path: path("apps", app, "releases"), asked: asked{app: app},
		ranged: "version ..; order=desc,max=10",
	}
	return func(yield func(*release, error) bool) {
		last := 0
		for item, err := range items[release](ctx, c, r) {
			if err == nil && last > 0 && item.Version >= last {
				err = doubted(r, "", fmt.Sprintf("v%d comes after v%d in a list of the newest first", item.Version, last))
			}
			if !yield(&item, err) || err != nil {
				return
			}
			last = item.Version
		}
		if last != 1 {
			yield(nil, doubted(r, "", fmt.Sprintf("the list of releases ends before v1, which every app has: with v%d", last)))
		}
	}
}

func encode(v any) json.RawMessage {
	data, _ := json.Marshal(v) // this package's own plain data always encodes
	return data
}
