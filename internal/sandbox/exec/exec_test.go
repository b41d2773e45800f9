package exec_test

import (
	"testing"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/exec"
	"sluice/internal/sandbox/sandboxtest"
)

func TestConformance(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	config := func(resource string) map[string]any {
		return map[string]any{"command": []string{"./deploy"}, "resource": resource}
	}
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return exec.New(now) }, sandboxtest.Pipeline(t, "exec",
		[]sandboxtest.Target{{Name: "staging", Config: config("shop-staging")}},
		[]sandboxtest.Target{{Name: "production", Config: config("shop")}},
	))
}
