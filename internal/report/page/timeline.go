package page

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"sluice/internal/view"
	"sluice/rollout"
)

const (
	mostPromotions = 20 // of the timeline, the newest
	mostMembers    = 6  // of one promotion that are drawn where they failed or are under way
	mostPassed     = 2  // and where they went well
)

// timeline is the newest promotions with the course of their rollouts.
func (p page) timeline() g.Node {
	all := promotions(p.Rollouts)
	shown := all[:min(len(all), mostPromotions)]
	if len(all) == 0 {
		return section("timeline", "Rollouts", h.P(h.Class("quiet"), g.Text("There was none yet.")))
	}
	return section("timeline", "Rollouts",
		g.Map(shown, p.promotion),
		g.If(len(all) > len(shown), h.P(h.Class("quiet"), g.Text("and "+counted(len(all)-len(shown), "promotion", "promotions")+" before: see the history"))))
}

// promotions are rollouts by promotion, the newest first.
func promotions(rollouts []view.ReportedRollout) [][]view.ReportedRollout {
	at := map[string]int{}
	var list [][]view.ReportedRollout
	for _, r := range slices.Backward(rollouts) {
		key := r.Stage + "\n" + r.Promotion
		i, ok := at[key]
		if !ok {
			i = len(list)
			at[key], list = i, append(list, nil)
		}
		list[i] = append(list[i], r)
	}
	return list
}

func (p page) promotion(members []view.ReportedRollout) g.Node {
	first := members[len(members)-1]
	sort.SliceStable(members, func(i, j int) bool { return interest(members[i]) > interest(members[j]) })
	drawn := worthDrawing(members)
	return h.Article(h.Class("card promotion"),
		h.H3(text(first.Command), g.Text(" "), named(first.Release, first.ReleaseName), g.Text(" on "), text(first.Stage)),
		h.P(h.Class("badges"), g.Group(endings(members))),
		h.P(h.Class("quiet"), text(first.By), g.Text(", "), when(first.Created), text(took(members)+because(first)), g.Text(" "), source(first)),
		g.Map(drawn, p.course),
		g.If(len(members) > len(drawn), h.P(h.Class("quiet"), g.Text("and "+counted(len(members)-len(drawn), "target", "targets")+" more: see the history"))),
	)
}

// worthDrawing are the rollouts of a promotion that are drawn: those that went well
// went much the same way.
func worthDrawing(members []view.ReportedRollout) []view.ReportedRollout {
	n := 0
	for n < len(members) && n < mostMembers && (n < mostPassed || interest(members[n]) > 1) {
		n++
	}
	return members[:n]
}

// interest is how much a rollout is worth looking at.
func interest(r view.ReportedRollout) int {
	c, _ := ended(r)
	switch {
	case c == bad:
		return 3
	case c == working || c == waits:
		return 2
	case len(r.Traffic) > 1:
		return 1
	default:
		return 0
	}
}

// endings are how many of some rollouts ended how.
func endings(members []view.ReportedRollout) []g.Node {
	count, tones, order := map[string]int{}, map[string]tone{}, []string{}
	for _, r := range members {
		c, word := ended(r)
		if count[word] == 0 {
			order, tones[word] = append(order, word), c
		}
		count[word]++
	}
	nodes := make([]g.Node, len(order))
	for i, word := range order {
		label := word
		if len(members) > 1 {
			label = strconv.Itoa(count[word]) + " " + word
		}
		nodes[i] = badge(tones[word], label)
	}
	return nodes
}

// took is how long a promotion took; "" while it is under way.
func took(members []view.ReportedRollout) string {
	begin, end := members[0].Created, time.Time{}
	for _, r := range members {
		if r.Ended.IsZero() {
			return ", under way"
		}
		if r.Created.Before(begin) {
			begin = r.Created
		}
		if r.Ended.After(end) {
			end = r.Ended
		}
	}
	return ", took " + lasting(end.Sub(begin).Seconds())
}

func because(r view.ReportedRollout) string {
	if r.Reason == "" {
		return ""
	}
	return ": " + r.Reason
}

// shortCommit is how many characters of a commit people read.
const shortCommit = 8

// source leads to the run that made a rollout, and to the commit of its pipeline
// file, where they are on the web.
func source(r view.ReportedRollout) g.Node {
	var nodes []g.Node
	if r.RunURL != "" {
		nodes = append(nodes, link(r.RunURL, "run"))
	}
	if r.Commit != "" {
		repository, _, _ := strings.Cut(r.RunURL, "/actions/runs/")
		address := ""
		if repository != r.RunURL {
			address = repository + "/commit/" + r.Commit
		}
		nodes = append(nodes, g.Text(" "), link(address, "commit "+r.Commit[:min(len(r.Commit), shortCommit)]))
	}
	return g.Group(nodes)
}

// course is how one rollout went: its phases, who agreed, and the traffic it had.
func (p page) course(r view.ReportedRollout) g.Node {
	c, word := ended(r)
	return h.Div(h.Class("course"),
		h.H4(text(r.Target), g.Text(" "), badge(c, word)),
		g.If(r.FailureReason != "", h.P(text(r.FailureReason))),
		p.strip(r),
		h.Ol(h.Class("phases"), g.Map(r.Phases, phaseItem)),
		g.If(len(r.Votes) > 0, h.Ul(h.Class("votes"), g.Map(r.Votes, voteItem))),
		p.sharesOf(r),
		g.If(len(r.Measures) > 0, h.Ul(h.Class("measures"), g.Map(r.Measures, func(m view.Measure) g.Node { return h.Li(text(m.Phase + ": " + m.Words())) }))),
	)
}

// strip draws the phases to scale: each effect, and paler how long it was left to
// stand.
func (p page) strip(r view.ReportedRollout) g.Node {
	end := r.Ended
	if end.IsZero() {
		end = p.At
	}
	whole := end.Sub(r.Created).Seconds()
	if whole <= 0 {
		return nil
	}
	const width = 1000
	at := func(t time.Time) float64 { return min(max(t.Sub(r.Created).Seconds()/whole, 0), 1) * width }
	var bars []g.Node
	bar := func(phase view.ReportedPhase, until time.Time, class string) g.Node {
		from := at(phase.Started)
		return g.El("rect", fraction("x", from), g.Attr("y", "0"), fraction("width", max(at(until)-from, 4)), g.Attr("height", "10"), h.Class(class+" "+string(phaseTone(phase.State))))
	}
	for i, phase := range r.Phases {
		if phase.Started.IsZero() {
			continue
		}
		until := phase.Ended
		if until.IsZero() {
			until = end
		}
		if i+1 < len(r.Phases) && r.Phases[i+1].Started.After(until) {
			bars = append(bars, bar(phase, r.Phases[i+1].Started, "phase bakes"))
		}
		bars = append(bars, bar(phase, until, "phase"))
	}
	return g.El("svg", h.Class("strip"), g.Attr("viewBox", "0 0 1000 10"), g.Attr("preserveAspectRatio", "none"), h.Aria("hidden", "true"), g.Group(bars))
}

func phaseItem(phase view.ReportedPhase) g.Node {
	times := ""
	if !phase.Started.IsZero() {
		times = phase.Started.UTC().Format("15:04:05") + "–"
		if !phase.Ended.IsZero() {
			times += phase.Ended.UTC().Format("15:04:05")
		}
	}
	return h.Li(h.Span(h.Class("key "+string(phaseTone(phase.State))), text(phase.ID)), g.Text(" "),
		h.Span(h.Class("quiet"), text(strings.ToLower(string(phase.State))+" "+times)))
}

func voteItem(v view.ReportedVote) g.Node {
	word := "rejected"
	if v.Approved {
		word = "approved"
	}
	if v.Emergency {
		word += " in an emergency"
	}
	if v.Comment != "" {
		word += ": " + v.Comment
	}
	return h.Li(text(v.Login+" "+word), g.Text(" "), h.Span(h.Class("quiet"), when(v.At)))
}

// sharesOf draws the traffic of a rollout that moved it in steps; nothing else is
// worth a chart.
func (p page) sharesOf(r view.ReportedRollout) g.Node {
	if len(r.Traffic) < 2 || r.Command == rollout.CommandRollback {
		return nil
	}
	times, percents, words := []time.Time{r.Created}, []float64{0}, []string{}
	for _, t := range r.Traffic {
		times, percents = append(times, t.At, t.At), append(percents, percents[len(percents)-1], t.Percent)
		words = append(words, fmt.Sprintf("%g %% at %s", t.Percent, t.At.UTC().Format("15:04")))
	}
	end := r.Ended
	if end.IsZero() {
		end = p.At
	}
	if last := times[len(times)-1]; end.After(last) {
		times, percents = append(times, end), append(percents, percents[len(percents)-1])
	}
	return h.Figure(h.FigCaption(g.Text("Traffic to the release")), shares("Traffic to the release on "+r.Target+": "+strings.Join(words, ", "), times, percents))
}
