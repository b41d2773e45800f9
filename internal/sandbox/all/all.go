// Package all is the list of the platforms that the sandbox serves.
package all

import (
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/apigateway"
	"sluice/internal/sandbox/clouddeploy"
	"sluice/internal/sandbox/cloudrun"
	"sluice/internal/sandbox/deploymentmanager"
	"sluice/internal/sandbox/ecs"
	"sluice/internal/sandbox/entrecode"
	"sluice/internal/sandbox/exec"
	"sluice/internal/sandbox/heroku"
	"sluice/internal/sandbox/inframanager"
	"sluice/internal/sandbox/lambda"
)

// Emulators makes one of each, on the clock now.
func Emulators(now func() time.Time) []sandbox.Emulator {
	return []sandbox.Emulator{
		heroku.New(now),
		apigateway.New(now),
		clouddeploy.New(now),
		deploymentmanager.New(now),
		inframanager.New(now),
		entrecode.New(now),
		lambda.New(now),
		cloudrun.New(now),
		ecs.New(now),
		exec.New(now),
	}
}
