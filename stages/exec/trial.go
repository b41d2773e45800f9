package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/stages/conform"
	"sluice/stages/driver"
)

// Trial has the conformance cases run against a program.
type Trial struct {
	Places               // asked of the program where they are left out
	Command     []string `json:"-"`
	Environment []string `json:"environment"` // names of variables that the program is given
	Secrets     []string `json:"secrets"`     // the same, of values that are never shown
	Timeout     string   `json:"timeout"`     // of one call, "" for a minute
	Directory   string   `json:"-"`           // empty, and there as long as the cases run

	env     driver.Env
	sleep   func(context.Context, time.Duration) error
	facts   driver.Facts
	start   standing // of the target
	begins  int      // effects that were begun
	effects int
	counted int         // begins that effects has
	seen    standing    // when effects were counted last
	spoil   Spoil       // what goes wrong with the next effect
	spoilt  driver.Kind // of this kind
}

// Begin asks the program what it can do and what its places run. It changes nothing.
func (t *Trial) Begin(ctx context.Context, env driver.Env, sleep func(context.Context, time.Duration) error) error {
	t.env, t.sleep = env, sleep
	t.env.Getenv = func(name string) string {
		if name == urlVariable {
			return "" // it is the program that is tried
		}
		return env.Getenv(name)
	}
	d := &programs{env: t.env}
	at, err := placeOf(t.place("conform", t.Command[0]))
	if err != nil {
		return err
	}
	if t.Source == "" {
		a, err := d.ask(ctx, at, request{Operation: trial, Directory: t.Directory})
		if err != nil {
			return fmt.Errorf("the program was asked for places to try it on: %w; have it answer trial, or name them (--trial)", err)
		}
		t.Places = *a.Trial
	}
	if p := t.Places; p.Source == "" || p.Target == "" || p.Unknown == "" || p.Source == p.Target {
		return fmt.Errorf("the cases need a source, a target and an unknown resource, and have %q, %q and %q", p.Source, p.Target, p.Unknown)
	}
	can, err := d.ask(ctx, at, request{Operation: describe})
	if err != nil {
		return err
	}
	if t.start, err = t.see(ctx); err != nil {
		return err
	}
	t.seen = t.start
	t.facts, err = factsOf(can)
	return err
}

// factsOf are what a program says that it can do.
func factsOf(can answer) (driver.Facts, error) {
	f := Facts()
	f.Kinds = slices.DeleteFunc(f.Kinds, func(k driver.Kind) bool { return !slices.Contains(can.Kinds, k) })
	f.Split.Whole = can.WholePercents
	var err error
	f.Settle, err = can.settles()
	return f, err
}

// place is one of the places as the pipeline file would declare it.
func (t *Trial) place(name, resource string) driver.Target {
	keys := map[string]any{"command": t.Command, "resource": resource}
	for key, names := range map[string][]string{"environment": t.Environment, "secrets": t.Secrets} {
		if len(names) > 0 {
			keys[key] = names
		}
	}
	if t.Timeout != "" {
		keys["timeout"] = t.Timeout
	}
	config, _ := json.Marshal(keys) //nolint:errchkjson // plain data
	return driver.Target{Name: name, Stage: "conform", Platform: Facts().Platform, Config: config}
}

// see reads the target past what is tried.
func (t *Trial) see(ctx context.Context) (standing, error) {
	at, err := placeOf(t.place("target", t.Target))
	if err != nil {
		return standing{}, err
	}
	s, err := (&programs{env: t.env}).see(ctx, at)
	return s.standing, err
}

// First is a harness to list the cases by.
func (t *Trial) First() conform.Harness {
	h := conform.Harness{
		Facts: t.facts, Now: t.env.Time,
		Open: func(ctx context.Context, env driver.Env) (driver.Driver, error) {
			env.Getenv, env.Secret = t.env.Getenv, t.env.Secret
			return OpenWith(ctx, env, t.begun)
		},
		Members:    []conform.Member{{Target: t.place("target", t.Target), Source: t.place("source", t.Source)}},
		Unknown:    t.place("unknown", t.Unknown),
		NoEndpoint: "a program is reached by no address",
		OutOfReach: "the program is what does it by hand, too",
	}
	if t.Empty != "" {
		empty := t.place("empty", t.Empty)
		h.Empty = &empty
	}
	return h
}

// Harness is the same places for one case, as they stood at the beginning.
func (t *Trial) Harness(c conform.T, faults ...string) conform.Harness {
	t.spoil = Nothing
	for _, f := range faults {
		parts := strings.Split(f, ":") // TARGET:KIND:HOW
		switch how := Spoil(parts[2]); how {
		case Drop, Cut:
			t.spoil, t.spoilt = how, driver.Kind(parts[1])
		default:
			c.Skipf("how the platform behind the program is made to answer %q is the program's own", how)
		}
	}
	if err := t.putBack(c.Context()); err != nil {
		c.Fatalf("the target cannot be put back to where it began: %v", err)
	}
	h := t.First()
	h.Advance = func(d time.Duration) {
		if err := t.sleep(c.Context(), d); err != nil {
			c.Fatal(err)
		}
	}
	h.Effects = func() int {
		if err := t.count(c.Context()); err != nil {
			c.Fatalf("reading what the target runs: %v", err)
		}
		return t.effects
	}
	if t.Other != "" {
		h.Intrude = func(string) error { return t.intrude(c.Context()) }
	}
	return h
}

// begun counts an effect, and spoils the first of a case that asks for it.
func (t *Trial) begun(kind driver.Kind) Spoil {
	how := Nothing
	if kind == t.spoilt {
		how, t.spoil = t.spoil, Nothing
	}
	if how != Drop {
		t.begins++
	}
	return how
}

// count counts the effects since it was called last. A target that changed did so by the
// effects that were begun; where none was, by something else, which counts as one.
func (t *Trial) count(ctx context.Context) error {
	now, err := t.see(ctx)
	if err != nil {
		return err
	}
	if !now.same(t.seen) {
		t.effects += max(t.begins-t.counted, 1)
	}
	t.seen, t.counted = now, t.begins
	return nil
}

// putBack rolls the target back to where it began.
func (t *Trial) putBack(ctx context.Context) error {
	now, err := t.see(ctx)
	if err != nil {
		return err
	}
	if !divided(now.split(), t.start.split()) {
		baseline, err := json.Marshal(t.start)
		if err != nil {
			return err
		}
		change := driver.Change{Target: t.place("target", t.Target), Release: t.start.Stable, Baseline: baseline}
		if err := t.do(ctx, driver.Rollback, change); err != nil {
			return err
		}
		if now, err = t.see(ctx); err != nil {
			return err
		}
		if !divided(now.split(), t.start.split()) {
			return fmt.Errorf("it has %s, not %s", now, t.start)
		}
	}
	t.seen, t.counted = now, t.begins
	return nil
}

// End puts the target back after the last case.
func (t *Trial) End(ctx context.Context) error {
	t.spoil = Nothing
	return t.putBack(ctx)
}

// intrude puts another release on the target, as somebody else would.
func (t *Trial) intrude(ctx context.Context) error {
	target := t.place("target", t.Target)
	d := &programs{env: t.env}
	other, err := d.Resolve(ctx, target, t.Other)
	if err != nil {
		return err
	}
	return t.do(ctx, driver.Deploy, driver.Change{Target: target, Release: other})
}

// mostPolls is how often an effect of the trial's own is looked at.
const mostPolls = 300

// do takes an effect to its end, past what is tried.
func (t *Trial) do(ctx context.Context, kind driver.Kind, change driver.Change) error {
	d := &programs{env: t.env}
	p, err := d.Prepare(ctx, driver.Call{Key: "conform-" + string(kind), Kind: kind, Changes: []driver.Change{change}})
	if err != nil || len(p.Unchanged) > 0 {
		return err
	}
	for _, f := range p.Findings {
		if f.Severity == driver.Refuse || f.Severity == driver.Foreign {
			return errors.New(f.Message)
		}
	}
	p.Call.Intended = t.env.Time()
	op, err := d.Begin(ctx, p.Call)
	if err != nil {
		return err
	}
	for range mostPolls {
		op.Call = p.Call
		next, wait, err := d.Poll(ctx, op)
		if err != nil {
			return err
		}
		if next.Finished() {
			if r := next.Results[change.Target.Name]; r.Outcome != driver.Succeeded {
				return fmt.Errorf("%s: %v", kind, r.Errors)
			}
			return nil
		}
		op = next
		if err := t.sleep(ctx, max(wait, time.Second)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s never ends", kind)
}
