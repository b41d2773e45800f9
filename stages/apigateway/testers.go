package apigateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/smithy-go/middleware"

	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// isForTesters reports whether an effect is about what stands beside the stage.
func isForTesters(kind driver.Kind) bool {
	switch kind {
	case driver.Host, driver.Route, driver.Unroute, driver.Unhost:
		return true
	default:
		return false
	}
}

// longestStage is the longest name that a stage may have.
const longestStage = 128

// testersStage is the stage for testers of a place, the same in every run: it is found
// again by its name.
func testersStage(at place) string {
	const suffix = "-testers"
	return at.Stage[:min(len(at.Stage), longestStage-len(suffix))] + suffix
}

// mark describes a stage that we made for testers, so that one of the same name that
// somebody else made is told apart.
func mark(at place) string { return "Sluice: for testers of stage " + at.Stage }

// testers is what stands for testers of a place: the stage of its name, and the first
// routing rule that leads there.
func (g *gateway) testers(ctx context.Context, at place, change driver.Change) (*patch.Testers, error) {
	if change.Header == nil {
		return nil, &amazon.InvalidError{Text: "no header says which requests are testers'"}
	}
	t, err := g.hosted(ctx, at)
	if err != nil || t.Taken {
		return t, err
	}
	leads, err := g.rules(ctx, at, change.Header.Domain)
	for _, l := range leads {
		if l.to(at, testersStage(at)) && (t.Rule == nil || l.rule.Priority < t.Rule.Priority) {
			t.Rule = &l.rule
		}
	}
	return t, err
}

// hosted is the stage for testers as it stands.
func (g *gateway) hosted(ctx context.Context, at place) (*patch.Testers, error) {
	name := testersStage(at)
	out, err := g.client.GetStage(ctx, &apigateway.GetStageInput{RestApiId: &at.RestAPI, StageName: &name}, at.region)
	if _, missing := errors.AsType[*types.NotFoundException](err); missing {
		return &patch.Testers{}, nil
	}
	if err != nil {
		return nil, err
	}
	stage, err := believeHosted("GetStage", stageOf(out), name, out.ResultMetadata)
	switch {
	case err != nil:
		return nil, err
	case aws.ToString(out.Description) != mark(at):
		return &patch.Testers{Taken: true}, nil
	default:
		return &patch.Testers{Stage: stage}, nil
	}
}

// believeHosted is the stage for testers that an answer shows.
func believeHosted(operation string, out types.Stage, name string, metadata middleware.Metadata) (*patch.TestersStage, error) {
	s, err := believeStage(operation, out, name, metadata)
	return &patch.TestersStage{DeploymentID: s.DeploymentID, Variables: s.Variables}, err
}

// planForTesters decides one kind that is about testers.
func planForTesters(kind driver.Kind, change driver.Change, stands patch.Stage, at place, leads domain) intent {
	switch kind {
	case driver.Host:
		return host(change, stands, at, leads)
	case driver.Route:
		return route(change, stands, at, leads)
	case driver.Unroute:
		return unroute(stands)
	default:
		return unhost(change, stands, at)
	}
}

// host has the release run on a stage of its own. What speaks against the rule that is
// to lead there is found out first.
func host(change driver.Change, stands patch.Stage, at place, leads domain) intent {
	p := intent{release: change.Release.ID}
	if stands.DeploymentID == change.Release.ID && idle(stands.Canary) {
		return p
	}
	rule, why, remedy := leads.rule(at, *change.Header)
	switch {
	case stands.Testers.Taken:
		p.stop = refusal(change, "stage "+testersStage(at)+" is there, and it was not made for testers: its description is not "+strconv.Quote(mark(at)),
			"give that stage another name, or remove it")
		return p
	case why != "":
		p.stop = refusal(change, why, remedy)
		return p
	case !idle(stands.Canary) && !ours(change):
		p.stop = refusal(change, fmt.Sprintf("a canary that this rollout did not make has %s %% of the traffic: deployment %s", stands.Canary.Percent, stands.Canary.DeploymentID),
			"promote it (promote-canary) or take its traffic away first (disable-canary)")
		return p
	}
	want, have := hostOf(change, stands), stands.Testers.Stage
	switch {
	case have == nil:
	case len(have.Become(want)) == 0:
		return p
	case !ours(change):
		p.stop = refusal(change, fmt.Sprintf("stage %s stands for testers of deployment %s, and this rollout did not make it", testersStage(at), have.DeploymentID),
			"take it away first (disable-canary)")
		return p
	default:
		p.operations = have.Become(want)
	}
	p.testers = &patch.Testers{Stage: &want, Rule: stands.Testers.Rule}
	p.notes = []driver.Finding{{
		Target: change.Target.Name, Severity: driver.Note,
		Message: fmt.Sprintf("testers are led to stage %s by a routing rule of %s: %s", testersStage(at), change.Header.Domain, rule),
	}}
	if stands.Testers.Rule == nil {
		p.next = []string{ruleCommand(at, change.Header.Domain, rule)}
	}
	return p
}

// hostOf is the stage for testers as it should be: the target's variables, with the
// canary's over them.
func hostOf(change driver.Change, stands patch.Stage) patch.TestersStage {
	variables := map[string]string{}
	maps.Copy(variables, stands.Variables)
	maps.Copy(variables, change.Variables)
	return patch.TestersStage{DeploymentID: change.Release.ID, Variables: variables}
}

// route leads testers to their stage.
func route(change driver.Change, stands patch.Stage, at place, leads domain) intent {
	p := intent{release: change.Release.ID}
	rule, why, remedy := leads.rule(at, *change.Header)
	have := stands.Testers.Rule
	switch {
	case stands.DeploymentID == change.Release.ID && idle(stands.Canary):
		return p
	case stands.Testers.Stage == nil:
		p.stop = refusal(change, "there is no stage "+testersStage(at)+" for testers to be led to", "take away what is left (disable-canary), and promote again")
		return p
	case why != "":
		p.stop = refusal(change, why, remedy)
		return p
	case have == nil:
	case sameRequests(*have, rule):
		return p
	case !ours(change):
		p.stop = refusal(change, fmt.Sprintf("routing rule %s of %s leads to stage %s by %s, and this rollout did not make it", have.ID, change.Header.Domain, testersStage(at), have),
			"take it away first (disable-canary)")
		return p
	}
	p.testers = &patch.Testers{Stage: stands.Testers.Stage, Rule: &rule}
	return p
}

// sameRequests reports whether a rule leads the requests of another, and is asked no
// later.
func sameRequests(have, want patch.Rule) bool {
	if have.Priority > want.Priority {
		return false
	}
	have.Priority = want.Priority
	return have.Same(want)
}

// unroute takes the rule away that leads to the stage for testers.
func unroute(stands patch.Stage) intent {
	p := intent{release: stands.DeploymentID}
	if stands.Testers.Rule != nil {
		p.testers = &patch.Testers{Stage: stands.Testers.Stage}
	}
	return p
}

// unhost takes the stage for testers away.
func unhost(change driver.Change, stands patch.Stage, at place) intent {
	p := intent{release: stands.DeploymentID}
	switch rule := stands.Testers.Rule; {
	case stands.Testers.Stage == nil:
	case rule != nil:
		p.stop = refusal(change, fmt.Sprintf("routing rule %s of %s leads to stage %s", rule.ID, change.Header.Domain, testersStage(at)), "remove that rule, then try again")
	default:
		p.testers = &patch.Testers{}
	}
	return p
}
