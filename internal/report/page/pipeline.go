package page

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/outside"
	"sluice/internal/view"
)

// releasesOf are the releases that run somewhere, that of the most targets first.
func releasesOf(r view.Reported) []string {
	count, order := map[string]int{}, []string{}
	for _, s := range r.Stages {
		for _, t := range s.Targets {
			if count[t.Runs] == 0 {
				order = append(order, t.Runs)
			}
			count[t.Runs]++
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	return order
}

// pipeline is the map: the stages in their order, and how their targets stand.
func (p page) pipeline() g.Node {
	return section("pipeline", "Pipeline", h.Ol(h.Class("stages"), g.Map(p.Stages, p.stageCard)))
}

// follows reports whether a stage comes after the one before it in the list, and
// no other.
func (p page) follows(s view.ReportedStage) bool {
	i := slices.IndexFunc(p.Stages, func(o view.ReportedStage) bool { return o.Name == s.Name })
	return i > 0 && len(s.After) == 1 && s.After[0] == p.Stages[i-1].Name
}

func (p page) stageCard(s view.ReportedStage) g.Node {
	tones, words := map[tone]int{}, []g.Node{}
	order := []tone{}
	byTone := map[tone]map[string]int{}
	for _, t := range s.Targets {
		c, word := standing(t)
		if tones[c] == 0 {
			order, byTone[c] = append(order, c), map[string]int{}
		}
		tones[c]++
		byTone[c][word]++
	}
	for _, c := range order {
		for _, word := range sorted(byTone[c]) {
			words = append(words, badge(c, strconv.Itoa(byTone[c][word])+" "+word))
		}
	}
	class := "card stage"
	if p.follows(s) {
		class += " follows"
	}
	return h.Li(h.Class(class),
		h.H3(text(s.Name)),
		dots(s.Targets),
		h.P(h.Class("badges"), g.Group(words)),
		h.Ul(h.Class("runs"), g.Map(spread(s.Targets), func(r running) g.Node {
			return h.Li(named(r.id, r.name), g.Text(" "+counted(r.targets, "target", "targets")))
		})),
		p.gate(s),
	)
}

func sorted(count map[string]int) []string {
	words := make([]string, 0, len(count))
	for word := range count {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// gate is what must be before a rollout on a stage begins.
func (p page) gate(s view.ReportedStage) g.Node {
	var rules []g.Node
	if len(s.After) > 0 && !p.follows(s) {
		rules = append(rules, h.Li(text("after "+strings.Join(s.After, ", "))))
	}
	if s.Quorum > 0 {
		who := strings.Join(s.Approvers, ", ")
		if who != "" {
			who = " of " + who
		}
		rules = append(rules, h.Li(text(counted(s.Quorum, "approval", "approvals")+who)))
	}
	if s.Soak > 0 {
		rules = append(rules, h.Li(g.Text("after "+lasting(s.Soak)+" on the stage before")))
	}
	if s.Waves {
		rules = append(rules, h.Li(g.Text("in waves")))
	}
	if len(rules) == 0 {
		return nil
	}
	return h.Ul(h.Class("rules"), h.Aria("label", "Before a rollout begins"), g.Group(rules))
}

// running is a release with how many targets run it.
type running struct {
	id, name string
	targets  int
}

// mostReleases is how many releases a stage's card names.
const mostReleases = 4

// spread is which releases run on targets, those of the most first.
func spread(targets []view.ReportedTarget) []running {
	var list []running
	for _, t := range targets {
		i := slices.IndexFunc(list, func(r running) bool { return r.id == t.Runs })
		if i < 0 {
			list = append(list, running{id: t.Runs, name: t.RunsName})
			i = len(list) - 1
		}
		list[i].targets++
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].targets > list[j].targets })
	return list[:min(len(list), mostReleases)]
}

// dots are a stage's targets, a square each.
func dots(targets []view.ReportedTarget) g.Node {
	const (
		across = 25
		size   = 8
		step   = 10
	)
	rows := (len(targets) + across - 1) / across
	squares := make([]g.Node, len(targets))
	for i, t := range targets {
		c, word := standing(t)
		squares[i] = g.El("rect", number("x", i%across*step), number("y", i/across*step), number("width", size), number("height", size), g.Attr("rx", "2"),
			h.Class("dot "+string(c)), g.El("title", text(t.Target.Target+": "+word)))
	}
	return g.El("svg", h.Class("dots"), g.Attr("viewBox", "0 0 "+strconv.Itoa(across*step)+" "+strconv.Itoa(rows*step)), h.Aria("hidden", "true"), g.Group(squares))
}

func number(name string, value int) g.Node { return g.Attr(name, strconv.Itoa(value)) }

// waiting is what waits for somebody, and what they can do.
func (p page) waiting() g.Node {
	groups := p.waitingGroups()
	if len(groups) == 0 {
		return nil
	}
	more := 0
	for _, group := range groups[min(len(groups), mostWaiting):] {
		more += len(group)
	}
	return section("waiting", "Wants attention",
		h.Ul(h.Class("waiting"), g.Map(groups[:min(len(groups), mostWaiting)], waitingItem)),
		g.If(more > 0, h.P(text("and "+counted(more, "target", "targets")+" more: see what runs"))))
}

// waitingGroups are the targets that wait, those together that wait for the same.
func (p page) waitingGroups() [][]view.ReportedTarget {
	var groups [][]view.ReportedTarget
	for _, s := range p.Stages {
		for _, t := range s.Targets {
			if c, _ := standing(t); c != waits && c != bad {
				continue
			}
			if i := slices.IndexFunc(groups, func(group []view.ReportedTarget) bool { return waitsAlike(group[0], t) }); i >= 0 {
				groups[i] = append(groups[i], t)
				continue
			}
			groups = append(groups, []view.ReportedTarget{t})
		}
	}
	return groups
}

// waitsAlike reports whether the same is said of two targets.
func waitsAlike(a, b view.ReportedTarget) bool {
	_, one := standing(a)
	_, other := standing(b)
	return one == other && a.Unasked == b.Unasked && slices.Equal(a.Notes, b.Notes) && slices.Equal(a.Commands, b.Commands)
}

// mostWaiting is how many groups are told of before the tables.
const mostWaiting = 8

func waitingItem(group []view.ReportedTarget) g.Node {
	first, others := group[0], group[1:]
	c, word := standing(first)
	lines := first.Notes
	if first.Unasked != "" {
		lines = append([]string{first.Unasked}, lines...)
	}
	return h.Li(
		h.Strong(text(first.Target.Target)), g.If(len(others) > 0, g.Text(" and "+counted(len(others), "other", "others"))), g.Text(" "), badge(c, word),
		g.Map(lines, func(line string) g.Node { return h.P(marked(first.Target.Target + " " + line)) }),
		g.If(len(others) > 0, h.P(h.Class("quiet"), text("The same: "+view.Several(namesOf(others))))),
		g.If(len(first.Commands) > 0, h.P(g.Map(first.Commands, func(c string) g.Node { return h.Span(h.Class("command"), code(c)) }))),
	)
}

func namesOf(targets []view.ReportedTarget) []string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Target.Target
	}
	return names
}

// marked is a line with what stands between backticks as code.
func marked(line string) g.Node {
	line = outside.Line(line)
	parts := strings.Split(line, "`")
	if len(parts)%2 == 0 { // one of them has no other
		return g.Text(line)
	}
	nodes := make([]g.Node, len(parts))
	for i, part := range parts {
		if i%2 == 1 {
			nodes[i] = code(part)
			continue
		}
		nodes[i] = g.Text(part)
	}
	return g.Group(nodes)
}
