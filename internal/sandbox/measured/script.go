package measured

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"sluice/internal/sandbox/cloudwatch"
	"sluice/internal/sandbox/datadog"
	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
)

// Script is what sources answer in place of what would pass, by the words in which a
// check asks: queries, CloudWatch's metrics as [cloudwatch.Key] has them or
// expressions, the names of alarms and policies, and gates as "SERVICE ENV". An empty
// list is an answer without series.
type Script struct {
	Prometheus map[string][]Line `json:"prometheus"`
	Monitoring map[string][]Line `json:"monitoring"`
	CloudWatch map[string][]Line `json:"cloudwatch"` // one line at most: a metric is one series
	Datadog    map[string][]Line `json:"datadog"`
	Alarms     map[string]string `json:"alarms"`   // OK, ALARM or INSUFFICIENT_DATA
	Policies   map[string]string `json:"policies"` // quiet, open or disabled
	Gates      map[string]string `json:"gates"`    // pass, fail or dry-run
}

// Line is one series.
type Line struct {
	Labels  map[string]string `json:"labels"`
	Value   *float64          `json:"value"` // nil: no points
	Noise   float64           `json:"noise"` // the standard deviation around the value
	Late    string            `json:"late"`  // a duration: how long after its time a point is seen
	Changes []Change          `json:"changes"`

	late time.Duration
}

// Change is a value from a time on; nil: no points.
type Change struct {
	At    time.Time `json:"at"`
	Value *float64  `json:"value"`
}

// ReadScript reads a script from a file. One that is not there says nothing.
func ReadScript(path string) (Script, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Script{}, nil
	}
	if err != nil {
		return Script{}, fmt.Errorf("sandbox: reading what checks are answered: %w", err)
	}
	var s Script
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Script{}, fmt.Errorf("sandbox: %s: %w", path, err)
	}
	if err := s.check(); err != nil {
		return Script{}, fmt.Errorf("sandbox: %s: %w", path, err)
	}
	return s, nil
}

// check reads what is text, and names the first mistake.
func (s Script) check() error {
	for source, queries := range map[string]map[string][]Line{"prometheus": s.Prometheus, "monitoring": s.Monitoring, "cloudwatch": s.CloudWatch, "datadog": s.Datadog} {
		for query, lines := range queries {
			if source == "cloudwatch" && len(lines) > 1 {
				return fmt.Errorf("%s: %q: a metric is one series, not %d", source, query, len(lines))
			}
			for i := range lines {
				if err := lines[i].read(); err != nil {
					return fmt.Errorf("%s: %q: %w", source, query, err)
				}
			}
		}
	}
	return errors.Join(
		oneOf("alarms", s.Alarms, "OK", "ALARM", "INSUFFICIENT_DATA"),
		oneOf("policies", s.Policies, quiet, open, disabled),
		oneOf("gates", s.Gates, pass, fail, dryRun),
	)
}

const (
	quiet, open, disabled = "quiet", "open", "disabled"
	pass, fail, dryRun    = "pass", "fail", "dry-run"
)

func oneOf(what string, said map[string]string, known ...string) error {
	for _, name := range sorted(said) {
		if !slices.Contains(known, said[name]) {
			return fmt.Errorf("%s: %q is %q; give one of %q", what, name, said[name], known)
		}
	}
	return nil
}

func (l *Line) read() (err error) {
	if l.Late == "" {
		return nil
	}
	l.late, err = time.ParseDuration(l.Late)
	return err
}

// series is the line as emulators answer it.
func (l Line) series() metrics.Series {
	value := l.around(l.Value)
	for _, c := range l.Changes {
		value = metrics.From(c.At, value, l.around(c.Value))
	}
	return metrics.Series{Labels: l.Labels, Value: value, Late: l.late}
}

func (l Line) around(v *float64) metrics.Value {
	switch {
	case v == nil:
		return metrics.Missing()
	case l.Noise == 0:
		return metrics.Steady(*v)
	default:
		return metrics.Noisy(seed, *v, l.Noise)
	}
}

// say has a source answer queries with lines.
func say(source interface {
	Answer(string, ...metrics.Series)
}, queries map[string][]Line) {
	for query, lines := range queries {
		source.Answer(query, kit.Shown(lines, Line.series)...)
	}
}

// follow has the sources answer as the script says.
func (s *Sources) follow(script Script) {
	for _, server := range s.prometheus {
		say(server, script.Prometheus)
	}
	for _, project := range s.monitoring {
		say(project, script.Monitoring)
	}
	say(s.datadog, script.Datadog)
	for key, lines := range script.CloudWatch {
		answer := metrics.Series{Value: metrics.Missing()}
		for _, l := range lines {
			answer = l.series()
		}
		s.cloudwatch.Answer(key, answer)
	}
	s.followAlarms(script)
}

func (s *Sources) followAlarms(script Script) {
	for name, state := range script.Alarms {
		s.alarms[name] = cloudwatch.Alarm{Name: name, State: state}
	}
	for name, state := range script.Policies {
		p := policy(name)
		p.Disabled = state == disabled
		if state == open {
			p.Open = 1
		}
		for _, named := range s.policies {
			named[name] = p
		}
	}
	for gate, says := range script.Gates {
		s.datadog.SetGateOf(gate, datadog.Gate{Pass: says == pass, DryRun: says == dryRun})
	}
}
