package page

import (
	"bytes"
	"strconv"
	"time"

	"github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// The size of a chart in its own units. It is drawn as wide as there is room.
const (
	chartWidth  = 420
	chartHeight = 150
)

// chartText is the height of a chart's letters.
const chartText = 9

// class is a style that the sheet fills: a colour of its own only says that there is
// a line, an area or letters.
func class(name string) chart.Style {
	return chart.Style{ClassName: name, FontSize: chartText, FontColor: drawing.ColorBlack, StrokeColor: drawing.ColorBlack, StrokeWidth: 1}
}

// drawn is a chart with its words for those who do not see it. A chart that cannot
// be drawn is its words alone.
func drawn(words string, render func(chart.RendererProvider, *bytes.Buffer) error) g.Node {
	var b bytes.Buffer
	if err := render(chart.SVG, &b); err != nil {
		return h.P(text(words))
	}
	return h.Div(h.Class("chart"), h.Role("img"), h.Aria("label", words), g.Raw(b.String()))
}

// shares draws which share a rollout's release had over time.
func shares(words string, times []time.Time, percents []float64) g.Node {
	c := chart.Chart{
		Width: chartWidth, Height: chartHeight, Background: background(), Canvas: class("c-canvas"),
		XAxis: chart.XAxis{Style: class("c-axis"), TickStyle: class("c-axis"), GridMajorStyle: chart.Hidden(), GridMinorStyle: chart.Hidden(), Ticks: timeTicks(times[0], times[len(times)-1])},
		YAxis: chart.YAxis{
			AxisType: chart.YAxisSecondary, Style: class("c-axis"), TickStyle: class("c-axis"), GridMajorStyle: chart.Hidden(), GridMinorStyle: chart.Hidden(), Zero: chart.GridLine{Style: chart.Hidden()}, Range: &chart.ContinuousRange{Min: 0, Max: 100},
			Ticks: []chart.Tick{{Value: 0, Label: "0 %"}, {Value: 50, Label: "50 %"}, {Value: 100, Label: "100 %"}},
		},
		YAxisSecondary: chart.YAxis{Style: chart.Hidden()},
		Series:         []chart.Series{chart.TimeSeries{Style: class("c-line"), XValues: times, YValues: percents, YAxis: chart.YAxisPrimary}},
	}
	return drawn(words, func(p chart.RendererProvider, b *bytes.Buffer) error { return c.Render(p, b) })
}

func background() chart.Style {
	s := class("c-canvas")
	s.Padding = chart.Box{Top: 8, Left: 4, Right: 12, Bottom: 4}
	return s
}

// timeTicks are the begin, the middle and the end of a span.
func timeTicks(from, to time.Time) []chart.Tick {
	layout := "15:04"
	if to.Sub(from) > 24*time.Hour {
		layout = "Jan 2"
	}
	ticks := make([]chart.Tick, 0, 3)
	for _, at := range []time.Time{from, from.Add(to.Sub(from) / 2), to} {
		ticks = append(ticks, chart.Tick{Value: chart.TimeToFloat64(at), Label: at.UTC().Format(layout)})
	}
	return ticks
}

// dotted draws values over time, a dot each.
func dotted(words string, times []time.Time, values []float64, unit func(float64) string) g.Node {
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	if len(times) == 1 { // one dot needs a span to stand in
		times, values = append(times, times[0].Add(time.Minute)), append(values, values[0])
	}
	style := class("c-dots")
	style.DotWidth, style.DotColor = 3, drawing.ColorBlack
	c := chart.Chart{
		Width: chartWidth, Height: chartHeight, Background: background(), Canvas: class("c-canvas"),
		XAxis: chart.XAxis{Style: class("c-axis"), TickStyle: class("c-axis"), GridMajorStyle: chart.Hidden(), GridMinorStyle: chart.Hidden(), Ticks: timeTicks(times[0], times[len(times)-1])},
		YAxis: chart.YAxis{
			AxisType: chart.YAxisSecondary, Style: class("c-axis"), TickStyle: class("c-axis"), GridMajorStyle: chart.Hidden(), GridMinorStyle: chart.Hidden(), Zero: chart.GridLine{Style: chart.Hidden()}, Range: &chart.ContinuousRange{Min: 0, Max: max(top, 1)},
			Ticks: []chart.Tick{{Value: 0, Label: "0"}, {Value: max(top, 1), Label: unit(max(top, 1))}},
		},
		YAxisSecondary: chart.YAxis{Style: chart.Hidden()},
		Series:         []chart.Series{chart.TimeSeries{Style: style, XValues: times, YValues: values}},
	}
	return drawn(words, func(p chart.RendererProvider, b *bytes.Buffer) error { return c.Render(p, b) })
}

// stack is a column of a bar chart, bad above good.
type stack struct {
	label     string
	good, bad int
}

// barred draws counts, a column each.
func barred(words string, columns []stack, most int) g.Node {
	const room = chartWidth - 60
	width := max(room/len(columns)-4, 4)
	c := chart.StackedBarChart{
		Width: chartWidth, Height: chartHeight, Background: background(), Canvas: class("c-canvas"), BarSpacing: 4,
		XAxis: class("c-axis"), YAxis: chart.Hidden(),
	}
	for i, one := range columns {
		label := " "
		if i%(len(columns)/6+1) == 0 {
			label = one.label
		}
		c.Bars = append(c.Bars, chart.StackedBar{Name: label, Width: min(width, 40), Values: []chart.Value{
			{Value: float64(most - one.good - one.bad), Style: class("c-none")},
			{Value: float64(one.bad), Style: class("c-bad"), Label: count(one.bad)},
			{Value: float64(one.good), Style: class("c-good"), Label: count(one.good)},
		}})
	}
	return drawn(words, func(p chart.RendererProvider, b *bytes.Buffer) error { return c.Render(p, b) })
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
