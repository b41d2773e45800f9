package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// lastGatewayExport is the last of the variables that API Gateway's clients need.
const lastGatewayExport = "AWS_SESSION_TOKEN"

// gateway is the REST API of testdata/canary, seen through the unmodified aws CLI.
type gateway struct{ env map[string]string }

// gatewayStage is what of a stage these tests look at.
type gatewayStage struct {
	DeploymentID string            `json:"deploymentId"`
	Variables    map[string]string `json:"variables"`
	Canary       *struct {
		DeploymentID string            `json:"deploymentId"`
		Percent      float64           `json:"percentTraffic"`
		Overrides    map[string]string `json:"stageVariableOverrides"`
	} `json:"canarySettings"`
}

func (g gateway) get(t *testing.T, stage string) gatewayStage {
	t.Helper()
	var s gatewayStage
	g.run(t, &s, "get-stage", "--stage-name", stage)
	return s
}

// run is one command of the aws CLI on the API; its JSON answer goes to into.
func (g gateway) run(t *testing.T, into any, command string, args ...string) {
	t.Helper()
	needProgram(t, "aws")
	cmd := exec.CommandContext(t.Context(), "aws", append([]string{
		"apigateway", command, "--rest-api-id", "a1b2c3d4e5", "--output", "json", "--endpoint-url", g.env["AWS_ENDPOINT_URL_API_GATEWAY"],
	}, args...)...)
	cmd.Env = append(environ(g.env), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws %s %s: %v\n%s", command, strings.Join(args, " "), err, stderr.Bytes())
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			t.Fatalf("aws %s: %v\n%s", command, err, out)
		}
	}
}

// environ is the process's environment, as outside of Actions, with more laid
// over it.
func environ(over map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(assignment string) bool {
		return slices.ContainsFunc([]string{"ACTIONS_", "GITHUB_", "INPUT_", "SLUICE_"}, func(prefix string) bool {
			return strings.HasPrefix(assignment, prefix)
		})
	})
	for name, value := range over {
		env = append(env, name+"="+value)
	}
	return env
}

// TestDocument is the vendor's document on promoting a canary: somebody made
// one by hand, Sluice promotes it, the vendor's own client sees the result.
func TestDocument(t *testing.T) {
	t.Parallel()
	needProgram(t, "aws")
	g := gateway{startSandbox(t, "testdata/canary/sluice.yaml", lastGatewayExport)}
	stage := []string{"--stage-name", "prod", "--patch-operations"}
	g.run(t, nil, "update-stage", append(stage, `[{"op": "replace", "path": "/variables/sv1", "value": "val1"}, {"op": "remove", "path": "/variables/sv2"}, {"op": "remove", "path": "/variables/environment"}]`)...)
	var canary struct{ ID string }
	g.run(t, &canary, "create-deployment", "--stage-name", "prod", "--canary-settings",
		`{"percentTraffic": 10.5, "useStageCache": false, "stageVariableOverrides": {"sv2": "val3", "sv1": "val2"}}`)

	store := "file:" + t.TempDir()
	promote := func(want string, more ...string) {
		t.Helper()
		args := append([]string{"promote-canary", "--file", absolute(t, "testdata/canary/sluice.yaml"), "--store", store, "--target", "api", "--output", "json"}, more...)
		cmd := exec.CommandContext(t.Context(), "sluice", args...)
		cmd.Env = environ(g.env)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		var answer struct{ Status string }
		if err != nil || json.Unmarshal(out, &answer) != nil || answer.Status != want {
			t.Fatalf("sluice %s: %v, want status %s\n%s%s", strings.Join(args, " "), err, want, out, stderr.Bytes())
		}
	}

	promote("succeeded")
	s := g.get(t, "prod")
	if s.DeploymentID != canary.ID || len(s.Variables) != 2 || s.Variables["sv1"] != "val2" || s.Variables["sv2"] != "val3" {
		t.Errorf("promoted: %+v, want deployment %s with sv1=val2 and sv2=val3", s, canary.ID)
	}
	if s.Canary == nil || s.Canary.Percent != 0 || s.Canary.DeploymentID != canary.ID || len(s.Canary.Overrides) != 2 {
		t.Errorf("promoted: canary %+v, want it to stand at 0 %%", s.Canary)
	}
	promote("unchanged")
	promote("succeeded", "--disable")
	if s = g.get(t, "prod"); s.Canary != nil || s.DeploymentID != canary.ID {
		t.Errorf("disabled: %+v, want deployment %s without a canary", s, canary.ID)
	}
}
