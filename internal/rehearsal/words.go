package rehearsal

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/executor"
	"sluice/internal/view"
	"sluice/rollout"
)

// words are what of a notice stands in the timeline; "" for what does not: what is
// waited for here, how far an operation is, what differs from one rehearsal to the next.
func words(n executor.Notice) string {
	switch n.Kind {
	case executor.NoticeRetry:
		return "the platform did nothing: it is tried again"
	case executor.NoticeNoAnswer:
		return "no clear answer: it is looked up"
	case executor.NoticeEvent, executor.NoticeLook, executor.NoticeFound, executor.NoticeAbsent, executor.NoticeWave, executor.NoticeNote, executor.NoticeState, executor.NoticeWarning:
		line, _ := view.Notice(n)
		return line.Text
	default:
		return ""
	}
}

// result is what came of the rehearsal, without the others beside it.
func (w *world) result() Result {
	w.unanswered()
	r := Result{
		Pipeline: w.Pipeline.Name.Value, Seed: w.Seed, Seconds: w.ended.Seconds(), Timeline: w.lines, Ends: w.ends(),
		People: append([]Asked{}, w.asked...), Billed: []Bill{w.bill()}, Faults: []Led{}, Open: w.open,
	}
	return r
}

// bill is what the runners cost: each invocation by the minute, and where a cron wakes
// it up those of the cron that found nothing to do.
func (w *world) bill() Bill {
	b := Bill{Way: Timer, Minutes: map[Trigger]int{}, Seconds: w.ended.Seconds()}
	for by, n := range w.minutes {
		b.Minutes[by] = n
	}
	if w.ByCron {
		b.Way = Cron
		b.Minutes[Cron] += max(0, int(w.ended/w.Cron)-w.ticks)
	}
	for _, n := range b.Minutes {
		b.Total += n
	}
	return b
}

// ends are how the targets stand that were promoted to.
func (w *world) ends() []End {
	var list []End
	told := map[string]view.Target{}
	for _, t := range w.last.Targets {
		told[t.Target] = t
	}
	for _, declared := range w.targets {
		t, ok := told[declared.Name.Value]
		if !ok {
			continue
		}
		e := End{Stage: t.Stage, Target: t.Target, State: string(t.State), Release: t.Release}
		switch {
		case t.WaitingFor != nil:
			e.Why = t.WaitingFor.Waits()
		case t.Status == rollout.PromotionFailed:
			e.Why, e.Stands = t.ErrorMessage, t.Stands
			if len(t.Ways) > 0 {
				e.Way = t.Ways[0]
			}
		}
		list = append(list, e)
	}
	return list
}

// Text is the rehearsal for people.
func (r Result) Text() string {
	var b strings.Builder
	for _, l := range r.Timeline {
		if l.Trigger != "" {
			fmt.Fprintf(&b, "%10s  %-8s %s\n", clock(l.At), l.Trigger, l.Text)
			continue
		}
		fmt.Fprintf(&b, "%10s      %s\n", clock(l.At), strings.TrimSpace(l.Target+"  "+l.Text))
	}
	b.WriteString("\nAt the end:\n")
	for _, e := range r.Ends {
		fmt.Fprintf(&b, "  %s\n", e.words())
	}
	if len(r.Ends) == 0 {
		b.WriteString("  nothing was promoted\n")
	}
	if r.Open {
		b.WriteString("  the time was over before everything was; --most gives it more\n")
	}
	r.people(&b)
	r.billed(&b)
	r.led(&b)
	return b.String()
}

func (r Result) people(b *strings.Builder) {
	if len(r.People) == 0 {
		return
	}
	b.WriteString("\nPeople:\n")
	for _, a := range r.People {
		switch {
		case a.By != "":
			fmt.Fprintf(b, "  %s of %s by %s, waited for %s\n", a.Kind, a.Where, a.By, clock(a.Waited))
		default:
			fmt.Fprintf(b, "  %s of %s: nobody gives it: it %s\n", a.Kind, a.Where, a.What)
		}
	}
}

func (r Result) billed(b *strings.Builder) {
	b.WriteString("\nRunner minutes:\n")
	for _, bill := range r.Billed {
		how := "with wait timers"
		if bill.Way == Cron {
			how = "with a cron"
		}
		fmt.Fprintf(b, "  %s: %d (", how, bill.Total)
		var parts []string
		for _, by := range []Trigger{Dispatch, Timer, Cron} {
			if n := bill.Minutes[by]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", by, n))
			}
		}
		fmt.Fprintf(b, "%s), over after %s\n", strings.Join(parts, ", "), clock(time.Duration(bill.Seconds*float64(time.Second))))
	}
}

func (r Result) led(b *strings.Builder) {
	if len(r.Faults) == 0 {
		return
	}
	b.WriteString("\nEach failure by itself:\n")
	for _, l := range r.Faults {
		switch {
		case len(l.Ends) == 0 && l.Later == 0:
			fmt.Fprintf(b, "  %s: all ends as without it\n", l.Fault)
		case len(l.Ends) == 0:
			fmt.Fprintf(b, "  %s: all ends as without it, %s\n", l.Fault, shift(l.Later))
		default:
			fmt.Fprintf(b, "  %s: %s\n", l.Fault, shift(l.Later))
		}
		for _, e := range l.Ends {
			fmt.Fprintf(b, "    %s\n", e.words())
		}
	}
}

// shift is how much later, or sooner, everything was over.
func shift(seconds float64) string {
	if seconds < 0 {
		return clock(time.Duration(-seconds*float64(time.Second))) + " sooner"
	}
	return clock(time.Duration(seconds*float64(time.Second))) + " later"
}

func (e End) words() string {
	text := e.Stage + "/" + e.Target + " " + e.State
	if e.Release != "" {
		text += " with " + e.Release
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	if e.Stands != "" {
		text += "; " + e.Stands + " runs there"
	}
	if e.Way != "" {
		text += "; a person decides: `" + e.Way + "`"
	}
	return text
}

// clock is a duration as a clock shows it.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
