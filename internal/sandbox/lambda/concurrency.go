package lambda

import (
	"net/http"
	"time"

	"sluice/internal/sandbox/awsapi"
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
func (e *Emulator) cool(f *function, a *alias, old string, cold bool) {
	c := f.Warm[a.Name]
	if c == nil || old == a.FunctionVersion {
		return
	}
	c.Old, c.WarmAt, c.Cold = old, e.now().Add(warming), cold
	a.RoutingConfig = &routingConfig{AdditionalVersionWeights: map[string]float64{old: 1}}
	a.touch()
}

// warm takes Lambda's own weights away once the new version is warm. One whose
// initialisation fails never is.
func (e *Emulator) warm(f *function, a *alias) {
	c := f.Warm[a.Name]
	if c == nil || c.Old == "" || c.Cold || e.now().Before(c.WarmAt) {
		return
	}
	c.Old, a.RoutingConfig, e.moved = "", nil, true
	a.touch()
}

// concurrencyOf finds what a request asks about.
func (e *Emulator) concurrencyOf(region string, r *http.Request) (*function, *alias, error) {
	f, err := e.state.function(region, r.PathValue("fn"))
	if err != nil {
		return nil, nil, err
	}
	a, err := f.alias(address{region, f.Name, r.URL.Query().Get("Qualifier")})
	return f, a, err
}

func (e *Emulator) getConcurrency(region string, r *http.Request) (int, any, error) {
	f, a, err := e.concurrencyOf(region, r)
	if err != nil {
		return 0, nil, err
	}
	e.warm(f, a)
	c := f.Warm[a.Name]
	if c == nil {
		return 0, nil, &awsapi.Error{Status: http.StatusNotFound, Name: "ProvisionedConcurrencyConfigNotFoundException", Message: "No Provisioned Concurrency Config found for this function"}
	}
	return http.StatusOK, c.answer(e.now()), nil
}

func (e *Emulator) putConcurrency(region string, r *http.Request) (int, any, error) {
	var input struct{ ProvisionedConcurrentExecutions int }
	f, a, err := e.concurrencyOf(region, r)
	if err != nil {
		return 0, nil, err
	}
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	if a.RoutingConfig != nil {
		return 0, nil, invalid("Alias with weights can not be used with Provisioned Concurrency")
	}
	f.Warm[a.Name] = &concurrency{Requested: input.ProvisionedConcurrentExecutions}
	return http.StatusAccepted, f.Warm[a.Name].answer(e.now()), nil
}

func (e *Emulator) deleteConcurrency(region string, r *http.Request) (int, any, error) {
	f, a, err := e.concurrencyOf(region, r)
	if err != nil {
		return 0, nil, err
	}
	delete(f.Warm, a.Name)
	return http.StatusNoContent, nil, nil
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
