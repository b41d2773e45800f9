package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/analysis"
	"sluice/internal/guard"
	"sluice/internal/outside"
	"sluice/internal/work"
	"sluice/rollout"
)

// Look looks at what a check measures. Within a bake it looks once. Without one
// (w.Begin is zero) it looks until there is a verdict: again after a look that told
// nothing, until the check's timeout is over, and after one that failed where some
// may. Where ctx ended, nothing is known of the check. What the sample says is
// without a secret.
func (r *Runner) Look(ctx context.Context, g rollout.Gate, v Vars, w analysis.Window) analysis.Sample {
	timeout := g.Timeout.Std()
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	limited, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	s := r.look(limited, g, v, w)
	for failures := 0; w.Begin.IsZero() && again(g, s, failures); {
		if s.Verdict == analysis.Failed {
			failures++
		}
		if r.pause(limited, g.Pace().Again().Std()) != nil {
			break
		}
		w.Now = r.now()
		s = r.look(limited, g, v, w)
	}
	return s
}

// again reports whether a look without a bake is not the last.
func again(g rollout.Gate, s analysis.Sample, failures int) bool {
	switch s.Verdict {
	case analysis.Passed:
		return false
	case analysis.Failed:
		return failures < g.Pace().Failures
	default:
		return !s.Decide
	}
}

func (r *Runner) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

func (r *Runner) pause(ctx context.Context, d time.Duration) error {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	return work.System().Sleep(ctx, d)
}

// look looks once.
func (r *Runner) look(ctx context.Context, g rollout.Gate, v Vars, w analysis.Window) analysis.Sample {
	var s analysis.Sample
	err := guard.Do("the check "+name(g), func() (err error) {
		s, err = r.measure(ctx, g, v, w)
		return err
	})
	if err != nil {
		s = told(err)
	}
	if r.Redact != nil {
		s.Text = r.Redact(s.Text)
	}
	s.At = w.Now.UTC()
	return s
}

// told is a look that ended with an error. What asking again cannot change is for
// a person.
func told(err error) analysis.Sample {
	var final interface{ Final() bool }
	if errors.As(err, &final) && final.Final() {
		return analysis.Unclear("", "%v", err)
	}
	return analysis.Missing("%v", err)
}

func (r *Runner) measure(ctx context.Context, g rollout.Gate, v Vars, w analysis.Window) (analysis.Sample, error) {
	r = r.asked(g, v)
	switch {
	case g.Alarms != nil:
		return r.alarms(ctx, g.Alarms)
	case g.Metric != nil:
		return r.metric(ctx, g.Metric, w)
	case g.Compare != nil:
		return r.compare(ctx, g.Compare, w)
	case g.HTTP != nil:
		return r.measureURL(ctx, g)
	default:
		return r.measureProgram(ctx, g, v)
	}
}

// measureURL measures the answer of a URL. One that is not as wanted fails, as it
// does a check that measures nothing.
func (r *Runner) measureURL(ctx context.Context, g rollout.Gate) (analysis.Sample, error) {
	body, err := r.ask(ctx, g.HTTP, true)
	if unwanted, ok := errors.AsType[*unwantedError](err); ok {
		return analysis.Fail("", "%v", unwanted), nil
	}
	if err != nil {
		return analysis.Sample{}, err
	}
	value, err := number(body, g.Measured.JSON)
	if err != nil {
		return analysis.Sample{}, fmt.Errorf("%s answered, but %w", g.HTTP.URL, err)
	}
	return g.Measured.Judge(value), nil
}

// measureProgram measures what a program writes to its standard output: without a
// path the last line of it.
func (r *Runner) measureProgram(ctx context.Context, g rollout.Gate, v Vars) (analysis.Sample, error) {
	out, err := r.start(ctx, g, v)
	switch {
	case err != nil && ctx.Err() != nil:
		return analysis.Sample{}, fmt.Errorf("%s did not end in time", name(g))
	case err != nil:
		return analysis.Fail("", "%v", err), nil
	}
	if g.Measured.JSON == "" {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		out = lines[len(lines)-1]
	}
	value, err := number([]byte(out), g.Measured.JSON)
	if err != nil {
		return analysis.Sample{}, fmt.Errorf("%s ended well, but %w", name(g), err)
	}
	return g.Measured.Judge(value), nil
}

// number is the number that an answer holds: the whole of it, or what a path of
// keys and indexes leads to in JSON. Text that is a number is one.
func number(answer []byte, path string) (float64, error) {
	if path == "" {
		return parsed(string(answer), "its answer")
	}
	var at any
	decoder := json.NewDecoder(strings.NewReader(string(answer)))
	decoder.UseNumber()
	if err := decoder.Decode(&at); err != nil {
		return 0, fmt.Errorf("its answer is no JSON: %w", err)
	}
	for step := range strings.SplitSeq(path, ".") {
		next, ok := within(at, step)
		if !ok {
			return 0, fmt.Errorf("its answer has nothing at %s", path)
		}
		at = next
	}
	switch v := at.(type) {
	case json.Number:
		return parsed(v.String(), path)
	case string:
		return parsed(v, path)
	default:
		return 0, fmt.Errorf("what its answer has at %s is no number", path)
	}
}

// within is one step of a path.
func within(at any, step string) (any, bool) {
	switch v := at.(type) {
	case map[string]any:
		next, ok := v[step]
		return next, ok
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	default:
		return nil, false
	}
}

func parsed(text, where string) (float64, error) {
	text = strings.TrimSpace(text)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is no number: %q", where, outside.Short(text, mostOfAnswer))
	}
	return v, nil
}

// mostOfAnswer is how much is shown of an answer that is no number, in characters.
const mostOfAnswer = 40
