package lambda

import (
	"net/http"
	"time"

	"sluice/internal/sandbox/kit"
)

// warming is how long the emulator takes to warm a version; Lambda takes minutes.
const warming = 5 * time.Second

// provisioned refuses weights on an alias with provisioned concurrency.
//
// docs/platforms.md: "Weights are refused: 400 "Invalid alias configuration for Provisioned Concurrency" (R)"
// docs/platforms.md: "every later update is refused until somebody empties the weights"
func (f *function) provisioned(a *alias, input aliasInput) error {
	if f.Warm[a.Name] == nil {
		return nil
	}
	if input.RoutingConfig != nil && len(input.RoutingConfig.AdditionalVersionWeights) > 0 || input.RoutingConfig == nil && a.RoutingConfig != nil {
		return invalid("Invalid alias configuration for Provisioned Concurrency")
	}
	return nil
}

// cool gives everything to the version that ran before, until the new one is warm.
//
// docs/platforms.md: "*Lambda itself* puts {old: 1.0} there until the new version is warm"
func (c *call) cool(a *alias, old string, cold bool) {
	warm := c.function.Warm[a.Name]
	if warm == nil || old == a.FunctionVersion {
		return
	}
	warm.Old, warm.WarmAt, warm.Cold = old, c.now.Add(warming), cold
	a.RoutingConfig = &routingConfig{AdditionalVersionWeights: map[string]float64{old: 1}}
	a.touch()
}

// warm takes Lambda's own weights away once the new version is warm. One whose
// initialisation fails never is.
func (c *call) warm(a *alias) {
	warm := c.function.Warm[a.Name]
	if warm == nil || warm.Old == "" || warm.Cold || c.now.Before(warm.WarmAt) {
		return
	}
	warm.Old, a.RoutingConfig = "", nil
	c.moves.Move()
	a.touch()
}

// qualified is the alias that a request asks about.
func (c *call) qualified() (*alias, error) {
	return c.function.alias(address{c.region, c.function.Name, c.URL.Query().Get("Qualifier")})
}

func getConcurrency(c *call, a *alias) (any, error) {
	c.warm(a)
	warm := c.function.Warm[a.Name]
	if warm == nil {
		return nil, kit.Errorf(http.StatusNotFound, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	}
	return warm.answer(c.now), nil
}

type concurrencyInput struct{ ProvisionedConcurrentExecutions int }

func putConcurrency(c *call, a *alias, in *concurrencyInput) (any, error) {
	if a.RoutingConfig != nil {
		return nil, invalid("Alias with weights can not be used with Provisioned Concurrency")
	}
	c.function.Warm[a.Name] = &concurrency{Requested: in.ProvisionedConcurrentExecutions}
	return c.function.Warm[a.Name].answer(c.now), nil
}

func deleteConcurrency(c *call, a *alias) (any, error) {
	delete(c.function.Warm, a.Name)
	return nil, nil
}

// concurrencyAnswer is provisioned concurrency on the wire.
type concurrencyAnswer struct {
	Requested    int    `json:"RequestedProvisionedConcurrentExecutions"`
	Available    int    `json:"AvailableProvisionedConcurrentExecutions"`
	Allocated    int    `json:"AllocatedProvisionedConcurrentExecutions"`
	Status       string `json:"Status"`
	StatusReason string `json:"StatusReason,omitempty"`
	LastModified string `json:"LastModified"`
}

func (c *concurrency) answer(now time.Time) concurrencyAnswer {
	a := concurrencyAnswer{Requested: c.Requested, LastModified: clock(now)}
	switch {
	case c.Old == "":
		a.Status, a.Available, a.Allocated = "READY", c.Requested, c.Requested
	case c.Cold:
		a.Status, a.StatusReason = "FAILED", "FUNCTION_ERROR_INIT_FAILURE"
	default:
		a.Status = "IN_PROGRESS"
	}
	return a
}
