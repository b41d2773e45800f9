package lambda

import (
	"net/http"
	"regexp"
	"sync"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// aliasInput is what a request says of an alias. What it leaves out stays as it is.
//
// docs/platforms.md: "**Members left out stay as they are**"
type aliasInput struct {
	Name            string
	FunctionVersion *string
	Description     *string
	RevisionID      *string        `json:"RevisionId"`
	RoutingConfig   *routingConfig `json:"RoutingConfig"`
}

// alias is the one that a request's path names.
func (c *call) alias() (*alias, error) { return c.function.alias(c.address()) }

func getAlias(c *call, a *alias) (any, error) {
	c.warm(a)
	return a, nil
}

func listAliases(c *call) (any, error) {
	all := kit.Sorted(c.function.Aliases)
	for _, a := range all {
		c.warm(a)
	}
	items, next, err := page(c, all)
	return struct {
		Aliases    []*alias
		NextMarker *string
	}{items, next}, err
}

func createAlias(c *call, in *aliasInput) (any, error) {
	f := c.function
	if f.Aliases[in.Name] != nil {
		return nil, kit.Errorf(http.StatusConflict, "ResourceConflictException", "Alias already exists: %s:%s", f.Latest.FunctionArn, in.Name)
	}
	a := &alias{Name: in.Name, AliasArn: f.Latest.FunctionArn + ":" + in.Name}
	if err := a.update(f, *in); err != nil {
		return nil, err
	}
	f.Aliases[in.Name] = a
	return a, nil
}

func updateAlias(c *call, in *aliasInput) (any, error) {
	f, at := c.function, c.address()
	a := f.Aliases[at.alias]
	if a == nil {
		// docs/platforms.md: "PUT 404 "Alias not found: …""
		return nil, notFound("Alias not found: %s:%s", arn(at.region, f.Name), at.alias)
	}
	c.warm(a)
	if in.RevisionID != nil && *in.RevisionID != a.RevisionID {
		// docs/platforms.md: "a stale one is 412 `PreconditionFailedException` "The Revision Id provided does not match the latest Revision Id."
		return nil, kit.Errorf(http.StatusPreconditionFailed, "PreconditionFailedException",
			"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	if err := f.provisioned(a, *in); err != nil {
		return nil, err
	}
	old := a.FunctionVersion
	if err := a.update(f, *in); err != nil {
		return nil, err
	}
	answer := *a
	c.cool(a, old, sandbox.FaultOf(c.Request) == faultCold)
	return answer, nil
}

var number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]+$`) })

// update changes what the input names, if all of it is right.
func (a *alias) update(f *function, input aliasInput) error {
	next := *a
	if input.FunctionVersion != nil {
		if _, err := f.version(*input.FunctionVersion); err != nil {
			return err
		}
		next.FunctionVersion = *input.FunctionVersion
	}
	if input.RoutingConfig != nil {
		// docs/platforms.md: "The alias then has no `RoutingConfig` at all"
		if next.RoutingConfig = input.RoutingConfig; len(input.RoutingConfig.AdditionalVersionWeights) == 0 {
			next.RoutingConfig = nil
		}
	}
	if err := next.check(f); err != nil {
		return err
	}
	if input.Description != nil {
		next.Description = *input.Description
	}
	*a = next
	a.touch()
	return nil
}

// check refuses weights that cannot be.
func (a *alias) check(f *function) error {
	if a.RoutingConfig == nil {
		return nil
	}
	weights := a.RoutingConfig.AdditionalVersionWeights
	if len(weights) > 1 {
		// docs/platforms.md: "Number of items in AdditionalVersionWeights cannot be greater than 1"
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for version, weight := range weights {
		switch {
		case !number().MatchString(version):
			// docs/platforms.md: "as a weight's key: 400 ValidationException, pattern `[0-9]+` (R)"
			return kit.Errorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '{%s=%v}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]+]", version, weight)
		case weight < 0 || weight > 1:
			// docs/platforms.md: "outside 0–1: 400 `ValidationException`"
			return kit.Errorf(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '{%s=%v}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value between 0.0 and 1.0]", version, weight)
		case a.FunctionVersion == latest:
			// docs/platforms.md: "$LATEST is not supported for an alias pointing to more than 1 version"
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case version == a.FunctionVersion:
			// docs/platforms.md: "Function version 2 is already included in routing configuration."
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
		}
		if _, err := f.version(version); err != nil {
			return err
		}
	}
	return nil
}
