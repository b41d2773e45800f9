package apigateway

import (
	"context"
	"time"

	"sluice/stages/driver"
)

// noOperationsError says that there is nothing to follow.
type noOperationsError struct{}

func (*noOperationsError) Error() string {
	return "API Gateway has no operations to follow: a change to a stage is done when it is answered"
}

// Operation is Unsupported: see [noOperationsError].
func (g *gateway) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, &noOperationsError{}
}
