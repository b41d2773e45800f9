package ecs

import (
	"regexp"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

// Example implements sandbox.Exampler: each name of the form [REGION/]CLUSTER/SERVICE
// is a stage's, and a cluster alone has a service for each of two stages.
func (e *Emulator) Example(names []string) []sandbox.Example {
	var places []sandbox.Example
	add := func(stage string, c config) {
		places = append(places, sandbox.Example{Stage: stage, Target: stage, Config: c})
	}
	region := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	stages := []string{"staging", "production", "third", "fourth", "fifth"}
	for i, name := range names[:min(len(names), len(stages))] {
		c := config{Region: awsapi.DefaultRegion}
		if first, rest, several := strings.Cut(name, "/"); several && region.MatchString(first) {
			c.Region, name = first, rest
		}
		var one bool
		if c.Cluster, c.Service, one = strings.Cut(name, "/"); one {
			add(stages[i], c)
			continue
		}
		for _, s := range [][2]string{{"staging", "web-staging"}, {"production", "web"}} {
			c.Service = s[1]
			add(s[0], c)
		}
	}
	return places
}
