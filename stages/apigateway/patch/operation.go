package patch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/canary"
)

// Operation is one patch operation of update-stage. Values are always text;
// operations apply in order.
type Operation struct {
	Op    string `json:"op"` // "replace", "remove", "copy"
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`
	Value string `json:"value,omitempty"`
}

// String is the operation as people read it, without the values of variables,
// which may be nobody's business.
func (o Operation) String() string {
	switch {
	case o.From != "":
		return fmt.Sprintf("%s %s → %s", o.Op, o.From, o.Path)
	case o.Op == "remove" || strings.HasPrefix(o.Path, variablesPath) || strings.HasPrefix(o.Path, overridesPath):
		return o.Op + " " + o.Path
	default:
		return fmt.Sprintf("%s %s %q", o.Op, o.Path, o.Value)
	}
}

// The paths of a stage that a canary touches.
const (
	deploymentPath       = "/deploymentId"
	variables            = "/variables"
	variablesPath        = variables + "/"
	settingsPath         = "/canarySettings"
	canaryDeploymentPath = settingsPath + "/deploymentId"
	percentPath          = settingsPath + "/percentTraffic"
	cachePath            = settingsPath + "/useStageCache"
	overrides            = settingsPath + "/stageVariableOverrides"
	overridesPath        = overrides + "/"
)

// noTraffic is how AWS's own documentation writes it.
const noTraffic = "0.0"

// Weight gives a deployment a share of the stage's traffic, with exactly these
// overrides. It sets only what differs: nothing left to do is no operation.
func Weight(s Stage, deployment string, percent canary.Percent, want map[string]string, useStageCache bool) []Operation {
	var have Canary
	if s.Canary != nil {
		have = *s.Canary
	}
	var ops []Operation
	if have.DeploymentID != deployment {
		ops = append(ops, replace(canaryDeploymentPath, deployment))
	}
	if have.Percent.String() != percent.String() {
		ops = append(ops, replace(percentPath, percent.String()))
	}
	ops = append(ops, setAll(overridesPath, have.Overrides, want)...)
	if have.UseStageCache != useStageCache {
		ops = append(ops, replace(cachePath, strconv.FormatBool(useStageCache)))
	}
	return ops
}

// Promote makes the canary that stands what runs for all traffic: the three
// operations that AWS documents, in its order. The canary stays, at 0 %.
func Promote() []Operation {
	return []Operation{
		replace(percentPath, noTraffic),
		{Op: "copy", From: overrides, Path: variables},
		{Op: "copy", From: canaryDeploymentPath, Path: deploymentPath},
	}
}

// Disable removes the canary; the stage's deployment and variables stay.
func Disable() []Operation { return []Operation{{Op: "remove", Path: settingsPath}} }

// Move makes a deployment what runs on a stage without a canary.
func Move(deployment string) []Operation { return []Operation{replace(deploymentPath, deployment)} }

// Restore takes a stage back to what stood before: deployment and variables
// exactly. A canary that was not there is removed; one that was is put back at
// 0 %, because after a rollback nothing but the earlier deployment gets traffic.
// The result is the baseline without canary traffic.
func Restore(now, baseline Stage) []Operation {
	var ops []Operation
	if now.Canary != nil && baseline.Canary == nil {
		ops = append(ops, Disable()...)
	}
	if now.DeploymentID != baseline.DeploymentID {
		ops = append(ops, Move(baseline.DeploymentID)...)
	}
	ops = append(ops, setAll(variablesPath, now.Variables, baseline.Variables)...)
	if c := baseline.Canary; c != nil {
		ops = append(ops, Weight(now, c.DeploymentID, "0", c.Overrides, c.UseStageCache)...)
	}
	return ops
}

// setAll makes the variables under a path exactly what is wanted: stale ones
// are removed one by one, as AWS removes no map whole.
func setAll(path string, have, want map[string]string) []Operation {
	var ops []Operation
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, keep := want[key]; !keep {
			ops = append(ops, Operation{Op: "remove", Path: path + escape(key)})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if value, set := have[key]; !set || value != want[key] {
			ops = append(ops, replace(path+escape(key), want[key]))
		}
	}
	return ops
}

func replace(path, value string) Operation { return Operation{Op: "replace", Path: path, Value: value} }

// escape writes a key as a JSON Pointer segment (RFC 6901).
func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// unescape reads a JSON Pointer segment; false where it is none.
func unescape(segment string) (string, bool) {
	if strings.Contains(segment, "/") {
		return "", false
	}
	key := strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
	return key, escape(key) == segment
}
