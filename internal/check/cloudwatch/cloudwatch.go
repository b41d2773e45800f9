// Package cloudwatch asks Amazon CloudWatch for metrics and alarms, through AWS's
// SDK. What the API really answers stands in docs/metrics.md.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/analysis"
)

const (
	// Lag is how far back a period must have ended to be judged: one that ended
	// just now still grows.
	Lag = 2 * time.Minute
	// defaultPeriods are how many a single look judges.
	defaultPeriods = 5
	mostPages      = 100
	resultID       = "result"
)

// Client asks CloudWatch in one region.
type Client struct {
	api *cloudwatch.Client
}

// UnfinishedError means that no period has ended yet that a look could judge.
type UnfinishedError struct{ Period time.Duration }

// Error says what is waited for.
func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("no period of %s has ended yet and is %s old", e.Period, Lag)
}

// RefusedError is an answer that says no.
type RefusedError struct {
	Code, Text string // CloudWatch's own
	Err        error
}

// Error names CloudWatch's code and words.
func (e *RefusedError) Error() string { return "it answered " + e.Code + ": " + e.Text }

// Unwrap is the SDK's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Final reports whether asking again changes nothing: what was asked is wrong, or
// who asks may not. Throttling is a 400 too and passes. The status says whose fault
// it is: not every version of the SDK does.
func (e *RefusedError) Final() bool {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](e.Err)
	throttled := strings.Contains(e.Code, "Throttl") || e.Code == "RequestLimitExceeded" || e.Code == "LimitExceeded"
	return ok && answer.HTTPStatusCode() >= 400 && answer.HTTPStatusCode() < 500 && !throttled
}

// Metric asks for the points of whole periods: of a look in a bake those since
// the look before it, of a single look the last few. The error may be an
// [*UnfinishedError] or a [*RefusedError].
func (c *Client) Metric(ctx context.Context, spec *analysis.CloudWatch, w analysis.Window) ([]analysis.Series, error) {
	span := spec.Range.Std()
	if span <= 0 {
		span = defaultPeriods * spec.Period.Std()
	}
	return c.points(ctx, spec, w.Since(span, Lag), w.Begin, w.Now)
}

// Span asks for the points of whole periods from a time on.
func (c *Client) Span(ctx context.Context, spec *analysis.CloudWatch, from, now time.Time) ([]analysis.Series, error) {
	return c.points(ctx, spec, from, from, now)
}

// points asks for whole periods. The one in which the bake began is none of it.
func (c *Client) points(ctx context.Context, spec *analysis.CloudWatch, from, begin, now time.Time) ([]analysis.Series, error) {
	period := spec.Period.Std()
	end := now.Add(-Lag).Truncate(period)
	start := from.Truncate(period)
	if start.Before(begin) {
		start = start.Add(period)
	}
	if !start.Before(end) {
		return nil, &UnfinishedError{Period: period}
	}
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(start), EndTime: aws.Time(end), ScanBy: types.ScanByTimestampAscending, MetricDataQueries: queries(spec),
	}
	found := map[string]*analysis.Series{}
	for range mostPages {
		out, err := c.api.GetMetricData(ctx, input)
		if err != nil {
			return nil, refused(err)
		}
		if err := gather(found, out); err != nil {
			return nil, err
		}
		if aws.ToString(out.NextToken) == "" {
			return listed(found, start, end), nil
		}
		input.NextToken = out.NextToken
	}
	return nil, fmt.Errorf("its answer has more than %d pages", mostPages)
}

// gather adds one page's points to what was found.
func gather(found map[string]*analysis.Series, out *cloudwatch.GetMetricDataOutput) error {
	for _, r := range out.MetricDataResults {
		switch {
		case r.StatusCode == types.StatusCodeComplete:
		case r.StatusCode == types.StatusCodePartialData && aws.ToString(out.NextToken) != "":
		default:
			return fmt.Errorf("the answer about %s is not whole: %s%s", aws.ToString(r.Label), r.StatusCode, messages(r.Messages))
		}
		if len(r.Timestamps) != len(r.Values) {
			return fmt.Errorf("the answer about %s has %d times and %d values", aws.ToString(r.Label), len(r.Timestamps), len(r.Values))
		}
		name := aws.ToString(r.Id) + " " + aws.ToString(r.Label)
		s := found[name]
		if s == nil {
			s = &analysis.Series{Name: aws.ToString(r.Label)}
			found[name] = s
		}
		for i, at := range r.Timestamps {
			s.Points = append(s.Points, analysis.Point{At: at.UTC(), Value: r.Values[i]})
		}
	}
	return nil
}

// listed are the series in order, without points outside of what was asked for.
func listed(found map[string]*analysis.Series, start, end time.Time) []analysis.Series {
	all := make([]analysis.Series, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		s := found[name]
		s.Points = slices.DeleteFunc(s.Points, func(p analysis.Point) bool { return p.At.Before(start) || !p.At.Before(end) })
		all = append(all, *s)
	}
	return all
}

func messages(list []types.MessageData) string {
	text := ""
	for _, m := range list {
		text += fmt.Sprintf("; %s: %s", aws.ToString(m.Code), aws.ToString(m.Value))
	}
	return text
}

// queries are what GetMetricData is asked for: one metric, or an expression that
// alone returns data.
func queries(spec *analysis.CloudWatch) []types.MetricDataQuery {
	if spec.Expression == "" {
		return []types.MetricDataQuery{{Id: aws.String(resultID), MetricStat: stat(spec.CloudWatchMetric)}}
	}
	all := []types.MetricDataQuery{{
		Id: aws.String(resultID), Expression: aws.String(spec.Expression), Period: seconds(spec.Period), ReturnData: aws.Bool(true),
	}}
	for _, id := range slices.Sorted(maps.Keys(spec.Metrics)) {
		all = append(all, types.MetricDataQuery{Id: aws.String(id), MetricStat: stat(spec.Metrics[id]), ReturnData: aws.Bool(false)})
	}
	return all
}

func stat(m analysis.CloudWatchMetric) *types.MetricStat {
	metric := &types.Metric{Namespace: aws.String(m.Namespace), MetricName: aws.String(m.Metric)}
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(m.Dimensions[name])})
	}
	return &types.MetricStat{Metric: metric, Stat: aws.String(m.Stat), Period: seconds(m.Period)}
}

func seconds(d analysis.Duration) *int32 {
	return aws.Int32(int32(d.Std() / time.Second)) //nolint:gosec // at most a day
}

// refused tells an answer that says no from what was no answer.
func refused(err error) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	return &RefusedError{Code: answer.ErrorCode(), Text: answer.ErrorMessage(), Err: err}
}
