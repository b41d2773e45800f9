package clouddeploy

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	key, name, ok := e.Address(r)
	if !ok {
		return sandbox.Action{Kind: sandbox.Other}
	}
	var in struct {
		TargetID     string `json:"targetId"`
		Approved     bool   `json:"approved"`
		ValidateOnly bool   `json:"validateOnly"`
	}
	json.Unmarshal(body, &in) //nolint:errcheck // refused when it is served
	a := sandbox.Action{Kind: kindOf(key, in.Approved), Targets: e.targetsAt(e.placeOf(name, in.TargetID))}
	if in.ValidateOnly || googleapi.Flag(r, "validateOnly") {
		a.Kind = sandbox.Read
	}
	return a
}

// kindOf is what a method does, in the driver's words.
func kindOf(key string, approved bool) string {
	if strings.HasPrefix(key, "GET ") {
		return sandbox.Read
	}
	_, verb, _ := strings.Cut(key, ":")
	switch {
	case verb == "rollbackTarget":
		return "rollback"
	case verb == "approve" && !approved:
		return "reject"
	case verb == "approve", verb == "advance", verb == "cancel", verb == "retryJob", verb == "ignoreJob", verb == "terminate":
		return verb
	case strings.HasSuffix(key, "/rollouts"):
		return "deploy"
	default:
		return sandbox.Other
	}
}

// placeOf is the place that a resource name and a target's id lead to. Fields
// that they do not tell are "".
func (e *Emulator) placeOf(name, target string) place {
	of := kit.Parts(name)
	p := place{of["projects"], of["locations"], of["deliveryPipelines"], cmp.Or(of["targets"], target)}
	if _, isRun := e.State.JobRuns[name]; isRun {
		name = parent(name)
	}
	if r, ok := e.State.Rollouts[name]; ok {
		p.target = r.TargetID
	}
	return p
}
