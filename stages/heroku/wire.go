package heroku

import (
	"encoding/json"
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

func encode(v any) json.RawMessage {
	data, _ := json.Marshal(v) // this package's own plain data always encodes
	return data
}

// is reports whether a declared name or id means the pipeline.
func (p pipeline) is(nameOrID string) bool { return nameOrID == p.ID || nameOrID == p.Name }

// called is the pipeline's name, or its id where the API told no more.
func called(p named) string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}
