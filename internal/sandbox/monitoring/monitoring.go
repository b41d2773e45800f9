// Package monitoring is an emulator of Google Cloud Monitoring, as far as PromQL
// queries, alert policies and their incidents go.
//
// Its rules stand on docs/metrics.md; each cites its line.
package monitoring

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
	"sluice/internal/sandbox/prometheus"
)

// pageSize is small, so that lists have pages.
const pageSize = 2

// Policy is an alert policy.
type Policy struct {
	ID, Display string
	Disabled    bool
	Open        int // incidents
	Closed      int
	Throttled   bool // who asks for incidents is refused, as for too many requests
}

// Emulator is the API of one project. It is safe for concurrent use.
type Emulator struct {
	*prometheus.Emulator // what PromQL answers

	project  string
	requests metrics.Script
	policies []Policy
}

// New has no policies and knows no query.
func New(now func() time.Time, project string) *Emulator {
	return &Emulator{Emulator: prometheus.New(now), project: project}
}

// SetPolicies replaces the alert policies.
func (e *Emulator) SetPolicies(policies ...Policy) {
	e.requests.Set(func() { e.policies = policies })
}

// Requests are those that came: "GET /v3/…".
func (e *Emulator) Requests() []string { return e.requests.Asked() }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.requests.Set(func() { e.serve(w, r) })
}

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request) {
	e.requests.Note(r.Method + " " + r.URL.Path)
	// docs/metrics.md: "`location`, singular"
	promQL := "/v1/projects/" + e.project + "/location/global/prometheus"
	switch {
	case strings.HasPrefix(r.URL.Path, promQL+"/"):
		e.Serve(w, r, strings.TrimPrefix(r.URL.Path, promQL))
	case r.URL.Path == "/v3/projects/"+e.project+"/alertPolicies":
		e.list(w, r, "alertPolicies", e.policyList())
	case r.URL.Path == "/v3/projects/"+e.project+"/alerts" && slices.ContainsFunc(e.policies, func(p Policy) bool { return p.Throttled }):
		new(googleapi.API).WriteError(w, kit.Errorf(http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Time series queries' of service 'monitoring.googleapis.com'."))
	case r.URL.Path == "/v3/projects/"+e.project+"/alerts":
		e.list(w, r, "alerts", e.alertList(r.URL.Query().Get("filter")))
	default:
		new(googleapi.API).WriteError(w, kit.Errorf(http.StatusNotFound, "NOT_FOUND", "Requested entity was not found."))
	}
}

func (e *Emulator) policyList() []any {
	return kit.Shown(e.policies, func(p Policy) any {
		return map[string]any{"name": e.name(p), "displayName": p.Display, "enabled": !p.Disabled}
	})
}

func (e *Emulator) name(p Policy) string {
	return "projects/" + e.project + "/alertPolicies/" + p.ID
}

// alertList are the incidents; filter may want the open ones alone.
func (e *Emulator) alertList(filter string) []any {
	list := []any{}
	add := func(p Policy, i int, state string) {
		if filter == "" || filter == `state="`+state+`"` {
			list = append(list, map[string]any{
				"name": fmt.Sprintf("projects/%s/alerts/%s.%s.%d", e.project, p.ID, strings.ToLower(state), i), "state": state,
				"openTime": "2026-01-01T00:00:00Z", "policy": map[string]any{"name": e.name(p), "displayName": p.Display},
			})
		}
	}
	for _, p := range e.policies {
		for i := range p.Open {
			add(p, i, "OPEN")
		}
		for i := range p.Closed {
			add(p, i, "CLOSED")
		}
	}
	return list
}

// list answers one page.
func (e *Emulator) list(w http.ResponseWriter, r *http.Request, key string, all []any) {
	first, _ := kit.Number(r.URL.Query().Get("pageToken"), 0, 0)
	items, next := kit.Page(all, max(first, 0), pageSize)
	googleapi.WriteJSON(w, http.StatusOK, googleapi.Paged(key, items, kit.Token(next)))
}
