// Package prometheus is an emulator of Prometheus's HTTP API, as far as queries
// go: it knows no PromQL, but the answers that it was given to queries.
//
// Its rules stand on docs/metrics.md; each cites its line.
package prometheus

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
)

// lookback is how old a value may be that an instant query shows.
const lookback = 5 * time.Minute

// Emulator is the API. It is safe for concurrent use.
type Emulator struct {
	metrics.Script // asked: "query up", "query_range up"

	now     func() time.Time
	scalars map[string]float64
}

// New knows no query yet.
func New(now func() time.Time) *Emulator {
	return &Emulator{now: now, scalars: map[string]float64{}}
}

// Scalar has a query answer a number without labels.
func (e *Emulator) Scalar(query string, v float64) { e.Set(func() { e.scalars[query] = v }) }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.Serve(w, r, r.URL.Path)
}

// Serve answers a request as if its path were this.
func (e *Emulator) Serve(w http.ResponseWriter, r *http.Request, path string) {
	e.Set(func() { e.serve(w, r, path) })
}

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request, path string) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "bad_data", err.Error())
		return
	}
	query := r.Form.Get("query")
	switch path {
	case "/api/v1/query":
		e.Note("query " + query)
	case "/api/v1/query_range":
		e.Note("query_range " + query)
	default:
		http.NotFound(w, r)
		return
	}
	// docs/metrics.md: "400 `bad_data`, 422 `execution`, 503 `timeout`"
	switch {
	case e.Throttled(), metrics.AnyThrottled(e.To(query)):
		refuse(w, http.StatusServiceUnavailable, "timeout", "query timed out in expression evaluation")
	case query == "":
		refuse(w, http.StatusBadRequest, "bad_data", `invalid parameter "query": unknown position: parse error: no expression found in input`)
	case path == "/api/v1/query":
		e.instant(w, r, query)
	default:
		e.ranged(w, r, query)
	}
}

// instant answers a vector or a scalar.
func (e *Emulator) instant(w http.ResponseWriter, r *http.Request, query string) {
	at, ok := e.time(r, "time", e.now())
	if !ok {
		refuse(w, http.StatusBadRequest, "bad_data", `invalid parameter "time": cannot parse to a valid timestamp`)
		return
	}
	if v, ok := e.scalars[query]; ok {
		succeed(w, "scalar", sample(at, v))
		return
	}
	// docs/metrics.md: "an empty vector is success with no data"
	// docs/metrics.md: "An instant query shows a value up to 5 minutes old"
	vector := []any{}
	for _, s := range e.To(query) {
		if v, ok := s.At(at.Add(-s.Late), e.now()); ok && s.Late <= lookback {
			vector = append(vector, map[string]any{"metric": labels(s), "value": sample(at, v)})
		}
	}
	succeed(w, "vector", vector)
}

// ranged answers a matrix.
func (e *Emulator) ranged(w http.ResponseWriter, r *http.Request, query string) {
	start, ok1 := e.time(r, "start", time.Time{})
	end, ok2 := e.time(r, "end", time.Time{})
	step, err := strconv.ParseFloat(r.Form.Get("step"), 64)
	switch {
	case !ok1 || !ok2 || start.IsZero() || end.IsZero() || err != nil || step <= 0:
		refuse(w, http.StatusBadRequest, "bad_data", `invalid parameter "start", "end" or "step"`)
		return
	case end.Before(start):
		refuse(w, http.StatusBadRequest, "bad_data", `invalid parameter "end": end timestamp must not be before start time`)
		return
	case end.Sub(start).Seconds()/step > 11000:
		refuse(w, http.StatusBadRequest, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
		return
	}
	matrix := []any{}
	for _, s := range e.To(query) {
		var values []any
		for at := start; !at.After(end); at = at.Add(time.Duration(step * float64(time.Second))) {
			if v, ok := s.At(at, e.now()); ok {
				values = append(values, sample(at, v))
			}
		}
		if len(values) > 0 {
			matrix = append(matrix, map[string]any{"metric": labels(s), "values": values})
		}
	}
	succeed(w, "matrix", matrix)
}

// time reads a time in seconds or RFC 3339.
func (e *Emulator) time(r *http.Request, name string, fallback time.Time) (time.Time, bool) {
	text := r.Form.Get(name)
	if text == "" {
		return fallback, true
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		whole, fraction := math.Modf(seconds)
		return time.Unix(int64(whole), int64(fraction*1e9)).UTC().Round(time.Millisecond), true
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// sample is a point as the API writes it.
//
// docs/metrics.md: "values are **strings**"
func sample(at time.Time, v float64) []any {
	return []any{float64(at.UnixMilli()) / 1e3, metrics.Text(v)}
}

func labels(s metrics.Series) map[string]string {
	if s.Labels == nil {
		return map[string]string{}
	}
	return s.Labels
}

func succeed(w http.ResponseWriter, kind string, result any) {
	kit.WriteJSON(w, http.StatusOK, "application/json", map[string]any{"status": "success", "data": map[string]any{"resultType": kind, "result": result}})
}

func refuse(w http.ResponseWriter, status int, kind, text string) {
	kit.WriteJSON(w, status, "application/json", map[string]string{"status": "error", "errorType": kind, "error": text})
}
