package view

import (
	"fmt"
	"regexp"
	"sync"

	"sluice/stages/driver"
)

// Commit is one commit between what runs on a target and what comes.
type Commit struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
	Author  string `json:"author,omitempty"`
}

// Commits are those between what runs on a target and what comes, as the host of the
// repository tells them.
type Commits struct {
	Brings int      `json:"brings"`          // so many that do not run yet
	Takes  int      `json:"takes"`           // so many that run and are not in what comes
	First  []Commit `json:"first,omitempty"` // of those that it brings, newest first, some
	URL    string   `json:"url,omitempty"`   // where people see all of them
}

// sayings are the ways in which a platform's words on a release name a commit: as what
// it was made of, or by nothing else.
var sayings = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:commit|deploy(?:ed)?|from)\s+([0-9a-f]{7,40})\b|\b([0-9a-f]{40})\b`)
})

// CommitOf is the commit that a release was made of, as the platform's own words on it
// say; "" where they do not.
func CommitOf(r driver.Release) string {
	for _, text := range []string{r.Name, r.Comment} {
		if m := sayings().FindStringSubmatch(text); m != nil {
			return m[1] + m[2]
		}
	}
	return ""
}

// lines are the commits for a person.
func (c *Commits) lines() []string {
	if c == nil {
		return nil
	}
	text := fmt.Sprintf("%d that %s not run there yet", c.Brings, map[bool]string{true: "does", false: "do"}[c.Brings == 1])
	if c.Brings == 0 {
		text = "none that is new"
	}
	if c.Takes > 0 {
		text += fmt.Sprintf(", and it lacks %d that run", c.Takes)
	}
	if c.URL != "" {
		text += ": " + c.URL
	}
	list := []string{text}
	for _, one := range c.First {
		line := one.ID[:min(shortCommit, len(one.ID))] + " " + one.Subject
		if one.Author != "" {
			line += " (" + one.Author + ")"
		}
		list = append(list, line)
	}
	if more := c.Brings - len(c.First); more > 0 && len(c.First) > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return list
}
