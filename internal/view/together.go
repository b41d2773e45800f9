package view

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// About is a line about a target. Same says that it only points to another one.
type About struct {
	Target, Text string
	Same         bool
}

// place is how a platform's errors begin: with the target that they are about.
var place = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[a-z0-9-]+/[a-z0-9-]+ \([a-z]+\): `) })

// Together has what several targets have in common told once, of the first of them,
// and the others after it, in the order in which it came up.
func Together(lines []About) []About {
	var order []string
	targets, first := map[string][]string{}, map[string]string{}
	for _, l := range lines {
		text := place().ReplaceAllString(l.Text, "")
		if targets[text] == nil {
			order, first[text] = append(order, text), l.Text
		}
		targets[text] = append(targets[text], l.Target)
	}
	out := make([]About, 0, len(order))
	for _, text := range order {
		names := targets[text]
		if len(names) == 1 {
			out = append(out, About{Target: names[0], Text: first[text]})
			continue
		}
		out = append(out, About{Target: names[0], Text: text}, About{Target: Several(names[1:]), Text: "the same as " + names[0], Same: true})
	}
	return out
}

// Several names targets, the first five of more.
func Several(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
