package analysis

import "github.com/go-json-experiment/json/jsontext"

// Pace is how often something is looked at, and how many looks may fail.
type Pace struct {
	Interval Duration `json:"interval,omitzero"` // from look to look; 0 means the default, [Pace.Over] or [Pace.Again]
	Failures int      `json:"failures,omitzero"` // looks that may fail
}

const (
	// DefaultInterval is from look to look over a bake. Twice that is the longest
	// gap: a cron of ten minutes keeps it, also where one of its runs is left out.
	DefaultInterval = Duration(10 * 60 * 1e9)
	// DefaultPause is between the looks of a check without a bake, where the first
	// told nothing or may fail.
	DefaultPause = Duration(30 * 1e9)
)

// Over is the interval over a bake.
func (p Pace) Over() Duration {
	if p.Interval > 0 {
		return p.Interval
	}
	return DefaultInterval
}

// Again is the pause between the looks of a check without a bake.
func (p Pace) Again() Duration {
	if p.Interval > 0 {
		return p.Interval
	}
	return DefaultPause
}

// Limits are what a measured value must meet.
type Limits struct {
	Condition    Condition `json:"condition,omitzero"`
	Inconclusive *Range    `json:"inconclusive,omitzero"` // a value in it hands the decision to a person
}

// Measured is a number that the answer of a check holds: the whole of it, or what
// JSON leads to.
type Measured struct {
	Pace
	Limits
	JSON    string         `json:"json,omitzero"` // "a.b.0": keys and indexes; "" is the whole answer
	Unknown jsontext.Value `json:",embed"`
}

// Metric is a check of a metric: every point of every series of its answer must
// meet the condition.
type Metric struct {
	Source
	Pace
	Limits
	Unknown jsontext.Value `json:",embed"`
}

// Source is where a metric comes from. Exactly one is set.
type Source struct {
	Prometheus *Prometheus `json:"prometheus,omitzero"`
	CloudWatch *CloudWatch `json:"cloudwatch,omitzero"`
	Monitoring *Monitoring `json:"monitoring,omitzero"`
	Datadog    *Datadog    `json:"datadog,omitzero"`
}

// Prometheus is a query to a Prometheus, or to what answers as one.
type Prometheus struct {
	URL     string            `json:"url"` // up to /api/v1
	Query   string            `json:"query"`
	Headers map[string]string `json:"headers,omitempty"` // ${NAME} is an environment variable
	Span    Span              `json:"span,omitzero"`
}

// Span makes an instant query one over a range.
type Span struct {
	Range Duration `json:"range,omitzero"` // 0: an instant query
	Step  Duration `json:"step,omitzero"`
}

// Monitoring is a PromQL query to Cloud Monitoring.
type Monitoring struct {
	Project string `json:"project"`
	Query   string `json:"query"`
	Span    Span   `json:"span,omitzero"`
}

// CloudWatch is one metric, or a metric math expression over several.
type CloudWatch struct {
	CloudWatchMetric
	Region     string                      `json:"region,omitzero"` // "" is the environment's
	Expression string                      `json:"expression,omitzero"`
	Metrics    map[string]CloudWatchMetric `json:"metrics,omitempty"` // by the ids that the expression uses
	Range      Duration                    `json:"range,omitzero"`    // of a single look, without a bake
}

// CloudWatchMetric is one metric.
type CloudWatchMetric struct {
	Namespace  string            `json:"namespace,omitzero"`
	Metric     string            `json:"metric,omitzero"`
	Stat       string            `json:"stat,omitzero"`
	Period     Duration          `json:"period,omitzero"` // whole seconds
	Dimensions map[string]string `json:"dimensions,omitempty"`
}

// Datadog is a query, or an evaluation of a deployment gate, which needs no
// condition.
type Datadog struct {
	URL   string       `json:"url,omitzero"` // "" is DD_SITE's, else https://api.datadoghq.com
	Query string       `json:"query,omitzero"`
	Gate  *DatadogGate `json:"gate,omitzero"`
	Range Duration     `json:"range,omitzero"` // of a single look, without a bake
}

// DatadogGate names a deployment gate and what is deployed.
type DatadogGate struct {
	Service    string `json:"service"`
	Env        string `json:"env"`
	Identifier string `json:"identifier,omitzero"`
	Version    string `json:"version,omitzero"`
}

// Alarms must be quiet: CloudWatch's by name or prefix, or the alert policies of
// Cloud Monitoring.
type Alarms struct {
	Pace
	Names            []string       `json:"names,omitempty"`
	Prefix           string         `json:"prefix,omitzero"`
	Region           string         `json:"region,omitzero"`           // "" is the environment's
	InsufficientData string         `json:"insufficientData,omitzero"` // "pass" or "fail"
	Monitoring       *AlertPolicies `json:"monitoring,omitzero"`
	Unknown          jsontext.Value `json:",embed"`
}

// What an alarm that says INSUFFICIENT_DATA does to the check.
const (
	InsufficientPasses = "pass"
	InsufficientFails  = "fail"
)

// AlertPolicies are Cloud Monitoring's, by display name, id or full name.
type AlertPolicies struct {
	Project  string   `json:"project"`
	Policies []string `json:"policies"`
}

// Compare is a check of a canary against what runs beside it: the values of both
// over the bake, by the Mann–Whitney U test.
type Compare struct {
	Pace
	Canary     Source         `json:"canary"`
	Baseline   Source         `json:"baseline"`
	Direction  string         `json:"direction"`       // what is bad: "increase", "decrease" or "either"
	Confidence float64        `json:"confidence"`      // 0.95: a difference by chance fails at most 5 of 100 bakes
	MinSamples int            `json:"minSamples"`      // values of each of both; fewer are inconclusive
	Effect     float64        `json:"effect,omitzero"` // a difference of the means below this share of the baseline's does not fail
	Unknown    jsontext.Value `json:",embed"`
}

// The directions of a [Compare].
const (
	Increase = "increase"
	Decrease = "decrease"
	Either   = "either"
)
