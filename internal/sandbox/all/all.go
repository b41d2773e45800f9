// Package all is the list of the platforms that the sandbox serves.
package all

import (
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/apigateway"
	"sluice/internal/sandbox/entrecode"
)

// Emulators makes one of each, on the clock now.
func Emulators(now func() time.Time) []sandbox.Emulator {
	return []sandbox.Emulator{
		apigateway.New(now),
		entrecode.New(now),
	}
}
