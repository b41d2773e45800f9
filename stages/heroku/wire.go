package heroku

import (
	"context"
	"encoding/json"
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
	Current     bool      `json:"current"`
	CreatedAt   time.Time `json:"created_at"`
	Description string    `json:"description"`
	Slug        *named    `json:"slug"`
	Output      string    `json:"output_stream_url"`
}

// slug is the id of the slug that the release runs, "" for none.
func (r *release) slug() string {
	if r == nil || r.Slug == nil {
		return ""
	}
	return r.Slug.ID
}

// runs reports whether the release ran at some time; the newest that did is
// what runs now.
func (r *release) runs() bool { return r.Current || r.Status == succeeded }

type slug struct {
	ID          string    `json:"id"`
	CreatedAt   time.Time `json:"created_at"`
	Commit      string    `json:"commit"`
	Description string    `json:"commit_description"`
	Stack       named     `json:"stack"`
}

type promotion struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	Source    struct {
		App     named `json:"app"`
		Release named `json:"release"`
	} `json:"source"`
}

type promotionTarget struct {
	App     named  `json:"app"`
	Error   string `json:"error_message"`
	Release *named `json:"release"`
	Status  string `json:"status"`
}

type buildpack struct {
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

func (c *client) couplings(ctx context.Context, pipelineID string) ([]coupling, error) {
	return list[coupling](ctx, c, request{method: http.MethodGet, path: path("pipelines", pipelineID, "pipeline-couplings")})
}

// apps reads apps by their ids. The POST only reads.
func (c *client) apps(ctx context.Context, ids []string) ([]app, error) {
	body := map[string]any{"in": map[string]any{"id": ids}}
	return list[app](ctx, c, request{method: http.MethodPost, path: "/filters/apps", variant: acceptFilters, ranged: "id ..; max=1000", body: body})
}

// latest reads the newest release of each app of a pipeline, by app id. It may
// lack apps: what it does not tell is asked of the app itself.
func (c *client) latest(ctx context.Context, pipelineID string) (map[string]*release, error) {
	all, err := list[release](ctx, c, request{method: http.MethodGet, path: path("pipelines", pipelineID, "latest-releases")})
	if err != nil && !notFound(err) {
		return nil, err
	}
	byApp := map[string]*release{}
	for _, r := range all {
		byApp[r.App.ID] = &r
	}
	return byApp, nil
}

// releases reads an app's releases, newest first, as far as the caller goes.
func (c *client) releases(ctx context.Context, appID string) iter.Seq2[*release, error] {
	all := items[release](ctx, c, request{method: http.MethodGet, path: path("apps", appID, "releases"), ranged: "version ..; order=desc,max=10"})
	return func(yield func(*release, error) bool) {
		for r, err := range all {
			if !yield(&r, err) {
				return
			}
		}
	}
}

func encode(v any) json.RawMessage {
	data, _ := json.Marshal(v) // this package's own plain data always encodes
	return data
}
