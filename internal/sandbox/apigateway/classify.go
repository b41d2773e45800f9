package apigateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
)

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	if e.State.invoked(r) != nil {
		return sandbox.Action{Kind: sandbox.Read}
	}
	region, err := awsapi.Region(r)
	if err != nil {
		return sandbox.Action{Kind: sandbox.ReadOrOther(r)}
	}
	if path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v2/domainnames/"); ok {
		return e.onRules(region, r, path, body)
	}
	api, collection, name := splitResource(r.URL.EscapedPath())
	a := sandbox.Action{Kind: sandbox.ReadOrOther(r)}
	if one, ok := e.onTesters(region, r, body); ok {
		return one
	}
	switch {
	case collection == "stages" && name != "":
		a.Targets = e.targetsAt(region, api, name)
		if r.Method == http.MethodPatch {
			a.Kind = e.patchKind(address{region, api, name}, body)
		}
	case collection == "deployments" && r.Method == http.MethodPost:
		var input deploymentInput
		json.Unmarshal(body, &input) //nolint:errcheck // refused when it is served
		if input.StageName != nil {
			a.Targets, a.Kind = e.targetsAt(region, api, *input.StageName), "deploy"
			if input.CanarySettings != nil {
				a.Kind = "weight"
			}
		}
	case api != "" && r.Method == http.MethodGet:
		a.Targets = e.targetsAt(region, api, "")
	}
	return a
}

// splitResource reads /restapis/API/COLLECTION/NAME.
func splitResource(path string) (api, collection, name string) {
	parts := strings.SplitN(strings.TrimPrefix(path, "/restapis"), "/", 5)
	parts = append(parts, "", "", "", "")
	return parts[1], parts[2], parts[3]
}

// targetsAt lists the targets that name a stage, or any stage of the API where
// it is "".
func (e *Emulator) targetsAt(region, api, stage string) []string {
	return e.Targets.Naming(func(at address) bool {
		return at.region == region && at.api == api && (stage == "" || at.stage == stage)
	})
}

// patchKind tells which of the driver's effects an update of a stage is, by
// what it touches and, where that is not enough, by what stands.
func (e *Emulator) patchKind(at address, body []byte) string {
	var input patchDocument
	api := e.State.Regions[at.region][at.api]
	if json.Unmarshal(body, &input) != nil || api == nil || api.Stages[at.stage] == nil {
		return sandbox.Other
	}
	s := api.Stages[at.stage]
	touched := touchedBy(input.PatchOperations)
	switch {
	case touched.copies:
		return "stable"
	case touched.plain:
		return sandbox.Other
	case touched.deployment != "":
		if touched.variables || touched.canary || api.isOlder(touched.deployment, s.DeploymentID) {
			return "rollback"
		}
		return "deploy"
	case touched.variables:
		return "rollback" // the driver moves variables alone for no other reason
	case touched.canary:
		return touched.canaryKind(s.CanarySettings)
	default:
		return sandbox.Other
	}
}

// touched is what a patch document touches.
type touched struct {
	deployment string // replaced by this one; "" for not
	percent    string // replaced by this one; "" for not
	variables  bool
	canary     bool
	removed    bool // the canary as a whole
	copies     bool
	plain      bool // any other field
}

func touchedBy(ops []patchOperation) touched {
	var t touched
	for _, op := range ops {
		switch {
		case op.Op == "copy":
			t.copies = true
		case op.Path == "/deploymentId" && op.Value != nil:
			t.deployment = *op.Value
		case strings.HasPrefix(op.Path, "/variables/"):
			t.variables = true
		case strings.HasPrefix(op.Path, "/canarySettings"):
			t.canary = true
			t.removed = t.removed || op.Op == "remove" && op.Path == "/canarySettings"
			if op.Path == "/canarySettings/percentTraffic" && op.Value != nil {
				t.percent = *op.Value
			}
		default:
			t.plain = true
		}
	}
	return t
}

// canaryKind is the effect of a patch that touches the canary alone: with a
// share of the traffic left it sets a weight, without one it takes traffic away,
// and what has no traffic any more is cleared up.
func (t touched) canaryKind(standing *canarySettings) string {
	now := 0.0
	if standing != nil {
		now = standing.PercentTraffic
	}
	after := now
	if t.percent != "" {
		after, _ = strconv.ParseFloat(t.percent, 64) // refused when it is served
	}
	switch {
	case t.removed && now == 0:
		return "disable"
	case t.removed || after == 0:
		return "rollback"
	default:
		return "weight"
	}
}

// isOlder reports whether deployment a was made before b.
func (a *restAPI) isOlder(id, than string) bool {
	x, y := a.deployment(id), a.deployment(than)
	return x != nil && y != nil && x.CreatedDate < y.CreatedDate
}
