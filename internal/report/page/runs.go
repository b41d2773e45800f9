package page

import (
	"slices"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/view"
)

// openUpTo is up to how many targets a stage's table stands open.
const openUpTo = 30

// runs is what runs on each target, a table a stage.
func (p page) runs() g.Node {
	stages := slices.Clone(p.Stages)
	if len(p.Orphans) > 0 {
		stages = append(stages, view.ReportedStage{Name: "no longer in the pipeline", Targets: p.Orphans})
	}
	return section("runs", "What runs", g.Map(stages, func(s view.ReportedStage) g.Node {
		return h.Details(
			g.If(len(s.Targets) <= openUpTo, g.Attr("open")),
			h.Summary(h.H3(text(s.Name)), g.Text(" "), h.Span(h.Class("quiet"), g.Text(counted(len(s.Targets), "target", "targets")))),
			scrolls("What runs on "+s.Name, runsTable(s)),
		)
	}))
}

func runsTable(s view.ReportedStage) g.Node {
	return h.Table(
		h.THead(head("Target", "Platform", "Runs", "Since", "Traffic", "Stands", "Under way")),
		h.TBody(g.Map(s.Targets, runsRow)),
	)
}

func head(names ...string) g.Node {
	return h.Tr(g.Map(names, func(name string) g.Node { return h.Th(h.Scope("col"), g.Text(name)) }))
}

func runsRow(t view.ReportedTarget) g.Node {
	c, word := standing(t)
	return h.Tr(
		h.Th(h.Scope("row"), text(t.Target.Target)),
		h.Td(text(t.Platform)),
		h.Td(named(t.Runs, t.RunsName)),
		h.Td(when(t.Since)),
		h.Td(traffic(t)),
		h.Td(badge(c, word)),
		h.Td(underWay(t)),
	)
}

func underWay(t view.ReportedTarget) g.Node {
	if t.Moving == "" {
		return g.Text("–")
	}
	return g.Group{named(t.Moving, ""), g.If(t.Phase != "", g.Group{g.Text(", "), text(t.Phase)})}
}

// traffic is how a target's traffic is divided: a bar, and the same in words.
func traffic(t view.ReportedTarget) g.Node {
	if len(t.Shares) < 2 {
		return h.Span(h.Class("quiet"), g.Text("all to one"))
	}
	const width = 100.0
	var bars, words []g.Node
	at := 0.0
	for i, s := range t.Shares {
		percent, err := strconv.ParseFloat(s.Percent, 64)
		if err != nil {
			continue
		}
		bars = append(bars, g.El("rect", fraction("x", at), g.Attr("y", "0"), fraction("width", percent/100*width), g.Attr("height", "8"), h.Class("share share"+strconv.Itoa(i%3))))
		at += percent / 100 * width
		words = append(words, h.Span(h.Class("sharing"), text(s.Percent+" %"), g.Text(" "), named(s.Release, s.Name)))
	}
	return g.Group{
		g.El("svg", h.Class("bar"), g.Attr("viewBox", "0 0 100 8"), g.Attr("preserveAspectRatio", "none"), h.Aria("hidden", "true"), g.Group(bars)),
		g.Group(words),
	}
}

func fraction(name string, value float64) g.Node {
	return g.Attr(name, strconv.FormatFloat(value, 'f', 2, 64))
}
