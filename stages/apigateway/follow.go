package apigateway

import (
	"context"
	"time"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// Operation is Unsupported: there is nothing to follow.
func (g *gateway) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	return driver.Operation{}, 0, &amazon.UnsupportedError{
		Text:   "API Gateway has no operations to follow: a change to a stage is done when it is answered",
		Remedy: "look at what runs there (`sluice status`)",
	}
}
