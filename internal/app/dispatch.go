package app

import (
	"cmp"
	"maps"
	"os"
	"slices"

	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// ownWorkflows are the repository's own that take commands, as they are checked out.
type ownWorkflows struct {
	inside func() bool         // a run of GitHub Actions; elsewhere nobody needs them
	read   []pipeline.Dispatch // nil before they were
}

// line writes a command as a run of a workflow: one that takes the command and all that belongs to it. "" where none does,
// and outside of Actions, where nobody needs it.
func (w *ownWorkflows) line(c view.Command) string {
	if !w.inside() || c.Block != "" || c.Operation != "" {
		return ""
	}
	if w.read == nil {
		w.read = append([]pipeline.Dispatch{}, pipeline.Dispatches(os.DirFS("."))...)
	}
	for _, d := range w.read {
		if line, ok := dispatched(d, c); ok {
			return line
		}
	}
	return ""
}

// dispatched is a command as a run of a workflow, false where that does not take it.
func dispatched(d pipeline.Dispatch, c view.Command) (string, bool) {
	given := map[string]string{
		"command": c.Name, "to": c.To, "target": c.Target, "release": c.Release, "promotion": c.Promotion, "phase": c.Phase, "job": c.Job,
	}
	words := []string{"gh", "workflow", "run", d.File}
	for _, name := range []string{"command", "to", "target", "release", "promotion", "phase", "job"} {
		value := given[name]
		if value != "" && !d.Takes(name, value) {
			return "", false
		}
		if value != "" {
			words = append(words, "-f", name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Inputs)) {
		input := d.Inputs[name]
		switch {
		case name == "reason" && (c.Reason || input.Required):
			words = append(words, "-f", "reason=…")
		case input.Required && cmp.Or(given[name], input.Default) == "":
			return "", false
		}
	}
	if _, ok := d.Inputs["reason"]; c.Reason && !ok {
		return "", false
	}
	return driver.Shell(words...), true
}
