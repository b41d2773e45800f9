package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/canary"
	"sluice/stages/driver"
)

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Before standing      `json:"before"`
	After  standing      `json:"after"` // without the program's own state, which nobody can predict
	Effect effect        `json:"effect"`
	Settle time.Duration `json:"settle"`
}

// Prepare asks what the program can do, what runs there and what speaks against the
// effect, and works out what the effect makes of it.
func (d *programs) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, &invalidError{fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
	}
	change, name := c.Changes[0], c.Changes[0].Target.Name
	at, err := placeOf(change.Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	can, err := d.ask(ctx, at, request{Operation: describe})
	if err != nil {
		return driver.Prepared{}, err
	}
	stands, err := d.see(ctx, at)
	if err != nil {
		return driver.Prepared{}, err
	}
	out := driver.Prepared{Call: c, Runs: map[string]driver.Release{name: stands.Stable}}
	if out.Before, err = byTarget(name, stands.standing); err != nil {
		return out, err
	}
	if stands.Stable.ID == "" {
		out.First, out.Runs = []string{name}, nil
	}
	after, stop, err := decide(c.Kind, change, can, at, stands.standing)
	switch {
	case err != nil:
		return out, err
	case stop != nil:
		out.Findings = []driver.Finding{*stop}
		return out, nil
	case divided(after.split(), stands.split()) && stands.pending.ID == "":
		out.Unchanged, out.After, out.Call.Changes = []string{name}, out.Before, nil
		return out, nil
	}
	f := frozen{Before: stands.standing, After: after}
	if f.Settle, err = can.settles(); err != nil {
		return out, err
	}
	if f.Effect, err = wanted(c, change, f); err != nil {
		return out, err
	}
	if change.Release.ID == "" { // the canary that stands
		change.Release = after.Stable
	}
	out.Call.Changes = []driver.Change{change}
	return d.freeze(ctx, out, at, f, can.Checks)
}

// freeze completes the call with what the program will be asked.
func (d *programs) freeze(ctx context.Context, out driver.Prepared, at place, f frozen, checks bool) (driver.Prepared, error) {
	var err error
	if checks {
		a, err := d.ask(ctx, at, request{Operation: check, Effect: &f.Effect})
		if err != nil {
			return out, err
		}
		for _, found := range a.Findings {
			out.Findings = append(out.Findings, driver.Finding{Target: at.of.Name, Severity: found.Severity, Message: found.Message, Remedy: found.Remedy})
		}
		out.Commands = a.Commands
	}
	if out.After, err = byTarget(at.of.Name, f.After); err != nil {
		return out, err
	}
	if out.Call.Data, err = json.Marshal(f); err != nil {
		return out, err
	}
	text, err := json.Marshal(request{Protocol: protocol, Operation: begin, Target: at.wire(), Effect: &f.Effect})
	out.Requests = []string{at.name() + " < " + string(text)}
	if len(out.Commands) == 0 {
		out.Commands = []string{driver.Shell("printf", "%s", string(text)) + " | " + driver.Shell(at.Command...)}
	}
	return out, err
}

// wanted is the effect as the program is told of it.
func wanted(c driver.Call, change driver.Change, f frozen) (effect, error) {
	e := effect{Key: c.Key, Kind: c.Kind, Before: f.Before.State, Description: change.Options.Description}
	switch c.Kind {
	case driver.Weight:
		e.Release, e.Percent = wireOf(f.After.Canary), f.After.Percent.String()
	case driver.Rollback:
		before, err := decode("the baseline", change.Baseline)
		if err != nil {
			return e, err
		}
		e.Release, e.Baseline = wireOf(f.After.Stable), before.State
	default:
		e.Release = wireOf(f.After.Stable)
	}
	if change.Source != nil {
		from, err := placeOf(*change.Source)
		if err != nil {
			return e, err
		}
		e.Source = from.wire()
	}
	return e, nil
}

// decide works out what a kind makes of what stands, or why it must not be begun.
func decide(kind driver.Kind, change driver.Change, can answer, at place, stands standing) (standing, *driver.Finding, error) {
	refuse := func(severity driver.Severity, message, remedy string) (standing, *driver.Finding, error) {
		return stands, &driver.Finding{Target: at.of.Name, Severity: severity, Message: message, Remedy: remedy}, nil
	}
	if !slices.Contains(can.Kinds, kind) {
		return refuse(driver.Refuse, fmt.Sprintf("%s cannot %s: it says that it can %s", at.name(), kind, words(can.Kinds)), "take the canary out of the target's strategy, or have the program split traffic")
	}
	w := canary.Want{Release: change.Release.ID, Ours: len(change.Expected) > 0 || change.Options.Resolved}
	move, err := moves(kind, change, &w)
	if err != nil {
		return stands, nil, err
	}
	if _, whole := strconv.Atoi(w.Percent.String()); kind == driver.Weight && can.WholePercents && whole != nil {
		return refuse(driver.Refuse, fmt.Sprintf("%s splits traffic by whole percents, not %s", at.name(), w.Percent), "name whole percents in the target's strategy")
	}
	after, refused := move(stands.split(), w)
	switch {
	case refused != nil && refused.Foreign:
		return refuse(driver.Foreign, refused.Message, decides)
	case refused != nil:
		return refuse(driver.Refuse, refused.Message, refused.Remedy)
	}
	if foreign, err := changed(change, stands); err != nil || foreign != "" {
		stop, finding, _ := refuse(driver.Foreign, foreign, decides)
		return stop, finding, err
	}
	known := stands
	if w.Before != nil {
		if known, err = decode("the baseline", change.Baseline); err != nil {
			return stands, nil, err
		}
	}
	return standing{
		Stable: known.called(after.Stable, change.Release), Canary: known.called(after.Canary, change.Release), Percent: after.Percent,
	}, nil, nil
}

// decides is the way on where somebody else was there.
const decides = "find out who; then retry-job goes on from what stands, ignore-job accepts it, rollback goes back"

// moves is how a kind moves traffic, with what it wants.
func moves(kind driver.Kind, change driver.Change, w *canary.Want) (func(canary.Split, canary.Want) (canary.Split, *canary.Refusal), error) {
	switch kind {
	case driver.Deploy:
		return canary.Deploy, nil
	case driver.Weight:
		percent, err := canary.ParsePercent(change.Percent)
		w.Percent = percent
		if err != nil {
			return nil, &invalidError{err.Error()}
		}
		return canary.Give, nil
	case driver.Stable:
		return canary.Promote, nil
	case driver.Disable:
		return canary.Remove, nil
	case driver.Rollback:
		if len(change.Baseline) == 0 {
			return canary.Restore, nil
		}
		before, err := decode("the baseline", change.Baseline)
		split := before.split()
		w.Before = &split
		return canary.Restore, err
	default:
		return nil, &unsupportedError{text: fmt.Sprintf("a program cannot %s", kind), remedy: "it has no rollouts of its own: sluice's are approved and advanced"}
	}
}

// changed says that somebody else was there since the rollout's last effect, "" where
// nobody was.
func changed(change driver.Change, stands standing) (string, error) {
	if len(change.Expected) == 0 || change.Options.Resolved {
		return "", nil
	}
	expected, err := decode("what the rollout left", change.Expected)
	if err != nil || expected.same(stands) {
		return "", err
	}
	return fmt.Sprintf("somebody else changed the target since this rollout did: it has %s now, and was left with %s", stands, expected), nil
}

// String is the traffic in words.
func (s standing) String() string {
	var parts []string
	for _, h := range s.split().Shares() {
		parts = append(parts, fmt.Sprintf("%s %% on %s", h.Percent, h.Release))
	}
	return strings.Join(append(parts, "state "+string(s.State)), ", ")
}

func words(kinds []driver.Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

func byTarget(name string, s standing) (map[string]json.RawMessage, error) {
	data, err := json.Marshal(s)
	return map[string]json.RawMessage{name: data}, err
}

func decode(what string, data json.RawMessage) (standing, error) {
	var s standing
	if err := json.Unmarshal(data, &s); err != nil {
		return s, &invalidError{fmt.Sprintf("%s cannot be read: %v", what, err)}
	}
	return s, nil
}

// equal reports whether two documents are the same but for white space.
func equal(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return len(a) == 0 && len(b) == 0
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
