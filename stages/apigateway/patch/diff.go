package patch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Equal reports whether two stages are the same in what matters: deployment,
// variables, canary, and what stands for testers where both looked. Dates, settings and other fields do not.
func Equal(a, b Stage) bool { return len(differences(a, b)) == 0 }

// Diff says in words how a stage differs from the one wanted; "" where it does
// not. Variables are named without their values.
func Diff(have, want Stage) string { return strings.Join(differences(have, want), "; ") }

func differences(have, want Stage) []string {
	var d []string
	if have.DeploymentID != want.DeploymentID {
		d = append(d, fmt.Sprintf("the stage runs deployment %s, not %s", name(have.DeploymentID), name(want.DeploymentID)))
	}
	d = append(d, variableDifferences("variable", have.Variables, want.Variables)...)
	d = append(d, canaryDifferences(have.Canary, want.Canary)...)
	return append(d, testersDifferences(have.Testers, want.Testers)...)
}

func canaryDifferences(have, want *Canary) []string {
	switch {
	case have == nil && want == nil:
		return nil
	case have == nil:
		return []string{"there is no canary"}
	case want == nil:
		return []string{fmt.Sprintf("there is a canary, %s %% to deployment %s", have.Percent, name(have.DeploymentID))}
	}
	var d []string
	if have.DeploymentID != want.DeploymentID {
		d = append(d, fmt.Sprintf("the canary runs deployment %s, not %s", name(have.DeploymentID), name(want.DeploymentID)))
	}
	if have.Percent.String() != want.Percent.String() {
		d = append(d, fmt.Sprintf("the canary has %s %% of the traffic, not %s %%", have.Percent, want.Percent))
	}
	d = append(d, variableDifferences("canary variable", have.Overrides, want.Overrides)...)
	if have.UseStageCache != want.UseStageCache {
		d = append(d, fmt.Sprintf("the canary's useStageCache is %t, not %t", have.UseStageCache, want.UseStageCache))
	}
	return d
}

func variableDifferences(what string, have, want map[string]string) []string {
	names := map[string]bool{}
	for key := range have {
		names[key] = true
	}
	for key := range want {
		names[key] = true
	}
	var d []string
	for _, key := range slices.Sorted(maps.Keys(names)) {
		value, has := have[key]
		wanted, wants := want[key]
		switch {
		case !wants:
			d = append(d, fmt.Sprintf("%s %s is set", what, key))
		case !has:
			d = append(d, fmt.Sprintf("%s %s is missing", what, key))
		case value != wanted:
			d = append(d, fmt.Sprintf("%s %s has another value", what, key))
		}
	}
	return d
}

func name(deployment string) string {
	if deployment == "" {
		return "(none)"
	}
	return deployment
}
