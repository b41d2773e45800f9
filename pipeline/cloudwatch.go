package pipeline

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sluice/analysis"
	"sluice/stages/driver"
)

// CloudWatch's own bounds.
const (
	mostAlarms     = 100
	mostDimensions = 30
	defaultPeriod  = time.Minute
)

func awsRegion() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`) }

// metricID is what an expression may call a metric.
func metricID() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`) }

// readRegion is the key's AWS region.
func readRegion(m mapping) string {
	value := m.filled("region")
	if strings.TrimSpace(value.Value) != "" && !awsRegion().MatchString(value.Value) {
		m.w.problem(value.Pos, fmt.Sprintf("region: %s is not an AWS region; want one such as eu-west-1", quote(value.Value)))
	}
	return value.Value
}

// readPeriod is the key's period: what CloudWatch keeps metrics by.
func readPeriod(m mapping, fallback time.Duration) analysis.Duration {
	period := m.duration("period", fallback, time.Second)
	switch period {
	case time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second:
		return analysis.Duration(period)
	}
	if period%time.Minute != 0 || period > 24*time.Hour {
		m.w.problem(m.place("period"), fmt.Sprintf("period: CloudWatch has none of %s; want 1s, 5s, 10s, 20s, 30s or whole minutes, at most 24h", period))
	}
	return analysis.Duration(period)
}

func readCloudwatch(w *walker, n *yaml.Node) *analysis.CloudWatch {
	one := []string{"namespace", "metric", "stat", "dimensions"}
	m, ok := w.mapping(n, "cloudwatch", append(one, "period", "region", "range", "expression", "metrics")...)
	if !ok {
		return nil
	}
	c := &analysis.CloudWatch{Region: readRegion(m), Range: analysis.Duration(m.duration("range", 0, time.Minute))}
	if !m.has("expression") {
		c.CloudWatchMetric = readCloudwatchMetric(m, defaultPeriod)
		if m.has("metrics") {
			w.problem(w.pos(m.node("metrics")), `metrics: only belongs to an expression; add one such as expression: "errors / requests", or remove it`)
		}
		return c
	}
	for _, key := range m.present(one...) {
		w.problem(w.pos(m.node(key)), key+": an expression has its metrics under the key metrics; move it there, or remove the expression")
	}
	c.Expression, c.Period = m.filled("expression").Value, readPeriod(m, defaultPeriod)
	if m.has("metrics") {
		c.Metrics = readCloudwatchMetrics(w, m.node("metrics"), c.Period.Std())
	}
	return c
}

// readCloudwatchMetric reads one metric.
func readCloudwatchMetric(m mapping, period time.Duration) analysis.CloudWatchMetric {
	m.require("namespace", "metric", "stat")
	return analysis.CloudWatchMetric{
		Namespace: m.filled("namespace").Value, Metric: m.filled("metric").Value, Stat: readStat(m),
		Period: readPeriod(m, period), Dimensions: m.pairs("dimensions", checkDimensions),
	}
}

// readStat is the key's statistic.
func readStat(m mapping) string {
	value := m.filled("stat")
	if strings.TrimSpace(value.Value) == "" || statistic().MatchString(value.Value) {
		return value.Value
	}
	m.w.problem(value.Pos, fmt.Sprintf("stat: %s is no statistic of CloudWatch; want Average, Sum, Minimum, Maximum, SampleCount, or one such as p99, tm90 or PR(:300)", quote(value.Value)))
	return value.Value
}

func statistic() *regexp.Regexp {
	return regexp.MustCompile(`^(Average|Sum|Minimum|Maximum|SampleCount|IQM|(p|tm|wm|tc|ts)[0-9]{1,3}(\.[0-9]+)?|(PR|TM|TC|TS|WM)\([0-9.%]*:[0-9.%]*\))$`)
}

func checkDimensions(w *walker, what string, pairs []pair) {
	for _, p := range pairs {
		if strings.TrimSpace(p.key.Value) == "" || strings.TrimSpace(p.value.Value) == "" {
			w.problem(p.key.Pos, what+": a name or a value is empty")
		}
	}
	if len(pairs) > mostDimensions {
		w.problem(pairs[mostDimensions].key.Pos, fmt.Sprintf("%s: %d dimensions; CloudWatch has at most %d", what, len(pairs), mostDimensions))
	}
}

// readCloudwatchMetrics reads the metrics of an expression by their ids.
func readCloudwatchMetrics(w *walker, n *yaml.Node, period time.Duration) map[string]analysis.CloudWatchMetric {
	node := deref(n)
	if node.Kind != yaml.MappingNode || node.ShortTag() != "!!map" {
		w.problem(w.pos(n), "metrics: want a mapping of ids to metrics, got "+describe(node))
		return nil
	}
	found := map[string]analysis.CloudWatchMetric{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		id, ok := w.text("an id of metrics", node.Content[i])
		if !ok {
			continue
		}
		if _, twice := found[id.Value]; twice {
			w.problem(id.Pos, fmt.Sprintf("metrics: the id %s appears twice; keep one", quote(id.Value)))
		}
		if !metricID().MatchString(id.Value) || id.Value == resultID {
			w.problem(id.Pos, fmt.Sprintf("metrics: %s cannot be an id; want letters, digits and _ after a small letter, other than %q", quote(id.Value), resultID))
		}
		if m, ok := w.mapping(node.Content[i+1], "a metric of metrics", "namespace", "metric", "stat", "period", "dimensions"); ok {
			found[id.Value] = readCloudwatchMetric(m, period)
		}
	}
	return found
}

// resultID is what the expression itself is called.
const resultID = "result"

// readBothDimensions reads a comparison of one metric by its dimensions.
func readBothDimensions(w *walker, n *yaml.Node) (canary, baseline analysis.Source) {
	m, ok := w.mapping(n, "cloudwatch", "namespace", "metric", "stat", "period", "dimensions", "region", "range", "canary", "baseline")
	if !ok {
		return analysis.Source{}, analysis.Source{}
	}
	m.require("canary", "baseline")
	common := analysis.CloudWatch{
		CloudWatchMetric: readCloudwatchMetric(m, defaultPeriod), Region: readRegion(m),
		Range: analysis.Duration(m.duration("range", defaultCompared, time.Minute)),
	}
	with := func(key string) analysis.CloudWatch {
		own := common
		own.Dimensions = map[string]string{}
		maps.Copy(own.Dimensions, common.Dimensions)
		maps.Copy(own.Dimensions, m.pairs(key, checkDimensions))
		return own
	}
	one, other := with("canary"), with("baseline")
	if m.has("canary") && m.has("baseline") && maps.Equal(one.Dimensions, other.Dimensions) {
		w.problem(m.place("baseline"), "baseline: has the same dimensions as the canary; nothing could be told from it")
	}
	return analysis.Source{CloudWatch: &one}, analysis.Source{CloudWatch: &other}
}

// readAlarms reads a check of alarms.
func readAlarms(w *walker, n *yaml.Node) *analysis.Alarms {
	m, ok := w.mapping(n, kindAlarms, "names", "prefix", "monitoring", "region", "insufficientData", "interval", "failures")
	if !ok {
		return nil
	}
	a := &analysis.Alarms{Pace: readPace(m)}
	kind, ok := m.exactlyOne("names", "prefix", "monitoring")
	if !ok {
		return a
	}
	if kind == "monitoring" {
		for _, key := range m.present("region", "insufficientData") {
			w.problem(w.pos(m.node(key)), key+": only belongs to CloudWatch's alarms; remove it")
		}
		a.Monitoring = readAlertPolicies(w, m.node(kind))
		return a
	}
	a.Names, a.Prefix, a.Region = readAlarmNames(m), m.filled("prefix").Value, readRegion(m)
	a.InsufficientData = m.word("insufficientData", analysis.InsufficientFails, analysis.InsufficientPasses, analysis.InsufficientFails).Value
	return a
}

func readAlarmNames(m mapping) []string {
	if n := m.node("names"); n != nil {
		m.someItems("names", "an alarm's name")
	}
	names := m.texts("names")
	checkDistinct(m.w, "names", names)
	if len(names) > mostAlarms {
		m.w.problem(names[mostAlarms].Pos, fmt.Sprintf("names: %d alarms; at most %d can be asked for at once", len(names), mostAlarms))
	}
	return values(names)
}

// checkDistinct reports texts that appear twice in a list, letter by letter.
func checkDistinct(w *walker, key string, list []At[string]) {
	seen := map[string]bool{}
	for _, v := range list {
		if seen[v.Value] {
			w.problem(v.Pos, fmt.Sprintf("%s: %s appears twice; keep one", key, quote(v.Value)))
		}
		seen[v.Value] = true
	}
}

func readAlertPolicies(w *walker, n *yaml.Node) *analysis.AlertPolicies {
	m, ok := w.mapping(n, "monitoring", "project", "policies")
	if !ok {
		return nil
	}
	m.require("project", "policies")
	m.someItems("policies", "an alert policy's name")
	policies := m.texts("policies")
	checkDistinct(w, "policies", policies)
	return &analysis.AlertPolicies{Project: readProject(m), Policies: values(policies)}
}

// notForSecrets says why credentials cannot be sent to a URL, "" where they can.
func notForSecrets(raw string) string {
	u, err := url.Parse(raw)
	if err == nil && u.Scheme == "http" && !driver.IsLoopback(u) {
		return "is not https, and credentials are sent there"
	}
	return ""
}
