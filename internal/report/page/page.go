// Package page renders a report as one HTML page that needs nothing else: no
// script, no network, no file beside it. What it shows came from outside and is
// text; the page's own policy lets a browser run and fetch nothing.
package page

import (
	"crypto/sha256"
	_ "embed" // the style sheet
	"encoding/base64"
	"io"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/outside"
	"sluice/internal/view"
)

//go:embed page.css
var sheet string

// Write renders a report. version is the program's, for the foot of the page. The
// error is w's.
func Write(w io.Writer, r view.Reported, version string) error {
	p := page{Reported: r, releases: releasesOf(r)}
	style := sheet + p.filterRules()
	return g.Group{
		h.Doctype(h.HTML(
			h.Lang("en"),
			h.Head(
				h.Meta(h.Charset("utf-8")),
				h.Meta(g.Attr("http-equiv", "Content-Security-Policy"), h.Content(policy(style))),
				h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
				h.Meta(h.Name("color-scheme"), h.Content("light dark")),
				h.Meta(h.Name("referrer"), h.Content("no-referrer")),
				h.Link(h.Rel("icon"), h.Href("data:,")),
				h.TitleEl(text(r.Pipeline+" · deliveries")),
				h.StyleEl(g.Raw(style)),
			),
			h.Body(
				p.head(),
				h.Main(h.ID("main"), p.pipeline(), p.waiting(), p.numbers(), p.runs(), p.timeline(), p.history()),
				h.Footer(h.P(text("Read at "+clock(r.At)+" by "+version+". All times are UTC."))),
			),
		)),
	}.Render(w)
}

// policy lets the page have its own style sheet and nothing else.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// page is a report with what its parts have in common.
type page struct {
	view.Reported
	releases []string // that run somewhere, the one with the most traffic first
}

func (p page) head() g.Node {
	links := [][2]string{{"pipeline", "Pipeline"}, {"numbers", "Deliveries"}, {"runs", "What runs"}, {"timeline", "Rollouts"}, {"history", "History"}}
	return h.Header(
		h.A(h.Class("skip"), h.Href("#main"), g.Text("Skip to the report")),
		h.H1(text(p.Pipeline)),
		g.If(p.Description != "", h.P(h.Class("lead"), text(p.Description))),
		h.Nav(h.Aria("label", "Parts of the report"), h.Ul(g.Map(links, func(l [2]string) g.Node {
			return h.Li(h.A(h.Href("#"+l[0]), g.Text(l[1])))
		}))),
	)
}

// section is a part of the page with its headline.
func section(id, title string, inside ...g.Node) g.Node {
	return h.Section(h.ID(id), h.Aria("labelledby", id+"-title"), h.H2(h.ID(id+"-title"), g.Text(title)), g.Group(inside))
}

// text is text from outside: nothing in it is markup, hides or turns the direction
// of writing.
func text(s string) g.Node { return g.Text(outside.Line(s)) }

// code is an id or a command from outside.
func code(s string) g.Node {
	if s == "" {
		return g.Text("–")
	}
	return h.Code(text(s))
}

// link leads to an address from outside where that is one of the web; else it is
// the text alone.
func link(address, words string) g.Node {
	if !isWeb(address) {
		return text(words)
	}
	return h.A(h.Href(outside.Line(address)), h.Rel("noreferrer noopener"), text(words))
}

func isWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// scrolls is a table that is wider than a narrow screen.
func scrolls(name string, table g.Node) g.Node {
	return h.Div(h.Class("scrolls"), h.Role("region"), h.Aria("label", name), h.TabIndex("0"), table)
}

// clock is a time for people.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// when is a time that a machine can read too.
func when(t time.Time) g.Node {
	if t.IsZero() {
		return g.Text("–")
	}
	return h.Time(h.DateTime(t.UTC().Format(time.RFC3339)), g.Text(clock(t)))
}

// mostID is how much of an id there is room for; the whole of it is in its title.
const mostID = 20

// named is a release by what people call it.
func named(id, name string) g.Node {
	shown := name
	if shown == "" {
		shown = id
	}
	runes := []rune(outside.Line(shown))
	if len(runes) <= mostID {
		return code(shown)
	}
	return h.Code(h.Title(outside.Line(id)), g.Text(string(runes[:mostID])+"…"))
}
