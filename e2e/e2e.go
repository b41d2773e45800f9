// Package e2e drives the built binary from outside, as its users do: from a
// shell, from the vendors' own clients and, under act, as a GitHub Action.
//
// A test whose tools are not on the machine is skipped with the reason. Where
// SLUICE_E2E=require is set, as .ci/run sets it, it fails instead, so that a
// green run never means that nothing ran.
package e2e
