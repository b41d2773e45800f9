// Package prometheus asks a Prometheus, or what answers as one, over its HTTP API.
// What the API really answers stands in docs/metrics.md.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/analysis"
)

// Client asks one server.
type Client struct {
	HTTP   *http.Client
	Base   string // its address, up to /api/v1
	Header http.Header
}

// RefusedError is an answer that says no.
type RefusedError struct {
	Status     int    // the HTTP status
	Type, Text string // Prometheus's own words; "" where it said none
}

// Error says what was answered.
func (e *RefusedError) Error() string {
	switch {
	case e.Type == "" && e.Text == "":
		return fmt.Sprintf("it answered %d", e.Status)
	default:
		return fmt.Sprintf("it answered %d %s: %s", e.Status, e.Type, e.Text)
	}
}

// Final reports whether asking again changes nothing: the query is wrong, or who
// asks may not.
func (e *RefusedError) Final() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return e.Status >= 400 && e.Status < 500
	}
}

// Instant asks for the values at a time. A value may be up to five minutes old
// and carries the time asked for all the same.
func (c Client) Instant(ctx context.Context, query string, at time.Time) ([]analysis.Series, error) {
	return c.ask(ctx, "/api/v1/query", url.Values{"query": {query}, "time": {unix(at)}})
}

// Range asks for the values from one time to another, both included.
func (c Client) Range(ctx context.Context, query string, from, to time.Time, step time.Duration) ([]analysis.Series, error) {
	return c.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {query}, "start": {unix(from)}, "end": {unix(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

func unix(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64) }

func (c Client) ask(ctx context.Context, path string, query url.Values) ([]analysis.Series, error) {
	address := strings.TrimSuffix(c.Base, "/") + path + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range c.Header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("Accept", "application/json")
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return decode(resp.StatusCode, body)
}

// answer is the envelope of every answer.
type answer struct {
	Status    string `json:"status"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
	Data      *struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// decode reads an answer. What is no success, or lacks what every success has,
// is an error.
func decode(status int, body []byte) ([]analysis.Series, error) {
	var a answer
	err := json.Unmarshal(body, &a)
	switch {
	case status != http.StatusOK:
		return nil, &RefusedError{Status: status, Type: a.ErrorType, Text: a.Error}
	case err != nil:
		return nil, fmt.Errorf("its answer is no JSON as Prometheus has it: %w", err)
	case a.Status != "success" || a.Data == nil || len(a.Data.Result) == 0:
		return nil, &RefusedError{Status: status, Type: a.ErrorType, Text: strings.TrimSpace("the answer is no success. " + a.Error)}
	}
	switch a.Data.ResultType {
	case "vector", "matrix":
		return series(a.Data.Result)
	case "scalar":
		p, err := pointOf(a.Data.Result)
		return []analysis.Series{{Points: []analysis.Point{p}}}, err
	default:
		return nil, fmt.Errorf("its answer is of the type %q, not numbers", a.Data.ResultType)
	}
}

// series reads a vector or a matrix. A native histogram is no number.
func series(raw json.RawMessage) ([]analysis.Series, error) {
	var elements []struct {
		Metric map[string]string `json:"metric"`
		Value  json.RawMessage   `json:"value"`
		Values []json.RawMessage `json:"values"`
	}
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, fmt.Errorf("its answer is no list of series: %w", err)
	}
	all := make([]analysis.Series, 0, len(elements))
	for _, e := range elements {
		if len(e.Value) > 0 {
			e.Values = append(e.Values, e.Value)
		}
		if len(e.Values) == 0 {
			return nil, errors.New("its answer has a series without values, as native histograms have; ask for a number of it, as with histogram_quantile")
		}
		s := analysis.Series{Name: name(e.Metric)}
		for _, v := range e.Values {
			p, err := pointOf(v)
			if err != nil {
				return nil, err
			}
			s.Points = append(s.Points, p)
		}
		all = append(all, s)
	}
	return all, nil
}

// pointOf reads [seconds, "value"]. Values are text: "0.01", "NaN", "+Inf".
func pointOf(raw json.RawMessage) (analysis.Point, error) {
	var pair []json.RawMessage
	var seconds float64
	var text string
	err := json.Unmarshal(raw, &pair)
	if err == nil && len(pair) != 2 {
		err = fmt.Errorf("it has %d elements, not 2", len(pair))
	}
	if err == nil {
		err = errors.Join(json.Unmarshal(pair[0], &seconds), json.Unmarshal(pair[1], &text))
	}
	if err != nil {
		return analysis.Point{}, fmt.Errorf("its answer has a value that is none: %w", err)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return analysis.Point{}, fmt.Errorf("its answer has the value %q, which is no number", text)
	}
	whole, fraction := math.Modf(seconds)
	return analysis.Point{At: time.Unix(int64(whole), int64(fraction*1e9)).UTC(), Value: v}, nil
}

// name writes labels as Prometheus does.
func name(labels map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if key != "__name__" {
			parts = append(parts, fmt.Sprintf("%s=%q", key, labels[key]))
		}
	}
	if len(parts) == 0 {
		return labels["__name__"]
	}
	return labels["__name__"] + "{" + strings.Join(parts, ", ") + "}"
}
