package apigateway

import (
	"cmp"
	"maps"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// rule is a routing rule of a domain, as on the wire.
type rule struct {
	ID         string          `json:"routingRuleId"`
	ARN        string          `json:"routingRuleArn"`
	Priority   int             `json:"priority"`
	Conditions []ruleCondition `json:"conditions"`
	Actions    []ruleAction    `json:"actions"`
}

type ruleCondition struct {
	Headers *matchHeaders `json:"matchHeaders,omitempty"`
	Paths   *matchPaths   `json:"matchBasePaths,omitempty"`
}

type matchHeaders struct {
	AnyOf []matchHeader `json:"anyOf"`
}

type matchHeader struct {
	Header string `json:"header"`
	Glob   string `json:"valueGlob"`
}

type matchPaths struct {
	AnyOf []string `json:"anyOf"`
}

type ruleAction struct {
	Invoke *invokeAPI `json:"invokeApi"`
}

type invokeAPI struct {
	API   string `json:"apiId"`
	Stage string `json:"stage"`
	Strip bool   `json:"stripBasePath"`
}

func (r *rule) leadsTo(api, stage string) bool {
	to := r.Actions[0].Invoke
	return to.API == api && to.Stage == stage
}

// rule finds one by its id.
func (c *call) rule() (*rule, error) {
	r := kit.Find(c.domain.Rules, func(r *rule) bool { return r.ID == c.PathValue("rule") })
	return found(r, "Invalid routing rule identifier specified")
}

func listRules(c *call) (any, error) {
	page, err := listedPage(c.Request, c.domain.Rules)
	return struct {
		Rules []*rule `json:"routingRules"`
		Next  string  `json:"nextToken,omitempty"`
	}{page.Items, page.Next}, err
}

func createRule(c *call, in *rule) (any, error) {
	if err := checkRule(c, in, ""); err != nil {
		return nil, err
	}
	in.ID = c.domain.newID()
	in.ARN = c.domain.ARN + "/routingrules/" + in.ID
	c.domain.Rules = append(c.domain.Rules, in)
	c.domain.order()
	return in, nil
}

// putRule replaces a rule, which keeps its id.
func putRule(c *call, r, in *rule) (any, error) {
	if err := checkRule(c, in, r.ID); err != nil {
		return nil, err
	}
	r.Priority, r.Conditions, r.Actions = in.Priority, in.Conditions, in.Actions
	c.domain.order()
	return r, nil
}

func deleteRule(c *call, r *rule) (any, error) {
	c.domain.Rules = slices.DeleteFunc(c.domain.Rules, func(other *rule) bool { return other == r })
	return nil, nil
}

// order has the rules in the order in which they are evaluated.
func (d *domain) order() {
	slices.SortFunc(d.Rules, func(a, b *rule) int { return cmp.Compare(a.Priority, b.Priority) })
}

// checkRule refuses a rule that a domain does not take; id is that of the rule which it
// replaces.
func checkRule(c *call, in *rule, id string) error {
	// docs/platforms.md: "priorities are 1 to 1,000,000, none twice on a domain"
	if in.Priority < 1 || in.Priority > 1_000_000 {
		return badRequest("Invalid priority specified: %d. Must be between 1 and 1000000", in.Priority)
	}
	if len(in.Actions) != 1 || in.Actions[0].Invoke == nil {
		return badRequest("A routing rule must have exactly one action")
	}
	if err := checkConditions(in.Conditions); err != nil {
		return err
	}
	to := in.Actions[0].Invoke
	if err := c.leadsSomewhere(c.region, to.API, to.Stage); err != nil {
		return err
	}
	if slices.ContainsFunc(c.domain.Rules, func(r *rule) bool { return r.Priority == in.Priority && r.ID != id }) {
		return conflict("A routing rule with priority %d already exists", in.Priority)
	}
	return nil
}

// checkConditions refuses conditions that no rule may have.
//
// docs/platforms.md: "at most two header conditions and one base path condition, each with one value"
func checkConditions(all []ruleCondition) error {
	headers, paths := 0, 0
	for _, c := range all {
		switch {
		case (c.Headers == nil) == (c.Paths == nil):
			return badRequest("A condition must be either matchHeaders or matchBasePaths")
		case c.Paths != nil:
			paths++
			if len(c.Paths.AnyOf) != 1 || !plainPath().MatchString(c.Paths.AnyOf[0]) {
				return badRequest("Invalid base path condition specified")
			}
		default:
			headers++
			if err := checkHeader(*c.Headers); err != nil {
				return err
			}
		}
	}
	if headers > 2 || paths > 1 {
		return badRequest("A routing rule can have at most 2 header conditions and 1 base path condition")
	}
	return nil
}

// docs/platforms.md: "Names have fewer than 40 characters and no `*`, values fewer than 128, with `*` on both sides fewer than 40"
var (
	headerName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^[a-zA-Z0-9?\\-!#$%&'.^_`|~]{1,39}$") })
	headerGlob = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile("^\\*?[a-zA-Z0-9?\\-!#$%&'.^_`|~]*\\*?$")
	})
)

// docs/platforms.md: "Headers that may not be a condition: access-control-*, apigw-*, x-amz-*, x-amzn-*"
func reserved(name string) bool {
	name = strings.ToLower(name)
	for _, prefix := range []string{"access-control-", "apigw-", "x-amz-", "x-amzn-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded", "keep-alive",
		"origin", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding", "upgrade",
		"x-apigw-api-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-restapi", "via",
	}, name)
}

func checkHeader(m matchHeaders) error {
	if len(m.AnyOf) != 1 {
		return badRequest("A header condition can only contain one header value")
	}
	h := m.AnyOf[0]
	if !headerName().MatchString(h.Header) || reserved(h.Header) {
		return badRequest("Invalid header name specified: %s", h.Header)
	}
	infix := len(h.Glob) > 1 && strings.HasPrefix(h.Glob, "*") && strings.HasSuffix(h.Glob, "*")
	if h.Glob == "" || len(h.Glob) >= 128 || infix && len(h.Glob) >= 40 || !headerGlob().MatchString(h.Glob) {
		return badRequest("Invalid header value glob specified: %s", h.Glob)
	}
	return nil
}

// matches reports whether all conditions are true of a request, and what is left of
// its path.
func (r *rule) matches(path string, header http.Header) (rest string, ok bool) {
	rest = strings.Trim(path, "/")
	for _, c := range r.Conditions {
		if c.Headers != nil && !c.Headers.AnyOf[0].matches(header) {
			return "", false
		}
		if c.Paths == nil {
			continue
		}
		left, ok := under(c.Paths.AnyOf[0], path)
		if !ok {
			return "", false
		}
		if r.Actions[0].Invoke.Strip {
			rest = left
		}
	}
	return rest, true
}

// docs/platforms.md: "A header's name is matched whatever its case, its value with it"
func (m matchHeader) matches(header http.Header) bool {
	value := strings.Join(header[textproto.CanonicalMIMEHeaderKey(m.Header)], ",")
	pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(m.Glob), `\*`, ".*") + "$"
	return value != "" && regexp.MustCompile(pattern).MatchString(value)
}

// served is what a request to a domain would be answered by, in the place of the API
// itself, which the sandbox does not have.
type served struct {
	API        string `json:"restApi"`
	Stage      string `json:"stage"`
	Deployment string `json:"deployment"` // the stage's own: a canary's share is by chance
	Path       string `json:"path"`
}

// invoked is the domain that a request is sent to; nil for none: then it is one to the
// API that manages all of them.
func (s *state) invoked(r *http.Request) *domain {
	name, _, _ := strings.Cut(r.Host, ":")
	for _, region := range slices.Sorted(maps.Keys(s.Domains)) {
		if d := s.Domains[region][name]; d != nil {
			return d
		}
	}
	return nil
}

// invoke tells what a request to a domain would be answered by: rules first, from the
// lowest priority, then mappings, the longest first, as far as the domain's mode asks
// them.
//
// docs/platforms.md: "Rules are evaluated from the lowest priority on, all of them before any API mapping"
func (s *state) invoke(w http.ResponseWriter, r *http.Request, d *domain) {
	to, ok := d.route(r.URL.Path, r.Header)
	if !ok {
		awsapi.WriteError(w, kit.Errorf(http.StatusForbidden, "ForbiddenException", "Forbidden"))
		return
	}
	for _, apis := range s.Regions {
		if api := apis[to.API]; api != nil && api.Stages[to.Stage] != nil {
			to.Deployment = api.Stages[to.Stage].DeploymentID
		}
	}
	awsapi.Write(w, http.StatusOK, "application/json", to)
}

// route finds the stage for a request.
func (d *domain) route(path string, header http.Header) (served, bool) {
	if d.RoutingMode != mappingsAlone {
		for _, r := range d.Rules {
			if rest, ok := r.matches(path, header); ok {
				to := r.Actions[0].Invoke
				return served{API: to.API, Stage: to.Stage, Path: "/" + rest}, true
			}
		}
	}
	if d.RoutingMode == rulesAlone {
		return served{}, false
	}
	longest := slices.Clone(d.Mappings)
	slices.SortFunc(longest, func(a, b *apiMapping) int { return cmp.Compare(len(b.Key), len(a.Key)) })
	for _, m := range longest {
		if rest, ok := under(m.Key, path); ok {
			return served{API: m.API, Stage: m.Stage, Path: "/" + rest}, true
		}
	}
	return served{}, false
}
