package actions

import (
	"regexp"
	"slices"
	"strings"
)

// Prefixes of the refs that runs are of.
const (
	headsPrefix = "refs/heads/"
	tagsPrefix  = "refs/tags/"
)

// Refs are patterns of the refs whose runs may change state: branches by name,
// "main", "release/*"; tags and whatever else as whole refs, "refs/tags/v*". In a
// pattern * stands for anything but a slash, ** for anything, as in GitHub's own
// filters.
type Refs []string

// whole is a pattern of whole refs: what does not say refs/ is a branch.
func whole(pattern string) string {
	if strings.HasPrefix(pattern, "refs/") {
		return pattern
	}
	return headsPrefix + pattern
}

// Allow reports whether runs of a ref may change state: "refs/heads/main".
func (r Refs) Allow(ref string) bool {
	return slices.ContainsFunc(r, func(pattern string) bool { return matchesRef(whole(pattern), ref) })
}

// AllowName is Allow where GitHub gives a run's branch or tag by its name alone, as
// with artifacts. Who may push a tag that is allowed may push a branch of its name.
func (r Refs) AllowName(name string) bool {
	return r.Allow(headsPrefix+name) || r.Allow(tagsPrefix+name)
}

func matchesRef(pattern, ref string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == ref
	}
	parts := strings.Split(pattern, "**")
	for i, p := range parts {
		ones := strings.Split(p, "*")
		for j, one := range ones {
			ones[j] = regexp.QuoteMeta(one)
		}
		parts[i] = strings.Join(ones, `[^/]*`)
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, `.*`) + `)$`).MatchString(ref)
}
