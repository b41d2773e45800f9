package main_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What a package brings stays in the program, and what it does before main begins is
// done by every command: Go leaves out neither. These were there once, for nothing that
// the program does.
func TestWhatTheProgramDoesWithout(t *testing.T) {
	const size, start = "its size", "what it does before main begins"
	without := map[string]string{
		"google.golang.org/grpc":     size,
		"google.golang.org/protobuf": size,
		"google.golang.org/api":      size, // the generated clients; googleapi is small
		"cloud.google.com/go/auth":   start,
		"encoding/gob":               start,
		"net/rpc":                    start,
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("the program has %d packages", len(packages))
	}
	for _, have := range packages {
		if strings.HasPrefix(have, "google.golang.org/api/googleapi") || strings.HasPrefix(have, "google.golang.org/api/internal/third_party/") {
			continue
		}
		for path, why := range without {
			if have == path || strings.HasPrefix(have, path+"/") {
				t.Errorf("the program has %s again: avoided for %s (docs/design.md, section 3); see `go mod why` and `go list -deps`", have, why)
			}
		}
	}
}
