package apigateway

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sluice/internal/sandbox/kit"
)

// The ways in which a domain finds the stage for a request.
//
// docs/platforms.md: "its `routingMode` is API_MAPPING_ONLY, ROUTING_RULE_ONLY or ROUTING_RULE_THEN_API_MAPPING"
const (
	mappingsAlone     = "API_MAPPING_ONLY"
	rulesAlone        = "ROUTING_RULE_ONLY"
	rulesThenMappings = "ROUTING_RULE_THEN_API_MAPPING"
)

// domain is a custom domain name with what belongs to it.
type domain struct {
	domainView
	Mappings []*apiMapping `json:"mappings,omitempty"`
	Rules    []*rule       `json:"rules,omitempty"`
	Made     int           `json:"made"` // mappings and rules ever made: ids are not used again
}

// apiMapping leads a base path to a stage, as on the wire.
type apiMapping struct {
	ID    string `json:"apiMappingId"`
	API   string `json:"apiId"`
	Stage string `json:"stage"`
	Key   string `json:"apiMappingKey"` // "" for every path that no other has
}

// domainView is a domain on the wire.
type domainView struct {
	Name           string                `json:"domainName"`
	ARN            string                `json:"domainNameArn"`
	Selection      string                `json:"apiMappingSelectionExpression"`
	Configurations []domainConfiguration `json:"domainNameConfigurations"`
	RoutingMode    string                `json:"routingMode"`
}

type domainConfiguration struct {
	EndpointType   string `json:"endpointType"`
	Status         string `json:"domainNameStatus"`
	SecurityPolicy string `json:"securityPolicy"`
}

// addDomain makes a domain of a region.
func (s *state) addDomain(region, name, mode string) *domain {
	d := &domain{domainView: domainView{
		Name: name, ARN: "arn:aws:apigateway:" + region + "::/domainnames/" + name, Selection: "$request.basepath", RoutingMode: mode,
		Configurations: []domainConfiguration{{EndpointType: "REGIONAL", Status: "AVAILABLE", SecurityPolicy: "TLS_1_2"}},
	}}
	s.Domains.Add(region, name, d)
	return d
}

// findDomain finds a custom domain name of a region.
func (s *state) findDomain(region, name string) (*domain, error) {
	return found(s.Domains[region][name], "Invalid domain name identifier specified")
}

// newID is the next id of something on the domain.
func (d *domain) newID() string {
	d.Made++
	return newID(6, "domain", d.Name, strconv.Itoa(d.Made))
}

// domainInput is the body of CreateDomainName and UpdateDomainName, as far as it is
// kept.
type domainInput struct {
	DomainName  string
	RoutingMode string
}

func (in domainInput) check() error {
	if in.RoutingMode == "" || slices.Contains([]string{mappingsAlone, rulesAlone, rulesThenMappings}, in.RoutingMode) {
		return nil
	}
	return badRequest("Invalid routing mode specified: %s", in.RoutingMode)
}

func createDomain(c *call, in *domainInput) (any, error) {
	if in.DomainName == "" {
		return nil, badRequest("Domain name is required")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if _, err := c.findDomain(c.region, in.DomainName); err == nil {
		return nil, conflict("The domain name you provided already exists.")
	}
	return c.addDomain(c.region, in.DomainName, cmp.Or(in.RoutingMode, mappingsAlone)).domainView, nil
}

func getDomain(c *call) (any, error) { return c.domain.domainView, nil }

func updateDomain(c *call, in *domainInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.RoutingMode != "" {
		c.domain.RoutingMode = in.RoutingMode
	}
	return c.domain.domainView, nil
}

func deleteDomain(c *call) (any, error) {
	delete(c.Domains[c.region], c.domain.Name)
	return nil, nil
}

// listed is a page of a list of API version 2 on the wire.
type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"nextToken,omitempty"`
}

// mostListed is the longest page of API version 2.
const mostListed = 100

// listedPage cuts the page that r asks for (maxResults, nextToken) out of all.
func listedPage[T any](r *http.Request, all []T) (listed[T], error) {
	query := r.URL.Query()
	size, sized := kit.Number(query.Get("maxResults"), mostListed, 1)
	from, known := kit.Number(query.Get("nextToken"), 0, 1)
	if !sized || !known || from > len(all) {
		return listed[T]{}, badRequest("Invalid pagination specified")
	}
	items, next := kit.Page(all, from, min(size, mostListed))
	return listed[T]{Items: append([]T{}, items...), Next: kit.Token(next)}, nil
}

func getMappings(c *call) (any, error) {
	return listedPage(c.Request, c.domain.Mappings)
}

func createMapping(c *call, in *apiMapping) (any, error) {
	if err := c.leadsSomewhere(c.region, in.API, in.Stage); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.domain.Mappings, func(m *apiMapping) bool { return m.Key == in.Key }) {
		return nil, conflict("ApiMapping key already exists for this domain name")
	}
	c.domain.add(in)
	return in, nil
}

// add adds a mapping, which gets an id.
func (d *domain) add(m *apiMapping) {
	m.ID = d.newID()
	d.Mappings = append(d.Mappings, m)
}

func deleteMapping(c *call) (any, error) {
	before := len(c.domain.Mappings)
	c.domain.Mappings = slices.DeleteFunc(c.domain.Mappings, func(m *apiMapping) bool { return m.ID == c.PathValue("mapping") })
	if len(c.domain.Mappings) == before {
		return nil, notFound("Invalid API mapping identifier specified")
	}
	return nil, nil
}

// leadsSomewhere refuses what would lead to a stage that is not there.
func (s *state) leadsSomewhere(region, api, stage string) error {
	of, err := s.findAPI(region, api)
	if err != nil {
		return badRequest("Invalid API identifier specified")
	}
	if of.Stages[stage] == nil {
		return badRequest("Invalid stage identifier specified")
	}
	return nil
}

// leadingTo is the domain of a region that leads to a stage; "" for none.
func (s *state) leadingTo(region, api, stage string) string {
	for _, d := range kit.Sorted(s.Domains[region]) {
		mapped := slices.ContainsFunc(d.Mappings, func(m *apiMapping) bool { return m.API == api && m.Stage == stage })
		if mapped || slices.ContainsFunc(d.Rules, func(r *rule) bool { return r.leadsTo(api, stage) }) {
			return d.Name
		}
	}
	return ""
}

// plainPath is what a base path may consist of.
//
// docs/platforms.md: "a base path is less than 128 of letters, digits and `$-_.+!*'()/`"
var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9$\-_.+!*'()/]{1,127}$`) })

// under reports whether a path begins with a base path, segment by segment, and what is
// left of it. The base path "" is that of every path.
func under(base, path string) (rest string, ok bool) {
	path = strings.Trim(path, "/")
	if base == "" || path == base {
		return strings.TrimPrefix(path, base), true
	}
	return strings.CutPrefix(path, base+"/")
}
