package apigateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	routes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"sluice/stages/amazon"
	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

const (
	// usualPriority is a rule's where a domain has none: there is room before and after.
	usualPriority = 1000
	// rootMapping is the key of a mapping of every path, as version 1 of the API has it.
	rootMapping = "(none)"
	// mostRules is the longest page of rules and mappings that is asked for.
	mostRules = 100
)

// domain is how a custom domain name leads requests.
type domain struct {
	found bool
	mode  routes.RoutingMode
	leads []lead // by rules and by mappings
}

// lead is a way to a stage: a routing rule, or an API mapping.
type lead struct {
	api, stage string
	rule       patch.Rule // of a mapping: the path alone
	mapping    string     // its id; "" of a rule
	headers    int        // how many header conditions it has
}

// to reports whether it leads to a stage of a place's API.
func (l lead) to(at place, stage string) bool { return l.api == at.RestAPI && l.stage == stage }

// name is the way as people find it.
func (l lead) name() string {
	if l.mapping != "" {
		return fmt.Sprintf("API mapping %s (/%s)", l.mapping, l.rule.BasePath)
	}
	return "routing rule " + l.rule.ID
}

// domain reads how the header's domain leads requests. One that is not there is not
// found.
func (g *gateway) domain(ctx context.Context, at place, h *driver.Header) (domain, error) {
	if h == nil {
		return domain{}, &amazon.InvalidError{Text: "no header says which requests are testers'"}
	}
	out, err := g.domains.GetDomainName(ctx, &apigatewayv2.GetDomainNameInput{DomainName: &h.Domain}, at.domains)
	if isMissing(err) {
		return domain{}, nil
	}
	if err != nil {
		return domain{}, err
	}
	var lacks []string
	if !strings.EqualFold(aws.ToString(out.DomainName), h.Domain) {
		lacks = append(lacks, "the domainName "+h.Domain)
	}
	if err := amazon.Lacking("GetDomainName", out.ResultMetadata, lacks...); err != nil {
		return domain{}, err
	}
	d := domain{found: true, mode: cmp.Or(out.RoutingMode, routes.RoutingModeApiMappingOnly)}
	if d.leads, err = g.rules(ctx, at, h.Domain); err != nil {
		return domain{}, err
	}
	if d.mode == routes.RoutingModeRoutingRuleOnly {
		return d, nil
	}
	mappings, err := g.mappings(ctx, at, h.Domain)
	d.leads = append(d.leads, mappings...)
	return d, err
}

// isMissing reports whether AWS's own words say that a domain, or something of it, is
// not there.
func isMissing(err error) bool {
	_, missing := errors.AsType[*routes.NotFoundException](err)
	return missing
}

// rules are a domain's routing rules; none where the domain is not there.
func (g *gateway) rules(ctx context.Context, at place, name string) ([]lead, error) {
	var list []lead
	in := &apigatewayv2.ListRoutingRulesInput{DomainName: &name, MaxResults: aws.Int32(mostRules)}
	err := paged("ListRoutingRules", &in.NextToken, func() (*string, error) {
		out, err := g.domains.ListRoutingRules(ctx, in, at.domains)
		if err != nil {
			return nil, err
		}
		if out.RoutingRules == nil {
			return nil, amazon.Lacking("ListRoutingRules", out.ResultMetadata, "routingRules")
		}
		for _, r := range out.RoutingRules {
			one, err := leadOf(r)
			if err != nil {
				return nil, amazon.Lacking("ListRoutingRules", out.ResultMetadata, err.Error())
			}
			list = append(list, one)
		}
		return out.NextToken, nil
	})
	if isMissing(err) {
		return nil, nil
	}
	return list, err
}

// mappings are a domain's API mappings.
func (g *gateway) mappings(ctx context.Context, at place, name string) ([]lead, error) {
	var list []lead
	in := &apigatewayv2.GetApiMappingsInput{DomainName: &name, MaxResults: aws.String(strconv.Itoa(mostRules))}
	err := paged("GetApiMappings", &in.NextToken, func() (*string, error) {
		out, err := g.domains.GetApiMappings(ctx, in, at.domains)
		if err != nil {
			return nil, err
		}
		if out.Items == nil {
			return nil, amazon.Lacking("GetApiMappings", out.ResultMetadata, "items")
		}
		for _, m := range out.Items {
			one := lead{
				api: aws.ToString(m.ApiId), stage: aws.ToString(m.Stage), mapping: aws.ToString(m.ApiMappingId),
				rule: patch.Rule{BasePath: strings.TrimPrefix(aws.ToString(m.ApiMappingKey), rootMapping), Strip: true},
			}
			if one.api == "" || one.stage == "" || one.mapping == "" {
				return nil, amazon.Lacking("GetApiMappings", out.ResultMetadata, "a mapping's apiId, stage and apiMappingId")
			}
			list = append(list, one)
		}
		return out.NextToken, nil
	})
	return list, err
}

// paged asks for page after page. next is where the next one begins.
func paged(operation string, next **string, ask func() (*string, error)) error {
	for had := map[string]bool{}; ; {
		token, err := ask()
		if err != nil || aws.ToString(token) == "" {
			return err
		}
		if had[*token] {
			return fmt.Errorf("%s: the page after %q is itself", operation, *token)
		}
		had[*token], *next = true, token
	}
}

// domains is the option of a request about a domain that sends it to the place's own
// region.
func (at place) domains(o *apigatewayv2.Options) {
	if at.Region != "" {
		o.Region = at.Region
	}
}

// leadOf is a rule as an answer shows it. The error is what it lacks.
func leadOf(r routes.RoutingRule) (lead, error) {
	if aws.ToString(r.RoutingRuleId) == "" || r.Priority == nil || len(r.Actions) != 1 || r.Actions[0].InvokeApi == nil {
		return lead{}, errors.New("a rule's routingRuleId, priority and action")
	}
	to := r.Actions[0].InvokeApi
	one := lead{api: aws.ToString(to.ApiId), stage: aws.ToString(to.Stage), rule: patch.Rule{
		ID: *r.RoutingRuleId, Priority: int(*r.Priority), Strip: aws.ToBool(to.StripBasePath),
	}}
	if one.api == "" || one.stage == "" {
		return lead{}, errors.New("a rule's apiId and stage")
	}
	return one, one.asks(r.Conditions)
}

// asks takes over a rule's conditions: one header and one base path as ours have them,
// what else there is as text.
func (l *lead) asks(all []routes.RoutingRuleCondition) error {
	var other []routes.RoutingRuleCondition
	for _, c := range all {
		switch h, p := c.MatchHeaders, c.MatchBasePaths; {
		case h != nil && p == nil && len(h.AnyOf) == 1 && l.headers == 0:
			l.rule.Header, l.rule.Value = aws.ToString(h.AnyOf[0].Header), aws.ToString(h.AnyOf[0].ValueGlob)
			l.headers++
		case p != nil && h == nil && len(p.AnyOf) == 1 && l.rule.BasePath == "":
			l.rule.BasePath = p.AnyOf[0]
		default:
			other = append(other, c)
		}
	}
	if len(other) == 0 {
		return nil
	}
	l.headers++
	text, err := json.Marshal(other)
	l.rule.Other = string(text)
	return err
}

// conditions are a rule of ours as the API takes it.
func conditions(r patch.Rule) []routes.RoutingRuleCondition {
	list := []routes.RoutingRuleCondition{{MatchHeaders: &routes.RoutingRuleMatchHeaders{
		AnyOf: []routes.RoutingRuleMatchHeaderValue{{Header: &r.Header, ValueGlob: &r.Value}},
	}}}
	if r.BasePath == "" {
		return list
	}
	return append(list, routes.RoutingRuleCondition{MatchBasePaths: &routes.RoutingRuleMatchBasePaths{AnyOf: []string{r.BasePath}}})
}

// actions lead to the stage for testers.
func actions(at place, r patch.Rule) []routes.RoutingRuleAction {
	to := &routes.RoutingRuleActionInvokeApi{ApiId: &at.RestAPI, Stage: aws.String(testersStage(at)), StripBasePath: &r.Strip}
	return []routes.RoutingRuleAction{{InvokeApi: to}}
}

func priority(r patch.Rule) *int32 { return aws.Int32(int32(r.Priority)) } //nolint:gosec // 1 to 1,000,000

// rule is the one that leads testers to their stage, before every other rule of the
// domain, or why there cannot be one.
func (d domain) rule(at place, h driver.Header) (r patch.Rule, why, remedy string) {
	base, why, remedy := d.base(at, h)
	if why != "" {
		return r, why, remedy
	}
	r = patch.Rule{Priority: usualPriority, Header: h.Name, Value: h.Value, BasePath: base.BasePath, Strip: base.Strip && base.BasePath != ""}
	for _, l := range d.leads {
		if l.to(at, testersStage(at)) {
			continue
		}
		if why, remedy := l.inTheWay(at, h.Domain, r); why != "" {
			return r, why, remedy
		}
		if l.mapping == "" {
			r.Priority = min(r.Priority, l.rule.Priority-1)
		}
	}
	if r.Priority < 1 {
		return r, "a routing rule of " + h.Domain + " has priority 1: none can be asked before it", "give it a higher one (`aws apigatewayv2 put-routing-rule`)"
	}
	return r, "", ""
}

// inTheWay says why a rule for testers cannot be beside what leads elsewhere; "" where it
// can.
func (l lead) inTheWay(at place, domain string, r patch.Rule) (why, remedy string) {
	same := l.headers == 1 && l.rule.Other == "" && strings.EqualFold(l.rule.Header, r.Header) && l.rule.Value == r.Value
	switch {
	case l.to(at, at.Stage):
		return "", ""
	case l.rule.BasePath != r.BasePath && within(r.BasePath, l.rule.BasePath):
		return fmt.Sprintf("%s leads /%s of %s elsewhere, and a rule for testers of /%s would take its requests too", l.name(), l.rule.BasePath, domain, r.BasePath),
			"give the target's stage a base path of its own on the domain, beside the others"
	case same && l.rule.BasePath == r.BasePath:
		return fmt.Sprintf("%s of %s leads %s: %s to stage %s of %s already", l.name(), domain, r.Header, r.Value, l.stage, l.api),
			"give the header another name or value, or remove that rule"
	default:
		return "", ""
	}
}

// base is how the target's own stage is reached on the domain: its base path, and
// whether it is stripped.
func (d domain) base(at place, h driver.Header) (r patch.Rule, why, remedy string) {
	const set = "set it to ROUTING_RULE_THEN_API_MAPPING (`aws apigatewayv2 update-domain-name --routing-mode`), or to ROUTING_RULE_ONLY"
	if !d.found {
		return r, fmt.Sprintf("there is no public custom domain name %s in the stage's account and region", h.Domain), "make it, with an API mapping to the stage, or correct the header's domain"
	}
	if d.mode != routes.RoutingModeRoutingRuleOnly && d.mode != routes.RoutingModeRoutingRuleThenApiMapping {
		return r, fmt.Sprintf("%s has the routing mode %s, which asks no rules", h.Domain, d.mode), set
	}
	var ways []lead
	for _, l := range d.leads {
		if l.to(at, at.Stage) && l.headers == 0 && !slices.ContainsFunc(ways, func(had lead) bool { return had.rule.BasePath == l.rule.BasePath }) {
			ways = append(ways, l)
		}
	}
	switch len(ways) {
	case 1:
		return ways[0].rule, "", ""
	case 0:
		return r, fmt.Sprintf("nothing leads to stage %s of %s on %s", at.Stage, at.RestAPI, h.Domain), "map the stage there first (`aws apigatewayv2 create-api-mapping`), or correct the header's domain"
	default:
		return r, fmt.Sprintf("%s leads to stage %s on several base paths, by %s and %s, and a rule can be of one alone", h.Domain, at.Stage, ways[0].name(), ways[1].name()),
			"leave one of them, or name another domain for testers"
	}
}

// within reports whether every request to a path is one to a base path too.
func within(base, path string) bool {
	return base == "" || path == base || strings.HasPrefix(path, base+"/")
}
