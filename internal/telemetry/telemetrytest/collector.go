// Package telemetrytest is a stand-in for OpenTelemetry's collector: it takes OTLP over
// HTTP in the JSON encoding and refuses whatever the specification does not have. It
// shares no type with what is sent.
package telemetrytest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Answer is how a request is answered in place of the collector's own answer.
type Answer struct {
	Code       int
	RetryAfter string
	Body       string
	Hangs      bool // until the client has gone
}

// Request is one that came.
type Request struct {
	Path   string
	Header http.Header
}

// Collector keeps what it was sent. Its zero value is ready; it is safe for concurrent
// use.
type Collector struct {
	mu       sync.Mutex
	answers  []Answer
	requests []Request
	spans    []Span
	metrics  []Metric
	resource []map[string]any
	wrong    []string
}

// Answer scripts the next answers.
func (c *Collector) Answer(next ...Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, next...)
}

// Requests are those that came.
func (c *Collector) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// Spans are those that were taken.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Metrics are those that were taken.
func (c *Collector) Metrics() []Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.metrics)
}

// Resources are the attributes of who told, of each request that was taken.
func (c *Collector) Resources() []map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.resource)
}

// Wrong is what was refused for its form.
func (c *Collector) Wrong() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.wrong)
}

// RoundTrip answers within the process, over no connection.
func (c *Collector) RoundTrip(r *http.Request) (*http.Response, error) {
	answered := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		answered <- w.Result()
	}()
	select {
	case resp := <-answered:
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// ServeHTTP takes a request.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	c.mu.Lock()
	c.requests = append(c.requests, Request{r.URL.Path, r.Header.Clone()})
	var next *Answer
	if len(c.answers) > 0 {
		next, c.answers = &c.answers[0], c.answers[1:]
	}
	c.mu.Unlock()
	if next != nil && next.Hangs {
		<-r.Context().Done()
		return
	}
	if next != nil && next.Code != http.StatusOK {
		answer(w, next.Code, next.RetryAfter, cmp.Or(next.Body, `{"message": "as scripted"}`))
		return
	}
	if err == nil {
		err = c.take(r, body)
	}
	if err != nil {
		c.mu.Lock()
		c.wrong = append(c.wrong, err.Error())
		c.mu.Unlock()
		said, _ := json.Marshal(map[string]string{"message": err.Error()}) //nolint:errchkjson // a text
		answer(w, http.StatusBadRequest, "", string(said))
		return
	}
	if next == nil {
		next = &Answer{Body: "{}"}
	}
	answer(w, http.StatusOK, "", next.Body)
}

func answer(w http.ResponseWriter, code int, retryAfter, body string) {
	w.Header().Set("Content-Type", "application/json")
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(code)
	io.WriteString(w, body) //nolint:errcheck // the client went away
}

func read(r *http.Request) ([]byte, error) {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		zipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		from = zipped
	}
	return io.ReadAll(from)
}

// take checks a request and keeps what it holds.
func (c *Collector) take(r *http.Request, body []byte) error {
	switch {
	case r.Method != http.MethodPost:
		return fmt.Errorf("%s: want POST", r.Method)
	case r.Header.Get("Content-Type") != "application/json":
		return fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	case strings.HasSuffix(r.URL.Path, "/v1/traces"):
		return c.takeTraces(body)
	case strings.HasSuffix(r.URL.Path, "/v1/metrics"):
		return c.takeMetrics(body)
	default:
		return fmt.Errorf("%s: want v1/traces or v1/metrics", r.URL.Path)
	}
}

func (c *Collector) takeTraces(body []byte) error {
	var in struct {
		ResourceSpans []struct {
			Resource   who    `json:"resource"`
			SchemaURL  string `json:"schemaUrl"`
			ScopeSpans []struct {
				Scope Scope  `json:"scope"`
				Spans []Span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	var spans []Span
	for _, r := range in.ResourceSpans {
		for _, s := range r.ScopeSpans {
			spans = append(spans, s.Spans...)
		}
	}
	if len(spans) == 0 {
		return errors.New("an envelope without spans")
	}
	for _, s := range spans {
		if err := s.check(); err != nil {
			return fmt.Errorf("span %s: %w", s.Name, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = append(c.spans, spans...)
	c.resource = append(c.resource, in.ResourceSpans[0].Resource.Attributes.Map())
	return nil
}

func (c *Collector) takeMetrics(body []byte) error {
	var in struct {
		ResourceMetrics []struct {
			Resource     who    `json:"resource"`
			SchemaURL    string `json:"schemaUrl"`
			ScopeMetrics []struct {
				Scope   Scope    `json:"scope"`
				Metrics []Metric `json:"metrics"`
			} `json:"scopeMetrics"`
		} `json:"resourceMetrics"`
	}
	if err := strictly(body, &in); err != nil {
		return err
	}
	var metrics []Metric
	for _, r := range in.ResourceMetrics {
		for _, s := range r.ScopeMetrics {
			metrics = append(metrics, s.Metrics...)
		}
	}
	if len(metrics) == 0 {
		return errors.New("an envelope without metrics")
	}
	for _, m := range metrics {
		if err := m.check(); err != nil {
			return fmt.Errorf("metric %s: %w", m.Name, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metrics = append(c.metrics, metrics...)
	c.resource = append(c.resource, in.ResourceMetrics[0].Resource.Attributes.Map())
	return nil
}

// strictly decodes what has no member that the schema lacks.
func strictly(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more behind the message")
	}
	return nil
}

type who struct {
	Attributes Attributes `json:"attributes"`
}

// Scope is what made it.
type Scope struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Number is a 64-bit number: text, in decimal.
type Number int64

// UnmarshalJSON takes text alone.
func (n *Number) UnmarshalJSON(data []byte) error {
	if !decimal().Match(data) {
		return fmt.Errorf("%s: a 64-bit number is text in decimal", data)
	}
	var v int64
	_, err := fmt.Sscanf(strings.Trim(string(data), `"`), "%d", &v)
	*n = Number(v)
	return err
}

// Time is the time of a number of nanoseconds.
func (n Number) Time() time.Time { return time.Unix(0, int64(n)).UTC() }

// Attributes are those of something, by key.
type Attributes []struct {
	Key   string                     `json:"key"`
	Value map[string]json.RawMessage `json:"value"`
}

// Map is the attributes' values.
func (a Attributes) Map() map[string]any {
	all := map[string]any{}
	for _, one := range a {
		for _, v := range one.Value {
			var decoded any
			json.Unmarshal(v, &decoded) //nolint:errcheck // it was checked
			all[one.Key] = decoded
		}
	}
	return all
}

// decimal is a 64-bit number, and forms are those of values by their kinds.
var (
	decimal = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^"(0|[1-9][0-9]*)"$`) })
	forms   = sync.OnceValue(func() map[string]*regexp.Regexp {
		return map[string]*regexp.Regexp{
			"stringValue": regexp.MustCompile(`^".+"$`), "boolValue": regexp.MustCompile(`^(true|false)$`),
			"intValue": regexp.MustCompile(`^"-?[0-9]+"$`), "doubleValue": regexp.MustCompile(`^-?[0-9.eE+]+$`),
		}
	})
)

func (a Attributes) check() error {
	seen := map[string]bool{}
	for _, one := range a {
		if one.Key == "" || seen[one.Key] {
			return fmt.Errorf("attribute %q twice, or without a key", one.Key)
		}
		seen[one.Key] = true
		if len(one.Value) != 1 {
			return fmt.Errorf("attribute %s has %d values", one.Key, len(one.Value))
		}
		for kind, v := range one.Value {
			if form := forms()[kind]; form == nil || !form.Match(v) {
				return fmt.Errorf("attribute %s: %s: %s", one.Key, kind, v)
			}
		}
	}
	return nil
}

// Span is one span.
type Span struct {
	TraceID      string     `json:"traceId"`
	SpanID       string     `json:"spanId"`
	ParentSpanID string     `json:"parentSpanId"`
	Name         string     `json:"name"`
	Kind         int        `json:"kind"`
	Start        Number     `json:"startTimeUnixNano"`
	End          Number     `json:"endTimeUnixNano"`
	Attributes   Attributes `json:"attributes"`
	Links        []struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	} `json:"links"`
	Status struct {
		Code int `json:"code"`
	} `json:"status"`
}

// Failed reports whether its status says so.
func (s Span) Failed() bool { return s.Status.Code == 2 }

func (s Span) check() error {
	switch {
	case !isID(s.TraceID, 32), !isID(s.SpanID, 16), s.ParentSpanID != "" && !isID(s.ParentSpanID, 16):
		return fmt.Errorf("ids %q, %q, %q", s.TraceID, s.SpanID, s.ParentSpanID)
	case s.Name == "", s.Kind < 1 || s.Kind > 5, s.Status.Code < 0 || s.Status.Code > 2:
		return fmt.Errorf("kind %d, status %d", s.Kind, s.Status.Code)
	case s.Start <= 0 || s.End < s.Start:
		return fmt.Errorf("from %d to %d", s.Start, s.End)
	}
	for _, l := range s.Links {
		if !isID(l.TraceID, 32) || !isID(l.SpanID, 16) {
			return fmt.Errorf("link %+v", l)
		}
	}
	return s.Attributes.check()
}

func isID(id string, length int) bool {
	return len(id) == length && strings.Trim(id, "0123456789abcdef") == "" && strings.Trim(id, "0") != ""
}

// Metric is one metric: a histogram or a sum.
type Metric struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Unit        string `json:"unit"`
	Histogram   *struct {
		DataPoints  []Histogram `json:"dataPoints"`
		Temporality int         `json:"aggregationTemporality"`
	} `json:"histogram"`
	Sum *struct {
		DataPoints  []Sum `json:"dataPoints"`
		Temporality int   `json:"aggregationTemporality"`
		IsMonotonic bool  `json:"isMonotonic"`
	} `json:"sum"`
}

// Histogram is one point of a histogram.
type Histogram struct {
	Attributes Attributes `json:"attributes"`
	Start      Number     `json:"startTimeUnixNano"`
	Time       Number     `json:"timeUnixNano"`
	Count      Number     `json:"count"`
	Sum        float64    `json:"sum"`
	Min        float64    `json:"min"`
	Max        float64    `json:"max"`
	Buckets    []Number   `json:"bucketCounts"`
	Bounds     []float64  `json:"explicitBounds"`
}

// Sum is one point of a sum.
type Sum struct {
	Attributes Attributes `json:"attributes"`
	Start      Number     `json:"startTimeUnixNano"`
	Time       Number     `json:"timeUnixNano"`
	AsInt      Number     `json:"asInt"`
}

func (m Metric) check() error {
	switch {
	case m.Name == "" || m.Unit == "" || (m.Histogram == nil) == (m.Sum == nil):
		return errors.New("want a name, a unit, and a histogram or a sum")
	case m.Sum != nil:
		return m.checkSum()
	case m.Histogram.Temporality < 1 || m.Histogram.Temporality > 2 || len(m.Histogram.DataPoints) == 0:
		return fmt.Errorf("temporality %d, %d points", m.Histogram.Temporality, len(m.Histogram.DataPoints))
	}
	for _, p := range m.Histogram.DataPoints {
		total := Number(0)
		for _, n := range p.Buckets {
			total += n
		}
		if total != p.Count || len(p.Buckets) != len(p.Bounds)+1 || !slices.IsSorted(p.Bounds) || p.Min > p.Max || p.Time < p.Start {
			return fmt.Errorf("point %+v", p)
		}
		if err := p.Attributes.check(); err != nil {
			return err
		}
	}
	return nil
}

func (m Metric) checkSum() error {
	if m.Sum.Temporality < 1 || m.Sum.Temporality > 2 || len(m.Sum.DataPoints) == 0 || !m.Sum.IsMonotonic {
		return fmt.Errorf("temporality %d, %d points", m.Sum.Temporality, len(m.Sum.DataPoints))
	}
	for _, p := range m.Sum.DataPoints {
		if err := p.Attributes.check(); err != nil {
			return err
		}
	}
	return nil
}

// Tree is the spans as people read them: a trace after the other, each span below what
// it is part of, in the order of their beginnings; and below "elsewhere" what is part of
// a span that was not taken.
func (c *Collector) Tree() string {
	spans := c.Spans()
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	var out strings.Builder
	var traces []string
	for _, s := range spans {
		if !slices.Contains(traces, s.TraceID) {
			traces = append(traces, s.TraceID)
		}
	}
	for i, trace := range traces {
		fmt.Fprintf(&out, "trace %d\n", i+1)
		known := map[string]bool{}
		for _, s := range spans {
			known[s.SpanID] = true
		}
		for _, s := range spans {
			if s.TraceID == trace && !known[s.ParentSpanID] {
				tree(&out, spans, s, "  ")
			}
		}
	}
	return out.String()
}

func tree(out *strings.Builder, spans []Span, s Span, indent string) {
	how := ""
	if s.Failed() {
		how = " failed"
	}
	fmt.Fprintf(out, "%s%s%s\n", indent, s.Name, how)
	for _, child := range spans {
		if child.ParentSpanID == s.SpanID && child.TraceID == s.TraceID {
			tree(out, spans, child, indent+"  ")
		}
	}
}
