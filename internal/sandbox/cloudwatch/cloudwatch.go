// Package cloudwatch is an emulator of Amazon CloudWatch, as far as alarms and
// metric data go, in the wire forms of AWS's SDK and of the aws CLI.
//
// Its rules stand on docs/metrics.md; each cites its line. It knows no metric math,
// but the answers that it was given to expressions.
package cloudwatch

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"
	"sluice/internal/sandbox/metrics"
)

// pageSize is how many alarms, or points of one metric, one answer has: few, so that
// answers have pages.
const pageSize = 50

// Alarm is an alarm of any kind.
type Alarm struct {
	Name, State, Reason, Evaluation string
	Kind                            string // "MetricAlarm" (""), "CompositeAlarm" or "LogAlarm"
	Throttled                       bool   // who asks for it is refused, as for too many requests
}

// Emulator is the API. It is safe for concurrent use.
type Emulator struct {
	metrics.Script // by [Key] or expression; asked: the operations

	now     func() time.Time
	alarms  []Alarm
	denied  bool
	partial bool
}

// New has no metrics and no alarms.
func New(now func() time.Time) *Emulator { return &Emulator{now: now} }

// Key names a metric with its statistic and dimensions.
func Key(namespace, metric, stat string, dimensions map[string]string) string {
	key := namespace + " " + metric + " " + stat
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		key += " " + name + "=" + dimensions[name]
	}
	return key
}

// SetAlarms replaces the alarms.
func (e *Emulator) SetAlarms(alarms ...Alarm) { e.Set(func() { e.alarms = alarms }) }

// Deny refuses all requests, or lets them in again.
func (e *Emulator) Deny(denied bool) { e.Set(func() { e.denied = denied }) }

// Partial has CloudWatch answer that it could not read everything.
func (e *Emulator) Partial(partial bool) { e.Set(func() { e.partial = partial }) }

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.Set(func() { e.serve(w, r) })
}

func (e *Emulator) serve(w http.ResponseWriter, r *http.Request) {
	p, operation, input, err := read(r)
	e.Note(operation)
	switch {
	case err != nil:
		p.refuse(w, http.StatusBadRequest, "SerializationException", "SerializationException", err.Error())
	case e.Throttled():
		p.throttle(w)
	case e.denied:
		p.refuse(w, http.StatusForbidden, "AccessDeniedException", "AccessDenied", "User is not authorized to perform: cloudwatch:"+operation)
	case operation == "GetMetricData":
		e.getMetricData(w, p, input)
	case operation == "DescribeAlarms":
		e.describeAlarms(w, p, input)
	default:
		p.refuse(w, http.StatusNotFound, "UnknownOperationException", "UnknownOperation", operation)
	}
}

// describeAlarms answers alarms by name or prefix.
//
// docs/metrics.md: "**without AlarmTypes only metric alarms come**"
// docs/metrics.md: "A name that does not exist is simply absent"
// docs/metrics.md: "AlarmNames and AlarmNamePrefix exclude each other"
func (e *Emulator) describeAlarms(w http.ResponseWriter, p protocol, input map[string]any) {
	names, prefix, kinds := texts(input["AlarmNames"]), text(input["AlarmNamePrefix"]), texts(input["AlarmTypes"])
	if len(names) > 0 && prefix != "" {
		p.refuse(w, http.StatusBadRequest, "InvalidParameterCombinationException", "InvalidParameterCombination", "AlarmNames and AlarmNamePrefix are mutually exclusive")
		return
	}
	if len(kinds) == 0 {
		kinds = []string{metricAlarm}
	}
	found := kit.Those(e.alarms, func(a Alarm) bool {
		return slices.Contains(kinds, kind(a)) && (len(names) == 0 || slices.Contains(names, a.Name)) && strings.HasPrefix(a.Name, prefix)
	})
	if slices.ContainsFunc(found, func(a Alarm) bool { return a.Throttled }) {
		p.throttle(w)
		return
	}
	found, next := kit.Page(found, page(input["NextToken"]), pageSize)
	out := map[string]any{"MetricAlarms": []any{}, "CompositeAlarms": []any{}, "LogAlarms": []any{}}
	for _, a := range found {
		one := map[string]any{"AlarmName": a.Name, "StateValue": a.State, "StateReason": a.Reason}
		if a.Evaluation != "" {
			one["EvaluationState"] = a.Evaluation
		}
		list, _ := out[kind(a)+"s"].([]any)
		out[kind(a)+"s"] = append(list, one)
	}
	if next > 0 {
		out["NextToken"] = kit.Token(next)
	}
	p.answer(w, http.StatusOK, out)
}

const metricAlarm = "MetricAlarm"

func kind(a Alarm) string {
	if a.Kind == "" {
		return metricAlarm
	}
	return a.Kind
}

// getMetricData answers the points of whole periods.
//
// docs/metrics.md: "[StartTime, EndTime), newest first"
// docs/metrics.md: "**No traffic = no points, not zero**"
func (e *Emulator) getMetricData(w http.ResponseWriter, p protocol, input map[string]any) {
	start, end := when(input["StartTime"]), when(input["EndTime"])
	queries, _ := input["MetricDataQueries"].([]any)
	if !start.Before(end) || len(queries) == 0 {
		p.refuse(w, http.StatusBadRequest, "InvalidParameterValueException", "InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
		return
	}
	results := []any{}
	next := ""
	for _, raw := range queries {
		q, _ := raw.(map[string]any)
		if returns, said := q["ReturnData"].(bool); said && !returns {
			continue
		}
		key, period, err := e.about(q)
		if err != nil {
			p.refuse(w, http.StatusBadRequest, "ValidationError", "ValidationError", err.Error())
			return
		}
		if metrics.AnyThrottled(e.To(key)) {
			p.throttle(w)
			return
		}
		stamps, values := e.points(key, start, end, period)
		if text(input["ScanBy"]) != "TimestampAscending" {
			slices.Reverse(stamps)
			slices.Reverse(values)
		}
		stamps, to := kit.Page(stamps, page(input["NextToken"]), pageSize)
		values, _ = kit.Page(values, page(input["NextToken"]), pageSize)
		status := "Complete"
		if to > 0 {
			next, status = kit.Token(to), "PartialData"
		}
		if e.partial {
			status = "InternalError"
		}
		results = append(results, map[string]any{
			"Id": text(q["Id"]), "Label": key, "StatusCode": status, "Timestamps": stamps, "Values": values,
		})
	}
	out := map[string]any{"MetricDataResults": results, "Messages": []any{}}
	if next != "" {
		out["NextToken"] = next
	}
	p.answer(w, http.StatusOK, out)
}

// about says which script a query is answered by, and its period.
func (e *Emulator) about(q map[string]any) (key string, period time.Duration, err error) {
	if expression := text(q["Expression"]); expression != "" {
		return expression, seconds(q["Period"]), nil
	}
	stat, _ := q["MetricStat"].(map[string]any)
	metric, _ := stat["Metric"].(map[string]any)
	dimensions := map[string]string{}
	list, _ := metric["Dimensions"].([]any)
	for _, raw := range list {
		d, _ := raw.(map[string]any)
		dimensions[text(d["Name"])] = text(d["Value"])
	}
	period = seconds(stat["Period"])
	if period <= 0 || text(metric["MetricName"]) == "" {
		return "", 0, fmt.Errorf("the value for parameter MetricDataQueries is not valid")
	}
	return Key(text(metric["Namespace"]), text(metric["MetricName"]), text(stat["Stat"]), dimensions), period, nil
}

// points are those of the periods that begin in [start, end), oldest first.
func (e *Emulator) points(key string, start, end time.Time, period time.Duration) (stamps, values []any) {
	stamps, values = []any{}, []any{}
	scripted := e.To(key)
	if len(scripted) == 0 {
		return stamps, values
	}
	s := scripted[0] // a metric is one series
	for at := start.Truncate(period); at.Before(end); at = at.Add(period) {
		if v, ok := s.At(at, e.now()); ok && !at.Before(start) {
			stamps, values = append(stamps, moment(at)), append(values, v)
		}
	}
	return stamps, values
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func texts(v any) []string {
	list, _ := v.([]any)
	return kit.Shown(list, text)
}

func seconds(v any) time.Duration {
	n, _ := v.(float64)
	return time.Duration(n * float64(time.Second))
}

// when reads a timestamp: seconds, or text as RFC 3339.
func when(v any) time.Time {
	switch v := v.(type) {
	case float64:
		return time.UnixMilli(int64(v * 1e3)).UTC()
	case string:
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return time.Time{}
		}
		return at
	default:
		return time.Time{}
	}
}

// page is where a page begins, at the beginning where the token is none.
func page(token any) int {
	from, _ := kit.Number(text(token), 0, 0)
	return max(from, 0)
}
