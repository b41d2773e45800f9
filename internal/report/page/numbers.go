package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/view"
)

// mostBuckets is how many columns the chart of deployments has.
const mostBuckets = 26

// numbers is how well each stage is delivered to, the last stage first: that is
// where users are.
func (p page) numbers() g.Node {
	var stages []g.Node
	for i := len(p.Deliveries) - 1; i >= 0; i-- {
		d := p.Deliveries[i]
		stages = append(stages, h.Details(
			g.If(i == len(p.Deliveries)-1, g.Attr("open")),
			h.Summary(h.H3(text(d.Stage)), g.Text(" "), h.Span(h.Class("quiet"), g.Text(counted(len(d.Deployments), "deployment", "deployments")+since(d.Since)))),
			p.delivery(d),
		))
	}
	return section("numbers", "Deliveries", g.Group(stages), h.P(h.Class("quiet"),
		g.Text("A deployment is a promotion that changed something and is over; it failed where one of its rollouts failed or was rolled back. "+
			"Lead time runs from when a release was first known to when it stood; time to restore from the failure to when its targets were good again. "+
			"Only rollouts that the state still has are counted.")))
}

// delivery is the numbers of a stage and their charts.
func (p page) delivery(d view.Delivery) g.Node {
	if len(d.Deployments) == 0 {
		return h.P(h.Class("quiet"), g.Text("No deployment is kept."))
	}
	return g.Group{figures(d), h.Div(h.Class("charts"), p.deployments(d), leads(d))}
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.UTC().Format(time.DateOnly)
}

// figures are the four numbers of a stage.
func figures(d view.Delivery) g.Node {
	return h.Dl(h.Class("figures"),
		figure("Lead time", measured(d.LeadTime), "median of "+counted(d.LeadTime.Of, "deployment", "deployments")),
		figure("Deployment frequency", often(d), counted(len(d.Deployments), "deployment", "deployments")+since(d.Since)),
		figure("Change failure rate", strconv.FormatFloat(100*d.FailureRate, 'f', 0, 64)+" %", fmt.Sprintf("%d of %d failed", d.Failed, len(d.Deployments))),
		figure("Time to restore", measured(d.Restore), "median of "+counted(d.Restore.Of, "failure", "failures")),
	)
}

// often is how many deployments there are a week; of less than a week, how many there
// were.
func often(d view.Delivery) string {
	n := len(d.Deployments)
	if d.PerWeek > float64(n) {
		return strconv.Itoa(n) + " in " + counted(int(math.Round(float64(n)*7/d.PerWeek)), "day", "days")
	}
	return strings.TrimSuffix(strconv.FormatFloat(d.PerWeek, 'f', 1, 64), ".0") + " a week"
}

func measured(s view.Seconds) string {
	if s.Of == 0 {
		return "–"
	}
	return lasting(s.Median)
}

func figure(name, value, of string) g.Node {
	return h.Div(h.Class("card"), h.Dt(g.Text(name)), h.Dd(h.Strong(g.Text(value)), h.Span(h.Class("quiet"), g.Text(of))))
}

// deployments is how many there were, day by day or week by week.
func (p page) deployments(d view.Delivery) g.Node {
	buckets := d.Buckets(p.At, mostBuckets)
	columns := make([]stack, len(buckets))
	rows := make([]g.Node, len(buckets))
	for i, b := range buckets {
		columns[i] = stack{label: b.Start.Format("Jan 2"), good: b.Deployments - b.Failed, bad: b.Failed}
		rows[i] = h.Tr(h.Th(h.Scope("row"), g.Text(b.Start.Format(time.DateOnly))), h.Td(g.Text(strconv.Itoa(b.Deployments))), h.Td(g.Text(strconv.Itoa(b.Failed))))
	}
	every := "day"
	if buckets[0].Days > 1 {
		every = "week"
	}
	words := fmt.Sprintf("Deployments to %s each %s: %d, of which %d failed", d.Stage, every, len(d.Deployments), d.Failed)
	return h.Figure(
		h.FigCaption(g.Text("Deployments each "+every), h.Span(h.Class("key good"), g.Text("succeeded")), h.Span(h.Class("key bad"), g.Text("failed"))),
		barred(words, columns, max(view.Most(buckets), 1)),
		figuresTable("Deployments of "+d.Stage+" each "+every, rows, every, "Deployments", "Failed"),
	)
}

// leads is how long each deployment's release took.
func leads(d view.Delivery) g.Node {
	var times []time.Time
	var values []float64
	var rows []g.Node
	for _, one := range d.Deployments {
		if one.Failed {
			continue
		}
		times, values = append(times, one.Ended), append(values, one.Lead)
		rows = append(rows, h.Tr(h.Th(h.Scope("row"), when(one.Ended)), h.Td(g.Text(lasting(one.Lead)))))
	}
	if len(times) == 0 {
		return nil
	}
	words := fmt.Sprintf("Lead time of %s to %s, median %s", counted(len(times), "deployment", "deployments"), d.Stage, measured(d.LeadTime))
	return h.Figure(h.FigCaption(g.Text("Lead time")), dotted(words, times, values, lasting), figuresTable("Lead times of "+d.Stage, rows, "Ended", "Lead time"))
}

// figuresTable is a chart's numbers for whoever wants to read them.
func figuresTable(name string, rows []g.Node, columns ...string) g.Node {
	columns[0] = strings.ToUpper(columns[0][:1]) + columns[0][1:]
	return h.Details(h.Class("figures-table"), h.Summary(g.Text("The numbers")), scrolls(name, h.Table(h.THead(head(columns...)), h.TBody(g.Group(rows)))))
}
