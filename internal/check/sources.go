package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/analysis"
	"sluice/internal/check/cloudwatch"
	"sluice/internal/check/datadog"
	"sluice/internal/check/monitoring"
	"sluice/internal/check/prometheus"
	"sluice/internal/transport"
	"sluice/rollout"
	"sluice/stages/driver"
)

// asked is the runner for one check: it asks as who the check's target, or its stage,
// names for that.
func (r *Runner) asked(g rollout.Gate, v Vars) *Runner {
	vendor := g.Vendor()
	if r.As == nil || vendor == "" {
		return r
	}
	target := v.Target
	if g.StageScope {
		target = ""
	}
	own := *r
	own.identity = r.As(v.Stage, target, vendor)
	return &own
}

// env is the runner's environment as clients take it.
func (r *Runner) env() driver.Env {
	base := r.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return driver.Env{
		Getenv:    func(name string) string { value, _ := r.lookup(name); return value },
		Transport: base, Now: r.Now, Identity: r.identity, Sessions: r.Sessions,
		Secret: func(value string) {
			if r.Mask != nil {
				r.Mask(value)
			}
		},
	}
}

// reaches says why what a check measures could not be asked for here: a variable
// that is not set, an endpoint that is none. It sends nothing.
func (r *Runner) reaches(g rollout.Gate) error {
	err := func() error {
		switch {
		case g.Alarms != nil && g.Alarms.Monitoring != nil:
			_, err := monitoring.Open(r.env(), g.Alarms.Monitoring.Project)
			return err
		case g.Metric != nil:
			return r.opens(g.Metric.Source)
		case g.Compare != nil:
			return errors.Join(r.opens(g.Compare.Canary), r.opens(g.Compare.Baseline))
		default:
			return nil
		}
	}()
	if err != nil {
		return fmt.Errorf("the check %q cannot be run here: %w", name(g), err)
	}
	return nil
}

func (r *Runner) opens(s analysis.Source) (err error) {
	switch {
	case s.Prometheus != nil:
		_, err = r.filled(s.Prometheus.Headers, "the query to "+s.Prometheus.URL)
	case s.Monitoring != nil:
		_, err = monitoring.Open(r.env(), s.Monitoring.Project)
	case s.Datadog != nil:
		_, err = datadog.Open(r.env(), s.Datadog.URL)
	}
	return err
}

// prometheus is a client of the server that a source names.
func (r *Runner) prometheus(p *analysis.Prometheus) (prometheus.Client, error) {
	header, err := r.filled(p.Headers, "the query to "+p.URL)
	if err != nil {
		return prometheus.Client{}, err
	}
	client := &http.Client{Transport: transport.New(r.env().Transport, transport.Options{}), CheckRedirect: transport.CheckRedirect}
	return prometheus.Client{HTTP: client, Base: p.URL, Header: header}, nil
}

// metric looks at a metric.
func (r *Runner) metric(ctx context.Context, m *analysis.Metric, w analysis.Window) (analysis.Sample, error) {
	if m.Datadog != nil && m.Datadog.Gate != nil {
		return r.gate(ctx, m.Datadog)
	}
	found, err := r.series(ctx, m.Source, w)
	if _, early := errors.AsType[*cloudwatch.UnfinishedError](err); early {
		return tooEarly(err), nil
	}
	if err != nil {
		return analysis.Sample{}, source(m.Source, err)
	}
	return m.JudgeAll(found), nil
}

// tooEarly is a look that came before there could be anything to see.
func tooEarly(err error) analysis.Sample {
	s := analysis.Missing("%v", err)
	s.Early = true
	return s
}

// series asks for what a metric was since the last look.
func (r *Runner) series(ctx context.Context, s analysis.Source, w analysis.Window) ([]analysis.Series, error) {
	switch {
	case s.Prometheus != nil:
		c, err := r.prometheus(s.Prometheus)
		if err != nil {
			return nil, err
		}
		return promql(ctx, c, s.Prometheus.Query, s.Prometheus.Span, w.Now)
	case s.Monitoring != nil:
		c, err := monitoring.Open(r.env(), s.Monitoring.Project)
		if err != nil {
			return nil, err
		}
		return promql(ctx, c.Prometheus(), s.Monitoring.Query, s.Monitoring.Span, w.Now)
	case s.CloudWatch != nil:
		c, err := cloudwatch.Open(ctx, r.env(), s.CloudWatch.Region)
		if err != nil {
			return nil, err
		}
		return c.Metric(ctx, s.CloudWatch, w)
	case s.Datadog != nil:
		c, err := datadog.Open(r.env(), s.Datadog.URL)
		if err != nil {
			return nil, err
		}
		return c.Metric(ctx, s.Datadog, w)
	default:
		return nil, errors.New("it names no source of metrics")
	}
}

// promql asks for the values now, or over a range that ends now.
func promql(ctx context.Context, c prometheus.Client, query string, span analysis.Span, now time.Time) ([]analysis.Series, error) {
	if span.Range <= 0 {
		return c.Instant(ctx, query, now)
	}
	return c.Range(ctx, query, now.Add(-span.Range.Std()), now, span.Step.Std())
}

// gate has a deployment gate evaluated.
func (r *Runner) gate(ctx context.Context, d *analysis.Datadog) (analysis.Sample, error) {
	c, err := datadog.Open(r.env(), d.URL)
	if err != nil {
		return analysis.Sample{}, err
	}
	verdict, err := c.Gate(ctx, d.Gate, r.pause)
	switch {
	case err != nil:
		return analysis.Sample{}, fmt.Errorf("datadog: %w", err)
	case verdict.DryRun:
		return analysis.Unclear("", "the gate of %s in %s is a dry run, which always passes: it says nothing", d.Gate.Service, d.Gate.Env), nil
	case verdict.Against:
		return analysis.Unclear("", "the gate of %s in %s passes, although %s", d.Gate.Service, d.Gate.Env, strings.TrimPrefix(verdict.Why, "; ")), nil
	case !verdict.Pass:
		return analysis.Fail("", "the gate of %s in %s does not pass%s", d.Gate.Service, d.Gate.Env, verdict.Why), nil
	default:
		return analysis.Pass(""), nil
	}
}

// compare looks at a canary and what runs beside it: all values of the bake so far.
func (r *Runner) compare(ctx context.Context, c *analysis.Compare, w analysis.Window) (analysis.Sample, error) {
	canary, err := r.since(ctx, c.Canary, w)
	if err == nil {
		var baseline []analysis.Series
		if baseline, err = r.since(ctx, c.Baseline, w); err == nil {
			return c.Judge(canary, baseline, w), nil
		}
	}
	if _, early := errors.AsType[*cloudwatch.UnfinishedError](err); early {
		return tooEarly(err), nil
	}
	return analysis.Sample{}, source(c.Canary, err)
}

// since asks for all values since the bake's beginning, or over the range of a
// comparison without a bake.
func (r *Runner) since(ctx context.Context, s analysis.Source, w analysis.Window) ([]analysis.Series, error) {
	w.From = time.Time{}
	switch {
	case s.Prometheus != nil:
		c, err := r.prometheus(s.Prometheus)
		if err != nil {
			return nil, err
		}
		return c.Range(ctx, s.Prometheus.Query, w.Since(s.Prometheus.Span.Range.Std(), 0), w.Now, step(s.Prometheus.Span, w))
	case s.Monitoring != nil:
		c, err := monitoring.Open(r.env(), s.Monitoring.Project)
		if err != nil {
			return nil, err
		}
		return c.Prometheus().Range(ctx, s.Monitoring.Query, w.Since(s.Monitoring.Span.Range.Std(), 0), w.Now, step(s.Monitoring.Span, w))
	default:
		return r.series(ctx, s, w)
	}
}

// mostPoints is how many points Prometheus answers of one series.
const mostPoints = 11_000

// step is the step of a range: whole seconds more than was said where a bake has
// too many.
func step(span analysis.Span, w analysis.Window) time.Duration {
	least := w.Now.Sub(w.Since(span.Range.Std(), 0)) / (mostPoints - 1)
	if least <= span.Step.Std() {
		return span.Step.Std()
	}
	return least.Truncate(time.Second) + time.Second
}

// source says of an error which system it came from.
func source(s analysis.Source, err error) error {
	switch {
	case s.Prometheus != nil:
		return fmt.Errorf("prometheus at %s: %w", s.Prometheus.URL, err)
	case s.Monitoring != nil:
		return fmt.Errorf("cloud monitoring: %w", err)
	case s.CloudWatch != nil:
		return fmt.Errorf("cloudwatch: %w", err)
	default:
		return fmt.Errorf("datadog: %w", err)
	}
}

// alarms looks at alarms: every one must be quiet.
func (r *Runner) alarms(ctx context.Context, a *analysis.Alarms) (analysis.Sample, error) {
	if a.Monitoring != nil {
		return r.policies(ctx, a.Monitoring)
	}
	c, err := cloudwatch.Open(ctx, r.env(), a.Region)
	if err != nil {
		return analysis.Sample{}, err
	}
	all, err := c.Alarms(ctx, a.Names, a.Prefix)
	if err != nil {
		return analysis.Sample{}, fmt.Errorf("cloudwatch: %w", err)
	}
	return judgeAlarms(a, all), nil
}

// judgeAlarms weighs what sounds over what is missing.
func judgeAlarms(a *analysis.Alarms, all []cloudwatch.Alarm) analysis.Sample {
	var names, loud, unclear []string
	for _, alarm := range all {
		switch {
		case alarm.State == "ALARM", alarm.State == "INSUFFICIENT_DATA" && a.InsufficientData != analysis.InsufficientPasses:
			names = append(names, alarm.Name)
			loud = append(loud, fmt.Sprintf("%s is %s%s", alarm.Name, alarm.State, because(alarm.Reason)))
		case alarm.State == "INSUFFICIENT_DATA":
		case alarm.State != "OK":
			unclear = append(unclear, fmt.Sprintf("%s is in the state %q", alarm.Name, alarm.State))
		case alarm.Evaluation != "":
			unclear = append(unclear, fmt.Sprintf("%s is OK, but its evaluation says %s", alarm.Name, alarm.Evaluation))
		}
	}
	absent := cloudwatch.Absent(a.Names, all)
	switch {
	case len(loud) > 0:
		return analysis.Fail(strings.Join(names, ", "), "%s", strings.Join(loud, "; "))
	case len(absent) > 0:
		return analysis.Unclear("", "no alarm is called %s", strings.Join(absent, ", "))
	case len(all) == 0:
		return analysis.Unclear("", "no alarm's name begins with %s", a.Prefix)
	case len(unclear) > 0:
		return analysis.Missing("%s", strings.Join(unclear, "; "))
	default:
		return analysis.Pass("OK")
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// policies looks at alert policies: none may have an open incident.
func (r *Runner) policies(ctx context.Context, a *analysis.AlertPolicies) (analysis.Sample, error) {
	c, err := monitoring.Open(r.env(), a.Project)
	if err != nil {
		return analysis.Sample{}, err
	}
	found, err := c.Policies(ctx, a.Policies)
	if err != nil {
		return analysis.Sample{}, fmt.Errorf("cloud monitoring: %w", err)
	}
	var open, off, absent []string
	for _, name := range a.Policies {
		switch all := found[name]; {
		case len(all) == 0:
			absent = append(absent, name)
		case slices.ContainsFunc(all, func(p monitoring.Policy) bool { return len(p.Open) > 0 }):
			open = append(open, name)
		case slices.ContainsFunc(all, func(p monitoring.Policy) bool { return !p.Enabled }):
			off = append(off, name)
		}
	}
	switch {
	case len(open) > 0:
		return analysis.Fail(strings.Join(open, ", "), "incidents are open: %s", strings.Join(open, ", ")), nil
	case len(absent) > 0:
		return analysis.Unclear("", "no alert policy of %s is called %s", a.Project, strings.Join(absent, ", ")), nil
	case len(off) > 0:
		return analysis.Unclear("", "alert policies are disabled and open no incidents: %s", strings.Join(off, ", ")), nil
	default:
		return analysis.Pass("OK"), nil
	}
}
