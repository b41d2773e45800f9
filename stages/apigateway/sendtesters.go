package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	routes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// beginForTesters sends the one request of an effect that is about testers.
func (g *gateway) beginForTesters(ctx context.Context, kind driver.Kind, change driver.Change, at place, f frozen) (driver.Operation, error) {
	if f.Before.Testers == nil || f.After.Testers == nil || change.Header == nil {
		return driver.Operation{}, &amazon.InvalidError{Text: "the call was not prepared: it does not say what stands for testers"}
	}
	var err error
	after := f.After
	switch kind {
	case driver.Host:
		err = g.sendHost(ctx, at, f)
	case driver.Route:
		after.Testers = &patch.Testers{Stage: f.After.Testers.Stage}
		after.Testers.Rule, err = g.sendRoute(ctx, at, change.Header.Domain, f)
	default:
		return g.takeAway(ctx, kind, change, at, f)
	}
	if err != nil {
		return driver.Operation{}, err
	}
	return succeeded(kind, change, after)
}

// sendHost makes the stage for testers, or moves it.
func (g *gateway) sendHost(ctx context.Context, at place, f frozen) error {
	operation, send := "CreateStage", g.makeHost
	if f.Before.Testers.Stage != nil {
		operation, send = "UpdateStage", g.moveHost
	}
	out, err := send(ctx, at, f)
	if err != nil {
		return err
	}
	answer, err := believeHosted(operation, stageOf(out), testersStage(at), out.ResultMetadata)
	if err != nil {
		return err
	}
	if len(answer.Become(*f.After.Testers.Stage)) > 0 {
		return amazon.Unexpected("the stage for testers that AWS answered is not the one that was asked for", out.ResultMetadata)
	}
	return nil
}

func (g *gateway) makeHost(ctx context.Context, at place, f frozen) (*apigateway.GetStageOutput, error) {
	want := f.After.Testers.Stage
	out, err := g.client.CreateStage(ctx, &apigateway.CreateStageInput{
		RestApiId: &at.RestAPI, StageName: aws.String(testersStage(at)), DeploymentId: &want.DeploymentID,
		Description: aws.String(mark(at)), Variables: want.Variables,
	}, at.region)
	return (*apigateway.GetStageOutput)(out), err
}

func (g *gateway) moveHost(ctx context.Context, at place, f frozen) (*apigateway.GetStageOutput, error) {
	in := &apigateway.UpdateStageInput{RestApiId: &at.RestAPI, StageName: aws.String(testersStage(at)), PatchOperations: operations(f.Operations)}
	out, err := g.client.UpdateStage(ctx, in, at.region)
	return (*apigateway.GetStageOutput)(out), err
}

// sendRoute makes the rule, or changes it, and returns it as AWS answered it.
func (g *gateway) sendRoute(ctx context.Context, at place, name string, f frozen) (*patch.Rule, error) {
	operation, send := "CreateRoutingRule", g.makeRule
	if f.Before.Testers.Rule != nil {
		operation, send = "PutRoutingRule", g.changeRule
	}
	out, err := send(ctx, at, name, f)
	if err != nil {
		return nil, err
	}
	answer, err := leadOf(routes.RoutingRule{RoutingRuleId: out.RoutingRuleId, Priority: out.Priority, Conditions: out.Conditions, Actions: out.Actions})
	if err != nil {
		return nil, amazon.Lacking(operation, out.ResultMetadata, err.Error())
	}
	if want := *f.After.Testers.Rule; !answer.rule.Same(want) || !answer.to(at, testersStage(at)) {
		return nil, amazon.Unexpected(fmt.Sprintf("the routing rule that AWS answered is %s, not %s", answer.rule, want), out.ResultMetadata)
	}
	return &answer.rule, nil
}

func (g *gateway) makeRule(ctx context.Context, at place, name string, f frozen) (*apigatewayv2.CreateRoutingRuleOutput, error) {
	want := *f.After.Testers.Rule
	return g.domains.CreateRoutingRule(ctx, &apigatewayv2.CreateRoutingRuleInput{
		DomainName: &name, Priority: priority(want), Conditions: conditions(want), Actions: actions(at, want),
	}, at.domains)
}

func (g *gateway) changeRule(ctx context.Context, at place, name string, f frozen) (*apigatewayv2.CreateRoutingRuleOutput, error) {
	want := *f.After.Testers.Rule
	out, err := g.domains.PutRoutingRule(ctx, &apigatewayv2.PutRoutingRuleInput{
		DomainName: &name, RoutingRuleId: &f.Before.Testers.Rule.ID, Priority: priority(want), Conditions: conditions(want), Actions: actions(at, want),
	}, at.domains)
	return (*apigatewayv2.CreateRoutingRuleOutput)(out), err
}

// takeAway takes the rule or the stage away and reads what stands, because AWS's answer
// shows nothing. Where that cannot be read, Poll does it.
func (g *gateway) takeAway(ctx context.Context, kind driver.Kind, change driver.Change, at place, f frozen) (driver.Operation, error) {
	if err := g.sendAway(ctx, kind, at, change.Header.Domain, f); err != nil {
		return driver.Operation{}, err
	}
	stands, err := g.testers(ctx, at, change)
	if err != nil {
		return driver.Operation{Kind: string(kind), Status: driver.Running}, nil
	}
	after := f.After
	after.Testers = stands
	if d := patch.Diff(after, f.After); d != "" {
		return driver.Operation{}, &amazon.UnexpectedError{Text: "AWS answered that it was taken away, and it stands: " + d}
	}
	return succeeded(kind, change, after)
}

// sendAway is the one request of taking away. What is not there any more is no error.
func (g *gateway) sendAway(ctx context.Context, kind driver.Kind, at place, name string, f frozen) error {
	if kind == driver.Unroute {
		in := &apigatewayv2.DeleteRoutingRuleInput{DomainName: &name, RoutingRuleId: &f.Before.Testers.Rule.ID}
		if _, err := g.domains.DeleteRoutingRule(ctx, in, at.domains); !isMissing(err) {
			return err
		}
		return nil
	}
	stage := testersStage(at)
	_, err := g.client.DeleteStage(ctx, &apigateway.DeleteStageInput{RestApiId: &at.RestAPI, StageName: &stage}, at.region)
	if _, missing := errors.AsType[*types.NotFoundException](err); missing {
		return nil
	}
	return err
}

// forTesters tells an effect that is about testers as a request, and as AWS's own
// command.
func forTesters(out *driver.Prepared, at place, change driver.Change, f frozen) error {
	var request, command string
	var err error
	switch had, has := f.Before.Testers, f.After.Testers; out.Call.Kind {
	case driver.Host:
		request, command, err = tellHost(at, f)
	case driver.Route:
		request, command = tellRoute(at, change.Header.Domain, had.Rule, *has.Rule)
	case driver.Unroute:
		request = "DELETE " + rulesPath(change.Header.Domain) + "/" + had.Rule.ID
		command = driver.Shell("aws", "apigatewayv2", "delete-routing-rule", "--region", at.Region, "--domain-name", change.Header.Domain, "--routing-rule-id", had.Rule.ID)
	default:
		request, command = fmt.Sprintf("DELETE /restapis/%s/stages/%s", at.RestAPI, testersStage(at)), stageCommand(at, "delete-stage")
	}
	out.Requests, out.Commands = []string{request}, []string{command}
	return err
}

func rulesPath(domain string) string { return "/v2/domainnames/" + domain + "/routingrules" }

// stageCommand is a command about the stage for testers.
func stageCommand(at place, verb string, more ...string) string {
	return driver.Shell(append([]string{"aws", "apigateway", verb, "--region", at.Region, "--rest-api-id", at.RestAPI, "--stage-name", testersStage(at)}, more...)...)
}

func tellHost(at place, f frozen) (request, command string, err error) {
	if f.Before.Testers.Stage != nil {
		moved := at
		moved.Stage = testersStage(at)
		list, err := commands(moved, f.Operations)
		return patchRequest(moved, f.Operations), strings.Join(list, "\n"), err
	}
	want := f.After.Testers.Stage
	variables, err := json.Marshal(want.Variables)
	request = fmt.Sprintf("POST /restapis/%s/stages [%s of deployment %s]", at.RestAPI, testersStage(at), want.DeploymentID)
	return request, stageCommand(at, "create-stage", "--deployment-id", want.DeploymentID, "--description", mark(at), "--variables", string(variables)), err
}

func tellRoute(at place, domain string, had *patch.Rule, want patch.Rule) (request, command string) {
	if had != nil {
		return fmt.Sprintf("PUT %s/%s [%s to %s]", rulesPath(domain), had.ID, want, testersStage(at)), ruleCommand(at, domain, want, "--routing-rule-id", had.ID)
	}
	return fmt.Sprintf("POST %s [%s to %s]", rulesPath(domain), want, testersStage(at)), ruleCommand(at, domain, want)
}

// ruleCommand makes a rule by AWS's own command, or changes the one whose id stands in
// more.
func ruleCommand(at place, domain string, r patch.Rule, more ...string) string {
	verb := "create-routing-rule"
	if len(more) > 0 {
		verb = "put-routing-rule"
	}
	asked, do := documents(at, testersStage(at), r)
	words := []string{"aws", "apigatewayv2", verb, "--region", at.Region, "--domain-name", domain, "--priority", strconv.Itoa(r.Priority), "--conditions", asked, "--actions", do}
	return driver.Shell(append(words, more...)...)
}

// documents are a rule's conditions and actions as AWS's command line takes them. Of
// letters, digits and signs alone [strconv.Quote] makes JSON.
func documents(at place, stage string, r patch.Rule) (asked, do string) {
	asked = `[{"MatchHeaders": {"AnyOf": [{"Header": ` + strconv.Quote(r.Header) + `, "ValueGlob": ` + strconv.Quote(r.Value) + `}]}}`
	if r.BasePath != "" {
		asked += `, {"MatchBasePaths": {"AnyOf": [` + strconv.Quote(r.BasePath) + `]}}`
	}
	return asked + "]", fmt.Sprintf(`[{"InvokeApi": {"ApiId": %q, "Stage": %q, "StripBasePath": %t}}]`, at.RestAPI, stage, r.Strip)
}
