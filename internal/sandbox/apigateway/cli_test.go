package apigateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/sandboxtest"
)

// cli is the unmodified aws CLI against a server.
type cli struct {
	*testing.T
	server *sandbox.Server
}

// run is one apigateway command; refusal is what it says where it fails.
func (c cli) run(into any, args ...string) (refusal string) {
	c.Helper()
	return sandboxtest.AWS(c.T, c.server, "AWS_ENDPOINT_URL_API_GATEWAY", into, append([]string{"apigateway"}, args...)...)
}

// cliStage is what of a stage the document shows to change.
type cliStage struct {
	CanarySettings *struct {
		DeploymentID           string            `json:"deploymentId"`
		PercentTraffic         float64           `json:"percentTraffic"`
		StageVariableOverrides map[string]string `json:"stageVariableOverrides"`
		UseStageCache          bool              `json:"useStageCache"`
	} `json:"canarySettings"`
	DeploymentID string            `json:"deploymentId"`
	Variables    map[string]string `json:"variables"`
}

// must runs a command that is not refused.
func (c cli) must(into any, args ...string) {
	c.Helper()
	if refusal := c.run(into, args...); refusal != "" {
		c.Fatalf("aws %s: %s", strings.Join(args, " "), refusal)
	}
}

// The sequence of Amazon's document on promoting a canary, command by command.
func TestDocumentWithTheCLI(t *testing.T) {
	c := cli{t, serve(t, sandbox.Options{})}
	var api, production, canary struct{ ID string }
	c.must(&api, "create-rest-api", "--name", "shop")
	c.must(&production, "create-deployment", "--rest-api-id", api.ID, "--stage-name", "prod", "--variables", "sv1=val1")
	c.must(&canary, "create-deployment", "--rest-api-id", api.ID, "--stage-name", "prod", "--canary-settings",
		`{"percentTraffic": 10.5, "useStageCache": false, "stageVariableOverrides": {"sv2": "val3", "sv1": "val2"}}`)

	stage := []string{"--rest-api-id", api.ID, "--stage-name", "prod"}
	var got cliStage
	c.must(&got, append([]string{"get-stage"}, stage...)...)
	check(t, "with a canary", got, production.ID, `{"sv1":"val1"}`, canary.ID, 10.5)

	got = cliStage{}
	c.must(&got, append([]string{"update-stage", "--patch-operations", `[{
		"op": "replace", "value": "0.0", "path": "/canarySettings/percentTraffic"
	}, {
		"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"
	}, {
		"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"
	}]`}, stage...)...)
	check(t, "promoted", got, canary.ID, `{"sv1":"val2","sv2":"val3"}`, canary.ID, 0)

	got = cliStage{}
	c.must(&got, append([]string{"update-stage", "--patch-operations", `[{"op": "remove", "path": "/canarySettings"}]`}, stage...)...)
	check(t, "without its canary", got, canary.ID, `{"sv1":"val2","sv2":"val3"}`, "", 0)

	refusal := c.run(nil, append([]string{"update-stage", "--patch-operations", `[{"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"}]`}, stage...)...)
	if want := "An error occurred (BadRequestException) when calling the UpdateStage operation: Promotion not available. Canary does not exist."; !strings.Contains(refusal, want) {
		t.Errorf("the CLI says %q, want %q", refusal, want)
	}
}

// check compares a stage; canary "" means none.
func check(t *testing.T, when string, got cliStage, deployment, variables, canary string, percent float64) {
	t.Helper()
	text, err := json.Marshal(got.Variables)
	if err != nil {
		t.Fatal(err)
	}
	if got.DeploymentID != deployment || string(text) != variables {
		t.Errorf("%s: the stage runs %s with %s, want %s with %s", when, got.DeploymentID, text, deployment, variables)
	}
	if canary == "" {
		if got.CanarySettings != nil {
			t.Errorf("%s: there is a canary: %+v", when, got.CanarySettings)
		}
		return
	}
	settings := got.CanarySettings
	if settings == nil || settings.DeploymentID != canary || settings.PercentTraffic != percent || settings.UseStageCache ||
		settings.StageVariableOverrides["sv1"] != "val2" || settings.StageVariableOverrides["sv2"] != "val3" {
		t.Errorf("%s: canary %+v, want %s at %v %%", when, settings, canary, percent)
	}
}
