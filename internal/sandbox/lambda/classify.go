package lambda

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
	a := sandbox.Action{Kind: sandbox.ReadOrOther(r)}
	region, err := awsapi.Region(r)
	if err != nil {
		return a
	}
	fn, rest := splitPath(r.URL.Path)
	name, isAlias := strings.CutPrefix(rest, "aliases/")
	if rest == "provisioned-concurrency" {
		name = r.URL.Query().Get("Qualifier")
	} else if !isAlias {
		name = ""
	}
	a.Targets = e.targetsAt(region, fn, name)
	if isAlias && r.Method == http.MethodPut {
		a.Kind = e.updateKind(address{region, fn, name}, body)
	}
	return a
}

// targetsAt lists the targets that name an alias, or any alias of the function where
// it is "".
func (e *Emulator) targetsAt(region, fn, alias string) []string {
	return e.Targets.Naming(func(at address) bool {
		return (at.region == region || at.region == "") && at.function == fn && (alias == "" || at.alias == alias)
	})
}

// updateKind tells which of the driver's effects an update of an alias is, by what
// it would make of what stands.
func (e *Emulator) updateKind(at address, body []byte) string {
	var input aliasInput
	f, err := e.State.function(at.region, at.function)
	if json.Unmarshal(body, &input) != nil || err != nil || f.Aliases[at.alias] == nil {
		return sandbox.Other
	}
	return input.kind(f.Aliases[at.alias])
}

// kind tells which effect an update of an alias is.
func (input aliasInput) kind(a *alias) string {
	had, version := weighed(a.RoutingConfig), a.FunctionVersion
	if input.FunctionVersion != nil {
		version = *input.FunctionVersion
	}
	takesAway := input.RoutingConfig != nil && had != ""
	switch {
	case weighed(input.RoutingConfig) != "":
		return "weight"
	case version != a.FunctionVersion && version == had:
		return "stable"
	case isOlder(version, a.FunctionVersion), takesAway && input.FunctionVersion != nil && version == a.FunctionVersion:
		return "rollback" // the canary's traffic goes back
	case version != a.FunctionVersion:
		return "deploy"
	case takesAway:
		return "disable"
	default:
		return sandbox.Other
	}
}

// weighed is the version that has a weight, "" for none.
func weighed(c *routingConfig) string {
	if c == nil {
		return ""
	}
	for version := range c.AdditionalVersionWeights {
		return version
	}
	return ""
}

func isOlder(version, than string) bool {
	a, _ := strconv.Atoi(version)
	b, _ := strconv.Atoi(than)
	return a > 0 && a < b
}
