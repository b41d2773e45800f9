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
	region := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	read := func(name string) (c config, service bool) {
		c.Region = awsapi.DefaultRegion
		if first, rest, several := strings.Cut(name, "/"); several && region.MatchString(first) {
			c.Region, name = first, rest
		}
		c.Cluster, c.Service, service = strings.Cut(name, "/")
		return c, service
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if c, service := read(name); service {
			return c
		}
		return nil
	}, func(name string) []any {
		staging, _ := read(name)
		production := staging
		staging.Service, production.Service = "web-staging", "web"
		return []any{staging, production}
	})
}
