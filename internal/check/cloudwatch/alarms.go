package cloudwatch

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Alarm is what one alarm says.
type Alarm struct {
	Name, Reason string
	State        string // OK, ALARM or INSUFFICIENT_DATA
	Evaluation   string // what is wrong with its evaluation; "" for nothing
}

// Alarms asks for alarms of every kind, by their names or by a prefix. A name that
// does not exist is simply not among them.
func (c *Client) Alarms(ctx context.Context, names []string, prefix string) ([]Alarm, error) {
	// Without AlarmTypes metric alarms alone come.
	input := &cloudwatch.DescribeAlarmsInput{AlarmTypes: types.AlarmType("").Values()}
	if prefix != "" {
		input.AlarmNamePrefix = aws.String(prefix)
	} else {
		input.AlarmNames = names
	}
	var all []Alarm
	for range mostPages {
		out, err := c.api.DescribeAlarms(ctx, input)
		if err != nil {
			return nil, refused(err)
		}
		all = append(all, read(out)...)
		if aws.ToString(out.NextToken) == "" {
			return all, nil
		}
		input.NextToken = out.NextToken
	}
	return nil, fmt.Errorf("its answer has more than %d pages", mostPages)
}

func read(out *cloudwatch.DescribeAlarmsOutput) []Alarm {
	var all []Alarm
	for _, a := range out.MetricAlarms {
		all = append(all, Alarm{Name: aws.ToString(a.AlarmName), Reason: aws.ToString(a.StateReason), State: string(a.StateValue), Evaluation: string(a.EvaluationState)})
	}
	for _, a := range out.CompositeAlarms {
		all = append(all, Alarm{Name: aws.ToString(a.AlarmName), Reason: aws.ToString(a.StateReason), State: string(a.StateValue)})
	}
	for _, a := range out.LogAlarms {
		all = append(all, Alarm{Name: aws.ToString(a.AlarmName), Reason: aws.ToString(a.StateReason), State: string(a.StateValue), Evaluation: string(a.EvaluationState)})
	}
	return all
}

// Absent are those of the names that are not among the alarms.
func Absent(names []string, all []Alarm) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(all, func(a Alarm) bool { return a.Name == name })
	})
}
