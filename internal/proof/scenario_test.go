package proof_test

import (
	"fmt"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// scenario is a way that a release goes, as the pipeline file declares it and
// people walk it.
type scenario struct {
	name    string
	stage   string      // keys of the stage that is promoted to
	target  string      // keys of each of its targets
	targets int         // how many there are
	needs   driver.Kind // what the platform must be able to do; "" for nothing
	steps   []step      // what people do
	own     step        // what they also do where the platform has the same gate once more, of its own
	first   string      // the target that alone begins; "" where any does
	quiet   int         // after how many of the steps nothing may have happened at the platform
	settled int         // how many of the steps come before those that are killed
}

func promote(run int64) step { return step{"anna", run, []string{"promote", "--to", "production"}} }

func approve(run int64) step {
	return step{"octocat", run, []string{"approve", "--stage", "production"}}
}

// scenarios are all of them. Waits are shorter than what is waited for in
// process, except where a person decides.
func scenarios() []scenario {
	return []scenario{
		{name: "plain", targets: 1, steps: []step{promote(1)}},
		{
			name: "canary", targets: 1, needs: driver.Weight,
			target: ", strategy: {canary: {percentages: [10, 50], wait: 10s, disable: true}}",
			steps:  []step{promote(1)},
		},
		{
			name: "approval", targets: 1, stage: "    approval: {required: true, approvers: [octocat]}\n",
			steps: []step{promote(1), approve(2)}, own: approve(3), quiet: 1,
		},
		{
			name: "rollback", targets: 1, settled: 1,
			steps: []step{promote(1), {"anna", 2, []string{"rollback", "--stage", "production", "--reason", "it is slow"}}},
		},
		{
			name: "waves", targets: 3, first: "t1", stage: "    waves: {sizes: [1, 100%], wait: 10s}\n",
			steps: []step{promote(1)},
		},
		{
			name: "testers", targets: 1, needs: driver.Route,
			target: ", strategy: {canary: {header: {domain: api.example.com, name: x-canary, value: beta}, percentages: [10], wait: 10s, disable: true}}",
			steps:  []step{promote(1)},
		},
		{name: "group commit", targets: 4, steps: []step{promote(1)}},
	}
}

// places are the keys of a platform's i-th target in a stage; the one that the
// others get their release from is the 0-th of staging.
var places = map[string]func(stage string, i int) string{
	"apigateway": func(stage string, i int) string {
		return fmt.Sprintf("apigateway: {restApi: a1b2c3d4e5, stage: %s-%d, region: eu-west-1}", stage, i)
	},
	"ecs": func(stage string, i int) string {
		return fmt.Sprintf("ecs: {cluster: shop, service: %s-%d, region: eu-west-1}", stage, i)
	},
	"exec": func(stage string, i int) string {
		return fmt.Sprintf("exec: {command: [./deploy], resource: shop-%s-%d}", stage, i)
	},
	"lambda": func(stage string, i int) string {
		return fmt.Sprintf("lambda: {function: shop, alias: %s-%d, region: eu-west-1}", stage, i)
	},
	"heroku": func(stage string, i int) string { return fmt.Sprintf("heroku: {app: shop-%s-%d}", stage, i) },
	"clouddeploy": func(stage string, i int) string {
		return fmt.Sprintf("clouddeploy: {project: acme, location: europe-west1, deliveryPipeline: shop, target: %s-%d}", stage, i)
	},
	"deploymentmanager": func(stage string, i int) string {
		return fmt.Sprintf("deploymentmanager: {project: acme, deployment: %s-%d}", stage, i)
	},
	"inframanager": func(stage string, i int) string {
		return fmt.Sprintf("inframanager: {project: acme, location: europe-west1, deployment: %s-%d}", stage, i)
	},
	"cloudrun": func(stage string, i int) string {
		return fmt.Sprintf("cloudrun: {project: acme, location: europe-west1, service: %s-%d}", stage, i)
	},
	"entrecode": func(stage string, i int) string {
		n := i + 10*len(stage)
		return fmt.Sprintf("entrecode: {appID: 11111111-1111-4111-8111-111111111111, platformID: 22222222-2222-4222-8222-%012d, targetIDs: [33333333-3333-4333-8333-%012d]}", n, n)
	},
}

// on is the scenario on a platform.
func (s scenario) on(f driver.Facts) scenario {
	if f.Approves && s.own.run != 0 {
		s.steps = append(slices.Clone(s.steps), s.own)
	}
	return s
}

// pipelineOf is the pipeline file of a scenario on a platform.
func (s scenario) pipelineOf(platform string) string {
	var b strings.Builder
	const often = "poll: {initial: 500ms, max: 5s}"
	fmt.Fprintf(&b, "name: shop\nstages:\n  - name: staging\n    targets:\n      - {name: source, %s, %s}\n", places[platform]("staging", 0), often)
	fmt.Fprintf(&b, "  - name: production\n%s    targets:\n", s.stage)
	for i := range s.targets {
		fmt.Fprintf(&b, "      - {name: t%d, %s, %s%s}\n", i+1, places[platform]("production", i+1), often, s.target)
	}
	return b.String()
}
