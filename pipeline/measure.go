package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/analysis"
)

// The bounds of what a check measures.
const (
	mostFailedLooks = 1000
	leastInterval   = time.Second
	defaultStep     = time.Minute
	mostPoints      = 11_000 // of one series, as Prometheus has it
)

// readLimits reads the condition of a measured value and the range in which a person
// decides.
func readLimits(m mapping) analysis.Limits {
	return analysis.Limits{Condition: readCondition(m), Inconclusive: readSpan(m, "inconclusive")}
}

// readCondition is the key's condition, none without the key.
func readCondition(m mapping) analysis.Condition {
	if !m.has("condition") {
		return analysis.Condition{}
	}
	text, ok := m.w.text("condition", m.node("condition"))
	if !ok {
		return analysis.Condition{}
	}
	c, err := analysis.ParseCondition(text.Value)
	if err != nil {
		m.w.problem(text.Pos, "condition: "+err.Error())
	}
	return c
}

// readSpan is the key's two numbers, nil without the key.
func readSpan(m mapping, key string) *analysis.Range {
	if !m.has(key) {
		return nil
	}
	items := m.items(key, "a number")
	var ends []float64
	for _, item := range items {
		node := deref(item)
		v, err := strconv.ParseFloat(node.Value, 64)
		if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" && node.ShortTag() != "!!float" || err != nil || v-v != 0 {
			m.w.problem(m.w.pos(item), fmt.Sprintf("%s: want a number, got %s", key, describe(node)))
			return nil
		}
		ends = append(ends, v)
	}
	switch {
	case len(ends) != 2:
		m.w.problem(m.w.pos(m.node(key)), key+": want two numbers, the lowest and the highest value that a person decides about: [0.01, 0.05]")
	case ends[0] > ends[1]:
		m.w.problem(m.w.pos(m.node(key)), fmt.Sprintf("%s: %v is above %v; write the lower one first", key, ends[0], ends[1]))
	default:
		return &analysis.Range{Low: ends[0], High: ends[1]}
	}
	return nil
}

// readPace reads how often something is looked at.
func readPace(m mapping) analysis.Pace {
	return analysis.Pace{
		Interval: analysis.Duration(m.duration("interval", 0, leastInterval)),
		Failures: m.whole("failures", 0, 0, mostFailedLooks),
	}
}

// readMeasured reads the number that the answer of a program or a URL holds; nil
// where it measures nothing.
func readMeasured(m mapping) *analysis.Measured {
	if !m.has("condition") {
		for _, key := range m.present("json", "failures", "inconclusive") {
			m.w.problem(m.w.pos(m.node(key)), key+`: only belongs to a check that measures; add a condition such as "< 0.01", or remove it`)
		}
		return nil
	}
	found := &analysis.Measured{Pace: readPace(m), Limits: readLimits(m), JSON: m.filled("json").Value}
	if m.has("json") && slices.Contains(strings.Split(found.JSON, "."), "") {
		m.w.problem(m.w.pos(m.node("json")), fmt.Sprintf("json: %s is no path; want keys and indexes with dots between them, such as data.errors.0.rate", quote(found.JSON)))
	}
	return found
}

// theSources are the keys that name where a metric comes from.
func theSources() []string { return []string{"prometheus", "cloudwatch", "monitoring", "datadog"} }

// readMetric reads a check of a metric.
func readMetric(w *walker, n *yaml.Node) *analysis.Metric {
	m, ok := w.mapping(n, kindMetric, append(theSources(), "condition", "interval", "failures", "inconclusive")...)
	if !ok {
		return nil
	}
	c := &analysis.Metric{Pace: readPace(m), Limits: readLimits(m)}
	source, ok := m.exactlyOne(theSources()...)
	if !ok {
		return c
	}
	c.Source = readSource(w, source, m.node(source))
	if d := c.Datadog; d == nil || d.Gate == nil {
		m.require("condition")
		return c
	}
	for _, key := range m.present("condition", "inconclusive") {
		w.problem(w.pos(m.node(key)), key+": a gate has a verdict of its own and no value; remove it")
	}
	return c
}

// readSource reads where a metric comes from.
func readSource(w *walker, kind string, n *yaml.Node) analysis.Source {
	switch kind {
	case "prometheus":
		return analysis.Source{Prometheus: readPrometheus(w, n)}
	case "cloudwatch":
		return analysis.Source{CloudWatch: readCloudwatch(w, n)}
	case "monitoring":
		return analysis.Source{Monitoring: readMonitoring(w, n)}
	default:
		return analysis.Source{Datadog: readDatadog(w, n)}
	}
}

func readPrometheus(w *walker, n *yaml.Node) *analysis.Prometheus {
	m, ok := w.mapping(n, "prometheus", "url", "query", "headers", "range", "step")
	if !ok {
		return nil
	}
	m.require("url", "query")
	return &analysis.Prometheus{URL: readAddress(m, false), Query: m.filled("query").Value, Headers: m.pairs("headers", checkHeaders), Span: readOverTime(m)}
}

func readMonitoring(w *walker, n *yaml.Node) *analysis.Monitoring {
	m, ok := w.mapping(n, "monitoring", "project", "query", "range", "step")
	if !ok {
		return nil
	}
	m.require("project", "query")
	return &analysis.Monitoring{Project: readProject(m), Query: m.filled("query").Value, Span: readOverTime(m)}
}

// readOverTime reads what makes a query one over a range.
func readOverTime(m mapping) analysis.Span {
	if !m.has("range") {
		if m.has("step") {
			m.w.problem(m.w.pos(m.node("step")), "step: only belongs to a query over a range; add range, or remove it")
		}
		return analysis.Span{}
	}
	span, step := m.duration("range", 0, leastInterval), m.duration("step", defaultStep, leastInterval)
	if span/step >= mostPoints {
		m.w.problem(m.w.pos(m.node("range")), fmt.Sprintf("range: %s in steps of %s are more than %d points; want a longer step", span, step, mostPoints))
	}
	return analysis.Span{Range: analysis.Duration(span), Step: analysis.Duration(step)}
}

// readAddress is the URL. With secret, credentials are sent there: it is https or
// loopback.
func readAddress(m mapping, secret bool) string {
	value := m.filled("url")
	if strings.TrimSpace(value.Value) == "" {
		return value.Value
	}
	why := notAURL(value.Value)
	if why == "" && strings.Contains(value.Value, "?") {
		why = "has a query, which belongs to the key query"
	}
	if why == "" && secret {
		why = notForSecrets(value.Value)
	}
	if why != "" {
		m.w.problem(value.Pos, fmt.Sprintf("url: %s %s; want one such as https://metrics.example.com", quote(value.Value), why))
	}
	return value.Value
}

// readProject is the key's Google Cloud project.
func readProject(m mapping) string {
	value := m.filled("project")
	if strings.TrimSpace(value.Value) != "" && !googleProject().MatchString(value.Value) {
		m.w.problem(value.Pos, fmt.Sprintf("project: %s is not a project's id; want one such as my-project-123", quote(value.Value)))
	}
	return value.Value
}

func googleProject() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$|^[0-9]{1,19}$`)
}

func readDatadog(w *walker, n *yaml.Node) *analysis.Datadog {
	m, ok := w.mapping(n, "datadog", "url", "query", "gate", "range")
	if !ok {
		return nil
	}
	d := &analysis.Datadog{URL: readAddress(m, true), Query: m.filled("query").Value, Range: analysis.Duration(m.duration("range", 0, time.Minute))}
	kind, ok := m.exactlyOne("query", "gate")
	if !ok || kind == "query" {
		return d
	}
	if m.has("range") {
		w.problem(w.pos(m.node("range")), "range: a gate has none; remove it")
	}
	g, ok := w.mapping(m.node("gate"), "gate", "service", "env", "identifier", "version")
	if !ok {
		return d
	}
	g.require("service", "env")
	d.Gate = &analysis.DatadogGate{
		Service: g.filled("service").Value, Env: g.filled("env").Value,
		Identifier: g.filled("identifier").Value, Version: g.filled("version").Value,
	}
	return d
}

// readCompare reads a check of a canary against what runs beside it.
func readCompare(w *walker, n *yaml.Node) *analysis.Compare {
	m, ok := w.mapping(n, kindCompare, append(theSources(), "direction", "confidence", "minSamples", "effect", "interval", "failures")...)
	if !ok {
		return nil
	}
	c := &analysis.Compare{
		Pace:       readPace(m),
		Direction:  m.word("direction", analysis.Increase, analysis.Increase, analysis.Decrease, analysis.Either).Value,
		Confidence: m.fraction("confidence", defaultConfidence, 0.5, 0.9999),
		MinSamples: m.whole("minSamples", defaultMinSamples, 2, 10_000),
		Effect:     m.fraction("effect", 0, 0, 1000),
	}
	if least := analysis.Fewest(c.Confidence, c.Direction); c.MinSamples < least {
		w.problem(m.place("minSamples"), fmt.Sprintf("minSamples: of %d values each the test can never be as sure as confidence %v asks for; want at least %d", c.MinSamples, c.Confidence, least))
	}
	if source, ok := m.exactlyOne(theSources()...); ok {
		c.Canary, c.Baseline = readBoth(w, source, m.node(source))
	}
	return c
}

const (
	defaultConfidence = 0.95
	defaultMinSamples = 10
)

// place is where the key's value stands; without the key, where the mapping does.
func (m mapping) place(key string) Pos {
	if n := m.node(key); n != nil {
		return m.w.pos(n)
	}
	return m.pos
}

// readBoth reads where the canary's values come from, and the baseline's.
func readBoth(w *walker, kind string, n *yaml.Node) (canary, baseline analysis.Source) {
	if kind == "cloudwatch" {
		return readBothDimensions(w, n)
	}
	own := map[string][]string{
		"prometheus": {"url", "headers", "range", "step"}, "monitoring": {"project", "range", "step"}, "datadog": {"url", "range"},
	}[kind]
	m, ok := w.mapping(n, kind, append(own, "canary", "baseline")...)
	if !ok {
		return analysis.Source{}, analysis.Source{}
	}
	m.require("canary", "baseline")
	of := map[string]string{"canary": m.filled("canary").Value, "baseline": m.filled("baseline").Value}
	if of["canary"] != "" && of["canary"] == of["baseline"] {
		w.problem(m.place("baseline"), "baseline: is the same query as the canary's; nothing could be told from it")
	}
	return readQueried(m, kind, of["canary"]), readQueried(m, kind, of["baseline"])
}

// readQueried is one side of a comparison. Its queries are always over a range.
func readQueried(m mapping, kind, query string) analysis.Source {
	span := analysis.Span{
		Range: analysis.Duration(m.duration("range", defaultCompared, time.Minute)),
		Step:  analysis.Duration(m.duration("step", defaultStep, leastInterval)),
	}
	switch kind {
	case "prometheus":
		m.require("url")
		return analysis.Source{Prometheus: &analysis.Prometheus{URL: readAddress(m, false), Query: query, Headers: m.pairs("headers", checkHeaders), Span: span}}
	case "monitoring":
		m.require("project")
		return analysis.Source{Monitoring: &analysis.Monitoring{Project: readProject(m), Query: query, Span: span}}
	default:
		return analysis.Source{Datadog: &analysis.Datadog{URL: readAddress(m, true), Query: query, Range: span.Range}}
	}
}

// defaultCompared is how far back a comparison without a bake looks.
const defaultCompared = 30 * time.Minute
