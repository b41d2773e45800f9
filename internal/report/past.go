package report

import (
	"fmt"
	"strings"
	"time"

	"sluice/internal/outside"
	"sluice/internal/view"
	"sluice/rollout"
)

// cell is how much of a text a table of rollouts has room for.
const cell = 30

// History is the rollouts of targets for a terminal.
func History(rollouts []view.PastRollout) string {
	if len(rollouts) == 0 {
		return "no history yet"
	}
	g := grid{head: []string{"CREATED", "TARGET", "ROLLOUT", "COMMAND", "RELEASE", "STATE", "BY", "WHY", "ON THE PLATFORM"}, spare: []string{"ON THE PLATFORM", "COMMAND", "WHY"}}
	for _, r := range rollouts {
		state := string(r.State)
		if len(r.RolledBackBy) > 0 && r.State == rollout.StateSucceeded {
			state = "rolled back"
		}
		g.rows = append(g.rows, []string{
			r.Created.UTC().Format("2006-01-02 15:04Z"), r.Target, r.Rollout, r.Command, outside.Short(nameOr(r.ReleaseName, r.Release), cell), state, r.By, outside.Short(r.Reason, cell), platformName(r),
		})
	}
	return fitted(g)
}

// platformName is what the platform calls a rollout, else what it deployed.
func platformName(r view.PastRollout) string {
	name := r.PlatformRollout
	if name == "" {
		name = r.PlatformRelease
	}
	return name[strings.LastIndex(name, "/")+1:]
}

// Detail is all that is known of a rollout for a terminal.
func Detail(d view.Detail) string {
	var b strings.Builder
	for _, field := range [][2]string{
		{"rollout", d.Rollout}, {"on the platform", d.PlatformRollout}, {"target", d.Stage + "/" + d.Target + " (" + d.Platform + ")"},
		{"state", string(d.State)}, {"failure", d.FailureReason}, {"release", nameOr(d.ReleaseName, d.Release)}, {"platform release", d.PlatformRelease},
		{"ran before", d.Previous}, {"command", d.Command}, {"promotion", d.Promotion}, {"by", d.By}, {"why", d.Reason}, {"commit", d.Commit},
		{"passed", strings.Join(d.Overrides, ", ")}, {"rollback of", d.RollbackOf}, {"rolled back by", strings.Join(d.RolledBackBy, ", ")},
		{"created", at(d.Created)}, {"ended", at(d.Ended)}, {"metadata", string(d.Metadata)},
	} {
		if field[1] != "" {
			fmt.Fprintf(&b, "%-16s %s\n", field[0], below(outside.Line(field[1]), 17))
		}
	}
	for _, link := range d.Links {
		fmt.Fprintf(&b, "%-16s %s\n", "link", outside.Line(link))
	}
	b.WriteString(steps(d.Steps))
	if len(d.Events) > 0 {
		b.WriteString("\n" + Events(d.Events))
	}
	return b.String()
}

// steps is the table of a rollout's effects; "" for none.
func steps(list []view.PastStep) string {
	if len(list) == 0 {
		return ""
	}
	g := grid{head: []string{"TIME", "PHASE", "JOB", "EFFECT", "STATE", "TOOK", "OPERATION"}, spare: []string{"JOB", "OPERATION"}}
	for _, s := range list {
		took := ""
		if s.Seconds > 0 {
			took = time.Duration(s.Seconds * float64(time.Second)).Round(time.Millisecond).String()
		}
		g.rows = append(g.rows, []string{at(s.Time), s.Phase, s.Job, string(s.Effect), string(s.State), took, s.Operation[strings.LastIndex(s.Operation, "/")+1:]})
	}
	text := "\n" + fitted(g)
	for _, s := range list {
		if s.Message != "" {
			text += wrap(strings.Trim(s.Phase+" "+s.Job, " ") + ": " + s.Message)
		}
	}
	return text
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// Events is what happened for a terminal, oldest first: a line each, however long,
// as whoever searches wants it.
func Events(events []view.PastEvent) string {
	if len(events) == 0 {
		return "no events: nothing happened yet, or nothing that the flags ask for"
	}
	g := grid{head: []string{"TIME", "TARGET", "EVENT", "WHERE", "WHO", "WHAT"}}
	for _, e := range events {
		g.rows = append(g.rows, []string{at(e.Time), e.Target, e.Type, strings.Trim(e.Phase+" "+e.Job, " "), e.Actor, e.Words()})
	}
	return Table(g.head, g.rows)
}
