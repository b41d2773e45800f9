package publish

import (
	"sluice/internal/actions"
	"sluice/internal/view"
	"sluice/rollout"
)

// records are what the organisation is told of a result: each target that runs an
// artifact of its own now.
func records(r Result) []actions.Record {
	var list []actions.Record
	for _, t := range r.Outcome.Targets {
		declared, err := r.Pipeline.Target(t.Target)
		if err != nil || declared.Artifact.Value == "" || !runsNow(t) {
			continue
		}
		list = append(list, actions.Record{
			Artifact: declared.Artifact.Value, Digest: t.Digest, Version: t.Release, Status: "deployed",
			Environment: t.Stage, Cluster: r.Pipeline.Name.Value, Name: t.Target,
		})
	}
	return list
}

// runsNow reports whether this invocation gave the target its release, and the
// platform says which artifact that is.
func runsNow(t view.Target) bool {
	return t.Status == rollout.PromotionSucceeded && !t.Unchanged && t.Rollout != "" && t.Digest != ""
}
