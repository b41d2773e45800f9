package view

import (
	"fmt"
	"regexp"
	"strings"
)

// About is a line about a target.
type About struct{ Target, Text string }

// place is how a platform's errors begin: with the target that they are about.
var place = regexp.MustCompile(`[a-z0-9-]+/[a-z0-9-]+ \([a-z]+\): `)

// Together has what several targets have in common told once, with their names, in
// the order in which it came up first.
func Together(lines []About) []About {
	var order []string
	targets, first := map[string][]string{}, map[string]string{}
	for _, l := range lines {
		text := place.ReplaceAllString(l.Text, "")
		if targets[text] == nil {
			order, first[text] = append(order, text), l.Text
		}
		targets[text] = append(targets[text], l.Target)
	}
	out := make([]About, len(order))
	for i, text := range order {
		out[i] = About{Target: several(targets[text]), Text: text}
		if len(targets[text]) == 1 {
			out[i].Text = first[text]
		}
	}
	return out
}

// several names targets, the first of many.
func several(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
