//go:build !unix

package program

import "os/exec"

// endTogether leaves a cancellation to end the program alone: there are no
// process groups here.
func endTogether(*exec.Cmd) {}

// endRest has nothing to find what was left behind with.
func endRest(*exec.Cmd) {}
