package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Title is what is measured, in few words.
func (s Source) Title() string {
	switch {
	case s.Prometheus != nil:
		return s.Prometheus.Query
	case s.Monitoring != nil:
		return s.Monitoring.Query
	case s.CloudWatch != nil:
		return s.CloudWatch.title()
	case s.Datadog != nil && s.Datadog.Gate != nil:
		return fmt.Sprintf("gate %s in %s", s.Datadog.Gate.Service, s.Datadog.Gate.Env)
	case s.Datadog != nil:
		return s.Datadog.Query
	default:
		return ""
	}
}

func (c *CloudWatch) title() string {
	if c.Expression != "" {
		return c.Expression
	}
	var dimensions []string
	for _, name := range slices.Sorted(maps.Keys(c.Dimensions)) {
		dimensions = append(dimensions, name+"="+c.Dimensions[name])
	}
	if len(dimensions) == 0 {
		return c.Metric + " " + c.Stat
	}
	return c.Metric + " " + c.Stat + " {" + strings.Join(dimensions, ", ") + "}"
}

// Title names the alarms.
func (a *Alarms) Title() string {
	switch {
	case a.Monitoring != nil:
		return strings.Join(a.Monitoring.Policies, ", ")
	case a.Prefix != "":
		return a.Prefix + "*"
	default:
		return strings.Join(a.Names, ", ")
	}
}

// Permissions are what whoever asks the source needs.
func (s Source) Permissions() []string {
	switch {
	case s.CloudWatch != nil:
		return []string{"cloudwatch:GetMetricData"}
	case s.Monitoring != nil:
		return []string{"monitoring.timeSeries.list"}
	case s.Datadog != nil && s.Datadog.Gate != nil:
		return []string{"deployment_gates_evaluate"}
	case s.Datadog != nil:
		return []string{"timeseries_query"}
	default:
		return nil
	}
}

// Permissions are what whoever asks for the alarms needs.
func (a *Alarms) Permissions() []string {
	if a.Monitoring != nil {
		return []string{"monitoring.alertPolicies.list", "monitoring.alerts.list"}
	}
	return []string{"cloudwatch:DescribeAlarms"}
}
