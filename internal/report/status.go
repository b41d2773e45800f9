package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/outside"
	"sluice/internal/view"
	"sluice/rollout"
)

// Width is how many columns a terminal has at least: what is longer is shortened,
// or goes on in the next line.
const Width = 100

// foldFrom is from how many targets on a stage is told by its states.
const foldFrom = 25

// Status is what stands on targets for a terminal: one line a target, then what
// the table has no room for. A stage of many targets has a line for each state
// that some of them are in, unless all are wanted. now is when it is read.
func Status(targets []view.TargetStatus, all bool, now time.Time) string {
	single, fleets := apart(targets, all)
	var b strings.Builder
	b.WriteString(fitted(standing(single, now)))
	if len(fleets) > 0 {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(fitted(folded(fleets)))
	}
	var unasked []view.About
	for _, t := range told(single, fleets) {
		if t.Problem != "" {
			unasked = append(unasked, view.About{Target: t.Target.Target, Text: t.Unasked()})
		}
		for _, note := range t.Notes() {
			b.WriteString(wrap(outside.Line(t.Target.Target + " " + note)))
		}
	}
	for _, one := range view.Together(unasked) {
		join := " "
		if one.Same {
			join = ": "
		}
		b.WriteString(wrap(outside.Line(one.Target + join + one.Text)))
	}
	return b.String()
}

// apart separates the targets of stages that have many.
func apart(targets []view.TargetStatus, all bool) (single, fleets []view.TargetStatus) {
	count := map[string]int{}
	for _, t := range targets {
		count[t.Stage]++
	}
	for _, t := range targets {
		if all || count[t.Stage] < foldFrom {
			single = append(single, t)
		} else {
			fleets = append(fleets, t)
		}
	}
	return single, fleets
}

// told are the targets that have lines of their own below the table: of a fleet
// those that somebody has to look at.
func told(single, fleets []view.TargetStatus) []view.TargetStatus {
	const most = 10
	list := slices.Clone(single)
	for _, t := range fleets {
		if len(list)-len(single) < most && (t.ErrorMessage != "" || t.Problem != "" || t.Drift) {
			list = append(list, t)
		}
	}
	return list
}

// standing is the table of targets.
func standing(targets []view.TargetStatus, now time.Time) grid {
	g := grid{head: []string{"STAGE", "TARGET", "PLATFORM", "RUNS", "SINCE", "ROLLOUT", "STATE", "PHASE", "BLOCKED BY"}, spare: []string{"PLATFORM", "ROLLOUT", "STAGE"}}
	for _, t := range targets {
		g.rows = append(g.rows, []string{
			t.Stage, t.Target.Target, t.Platform, runs(t), sinceText(t.Since, now), t.Rollout, stateWord(t), t.Phase, blockedBy(t.BlockedBy),
		})
	}
	return g
}

// folded is the table of states: how many targets of a stage are in each.
func folded(targets []view.TargetStatus) grid {
	g := grid{head: []string{"STAGE", "TARGETS", "RUNS", "STATE", "PHASE", "WAITS FOR", "BLOCKED BY", "SUCH AS"}, spare: []string{"SUCH AS"}}
	type group struct {
		row   []string
		names []string
	}
	var groups []*group
	byKey := map[string]*group{}
	for _, t := range targets {
		waits := ""
		if t.WaitingFor != nil {
			waits = string(t.WaitingFor.Kind)
		}
		row := []string{t.Stage, "", runs(t), stateWord(t), t.Phase, waits, kinds(t.BlockedBy), ""}
		key := strings.Join(row, "\x00")
		if byKey[key] == nil {
			byKey[key] = &group{row: row}
			groups = append(groups, byKey[key])
		}
		byKey[key].names = append(byKey[key].names, t.Target.Target)
	}
	for _, one := range groups {
		one.row[1], one.row[7] = strconv.Itoa(len(one.names)), one.names[0]
		g.rows = append(g.rows, one.row)
	}
	return g
}

// stateWord is the state of a target's rollout, unless a person left it out: then
// it is over for its promotion, whatever it came to.
func stateWord(t view.TargetStatus) string {
	if t.Skipped {
		return string(rollout.PhaseSkipped)
	}
	return string(t.State)
}

// runs is what stands on a target, with its shares where there are several.
func runs(t view.TargetStatus) string {
	if len(t.Shares) > 1 {
		parts := make([]string, len(t.Shares))
		for i, s := range t.Shares {
			parts[i] = fmt.Sprintf("%s %s %%", nameOr(s.Name, s.Release), s.Percent)
		}
		return strings.Join(parts, ", ")
	}
	text := nameOr(t.RunsName, t.Runs)
	if t.Drift {
		text += " (drift)"
	}
	return text
}

// nameOr is what people call a release, with as much of its id as says which it is.
// A name of several words is a description, for which a table has no room.
func nameOr(name, id string) string {
	if name == "" || name == id || strings.Contains(name, " ") {
		return id
	}
	return name + " (" + short(id) + ")"
}

// sinceText is a time of the day where it is today's, else the date.
func sinceText(at, now time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly):
		return at.UTC().Format("15:04:05Z")
	default:
		return at.UTC().Format(time.DateOnly)
	}
}

// blockedBy names the blocks that stop a target. What going back keeps from
// automation besides stands with its block.
func blockedBy(blocks []view.Block) string {
	var names []string
	for i, b := range blocks {
		if i == 0 || b.ID != blocks[i-1].ID+"-automation" {
			names = append(names, b.ID)
		}
	}
	return strings.Join(names, ", ")
}

// kinds says what kinds of blocks stop a target.
func kinds(blocks []view.Block) string {
	var names []string
	for _, b := range blocks {
		if name := string(b.Kind); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
