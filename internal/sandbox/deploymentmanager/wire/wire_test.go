package wire_test

import (
	"testing"

	api "google.golang.org/api/deploymentmanager/v2"

	"sluice/internal/sandbox/deploymentmanager/wire"
	"sluice/internal/sandbox/sandboxtest"
)

// Every type is the one that Google's own client has.
func TestTypes(t *testing.T) {
	sandboxtest.HoldTypes(t, "wire.go", []string{"Operation"},
		sandboxtest.Pair{Ours: wire.Deployment{}, Theirs: api.Deployment{}},
		sandboxtest.Pair{Ours: wire.Entry{}, Theirs: api.DeploymentLabelEntry{}},
		sandboxtest.Pair{Ours: wire.DeploymentUpdate{}, Theirs: api.DeploymentUpdate{}},
		sandboxtest.Pair{Ours: wire.Entry{}, Theirs: api.DeploymentUpdateLabelEntry{}},
		sandboxtest.Pair{Ours: wire.TargetConfiguration{}, Theirs: api.TargetConfiguration{}},
		sandboxtest.Pair{Ours: wire.ConfigFile{}, Theirs: api.ConfigFile{}},
		sandboxtest.Pair{Ours: wire.ImportFile{}, Theirs: api.ImportFile{}},
		sandboxtest.Pair{Ours: wire.Manifest{}, Theirs: api.Manifest{}},
		sandboxtest.Pair{Ours: wire.Operation{}, Theirs: api.Operation{}},
		sandboxtest.Pair{Ours: wire.OperationError{}, Theirs: api.OperationError{}},
		sandboxtest.Pair{Ours: wire.OperationErrorErrors{}, Theirs: api.OperationErrorErrors{}},
		sandboxtest.Pair{Ours: wire.OperationWarnings{}, Theirs: api.OperationWarnings{}},
		sandboxtest.Pair{Ours: wire.Entry{}, Theirs: api.OperationWarningsData{}},
		sandboxtest.Pair{Ours: wire.FingerprintRequest{}, Theirs: api.DeploymentsStopRequest{}},
		sandboxtest.Pair{Ours: wire.FingerprintRequest{}, Theirs: api.DeploymentsCancelPreviewRequest{}},
	)
}
