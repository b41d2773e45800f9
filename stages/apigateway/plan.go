package apigateway

import (
	"encoding/json"
	"fmt"

	"sluice/canary"
	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// intent is what a kind comes to on the stage as it stands: a finding that
// stops it, or operations; none means that nothing is left to do.
type intent struct {
	stop       *driver.Finding
	operations []patch.Operation
	testers    *patch.Testers   // what stands for testers afterwards; nil where the effect is about the stage
	release    string           // what runs afterwards, or has its share
	notes      []driver.Finding // what people should know
	next       []string         // commands of what follows in the same phase
}

// plan decides one kind. Where nothing is left to do, that is said even of a
// stage that somebody else brought there.
func plan(kind driver.Kind, change driver.Change, stands patch.Stage, at place, leads domain) (intent, error) {
	var p intent
	var err error
	switch kind {
	case driver.Deploy:
		p = deploy(change, stands)
	case driver.Weight:
		p = weight(change, stands)
	case driver.Stable:
		p = stable(change, stands)
	case driver.Disable:
		p = disable(change, stands)
	case driver.Rollback:
		p, err = rollback(change, stands)
	default:
		if !isForTesters(kind) {
			return p, &amazon.InvalidError{Text: fmt.Sprintf("API Gateway cannot %s", kind)}
		}
		p = planForTesters(kind, change, stands, at, leads)
	}
	if err != nil || p.stop == nil && p.testers == nil && len(p.operations) == 0 {
		return p, err
	}
	changed, err := changedMeanwhile(change, stands)
	if changed != nil {
		p.stop = changed
	}
	return p, err
}

// changedMeanwhile compares the stage with what the rollout's last effect left.
func changedMeanwhile(change driver.Change, stands patch.Stage) (*driver.Finding, error) {
	if len(change.Expected) == 0 || change.Options.Resolved {
		return nil, nil
	}
	expected, err := decode("what the rollout left", change.Expected)
	if err != nil {
		return nil, err
	}
	d := patch.Diff(stands, expected)
	if d == "" {
		return nil, nil
	}
	return foreignFinding(change, "somebody else changed the stage since this rollout did: "+d), nil
}

func deploy(change driver.Change, stands patch.Stage) intent {
	p := intent{release: change.Release.ID}
	switch {
	case stands.DeploymentID == change.Release.ID && idle(stands.Canary):
	case stands.Canary != nil:
		p.stop = refusal(change, fmt.Sprintf("a canary stands on the stage: %s %% to deployment %s", stands.Canary.Percent, stands.Canary.DeploymentID),
			"promote and remove it first (promote-canary --disable), or give the target a canary strategy")
	default:
		p.operations = patch.Move(change.Release.ID)
	}
	return p
}

func weight(change driver.Change, stands patch.Stage) intent {
	p := intent{release: change.Release.ID}
	percent, err := canary.ParsePercent(change.Percent)
	switch {
	case err != nil:
		p.stop = refusal(change, err.Error(), "")
		return p
	case stands.DeploymentID == change.Release.ID && idle(stands.Canary):
		return p
	}
	p.operations = patch.Weight(stands, change.Release.ID, percent, change.Variables, change.UseStageCache)
	if len(p.operations) > 0 && !idle(stands.Canary) && !ours(change) {
		p.stop = refusal(change, fmt.Sprintf("a canary that this rollout did not make has %s %% of the traffic: deployment %s", stands.Canary.Percent, stands.Canary.DeploymentID),
			"promote it (promote-canary) or take its traffic away first")
	}
	return p
}

// stable promotes the canary that stands. Without one the documented
// operations would promote nothing and leave an empty canary: refused.
func stable(change driver.Change, stands patch.Stage) intent {
	wanted := change.Release.ID
	c := stands.Canary
	switch {
	case wanted != "" && stands.DeploymentID == wanted && (c == nil || idle(c) && c.DeploymentID != wanted):
		return intent{release: wanted} // it runs for all traffic already, without this canary
	case c == nil:
		return intent{stop: refusal(change, "the stage has no canary: there is nothing to promote", "give a deployment a share of the traffic first")}
	case wanted == "" && c.DeploymentID == stands.DeploymentID && len(c.Overrides) == 0:
		return intent{stop: refusal(change, "the canary runs the stage's own deployment "+c.DeploymentID+" without overrides: there is nothing to promote",
			"remove the canary's settings (disable-canary), or give another deployment a share of the traffic first")}
	case wanted != "" && c.DeploymentID != wanted:
		message := fmt.Sprintf("the canary runs deployment %s, not %s", c.DeploymentID, wanted)
		if change.Options.Resolved {
			return intent{stop: refusal(change, message, "start a new promotion, or promote what stands there (promote-canary)")}
		}
		return intent{stop: foreignFinding(change, message)}
	}
	p := intent{release: c.DeploymentID, operations: patch.Promote()}
	if after, err := patch.Predict(stands, p.operations, nil); err == nil && patch.Equal(after, stands) {
		p.operations = nil
	}
	return p
}

func disable(change driver.Change, stands patch.Stage) intent {
	p := intent{release: stands.DeploymentID}
	switch {
	case stands.Canary == nil:
	case !idle(stands.Canary) && !ours(change):
		p.stop = refusal(change, fmt.Sprintf("the canary still has %s %% of the traffic", stands.Canary.Percent),
			"promote it first (promote-canary), or roll back")
	default:
		p.operations = patch.Disable()
	}
	return p
}

func rollback(change driver.Change, stands patch.Stage) (intent, error) {
	if len(change.Baseline) == 0 {
		return intent{stop: refusal(change, "what ran before this rollout was not recorded", "promote an earlier release by its id (--release)")}, nil
	}
	baseline, err := decode("the baseline", change.Baseline)
	if err != nil {
		return intent{}, err
	}
	if baseline.DeploymentID == "" {
		return intent{stop: refusal(change, "nothing ran before this rollout", "")}, nil
	}
	return intent{release: baseline.DeploymentID, operations: patch.Restore(stands, baseline)}, nil
}

// idle reports that no traffic goes to a patch.
func idle(c *patch.Canary) bool { return c == nil || c.Percent.IsZero() }

// ours reports that the rollout has had an effect here before, so that the
// canary is its own (what stands was compared with what it left), or that a
// person decided about it.
func ours(change driver.Change) bool { return len(change.Expected) > 0 || change.Options.Resolved }

func decode(what string, data json.RawMessage) (patch.Stage, error) {
	var s patch.Stage
	if err := json.Unmarshal(data, &s); err != nil {
		return s, &amazon.InvalidError{Text: fmt.Sprintf("%s is not a stage: %v", what, err)}
	}
	return s, nil
}

func refusal(change driver.Change, message, remedy string) *driver.Finding {
	return &driver.Finding{Target: change.Target.Name, Severity: driver.Refuse, Message: message, Remedy: remedy}
}

func foreignFinding(change driver.Change, message string) *driver.Finding {
	return &driver.Finding{
		Target: change.Target.Name, Severity: driver.Foreign, Message: message,
		Remedy: "find out who; then retry-job goes on from what stands, ignore-job accepts it, rollback goes back",
	}
}
