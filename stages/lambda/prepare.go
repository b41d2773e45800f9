package lambda

import (
	"context"
	"encoding/json"
	"fmt"

	"sluice/canary"
	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// read is what Prepare reads of a target.
type read struct {
	alias
	at   place
	runs version
	warm warming
}

// Prepare reads the alias, what runs there and whether it is kept warm, and works
// out the alias that the effect makes.
func (d *functions) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	change := c.Changes[0]
	r, err := d.read(ctx, change.Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	out := driver.Prepared{Call: c, Runs: map[string]driver.Release{change.Target.Name: r.runs.release(r.at.Function)}}
	if out.Before, err = byTarget(change, r.stands); err != nil {
		return out, err
	}
	if f := r.stop(c.Kind, change); f != nil {
		out.Findings = []driver.Finding{*f}
		return out, nil
	}
	after, stop, err := decide(c.Kind, change, r.stands)
	switch {
	case err != nil:
		return out, err
	case stop != nil:
		out.Findings = []driver.Finding{*stop}
		return out, nil
	case after == r.stands:
		out.Unchanged, out.After, out.Call.Changes = []string{change.Target.Name}, out.Before, nil
		return out, nil
	}
	return out, d.freeze(ctx, &out, r, after)
}

func (d *functions) read(ctx context.Context, t driver.Target) (read, error) {
	at, err := d.place(t)
	if err != nil {
		return read{}, err
	}
	r := read{at: at}
	if r.alias, err = d.alias(ctx, at); err != nil {
		return r, err
	}
	if r.warm, err = d.warming(ctx, at); err != nil {
		return r, err
	}
	r.runs, err = d.version(ctx, at, r.Version)
	return r, err
}

// stop is why no effect may be sent, whatever stands; nil for none.
func (r read) stop(kind driver.Kind, change driver.Change) *driver.Finding {
	named, ok := parse(change.Release.ID)
	switch {
	case r.Version == latestVersion:
		return refusal(change, onLatest(r.at.Function).Error()+", and a rollback could not bring it back",
			"publish a version (`aws lambda publish-version --function-name "+r.at.Function+"`), and have the alias run that")
	case change.Release.ID != "" && (!ok || named.function != r.at.Function):
		return refusal(change, fmt.Sprintf("release %s is no version of the target's function %s", change.Release.ID, r.at.Function), "name one of its versions (--release)")
	case kind == driver.Weight && r.warm.on:
		return refusal(change, "the alias has provisioned concurrency, with which Lambda takes no weights",
			"take the canary out of the target's strategy, or the provisioned concurrency off the alias")
	default:
		return nil
	}
}

// decide works out what a kind makes of what stands. Where nothing is left to do,
// that is said even of an alias that somebody else brought there.
func decide(kind driver.Kind, change driver.Change, s stands) (stands, *driver.Finding, error) {
	w := canary.Want{Ours: len(change.Expected) > 0 || change.Options.Resolved}
	if named, ok := parse(change.Release.ID); ok {
		w.Release = named.number
	}
	var err error
	move := canary.Deploy
	switch kind {
	case driver.Deploy:
	case driver.Weight:
		move = canary.Give
		if w.Percent, err = canary.ParsePercent(change.Percent); err != nil {
			return s, refusal(change, err.Error(), ""), nil
		}
	case driver.Stable:
		move = canary.Promote
	case driver.Disable:
		move = canary.Remove
	case driver.Rollback:
		move = canary.Restore
		w.Before, err = baseline(change)
	default:
		err = &amazon.UnsupportedError{Text: fmt.Sprintf("Lambda cannot %s", kind)}
	}
	if err != nil {
		return s, nil, err
	}
	after, refused := move(s.split(), w)
	if refused != nil && refused.Foreign {
		return s, foreign(change, refused.Message), nil
	}
	if refused != nil {
		return s, refusal(change, refused.Message, refused.Remedy), nil
	}
	if standsOf(after) == s {
		return s, nil, nil
	}
	meanwhile, err := changedMeanwhile(change, s)
	return standsOf(after), meanwhile, err
}

// baseline is what stood before the rollout, nil where it was not recorded.
func baseline(change driver.Change) (*canary.Split, error) {
	if len(change.Baseline) == 0 {
		return nil, nil
	}
	before, err := decode("the baseline", change.Baseline)
	split := before.split()
	return &split, err
}

// changedMeanwhile compares the alias with what the rollout's last effect left.
func changedMeanwhile(change driver.Change, s stands) (*driver.Finding, error) {
	if len(change.Expected) == 0 || change.Options.Resolved {
		return nil, nil
	}
	expected, err := decode("what the rollout left", change.Expected)
	if err != nil || expected == s {
		return nil, err
	}
	return foreign(change, fmt.Sprintf("somebody else changed the alias since this rollout did: it runs %s, and was left with %s", s, expected)), nil
}

// freeze completes the call with what it will send and make.
func (d *functions) freeze(ctx context.Context, out *driver.Prepared, r read, after stands) error {
	change := out.Call.Changes[0]
	f := frozen{
		Before: r.stands, After: after, Revision: r.revision, Warms: r.warm.on,
		Versions: after.Version != r.Version || out.Call.Kind == driver.Rollback,
		Weights:  after.Canary != "" || r.Canary != "",
	}
	moved, err := d.version(ctx, r.at, after.moved())
	if err != nil {
		return err
	}
	if stop := alike(change, r.runs, moved); stop != nil && after.Canary != "" {
		out.Findings = []driver.Finding{*stop}
		return nil
	}
	if release := moved.release(r.at.Function); release.ID != change.Release.ID {
		change.Release = release
	}
	out.Call.Changes = []driver.Change{change}
	if out.Call.Data, err = json.Marshal(f); err != nil {
		return err
	}
	if out.After, err = byTarget(change, after); err != nil {
		return err
	}
	if r.warm.on {
		out.Findings = append(out.Findings, driver.Finding{
			Target: change.Target.Name, Severity: driver.Note,
			Message: "the alias has provisioned concurrency: all traffic stays on version " + r.Version + " until Lambda has warmed version " + after.Version,
		})
	}
	body, err := f.request()
	if err != nil {
		return err
	}
	out.Requests = []string{fmt.Sprintf("PUT /2015-03-31/functions/%s/aliases/%s %s", r.at.Function, r.at.Alias, body)}
	out.Commands, err = f.commands(r.at)
	return err
}

// moved is the version that an effect is about: the canary's while it has a share.
func (s stands) moved() string {
	if s.Canary != "" {
		return s.Canary
	}
	return s.Version
}

// alike refuses a canary of a version that differs in what Lambda wants the same of
// both: the role and where failed invocations go (Lambda's guide, "Weighted aliases").
func alike(change driver.Change, runs, moved version) *driver.Finding {
	var what string
	switch {
	case runs.role != moved.role:
		what = "another execution role"
	case runs.dead != moved.dead:
		what = "another dead-letter configuration"
	default:
		return nil
	}
	return refusal(change, fmt.Sprintf("version %s has %s than version %s, and Lambda splits traffic between versions that agree in it", moved.number, what, runs.number),
		"publish the version anew with the same, or promote it without a canary")
}

func byTarget(change driver.Change, s stands) (map[string]json.RawMessage, error) {
	data, err := json.Marshal(s)
	return map[string]json.RawMessage{change.Target.Name: data}, err
}

func decode(what string, data json.RawMessage) (stands, error) {
	var s stands
	if err := json.Unmarshal(data, &s); err != nil {
		return s, &amazon.InvalidError{Text: fmt.Sprintf("%s is no alias: %v", what, err)}
	}
	if s.Percent.IsZero() {
		s.Percent = ""
	}
	return s, nil
}

func refusal(change driver.Change, message, remedy string) *driver.Finding {
	return &driver.Finding{Target: change.Target.Name, Severity: driver.Refuse, Message: message, Remedy: remedy}
}

func foreign(change driver.Change, message string) *driver.Finding {
	return &driver.Finding{
		Target: change.Target.Name, Severity: driver.Foreign, Message: message,
		Remedy: "find out who; then retry-job goes on from what stands, ignore-job accepts it, rollback goes back",
	}
}
