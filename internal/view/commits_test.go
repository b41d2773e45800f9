package view

import (
	"strings"
	"testing"

	"sluice/stages/driver"
)

// TestCommitOf: what a platform says of a release names a commit, or something else.
func TestCommitOf(t *testing.T) {
	sha := strings.Repeat("0123456789", 4)
	for text, want := range map[string]string{
		"commit " + sha + " by octocat/shop/runs/7": sha,
		sha:                     sha,
		"Deploy 1a2b3c4d":       "1a2b3c4d",
		"release 12":            "",
		"":                      "",
		"deployed everything":   "",
		"Deploy 1a2b":           "",
		"build 1a2b3c4d":        "",
		sha + sha:               "",
		"commit deadbeef words": "deadbeef",
	} {
		if got := CommitOf(driver.Release{ID: sha[1:], Comment: text}); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
