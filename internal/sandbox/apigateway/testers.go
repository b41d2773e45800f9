package apigateway

import (
	"encoding/json"
	"net/http"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// testersOf is how the driver names a stage for testers of another, by which its
// effects are told apart.
const testersOf = "-testers"

// onTesters tells what a request does with a stage for testers; false where it is about
// none.
func (e *Emulator) onTesters(region string, r *http.Request, body []byte) (sandbox.Action, bool) {
	api, collection, name := splitResource(r.URL.EscapedPath())
	if collection == "stages" && name == "" && r.Method == http.MethodPost {
		var input stageInput
		json.Unmarshal(body, &input) //nolint:errcheck // refused when it is served
		name = input.StageName
	}
	stage, ok := strings.CutSuffix(name, testersOf)
	if collection != "stages" || !ok {
		return sandbox.Action{}, false
	}
	kinds := map[string]string{http.MethodGet: sandbox.Read, http.MethodPost: "host", http.MethodPatch: "host", http.MethodDelete: "unhost"}
	return sandbox.Action{Targets: e.targetsAt(region, api, stage), Kind: kinds[r.Method]}, true
}

// onRules tells what a request does with a domain and its rules; path is what follows
// the list of domains.
func (e *Emulator) onRules(region string, r *http.Request, path string, body []byte) sandbox.Action {
	name, rest, _ := strings.Cut(path, "/")
	collection, id, _ := strings.Cut(rest, "/")
	a := sandbox.Action{Targets: e.led[name], Kind: sandbox.ReadOrOther(r)}
	if collection != "routingrules" || a.Kind == sandbox.Read {
		return a
	}
	var to rule
	json.Unmarshal(body, &to) //nolint:errcheck // refused when it is served
	if d := e.State.Domains[region][name]; d != nil && r.Method == http.MethodDelete {
		if standing := kit.Find(d.Rules, func(one *rule) bool { return one.ID == id }); standing != nil {
			to = *standing
		}
	}
	if len(to.Actions) != 1 || to.Actions[0].Invoke == nil {
		return a
	}
	stage, ok := strings.CutSuffix(to.Actions[0].Invoke.Stage, testersOf)
	if !ok {
		return a
	}
	a.Targets, a.Kind = e.targetsAt(region, to.Actions[0].Invoke.API, stage), "route"
	if r.Method == http.MethodDelete {
		a.Kind = "unroute"
	}
	return a
}
