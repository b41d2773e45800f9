package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sluice/stages/driver"
)

// namePattern is Cloud Deploy's pattern for a rollout's id.
var namePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`) })

// maxTargetInName is how much of a target's name the short form keeps.
const maxTargetInName = 40

// Name is the id of the n-th rollout (from 1) of a release to a target:
// {release}-to-{target}-0001, and where that breaks Cloud Deploy's pattern
// r-{8 hex of sha256(release)}-{target, 40 characters}-0001.
func Name(release, target string, n int) string {
	return nameOf(release, target, fmt.Sprintf("%04d", n))
}

func nameOf(release, place, suffix string) string {
	name := release + "-to-" + place + "-" + suffix
	if namePattern().MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(release))
	short := place[:min(len(place), maxTargetInName)]
	return "r-" + hex.EncodeToString(sum[:4]) + "-" + short + "-" + suffix
}

// digest is a short fingerprint of bytes.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// nameFor is what a rollout of a release is named after: its name for people
// where that can stand in a name, else its id. A description in words cannot.
func nameFor(release driver.Release) string {
	if name := strings.ToLower(release.Name); namePattern().MatchString(name) {
		return name
	}
	return release.ID
}

// nextName is the first name of the release that the target has not used.
func (r *Record) nextName(release driver.Release, target string) string {
	for n := 1; ; n++ {
		name := Name(nameFor(release), target, n)
		if r.index(name) < 0 && !slices.ContainsFunc(r.Past, func(p Past) bool { return p.Rollout == name }) {
			return name
		}
	}
}

// index is the place of a rollout in the order of work; -1 where it is not kept.
func (r *Record) index(name string) int {
	return slices.IndexFunc(r.Rollouts, func(x Execution) bool { return x.Rollout.Name == name })
}
