package actions

import (
	"fmt"
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

// CheckRef refuses what is no pattern of a ref.
func CheckRef(pattern string) error {
	name := whole(pattern)
	for _, c := range name {
		if c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?[\`, c) {
			return fmt.Errorf("%q is no branch, nor a pattern of refs; write main, release/* or refs/tags/v*", pattern)
		}
	}
	switch {
	case pattern == "", strings.HasSuffix(name, "/"), strings.Contains(name, "//"), strings.Contains(name, ".."), strings.HasSuffix(name, ".lock"):
		return fmt.Errorf("%q is no branch, nor a pattern of refs; write main, release/* or refs/tags/v*", pattern)
	}
	return nil
}

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
