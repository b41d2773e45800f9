// Package datadog asks Datadog for metrics, and has it evaluate deployment gates.
// What the API really answers stands in docs/metrics.md.
package datadog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice/analysis"
	"sluice/internal/transport"
	"sluice/stages/driver"
)

const (
	// defaultRange is how far back a single look goes.
	defaultRange = 15 * time.Minute
	// pause is between two looks at an evaluation.
	pause = 15 * time.Second
)

// Client asks one Datadog site.
type Client struct {
	http     *http.Client
	base     string
	key, app string
}

// RefusedError is an answer that says no.
type RefusedError struct {
	Status int
	Text   string        // Datadog's own words
	After  time.Duration // when to ask again, where it says so
}

// Error says what was answered.
func (e *RefusedError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("it answered %d", e.Status)
	}
	return fmt.Sprintf("it answered %d: %s", e.Status, e.Text)
}

// Final reports whether asking again changes nothing.
func (e *RefusedError) Final() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusRequestTimeout
}

// Open looks for the keys in the environment and sends nothing. site "" is
// DD_SITE's, or datadoghq.com's.
func Open(env driver.Env, site string) (*Client, error) {
	if site == "" {
		site = "https://api." + first(env, "DD_SITE", "DATADOG_SITE")
	}
	if site == "https://api." {
		site += "datadoghq.com"
	}
	if err := driver.CheckEndpoint("url", site); err != nil {
		return nil, err
	}
	c := &Client{
		http: &http.Client{Transport: transport.New(env.Transport, transport.Options{}), CheckRedirect: transport.CheckRedirect},
		base: strings.TrimSuffix(site, "/"), key: first(env, "DD_API_KEY", "DATADOG_API_KEY"), app: first(env, "DD_APP_KEY", "DATADOG_APP_KEY", "DD_APPLICATION_KEY"),
	}
	if c.key == "" || c.app == "" {
		return nil, errors.New("datadog wants the environment variables DD_API_KEY and DD_APP_KEY; one of them is not set or empty")
	}
	env.Keep(c.key)
	env.Keep(c.app)
	return c, nil
}

func first(env driver.Env, names ...string) string {
	for _, name := range names {
		if value := strings.TrimSpace(env.Getenv(name)); value != "" {
			return value
		}
	}
	return ""
}

// Metric asks for the points of a query: of a look in a bake those since the look
// before it, of a single look those of spec's range.
func (c *Client) Metric(ctx context.Context, spec *analysis.Datadog, w analysis.Window) ([]analysis.Series, error) {
	span := spec.Range.Std()
	if span <= 0 {
		span = defaultRange
	}
	return c.Span(ctx, spec, w.Since(span, 0), w.Now)
}

// Span asks for the points of a query from one time to another. What is not
// finished is none of them.
func (c *Client) Span(ctx context.Context, spec *analysis.Datadog, from, now time.Time) ([]analysis.Series, error) {
	q := url.Values{"from": {strconv.FormatInt(from.Unix(), 10)}, "to": {strconv.FormatInt(now.Unix(), 10)}, "query": {spec.Query}}
	var answer struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Series []struct {
			Expression string        `json:"expression"`
			Scope      string        `json:"scope"`
			Interval   float64       `json:"interval"`
			Points     [][2]*float64 `json:"pointlist"`
		} `json:"series"`
	}
	if err := c.do(ctx, http.MethodGet, "/api/v1/query?"+q.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	if answer.Status != "ok" { // an error may come as a 200
		return nil, &RefusedError{Status: http.StatusOK, Text: strings.TrimSpace(answer.Status + " " + answer.Error)}
	}
	all := make([]analysis.Series, 0, len(answer.Series))
	for _, s := range answer.Series {
		one := analysis.Series{Name: s.Expression}
		if s.Scope != "" && s.Scope != "*" {
			one.Name = s.Scope
		}
		for _, p := range s.Points {
			if p[0] == nil || p[1] == nil {
				continue // nothing was measured then
			}
			at := time.UnixMilli(int64(*p[0])).UTC()
			if end := at.Add(time.Duration(s.Interval * float64(time.Second))); end.After(now) || at.Before(from.Truncate(time.Second)) {
				continue
			}
			one.Points = append(one.Points, analysis.Point{At: at, Value: *p[1]})
		}
		all = append(all, one)
	}
	return all, nil
}

// Verdict is what a deployment gate says.
type Verdict struct {
	Pass    bool
	DryRun  bool // it enforces nothing and always passes: no verdict
	Against bool // it passes, and a rule that it enforces did not: no verdict
	Why     string
}

// Gate has a gate evaluated and waits for its verdict, as long as ctx lets it. wait
// is what waits between two looks.
func (c *Client) Gate(ctx context.Context, g *analysis.DatadogGate, wait func(context.Context, time.Duration) error) (Verdict, error) {
	attributes := map[string]string{"service": g.Service, "env": g.Env}
	if g.Identifier != "" {
		attributes["identifier"] = g.Identifier
	}
	if g.Version != "" {
		attributes["version"] = g.Version
	}
	request := map[string]any{"data": map[string]any{"type": "deployment_gates_evaluation_request", "attributes": attributes}}
	var begun struct {
		Data struct {
			Attributes struct {
				ID string `json:"evaluation_id"`
			} `json:"attributes"`
		} `json:"data"`
	}
	if err := c.do(ctx, http.MethodPost, "/api/v2/deployments/gates/evaluation", request, &begun); err != nil {
		return Verdict{}, err
	}
	id := begun.Data.Attributes.ID
	if id == "" {
		return Verdict{}, errors.New("its answer names no evaluation")
	}
	for {
		verdict, over, err := c.evaluation(ctx, id)
		if over || err != nil {
			return verdict, err
		}
		if err := wait(ctx, pause); err != nil {
			return Verdict{}, fmt.Errorf("the gate's evaluation is not over: %w", err)
		}
	}
}

// evaluation looks at an evaluation once. Asked too soon it is not found, which is
// no verdict either.
func (c *Client) evaluation(ctx context.Context, id string) (v Verdict, over bool, err error) {
	var found struct {
		Data struct {
			Attributes struct {
				Status string `json:"gate_status"`
				DryRun bool   `json:"dry_run"`
				Rules  []struct {
					Name   string `json:"name"`
					Status string `json:"status"`
					Reason string `json:"reason"`
					DryRun bool   `json:"dry_run"`
				} `json:"rules"`
			} `json:"attributes"`
		} `json:"data"`
	}
	err = c.do(ctx, http.MethodGet, "/api/v2/deployments/gates/evaluation/"+url.PathEscape(id), nil, &found)
	if refused, ok := errors.AsType[*RefusedError](err); ok && refused.Status == http.StatusNotFound {
		return Verdict{}, false, nil
	}
	if err != nil {
		return Verdict{}, false, err
	}
	a := found.Data.Attributes
	enforced := 0
	for _, r := range a.Rules {
		if !r.DryRun {
			enforced++
			v.Against = v.Against || a.Status == "pass" && r.Status == "fail"
		}
		if r.Status != "pass" && r.Status != "" {
			v.Why += strings.TrimRight(fmt.Sprintf("; rule %s: %s %s", r.Name, r.Status, r.Reason), " ")
		}
	}
	v.DryRun = a.DryRun || len(a.Rules) > 0 && enforced == 0
	switch a.Status {
	case "in_progress":
		return Verdict{}, false, nil
	case "pass", "fail":
		v.Pass = a.Status == "pass"
		return v, true, nil
	default:
		return Verdict{}, true, fmt.Errorf("the gate's status is %q, which is none that is known", a.Status)
	}
}

// do sends a request and reads its answer.
func (c *Client) do(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return err
	}
	req.Header.Set("DD-API-KEY", c.key)
	req.Header.Set("DD-APPLICATION-KEY", c.app)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &RefusedError{Status: resp.StatusCode, Text: words(data), After: after(resp.Header)}
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("its answer is not JSON as Datadog has it: %w", err)
	}
	return nil
}

// words are what a refusal says: {"errors": […]}, texts or objects.
func words(data []byte) string {
	var said struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(data, &said) != nil {
		return ""
	}
	var texts []string
	for _, raw := range said.Errors {
		var text string
		var object struct{ Title, Detail string }
		switch {
		case json.Unmarshal(raw, &text) == nil:
			texts = append(texts, text)
		case json.Unmarshal(raw, &object) == nil:
			texts = append(texts, strings.TrimSpace(object.Title+" "+object.Detail))
		}
	}
	return strings.Join(texts, "; ")
}

// after is how long a throttled client is to wait.
func after(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset"), 64)
	if err != nil || seconds < 0 || seconds > math.MaxInt32 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
