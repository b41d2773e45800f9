package page

import (
	"fmt"
	"strconv"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/view"
)

// mostHistory is how many rollouts the history has, the newest.
const mostHistory = 1000

// history is the rollouts of all targets, the newest first. What is shown of them is
// chosen without a script: the sheet hides rows by which choice is checked.
func (p page) history() g.Node {
	rows := make([]g.Node, 0, min(len(p.Rollouts), mostHistory))
	for i := len(p.Rollouts) - 1; i >= 0 && len(rows) < mostHistory; i-- {
		rows = append(rows, p.historyRow(p.Rollouts[i]))
	}
	if len(rows) == 0 {
		return section("history", "History", h.P(h.Class("quiet"), g.Text("There is none yet.")))
	}
	stages := []choice{{"stage-all", "every stage"}}
	for i, s := range p.Stages {
		stages = append(stages, choice{stageClass(i), s.Name})
	}
	return section("history", "History",
		choices("Stage", "stage", stages),
		choices("Outcome", "tone", []choice{{"tone-all", "any outcome"}, {"tone-good", "succeeded"}, {"tone-bad", "failed or rolled back"}, {"tone-working", "under way"}, {"tone-idle", "cancelled or rejected"}}),
		g.If(len(p.Rollouts) > len(rows), h.P(h.Class("quiet"), g.Text(fmt.Sprintf("The newest %d of %d rollouts; `sluice history` has all of them.", len(rows), len(p.Rollouts))))),
		scrolls("Rollouts, the newest first", h.Table(
			h.THead(head("Created", "Stage", "Target", "What", "Release", "Outcome", "Took", "By", "Why")),
			h.TBody(g.Group(rows)),
		)),
	)
}

type choice struct{ class, label string }

// choices are radio buttons, the first one checked.
func choices(legend, name string, list []choice) g.Node {
	var inputs []g.Node
	for i, c := range list {
		inputs = append(inputs, h.Label(h.Input(h.Type("radio"), h.Name(name), h.ID(c.class), g.If(i == 0, h.Checked())), g.Text(" "), text(c.label)))
	}
	return h.FieldSet(h.Class("choices"), h.Legend(g.Text(legend)), g.Group(inputs))
}

func stageClass(i int) string { return "stage-" + strconv.Itoa(i) }

// filterRules hide the rows that a choice leaves out.
func (p page) filterRules() string {
	var b strings.Builder
	rule := func(class string) {
		fmt.Fprintf(&b, "#history:has(#%s:checked) tbody tr:not(.%s){display:none}\n", class, class)
	}
	for i := range p.Stages {
		rule(stageClass(i))
	}
	for _, c := range []string{"tone-good", "tone-bad", "tone-working", "tone-idle"} {
		rule(c)
	}
	return b.String()
}

func (p page) historyRow(r view.ReportedRollout) g.Node {
	c, word := ended(r)
	class := "tone-" + string(c)
	if c == waits {
		class = "tone-working"
	}
	for i, s := range p.Stages {
		if s.Name == r.Stage {
			class += " " + stageClass(i)
		}
	}
	took := "–"
	if !r.Ended.IsZero() {
		took = lasting(r.Ended.Sub(r.Created).Seconds())
	}
	return h.Tr(h.Class(class),
		h.Td(when(r.Created)),
		h.Td(text(r.Stage)),
		h.Th(h.Scope("row"), text(r.Target)),
		h.Td(text(r.Command)),
		h.Td(named(r.Release, r.ReleaseName)),
		h.Td(badge(c, word)),
		h.Td(g.Text(took)),
		h.Td(text(r.By)),
		h.Td(text(r.Reason), g.Text(" "), source(r)),
	)
}
