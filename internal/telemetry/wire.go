package telemetry

import (
	"slices"
	"strconv"
	"time"
)

// The messages of OTLP in its JSON encoding: ids are hexadecimal, 64-bit numbers are
// text, and enumerations are numbers
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md).
// There is nothing here that is not sent.

type traceRequest struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}

type resourceSpans struct {
	Resource   resource     `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
	SchemaURL  string       `json:"schemaUrl"`
}

type scopeSpans struct {
	Scope scope  `json:"scope"`
	Spans []span `json:"spans"`
}

type metricRequest struct {
	ResourceMetrics []resourceMetrics `json:"resourceMetrics"`
}

type resourceMetrics struct {
	Resource     resource       `json:"resource"`
	ScopeMetrics []scopeMetrics `json:"scopeMetrics"`
	SchemaURL    string         `json:"schemaUrl"`
}

type scopeMetrics struct {
	Scope   scope    `json:"scope"`
	Metrics []metric `json:"metrics"`
}

type resource struct {
	Attributes []attribute `json:"attributes"`
}

type scope struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// The kinds of spans.
const (
	kindInternal = 1
	kindServer   = 2
)

// statusError is the status of a span that failed; one that did not has none.
const statusError = 2

type span struct {
	TraceID      string      `json:"traceId"`
	SpanID       string      `json:"spanId"`
	ParentSpanID string      `json:"parentSpanId,omitempty"`
	Name         string      `json:"name"`
	Kind         int         `json:"kind"`
	Start        string      `json:"startTimeUnixNano"`
	End          string      `json:"endTimeUnixNano"`
	Attributes   []attribute `json:"attributes"`
	Links        []link      `json:"links,omitempty"`
	Status       *status     `json:"status,omitempty"`
}

type link struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

type status struct {
	Code int `json:"code"`
}

type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

// value is one of these.
type value struct {
	String *string  `json:"stringValue,omitempty"`
	Bool   *bool    `json:"boolValue,omitempty"`
	Double *float64 `json:"doubleValue,omitempty"`
}

// The temporalities of what is added up.
const (
	temporalityDelta      = 1
	temporalityCumulative = 2
)

type metric struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Unit        string     `json:"unit"`
	Histogram   *histogram `json:"histogram,omitempty"`
	Sum         *sum       `json:"sum,omitempty"`
}

type histogram struct {
	DataPoints  []histogramPoint `json:"dataPoints"`
	Temporality int              `json:"aggregationTemporality"`
}

type sum struct {
	DataPoints  []sumPoint `json:"dataPoints"`
	Temporality int        `json:"aggregationTemporality"`
	IsMonotonic bool       `json:"isMonotonic"`
}

type histogramPoint struct {
	Attributes []attribute `json:"attributes"`
	Start      string      `json:"startTimeUnixNano"`
	Time       string      `json:"timeUnixNano"`
	Count      string      `json:"count"`
	Sum        float64     `json:"sum"`
	Min        float64     `json:"min"`
	Max        float64     `json:"max"`
	Buckets    []string    `json:"bucketCounts"`
	Bounds     []float64   `json:"explicitBounds"`
}

type sumPoint struct {
	Attributes []attribute `json:"attributes"`
	Start      string      `json:"startTimeUnixNano"`
	Time       string      `json:"timeUnixNano"`
	AsInt      string      `json:"asInt"`
}

// nanos is a time as OTLP has it.
func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// attributes are key and value in turn; a value that is empty is left out.
func attributes(keysAndValues ...string) []attribute {
	list := []attribute{}
	for pair := range slices.Chunk(keysAndValues, 2) {
		if pair[1] != "" {
			list = append(list, attribute{pair[0], value{String: &pair[1]}})
		}
	}
	return list
}
