// Package datadog is an emulator of Datadog's API, as far as metric queries and
// the evaluation of deployment gates go: it knows no query language, but the answers
// that it was given to queries.
//
// Its rules stand on docs/metrics.md; each cites its line.
package datadog

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
)

// The keys that the emulator knows. They are no secrets.
const (
	APIKey = "sandbox-api-key"
	AppKey = "sandbox-app-key"
)

// Gate is what a deployment gate says.
type Gate struct {
	Pass   bool
	DryRun bool
	Looks  int // at an evaluation before it is over; the first is not found

	Throttled bool // who wants an evaluation is refused, as for too many requests
}

// Emulator is the API. It is safe for concurrent use.
type Emulator struct {
	metrics.Script // asked: "GET /api/v1/query"

	now         func() time.Time
	interval    time.Duration
	gates       map[string]Gate // by service and env
	evaluations []*evaluation
	broken      bool
}

type evaluation struct {
	gate  Gate
	looks int
}

// New has points every interval.
func New(now func() time.Time, interval time.Duration) *Emulator {
	return &Emulator{now: now, interval: interval, gates: map[string]Gate{}}
}

// SetGate scripts a gate.
func (e *Emulator) SetGate(service, env string, g Gate) { e.SetGateOf(service+" "+env, g) }

// SetGateOf scripts the gate of "SERVICE ENV".
func (e *Emulator) SetGateOf(of string, g Gate) { e.Set(func() { e.gates[of] = g }) }

// RemoveGate has no such gate.
func (e *Emulator) RemoveGate(service, env string) {
	e.Set(func() { delete(e.gates, service+" "+env) })
}

// Break has queries answer an error with the status 200.
func (e *Emulator) Break(broken bool) { e.Set(func() { e.broken = broken }) }

const evaluationPath = "/api/v2/deployments/gates/evaluation"

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.Set(func() { e.serve(w, r) })
}

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request) {
	e.Note(r.Method + " " + r.URL.Path)
	switch {
	case r.Header.Get("DD-API-KEY") != APIKey || r.Header.Get("DD-APPLICATION-KEY") != AppKey:
		write(w, http.StatusForbidden, `{"errors":["Forbidden"]}`)
	case e.Throttled():
		limited(w)
	case r.Method == http.MethodGet && r.URL.Path == "/api/v1/query":
		e.query(w, r)
	case r.Method == http.MethodPost && r.URL.Path == evaluationPath:
		e.evaluate(w, r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, evaluationPath+"/"):
		e.look(w, strings.TrimPrefix(r.URL.Path, evaluationPath+"/"))
	default:
		write(w, http.StatusNotFound, `{"errors":["Not found"]}`)
	}
}

// limited refuses as for too many requests.
//
// docs/metrics.md: "429 with `X-RateLimit-Reset` (seconds)"
func limited(w http.ResponseWriter) {
	w.Header().Set("X-RateLimit-Reset", "3")
	write(w, http.StatusTooManyRequests, `{"errors":["Rate limit of 100 requests in 3600 seconds reached. Please try again later."]}`)
}

func (e *Emulator) query(w http.ResponseWriter, r *http.Request) {
	from, err1 := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
	query := r.URL.Query().Get("query")
	if err1 != nil || err2 != nil || query == "" {
		write(w, http.StatusBadRequest, `{"errors":["Missing required parameter"]}`)
		return
	}
	if metrics.AnyThrottled(e.To(query)) {
		limited(w)
		return
	}
	// docs/metrics.md: "errors may be a 200"
	if e.broken {
		write(w, http.StatusOK, `{"status":"error","error":"Error parsing query: unable to parse","series":[]}`)
		return
	}
	list := []any{}
	for _, s := range e.To(query) {
		points := [][2]any{}
		step := int64(e.interval / time.Second)
		for at := from - from%step; at <= to; at += step { // the last one is unfinished
			t := time.Unix(at, 0).UTC()
			v, ok := s.At(t, e.now())
			switch {
			case ok:
				points = append(points, [2]any{at * 1000, v})
			case s.Late == 0:
				points = append(points, [2]any{at * 1000, nil})
			}
		}
		list = append(list, map[string]any{
			"metric": query, "expression": query, "scope": scope(s.Labels), "interval": step, "pointlist": points, "length": len(points),
			"start": from * 1000, "end": to * 1000,
		})
	}
	kit.WriteJSON(w, http.StatusOK, "application/json", map[string]any{
		"status": "ok", "res_type": "time_series", "query": query, "from_date": from * 1000, "to_date": to * 1000, "series": list,
	})
}

func scope(labels map[string]string) string {
	if len(labels) == 0 {
		return "*"
	}
	var parts []string
	for name, value := range labels {
		parts = append(parts, name+":"+value)
	}
	return strings.Join(parts, ",")
}

// evaluate begins an evaluation.
func (e *Emulator) evaluate(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Data struct {
			Type       string            `json:"type"`
			Attributes map[string]string `json:"attributes"`
		} `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Data.Type != "deployment_gates_evaluation_request" {
		write(w, http.StatusBadRequest, `{"errors":[{"title":"Bad Request","detail":"invalid type"}]}`)
		return
	}
	a := request.Data.Attributes
	gate, ok := e.gates[a["service"]+" "+a["env"]]
	if !ok {
		// docs/metrics.md: "404: there is no such gate, or it has no rules"
		write(w, http.StatusNotFound, `{"errors":[{"title":"Generic Error","detail":"no gate found"}]}`)
		return
	}
	if gate.Throttled {
		limited(w)
		return
	}
	e.evaluations = append(e.evaluations, &evaluation{gate: gate})
	write(w, http.StatusAccepted, fmt.Sprintf(`{"data":{"id":"r","type":"deployment_gates_evaluation_response","attributes":{"evaluation_id":"e%d"}}}`, len(e.evaluations)))
}

// look answers how an evaluation stands.
//
// docs/metrics.md: "**404 when asked too soon**"
func (e *Emulator) look(w http.ResponseWriter, id string) {
	i, err := strconv.Atoi(strings.TrimPrefix(id, "e"))
	if err != nil || i < 1 || i > len(e.evaluations) {
		write(w, http.StatusNotFound, `{"errors":[{"title":"Not Found","detail":"no such evaluation"}]}`)
		return
	}
	at := e.evaluations[i-1]
	at.looks++
	status := "in_progress"
	switch {
	case at.looks == 1 && at.gate.Looks > 0:
		write(w, http.StatusNotFound, `{"errors":[{"title":"Not Found","detail":"evaluation not found"}]}`)
		return
	case at.looks <= at.gate.Looks:
	case at.gate.Pass || at.gate.DryRun:
		// docs/metrics.md: "**A dry-run gate always answers pass** with `dry_run: true`"
		status = "pass"
	default:
		status = "fail"
	}
	write(w, http.StatusOK, fmt.Sprintf(`{"data":{"id":%q,"type":"deployment_gates_evaluation_result_response","attributes":{"evaluation_id":%q,"gate_status":%q,"dry_run":%t,"rules":[{"name":"errors","status":%q,"reason":"","dry_run":false}]}}}`,
		id, id, status, at.gate.DryRun, status))
}

func write(w http.ResponseWriter, status int, body string) {
	kit.WriteJSON(w, status, "application/json", json.RawMessage(body))
}
