package heroku

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	parts := append(strings.Split(strings.Trim(r.URL.Path, "/"), "/"), "", "", "")
	collection, name, below := parts[0], parts[1], parts[2]
	switch {
	case collection == "pipeline-promotions" && r.Method == http.MethodPost:
		return sandbox.Action{Targets: e.promotedBy(body), Kind: "deploy"}
	case collection == "apps" && below == "releases" && r.Method == http.MethodPost:
		return sandbox.Action{Targets: e.targetsOf(name), Kind: releaseKind(body)}
	case collection == "filters":
		return sandbox.Action{Targets: e.Targets.All(), Kind: sandbox.Read}
	case collection == "apps" && name != "":
		return sandbox.Action{Targets: e.targetsOf(name), Kind: sandbox.ReadOrOther(r)}
	case collection == "pipeline-promotions":
		return sandbox.Action{Targets: e.targetsIn(name), Kind: sandbox.Read}
	default:
		return sandbox.Action{Targets: e.Targets.All(), Kind: sandbox.ReadOrOther(r)}
	}
}

// releaseKind tells running a slug from rolling back.
func releaseKind(body []byte) string {
	var in struct{ Release string }
	if json.Unmarshal(body, &in) == nil && in.Release != "" {
		return "rollback"
	}
	return "deploy"
}

// targetsOf lists the pipeline targets that name an app.
func (e *Emulator) targetsOf(appIDOrName string) []string {
	a, err := e.State.app(appIDOrName)
	if err != nil {
		return nil
	}
	return slices.Sorted(slices.Values(e.Targets[a.ID]))
}

// promotedBy lists the targets of a promotion that is asked for.
func (e *Emulator) promotedBy(body []byte) []string {
	var in promotionInput
	json.Unmarshal(body, &in) //nolint:errcheck // refused when it is served
	return slices.Concat(kit.Shown(in.Targets, func(t promotionTarget) []string { return e.targetsOf(t.App.ID) })...)
}

// targetsIn lists the targets of a promotion that was made.
func (e *Emulator) targetsIn(promotion string) []string {
	p := e.State.Promotions[promotion]
	if p == nil {
		return e.Targets.All()
	}
	return slices.Concat(kit.Shown(p.Targets, func(t *promotedTarget) []string { return e.targetsOf(t.App.ID) })...)
}
